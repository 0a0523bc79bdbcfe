"""Everything that a concept needs before it is committed, in the right order (`make concept-check name=dropout`).

Tests come first, as claims and defaults take minutes and are worth nothing while the code changes; what was written by
then is tested last. Nothing is installed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from core.concept.catalog import CONCEPTS

ROOT = Path(__file__).resolve().parents[1]
OF_ALL = "contract text numbers figures summaries export records params links pages compare own"
WRITTEN = "defaults first claims home"  # tests of what claims and defaults write
PYTHON = sys.executable


def steps(stem: str) -> list[tuple[str, list[str]]]:
    """What is done, and by which command, the first thing first."""
    tests = [PYTHON, "-m", "pytest", "-q", "-x", "-k", stem]
    folder, own = f"core/concepts/{stem}", f"tests/concepts/test_{stem}.py"
    return [
        ("its form", [PYTHON, "-m", "ruff", "check", folder, f"pages/{stem}.py", own]),
        ("its layout", [PYTHON, "-m", "ruff", "format", "--check", folder, f"pages/{stem}.py", own]),
        ("types", [PYTHON, "-m", "mypy"]),
        ("the walls of the house", [PYTHON, "-m", "pytest", "-q", "-x", "tests/test_walls.py"]),
        ("its own tests", [PYTHON, "-m", "pytest", "-q", "-x", own]),
        ("the tests of every concept", [*tests, *(f"tests/test_{name}.py" for name in OF_ALL.split())]),
        ("claims that are new or changed", [PYTHON, "-m", "core.conclusions.claims", stem]),
        ("the default and its pictures", [PYTHON, "-m", "core.defaults", stem]),
        ("the tests of what was written", [*tests, *(f"tests/test_{name}.py" for name in WRITTEN.split())]),
    ]


def main(stems: list[str]) -> int:
    known = [entry.stem for entry in CONCEPTS]
    if not stems or set(stems) - set(known):
        print(f"Name one of {', '.join(known)}: make concept-check name={known[0]}", file=sys.stderr)
        return 2
    for stem in stems:
        for said, command in steps(stem):
            begin = time.monotonic()
            print(f"{stem}: {said}\n    {' '.join(['python', *command[1:]])}", flush=True)
            if code := subprocess.run(command, cwd=ROOT).returncode:
                print(f"{stem}: {said} did not pass.", file=sys.stderr)
                return code
            print(f"    {time.monotonic() - begin:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
