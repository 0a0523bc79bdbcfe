"""Verdicts on claims: measured on seeds nobody had looked at, kept in data/claims.json, written out as docs/claims.md.

`python -m core.claims [stem …]` measures the claims of these concepts, or of all, again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core import console
from core.catalog import CONCEPTS
from core.concept import Claim, load
from core.params import BaseParams, canonical, fields
from core.runs.key import digest, source_digest
from core.stats import interval, verdict
from core.text import words

ROOT = Path(__file__).resolve().parent.parent
FILE, PAGE = ROOT / "data" / "claims.json", ROOT / "docs" / "claims.md"

INTRO = """# Claims

What the notes of the pages say, and what was measured. `make claims` measures all of it again and writes this page.

A claim names an effect, the settings that decide it, and the smallest effect that matters. The effect is measured
once per seed, as a paired difference or as a yes or no, on seeds that nobody had looked at while the settings were
chosen. From them follows a 95 % interval of the mean (Student's t; for shares of seeds Clopper and Pearson). A claim
**holds** when the whole interval is on its side of the smallest effect that matters, **does not hold** when the whole
interval is on the other side, and is **undecided** otherwise.
"""
SIDES = {"above": ">", "below": "<", "within": "±"}
HEAD = ("claim", "measured", "effect [95 % interval]", "matters", "seeds", "verdict", "on")


def stored(stem: str) -> dict[str, dict[str, Any]]:
    """The stored verdicts of a concept by claim; none where none were measured."""
    return _kept().get(stem, {})


def _kept() -> dict[str, dict[str, dict[str, Any]]]:
    try:
        return json.loads(FILE.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def deciding(claim: Claim) -> list[BaseParams]:
    """The Params of the runs that decide a claim; of several, each has the seeds after those of the last."""
    seeds = [name for name in ("data_seed", "weight_seed") if name in fields(type(claim.params))]
    held = getattr(claim.params, "seeds", 1)
    return [
        claim.params.replace(**{name: getattr(claim.params, name) + i * held for name in seeds})
        for i in range(claim.runs)
    ]


def decide(claim: Claim, results: Iterable[Any]) -> dict[str, Any]:
    """What the Results of the deciding runs say: interval and verdict. Raises ValueError where they say nothing."""
    measured = [claim.measure(result) for result in results]
    effects = [effect for effect in measured if effect is not None]
    if len(effects) < len(measured):
        raise ValueError(f"the deciding run of {claim.id} cannot speak to it")
    found = interval(np.concatenate(effects), claim.share)
    rule = {"smallest": claim.smallest, "direction": claim.direction, "unit": claim.unit}
    return {"verdict": verdict(claim, found)} | asdict(found) | rule


def measure(stems: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Train what decides the claims of these concepts, on the CPU, and give the verdicts."""
    from core.cli import finished
    from core.runs.manager import COMPLETE, Manager

    manager = Manager(cpu_slots=os.cpu_count()).start()  # nobody else waits for a processor
    jobs = {s: {digest(canonical(p)): p for c in load(s).claims for p in deciding(c)} for s in stems}
    runs = {(s, key): manager.ask(s, p, device="cpu", anew=True) for s, job in jobs.items() for key, p in job.items()}
    for run in finished(manager, runs.values()):
        if run.status != COMPLETE:
            raise RuntimeError(f"{run.stem}: the deciding run was {run.status}. {run.error}")
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for stem in jobs:
        found[stem] = {}
        for claim in load(stem).claims:
            mine = [runs[stem, digest(canonical(params))] for params in deciding(claim)]
            about = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "source": source_digest(stem)}
            found[stem][claim.id] = decide(claim, [run.result for run in mine]) | about
            found[stem][claim.id]["seconds"] = round(sum(run.seconds for run in mine), 1)
    manager.close()
    return found


def page(kept: dict[str, dict[str, dict[str, Any]]]) -> str:
    """All verdicts as Markdown, a table per concept."""
    parts = [INTRO]
    for entry in CONCEPTS:
        text = words(entry.stem, "en")
        rows = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
        for claim in load(entry.stem).claims:
            found = kept.get(entry.stem, {}).get(claim.id)
            said = text.say(f"claims.{claim.id}"), text.hint(f"claims.{claim.id}")
            cells = [*said, "", "", "", text.say("verdicts.unmeasured"), ""]
            if found:
                mean, low, high = (f"{found[name]:+.3g}" for name in ("mean", "low", "high"))
                cells[2] = f"{mean} [{low}, {high}] {found['unit']}".rstrip()
                cells[3] = f"{SIDES[found['direction']]} {found['smallest']:g}"
                cells[4:] = [str(found["n"]), f"**{text.say('verdicts.' + found['verdict'])}**", found["date"]]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append(f"## {text.title}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def main(stems: list[str]) -> int:
    console.tolerant()
    known = [entry.stem for entry in CONCEPTS]
    if unknown := set(stems) - set(known):
        print(f"There is no concept {', '.join(sorted(unknown))}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    found = measure(stems or known)
    before = _kept()
    kept = {stem: found.get(stem, before.get(stem, {})) for stem in known}
    for path, content in ((FILE, json.dumps(kept, indent=1, ensure_ascii=False) + "\n"), (PAGE, page(kept))):
        path.parent.mkdir(exist_ok=True)
        pending = path.with_name(f".{path.name}-{os.getpid()}")
        pending.write_text(content, "utf-8")
        pending.replace(path)
    for stem, claims in found.items():
        for id, v in claims.items():
            measured = f"{v['mean']:+.4g} [{v['low']:+.4g}, {v['high']:+.4g}] {v['unit']}".rstrip()
            print(f"{stem} {id}: {v['verdict']}, {measured} over {v['n']} seeds")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
