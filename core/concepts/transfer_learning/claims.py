"""What is said of transfer, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.transfer_learning.layers.params import ROWS
from core.concepts.transfer_learning.params import LADDER, PRESETS, Params, Way, of
from core.concepts.transfer_learning.pictures.params import COUNTS
from core.concepts.transfer_learning.pictures.params import FEATURES as STANDING
from core.concepts.transfer_learning.tasks.params import FEATURES, TASKS
from core.conclusions.measures import Contenders, Fits, Measure, more_or_less, preset, unseen

SAME, REVERSED = range(2)
ONE, FEW, SOME, MANY = range(len(LADDER))
SCRATCH, RANDOM, FROZEN, TUNED, HEAD_FIRST, DRIFT, UNSCALED = of(
    "scratch", "random", "frozen", "tuned", "head_first", "drift", "unscaled"
)
SLOW = Way(kind="tuned", body=0.1)
WAYS, CUTS = Contenders(lambda params: params.ways), Contenders(lambda params: ROWS)
HEADS, PHOTOS = Contenders(lambda params: FEATURES), Contenders(lambda params: tuple(STANDING))


def reached(count: int, split: int = SAME) -> Callable[[Any], np.ndarray]:
    """Accuracy in the end with so many labels, [way, seed]."""
    return lambda r: r.accuracy[:, count, :, -1, split].astype(float)


def lost(count: int) -> Callable[[Any], np.ndarray]:
    """Accuracy at the source before the target less that afterwards, [way, seed]."""
    return lambda r: r.source[:, -1].astype(float) - r.kept[:, count, :, -1]


def over_chance(count: int) -> Callable[[Any], np.ndarray]:
    """Accuracy over that of guessing among three classes."""
    return lambda r: reached(count)(r) - 1 / 3


def behind(depth: int, split: int = SAME) -> Callable[[Any], np.ndarray]:
    """Accuracy in the end with so many blocks of the source, [row, seed]."""
    return lambda r: r.accuracy[:, depth, :, -1, split].astype(float)


def task(name: str) -> Callable[[Any], np.ndarray]:
    return lambda r: r.accuracy[:, TASKS.index(name), :, -1].astype(float)


def patched(count: int) -> Callable[[Any], np.ndarray]:
    return lambda r: r.accuracy[:, count, :, -1].astype(float)


def run(**wanted: Any) -> Fits:
    """Whether a run is on signals and otherwise as it is meant."""
    meant = {"data": "signals", "own": "", "source": 2000, "pretraining": 500, "reversed": 0.5}
    meant |= {"steps": 120, "batch": 32, "lr": 0.01} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", part: str = "", **more: Any) -> Claim:
    """At the default with changes, on the seeds that decide."""
    return Claim(id, measure, unseen(Params(), 20, **{"ways": ALL} | more), smallest, direction, of=part)


ALL = (SCRATCH, RANDOM, FROZEN, TUNED, HEAD_FIRST, SLOW)
default, digits, mnist, never, ten = run(), run(data="digits"), run(data="mnist"), run(reversed=0.0), run(labels=10)
CLAIMS = (
    claim("control", WAYS.more(reached(FEW), FROZEN, RANDOM, default), 0.05),
    claim("few", WAYS.more(reached(FEW), FROZEN, TUNED, default), 0.02),
    claim("many", WAYS.more(reached(MANY), TUNED, FROZEN, default), 0.02),
    claim("start", WAYS.more(reached(FEW), TUNED, SCRATCH, default), 0.05),
    claim("start_many", WAYS.more(reached(MANY), TUNED, SCRATCH, default), 0.02, "within"),
    claim("untrained", WAYS.alone(over_chance(MANY), RANDOM, default), 0.2),
    claim("slow", WAYS.more(reached(FEW), FROZEN, SLOW, default), 0.02),
    claim("distorts", WAYS.more(reached(SOME, REVERSED), FROZEN, TUNED, default), 0.2),
    claim("head_first", WAYS.more(reached(SOME, REVERSED), HEAD_FIRST, TUNED, default), 0.05),
    claim("head_first_same", WAYS.more(reached(SOME), HEAD_FIRST, TUNED, default), 0.03, "within"),
    claim("still", WAYS.more(reached(SOME, REVERSED), FROZEN, HEAD_FIRST, default), 0.2),
    claim("slow_reversed", WAYS.more(reached(SOME, REVERSED), SLOW, TUNED, default), 0.1),
    claim("forgets", WAYS.alone(lost(SOME), TUNED, default), 0.2),
    claim("never", WAYS.alone(reached(SOME, REVERSED), FROZEN, never), 0.5, "below", ways=(FROZEN,), reversed=0.0),
    claim("digits_one", WAYS.more(reached(ONE), SCRATCH, FROZEN, digits), 0.02, ways=(SCRATCH, FROZEN), data="digits"),
    claim("digits_many", WAYS.more(reached(MANY), SCRATCH, FROZEN, digits), 0.05,
          ways=(SCRATCH, FROZEN), data="digits"),
    claim("mnist", WAYS.more(reached(FEW), FROZEN, RANDOM, mnist), 0.05, ways=(RANDOM, FROZEN), data="mnist"),
    claim("two_blocks", CUTS.more(behind(2), "cut", "random", ten), 0.05, part="layers"),
    claim("two_new", CUTS.more(behind(2), "cut", "cut", ten, over=behind(0)), 0.05, part="layers"),
    claim("classes", HEADS.more(task("classes"), "trained", "random", ten), 0.1, part="tasks"),
    claim("sign", HEADS.more(task("sign"), "trained", "random", ten), 0.02, "below", part="tasks"),
    claim("place", HEADS.more(task("place"), "trained", "random", ten), 0.05, "within", part="tasks"),
    claim("imagenet", PHOTOS.more(patched(1), "imagenet", "random", run()), 0.1, part="pictures"),
    claim("architecture", PHOTOS.more(patched(1), "random", "pixels", run()), 0.1, "within", part="pictures"),
)  # fmt: skip

MISTAKES = (
    Mistake("drift", "evaluation", preset(Params(), PRESETS, "drift"), WAYS.alone(lost(SOME), DRIFT), 0.02, "kept"),
    Mistake("unscaled", "worse", preset(Params(), PRESETS, "unscaled"), WAYS.more(reached(SOME), FROZEN, UNSCALED), 0.1,
            "labels"),
)  # fmt: skip


def measured(count: int, way: Way, split: int = SAME) -> Measure:
    """Of a run in which accuracies are known."""
    alone = WAYS.alone(reached(count, split), way)
    return lambda result: alone(result) if result.accuracy.size else None


PREDICTIONS = (
    more_or_less("few", {"frozen": measured(FEW, FROZEN), "tuned": measured(FEW, TUNED)}, "{:.3f}".format),
    more_or_less(
        "reversed",
        {"tuned": measured(SOME, TUNED, REVERSED), "frozen": measured(SOME, FROZEN, REVERSED)},
        "{:.3f}".format,
    ),
)
assert COUNTS[1] == LADDER[FEW]  # one number of labels in the texts
