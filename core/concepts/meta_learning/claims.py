"""What is said of meta-learning, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.meta_learning.glyphs.params import LEARNERS
from core.concepts.meta_learning.params import MOST, PARTS, PRESETS, Params, Way
from core.concepts.meta_learning.quadratic.params import FINDERS
from core.conclusions.measures import Contenders, Measure, more_or_less, preset, unseen

Number = Callable[[Any], np.ndarray]
MAML, JOINT, FOMAML, REPTILE, TWICE = (Way(kind=kind) for kind in ("maml", "joint", "fomaml", "reptile", "twice"))
WAYS = Contenders(lambda params: params.ways)
GLYPHS = Contenders(lambda params: LEARNERS)
SLOPES = Contenders(lambda params: FINDERS)


# Values, [row, seed]


def after(moves: int) -> Number:
    """Squared error on unseen tasks after so many steps of adapting."""
    return lambda r: r.error[:, :, -1, moves].astype(float)


def share(moves: int) -> Number:
    """The same as a share of the best that does without adapting."""
    return lambda r: after(moves)(r) / r.floor.astype(float)


def part(name: str) -> Number:
    """Squared error in the end where only this adapts."""
    return lambda r: r.parts[:, :, -1, PARTS.index(name)].astype(float)


def times_whole(name: str) -> Number:
    return lambda r: part(name)(r) / part("whole")(r)


def misled(result: Any) -> np.ndarray:
    """Squared error after adapting to another task's points, less that before adapting."""
    return part("other")(result) - after(0)(result)


def best_rate(result: Any) -> np.ndarray:
    """Squared error at the rate of adapting at which the mean over seeds is least."""
    found = result.by_rate[:, :, -1].astype(float)
    best = found.mean(1).argmin(1)
    return np.take_along_axis(found, best[:, None, None], 2)[..., 0]


def last_layer(result: Any) -> np.ndarray:
    """How far the last layer moves, less how far the one of the others does that moves most."""
    moved = result.moved[:, :, -1].astype(float)
    return moved[..., -1] - moved[..., :-1].max(-1)


def times(one: Way, other: Way, value: Number) -> Measure:
    """How many times the value of another a value is, seed by seed."""
    log = WAYS.more(lambda r: np.log(value(r)), one, other, default)
    return lambda r: None if (found := log(r)) is None else np.exp(found)


def right(result: Any) -> np.ndarray:
    """Accuracy in the end."""
    return result.accuracy[:, :, -1, MOST].astype(float)


def off(result: Any) -> np.ndarray:
    return result.off.astype(float)


def default(params: Params) -> bool:
    """Whether a run on sinusoids is as it is by default."""
    own = Params()
    return all(
        getattr(params, name) == getattr(own, name) for name in ("points", "rate", "inner", "steps", "tasks", "lr")
    )


def one_shot(params: Params) -> bool:
    return params.shots == 1 and params.steps == Params().steps


def one_step(params: Params) -> bool:
    return params.inner == 1


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", of: str = "") -> Claim:
    """At the default, on the seeds that decide."""
    return Claim(id, measure, unseen(Params(), 20), smallest, direction, of=of)


CLAIMS = (
    claim("suffices", WAYS.alone(share(MOST), MAML, default), 0.33, "below"),
    claim("joint", WAYS.alone(share(MOST), JOINT, default), 0.8),
    claim("one_step", WAYS.more(after(1), JOINT, MAML, default), 1),
    claim("own_rate", WAYS.more(best_rate, JOINT, MAML, default), 1),
    claim("before", WAYS.alone(share(0), MAML, default), 0.9),
    claim("first_order", times(FOMAML, MAML, after(MOST)), 2, "below"),
    claim("reptile", WAYS.alone(share(MOST), REPTILE, default), 0.6, "below"),
    claim("head", WAYS.alone(times_whole("head"), MAML, default), 2, "below"),
    claim("body", WAYS.alone(times_whole("body"), MAML, default), 2),
    claim("moved", WAYS.alone(last_layer, MAML, default), 0.1),
    claim("other", WAYS.alone(misled, MAML, default), 0.5),
    claim("glyphs", GLYPHS.more(right, "maml", "scratch", one_shot), 0.02, of="glyphs"),
    claim("pixels", GLYPHS.more(right, "maml", "nearest", one_shot), 0.02, of="glyphs"),
    claim("glyphs_joint", GLYPHS.more(right, "joint", "maml", one_shot), 0.01, of="glyphs"),
    claim("closed", SLOPES.alone(off, "maml", one_step), 0.0001, "below", of="quadratic"),
    claim("differs", SLOPES.alone(off, "dropped", one_step), 0.1, of="quadratic"),
)

MISTAKES = (
    Mistake(
        "dropped", "hidden", preset(Params(), PRESETS, "quadratic"), SLOPES.alone(off, "dropped"), 0.1, "quadratic"
    ),
    Mistake("twice", "slow", preset(Params(), PRESETS, "twice"), WAYS.more(after(1), TWICE, MAML), 0.3, "steps"),
)

PREDICTIONS = (
    more_or_less(
        "few",
        {"joint": WAYS.alone(after(MOST), JOINT), "maml": WAYS.alone(after(MOST), MAML)},
        "{:.2f}".format,
        points=lambda p: p.points,
    ),
    more_or_less(
        "glyphs",
        {"joint": GLYPHS.alone(right, "joint"), "maml": GLYPHS.alone(right, "maml")},
        "{:.3f}".format,
        of="glyphs",
    ),
)
