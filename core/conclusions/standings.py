"""The standings of a task: all contenders that some runs of it had, ranked together.

Runs are of one task where their settings agree in everything but the contenders: all of these then met the same splits,
first weights and batches, seed by seed, so that they are compared in pairs. Whoever tries often finds something that
looks good by luck: so validation data rank, test data stand beside, and the number of entries is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from core.concept.params import applicable
from core.concept.parts import Entry
from core.conclusions.stats import ROUNDING, mean_interval

if TYPE_CHECKING:
    import pandas as pd

    from core.concept.text import Text

SHOWN = 20


def merit(entry: Entry) -> tuple[bool, int, float]:
    """The better the greater: mean validation accuracy, at equal ones the lower loss; what diverged comes last."""
    accuracy = round(float(entry.validation.mean()) / ROUNDING)
    return not entry.diverged, accuracy, -float(np.nan_to_num(entry.loss).mean())


def ranked(results: Iterable[Iterable[Entry]]) -> list[Entry]:
    """The entries of all results, each contender once, the best first."""
    every: dict[Any, Entry] = {}
    for entries in results:
        for entry in entries:
            applied = tuple((name, getattr(entry.contender, name)) for name in applicable(entry.contender))
            every.setdefault(applied, entry)
    return sorted(every.values(), key=merit, reverse=True)


def table(entries: list[Entry], text: Text) -> pd.DataFrame:
    """The first SHOWN of them: validation accuracy, how far behind the first (in pairs), test accuracy; in percent,
    with 95 % intervals over the seeds."""
    import pandas as pd

    say, rows = text.say, []
    for place, entry in enumerate(entries[:SHOWN], 1):
        behind = entry.validation - entries[0].validation
        mean, half = mean_interval(behind)
        level = bool(mean + np.nan_to_num(half, nan=np.inf) >= 0)
        gap = "" if place == 1 else say("standings.level" if level else "standings.behind", points=percent(behind))
        cells = [percent(entry.validation), gap, percent(entry.test)]
        if entry.diverged:
            cells = [say("standings.diverged"), "", ""]
        rows.append([str(place), entry.name(text.language), *cells])
    columns = [say(f"standings.{name}") for name in ("place", "contender", "validation", "gap", "test")]
    return pd.DataFrame(rows, columns=columns)


def percent(values: Any) -> str:
    """A mean over seeds in percent, with half the width of its 95 % interval."""
    mean, half = (100 * float(part) for part in mean_interval(np.asarray(values, float)))
    shown = f"{mean:.1f}".replace("-", "−")
    return shown if np.isnan(half) else f"{shown} ± {half:.1f}"
