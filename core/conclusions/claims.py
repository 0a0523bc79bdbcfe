"""Verdicts on claims: measured on seeds nobody had looked at, kept in data/claims.json, written out as docs/claims.md.

`python -m core.conclusions.claims [stem …]` measures the claims of these concepts, or of all, and whether mistakes
show: those that are new, or whose experiment or settings have changed since; with `--all` every one again.
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

from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams, canonical, fields
from core.concept.parts import Claim, load
from core.concept.text import words
from core.conclusions import kept
from core.conclusions.compare import conditions
from core.conclusions.kept import Verdicts
from core.conclusions.stats import Interval, interval, near_border, verdict, wrong_by_chance
from core.runs.key import digest, source_digest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "claims.md"

INTRO = """# Claims

What the notes of the pages say, and what was measured. `make claims` measures what has changed since,
`make claims args=--all` all of it again, and writes this page.

A claim names an effect, the settings that decide it, and the smallest effect that matters. The effect is measured
once per seed, as a paired difference or as a yes or no, on seeds that nobody had looked at while the settings were
chosen. From them follows a 95 % interval of the mean (Student's t; for shares of seeds Clopper and Pearson). A claim
**holds** when the whole interval is on its side of the smallest effect that matters, **does not hold** when the whole
interval is on the other side, and is **undecided** otherwise.

Chance alone gets at most 2.5 % of those wrong that say *holds* or *does not hold*: of these {decided} about {wrong:.0f}
at most. No seeds are added once a verdict was seen. A claim may declare beforehand that it extends: where its first
interval, widened by half its width on either side, holds the border, four times as many fresh seeds decide, and
they alone.
"""
EXTENSION = 4  # times the seeds of a first sample that ends near the border
SIDES = {"above": ">", "below": "<", "within": "±"}
HEAD = ("claim", "measured", "effect [95 % interval]", "matters", "seeds", "verdict", "on")


def deciding(claim: Claim, extension: bool = False) -> list[BaseParams]:
    """The Params of the runs that decide a claim, or of those of its extension; each has the seeds after the last."""
    seeds = [name for name in ("data_seed", "weight_seed") if name in fields(type(claim.params))]
    held = getattr(claim.params, "seeds", 1)
    runs = range(claim.runs, (1 + EXTENSION) * claim.runs) if extension else range(claim.runs)
    return [claim.params.replace(**{name: getattr(claim.params, name) + i * held for name in seeds}) for i in runs]


def decide(claim: Claim, results: Iterable[Any]) -> dict[str, Any]:
    """What the Results of the deciding runs say: interval and verdict. Raises ValueError where they say nothing."""
    measured = [claim.measure(result) for result in results]
    effects = [effect for effect in measured if effect is not None]
    if len(effects) < len(measured):
        raise ValueError(f"the deciding run of {claim.id} cannot speak to it")
    found = interval(np.concatenate(effects), claim.share)
    rule = {"smallest": claim.smallest, "direction": claim.direction, "unit": claim.unit}
    return {"verdict": verdict(claim, found)} | asdict(found) | rule


def extends(claim: Claim, found: dict[str, Any]) -> bool:
    """Whether fresh seeds shall decide after this first verdict."""
    return claim.extends and near_border(claim, Interval(*(found[name] for name in ("mean", "low", "high", "n"))))


def stands(stem: str, claim: Claim) -> bool:
    """Whether the stored verdict of a claim was measured with this code, at these settings and by this rule."""
    found = kept.stored(stem).get(claim.id, {})
    now = {"source": source_digest(load(stem).of(claim).name), "settings": digest(canonical(claim.params))}
    rule = {"smallest": claim.smallest, "direction": claim.direction, "unit": claim.unit}
    return all(found.get(name) == value for name, value in (now | rule).items())


def measure(wanted: Iterable[tuple[str, Claim]]) -> dict[str, Verdicts]:
    """Train what decides these claims of concepts (stem, claim), on the CPU, and give the verdicts."""
    from core.cli import finished
    from core.runs.manager import Manager
    from core.runs.run import COMPLETE, Run

    manager = Manager(cpu_slots=os.cpu_count()).start()  # nobody else waits for a processor
    runs: dict[tuple[str, str], Run] = {}

    def train(wanted: list[tuple[str, BaseParams]]) -> None:
        """Equal settings once."""
        new = {(name, digest(canonical(params))): params for name, params in wanted}
        runs.update({(n, key): manager.ask(n, p, device="cpu", anew=True) for (n, key), p in new.items()})
        for run in finished(manager, [runs[key] for key in new]):
            if run.status != COMPLETE:
                raise RuntimeError(f"{run.name}: the deciding run was {run.status}. {run.error}")

    def decided(stem: str, claim: Claim, extension: bool = False) -> dict[str, Any]:
        name = load(stem).of(claim).name
        mine = [runs[name, digest(canonical(params))] for params in deciding(claim, extension)]
        about: dict[str, Any] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "source": source_digest(name)}
        about |= {"settings": digest(canonical(claim.params))}
        about |= {"seconds": round(sum(run.seconds for run in mine), 1), "extension": extension}
        return decide(claim, [run.result for run in mine]) | about

    every = list(wanted)
    train([(load(stem).of(claim).name, params) for stem, claim in every for params in deciding(claim)])
    found: dict[str, Verdicts] = {stem: {} for stem, _ in every}
    for stem, claim in every:
        found[stem][claim.id] = decided(stem, claim)
    further = [(stem, claim) for stem, claim in every if extends(claim, found[stem][claim.id])]
    train([(load(stem).of(c).name, params) for stem, c in further for params in deciding(c, extension=True)])
    for stem, claim in further:
        found[stem][claim.id] = decided(stem, claim, extension=True)
    manager.close()
    return found


def sure(found: Iterable[dict[str, Any]]) -> int:
    """How many of these verdicts say holds or does not hold."""
    return sum(bool(one) and one["verdict"] != "undecided" for one in found)


def page(verdicts: dict[str, Verdicts]) -> str:
    """All verdicts as Markdown, a table per concept."""
    decided = sure(
        verdicts.get(entry.stem, {}).get(claim.id, {}) for entry in CONCEPTS for claim in load(entry.stem).claims
    )
    parts = [INTRO.format(decided=decided, wrong=wrong_by_chance(decided))]
    for entry in CONCEPTS:
        text = words(entry.stem, "en")
        rows = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
        for claim in load(entry.stem).claims:
            found = verdicts.get(entry.stem, {}).get(claim.id)
            at = text.say("verdicts.at", settings=conditions(claim.params, text, load(entry.stem).of(claim).without))
            said = text.say(f"claims.{claim.id}"), f"{text.hint(f'claims.{claim.id}')} {at}."
            cells = [*said, "", "", "", text.say("verdicts.unmeasured"), ""]
            if found:
                mean, low, high = (f"{found[name]:+.3g}" for name in ("mean", "low", "high"))
                cells[2] = f"{mean} [{low}, {high}] {found['unit']}".rstrip()
                cells[3] = f"{SIDES[found['direction']]} {found['smallest']:g}"
                fresh = ", fresh" if found.get("extension") else ""
                cells[4:] = [f"{found['n']}{fresh}", f"**{text.say('verdicts.' + found['verdict'])}**", found["date"]]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append(f"## {text.title}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _latest(stem: str, claim: Claim, found: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The verdict measured now, else the one there was, {} where there is none."""
    return found.get(stem, {}).get(claim.id) or before.get(stem, {}).get(claim.id, {})


def main(given: list[str]) -> int:
    known = [entry.stem for entry in CONCEPTS]
    stems = [name for name in given if name != "--all"] or known
    if unknown := set(stems) - set(known):
        print(f"There is no concept {', '.join(sorted(unknown))}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    every = [(stem, claim) for stem in stems for claim in load(stem).measured]
    found = measure((stem, claim) for stem, claim in every if "--all" in given or not stands(stem, claim))
    before = kept.every()
    now = {
        stem: {claim.id: verdict for claim in load(stem).measured if (verdict := _latest(stem, claim, found, before))}
        for stem in known
    }
    for path, content in ((kept.FILE, json.dumps(now, indent=1, ensure_ascii=False) + "\n"), (PAGE, page(now))):
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
