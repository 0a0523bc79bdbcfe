"""Known holes in the pinned packages (`make audit`): pip-audit against the public advisory database.

A hole fails the check. Where the database cannot be reached, nothing is known: that is said, and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from core import console

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"


def main() -> int:
    console.tolerant()
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(REQUIREMENTS), "--no-deps", "--disable-pip"]
    ended = subprocess.run([*command, "--format", "json", "--timeout", "20"], capture_output=True, text=True)
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (ended.stderr.strip().splitlines() or ["no answer"])[-1]
        print("audit: the advisory database could not be asked:", reason)
        return 0
    unknown = [p["name"] for p in packages if "skip_reason" in p]
    holes = [(p["name"], p["version"], v["id"]) for p in packages for v in p.get("vulns", [])]
    for name, version, hole in holes:
        print(f"audit: {name} {version} has the known hole {hole}")
    if unknown:
        print("audit: nothing could be learned about", ", ".join(unknown))
    print(f"audit: {len(packages) - len(unknown)} packages audited, {len(holes)} known holes")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
