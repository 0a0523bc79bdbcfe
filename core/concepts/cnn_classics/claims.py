"""What is said of the classic networks, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.cnn_classics.machine.params import ALL, IDEAS, ROWS
from core.concepts.cnn_classics.params import EDITIONS, KINDS, PRESETS, VERSIONS, Params, Result, chosen
from core.concepts.cnn_classics.pieces.params import NETS
from core.conclusions.measures import Contenders, Measure, anything, finished, more_or_less, preset, unseen

TRAIN, TEST = range(2)
FAST = 0.25  # the training error of figure 1 of Krizhevsky et al. (2012)
OLD, MODERN = ROWS[0], ROWS[ALL]
MACHINES, PIECES = Contenders(lambda params: ROWS), Contenders(lambda params: tuple(NETS))


def added(idea: str) -> tuple[str, ...]:
    return (idea,)


def left_out(idea: str) -> tuple[str, ...]:
    return tuple(other for other in IDEAS if other != idea)


def wrong(tick: int = -1) -> Callable[[Any], np.ndarray]:
    """Test errors at a moment, [row, seed]."""
    return lambda result: result.error[:, :, tick, TEST]


def reached(result: Any) -> np.ndarray:
    """log₂ of the steps to 25 % training error, between the moments measured, [row, seed]; of who has not come there,
    of all steps."""
    error, tick = result.error[..., TRAIN], result.tick.astype(float)
    below = error <= FAST
    first = np.where(below.any(-1), below.argmax(-1), len(tick) - 1)
    last = np.maximum(first - 1, 0)
    high, low = (np.take_along_axis(error, at[..., None], -1)[..., 0] for at in (last, first))
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(high > low, (high - FAST) / (high - low), 1.0).clip(0, 1)
    steps = np.where(below.any(-1), tick[last] + part * (tick[first] - tick[last]), tick[-1])
    return np.where(np.isfinite(error[..., -1]), np.log2(np.maximum(steps, 1)), np.nan)


def gains(result: Any) -> np.ndarray | None:
    """By how much the gains of the ideas, each added alone, exceed the gain of all together, [seed]."""
    error = wrong()(result)
    return (error[0] - error[1 : 1 + len(IDEAS)]).sum(0) - (error[0] - error[ALL])


def right(split: int) -> Callable[[Any], np.ndarray]:
    """Accuracies in the end, [net, seed]."""
    return lambda result: result.accuracy[:, :, -1, split]


def overfit(result: Any) -> np.ndarray:
    return right(TRAIN)(result) - right(TEST)(result)


def lost(result: Any) -> np.ndarray:
    """What deleting a branch costs, [branch, seed]."""
    return right(TEST)(result)[list(NETS).index("inception")] - result.deleted[:, 0]


def machine(id: str, measure: Measure, smallest: float, direction: str = "above", unit: str = "", **more: Any) -> Claim:
    params = unseen(Params(), more.pop("seeds", 20), **more)
    return Claim(id, measure, params, smallest, direction, unit, of="machine")


def better(one: tuple[str, ...], other: tuple[str, ...], fits: Callable[[Any], bool] = anything) -> Measure:
    """By how much the test error of the first is smaller."""
    return MACHINES.more(wrong(), other, one, fits)


def piece(id: str, measure: Measure, smallest: float, direction: str = "above", unit: str = "") -> Claim:
    return Claim(id, measure, unseen(Params(), 20), smallest, direction, unit, of="pieces")


def long(params: Any) -> bool:
    """Whether the time machine runs for as many steps as the preset."""
    return params.steps == LONG["steps"]


def short(params: Any) -> bool:
    return params.steps == Params().steps


LONG: dict[str, Any] = {"steps": 1600}
LATE: dict[str, Any] = LONG | {"seeds": 10}  # a seed of it takes over five seconds
CLAIMS = (
    machine("modern_short", better(MODERN, OLD, short), 0.02),
    machine("modern_long", better(MODERN, OLD, long), 0.02, **LATE),
    machine("longer", MACHINES.more(wrong(-3), OLD, OLD, long, over=wrong()), 0.02, **LATE),
    *(machine(f"{idea}_added", better(added(idea), OLD, short), 0.02) for idea in IDEAS),
    *(machine(f"{idea}_missed", better(MODERN, left_out(idea), short), 0.02) for idea in ("softmax", "shifts", "relu")),
    machine("shifts_long", better(MODERN, left_out("shifts"), long), 0.005, **LATE),
    machine("sum", finished(gains, short), 0.05),
    machine("relu_faster", MACHINES.more(reached, OLD, added("relu"), short), 0.5, unit="log₂"),
    machine("relu_faster_modern", MACHINES.more(reached, left_out("relu"), MODERN, short), 0.5, unit="log₂"),
    piece("mean_fewer", PIECES.more(right(TEST), "dense", "mean"), 0.02, "below"),
    piece("mean_overfits", PIECES.more(overfit, "dense", "mean"), 0.02),
    piece("stack", PIECES.more(right(TEST), "stack", "seven"), 0.01),
    piece("head_learns", PIECES.more(right(TRAIN), "headed", "alone"), 0.01),
    piece("head_overfits", PIECES.more(overfit, "alone", "headed"), 0.01),
    piece("deleted", finished(lambda result: lost(result).mean(0)), 0.05),
    piece("uneven", finished(lambda result: np.ptp(lost(result), axis=0)), 0.1),
    piece("convolutions", finished(lambda result: result.gap[0]), 1e-4, "below"),
)  # fmt: skip


def excess(result: Result) -> np.ndarray:
    """Parameters that the versions chosen have more than the nearest of those published, as a share: [net]."""
    total = dict(zip(VERSIONS, result.parameters.sum(1).astype(float)))
    known = [[total[EDITIONS[edition][k]] for edition in ("torchvision", "papers")] for k in range(5)]
    mine = [total[version] for version in EDITIONS[result.params.edition]]
    return np.array([min(abs(own / other - 1) for other in others) for own, others in zip(mine, known)])


def largest(result: Result) -> tuple[str, dict[str, Any]] | None:
    """Of which kind is the layer with the most parameters?"""
    version = VERSIONS.index(chosen(result.params))
    if version >= len(result.parameters):
        return None
    own = result.parameters[version]
    at = int(own.argmax())
    return KINDS[result.kind[version, at]], {"share": f"{own[at] / own.sum():.0%}", "layers": int((own > 0).sum())}


ERRORS = {"modern": MACHINES.alone(wrong(), MODERN), "old": MACHINES.alone(wrong(), OLD)}
PREDICTIONS = (
    Prediction("largest", ("conv", "dense"), largest),
    more_or_less("modern", ERRORS, "{:.1%}".format, "machine", steps=lambda params: params.steps),
)
MISTAKES = (
    Mistake("version", "measure", preset(Params(), PRESETS, "mixed"), finished(excess), 0.005, "versions"),
)  # fmt: skip
