"""What the notes say of bias and variance, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.bias_variance.descent.params import AMOUNTS, ROWS, SHARES
from core.concepts.bias_variance.learning.params import DEGREES, SIZES
from core.concepts.bias_variance.networks.params import WIDTHS
from core.concepts.bias_variance.params import MOST, PRESETS, Params, Result
from core.conclusions.measures import Measure, finished, more_or_less, preset, unseen

RIGID, RIGHT, FLEXIBLE = 1, 6, MOST  # degrees that are compared
CLEAN, WRONG, RIDGE = range(len(ROWS))
PEAK, NARROW, WIDEST = SHARES.index(1.0), SHARES.index(0.4), len(SHARES) - 1


def on(data: str) -> Callable[[Params], bool]:
    """Whether a run is on this curve, taken apart as it should be."""
    return lambda p: p.data == data and not p.own and p.corrected and p.fresh


def of(name: str, degree: int) -> Callable[[Result], np.ndarray]:
    """A part of the error of one degree in the end: [seed]."""
    return lambda result: getattr(result, name)[degree, :, -1]


def noise(params: Params) -> float:
    """The error that no model can be without; of the reader's own points it is not known apart from bias²."""
    return 0.0 if params.own else params.noise**2


def whole(result: Result) -> np.ndarray:
    """bias² + variance + noise: [degree, seed, tick]."""
    return result.bias + result.variance + noise(result.params)


def off(result: Result) -> np.ndarray:
    """By how much the measured error differs from the sum of its parts, relative to that: [degree, seed, tick]."""
    return (result.test - whole(result)) / whole(result)


def over_formula(result: Result) -> np.ndarray:
    """The variance of degree 3 as a multiple of σ²(d + 1)/n, less 1."""
    params = result.params
    return of("variance", 3)(result) / (noise(params) * 4 / params.points) - 1


def grows(name: str, row: int, size: int, other: int) -> Callable[[Any], np.ndarray]:
    """By how much a part of the error is larger at one number of training points than at another: [seed]."""
    return lambda r: getattr(r, name)[row, :, SIZES.index(size)] - getattr(r, name)[row, :, SIZES.index(other)]


def less_variance(result: Any) -> np.ndarray:
    """log₂ of how many times smaller the variance is with ten times the points: [seed]."""
    values = result.variance[DEGREES.index(RIGHT)]
    return np.log2(values[:, SIZES.index(20)] / values[:, SIZES.index(200)])


def at_width(name: str, width: int) -> Callable[[Any], np.ndarray]:
    return lambda result: getattr(result, name)[WIDTHS.index(width), :, -1]


def net_variance(width: int) -> Callable[[Any], np.ndarray]:
    return lambda result: at_width("over_data", width)(result) + at_width("over_weights", width)(result)


def ratio(name: str, row: int, one: int, other: int) -> Callable[[Any], np.ndarray]:
    """log₂ of a value at one place over that at another: [seed]."""
    return lambda r: np.log2(getattr(r, name)[row, :, one] / getattr(r, name)[row, :, other])


def over_valley(row: int) -> Callable[[Any], np.ndarray]:
    """log₂ of the error of the widest over the lowest with fewer features than examples: [seed]."""
    return lambda r: np.log2(r.test[row, :, WIDEST] / r.test[row, :, :PEAK].min(-1))


def wide(result: Any) -> np.ndarray:
    return result.test[WRONG, :, WIDEST]


def narrow(result: Any) -> np.ndarray:
    return result.test[WRONG, :, :PEAK].min(-1)


def is_variance(result: Any) -> np.ndarray:
    """The share of the error at the peak that is variance."""
    varied = result.over_data + result.over_weights
    return (varied / result.test)[WRONG, :, PEAK]


def noisy(params: Params) -> bool:
    return params.wrong >= 0.1


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "rigid", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


def by_degree(id: str, measure: Any, smallest: float, direction: str = "above", data: str = "wave") -> Claim:
    return claim(id, finished(measure, on(data)), smallest, direction, "rigid" if data == "wave" else data)


def double(id: str, measure: Any, smallest: float, direction: str = "above", unit: str = "log₂") -> Claim:
    return claim(id, finished(measure, noisy), smallest, direction, unit=unit, of="descent")


def nets(id: str, measure: Any, smallest: float, direction: str = "above") -> Claim:
    return claim(id, finished(measure, lambda p: p.activation == "relu"), smallest, direction, of="networks")


def learnt(id: str, measure: Any, smallest: float, direction: str = "above", unit: str = "") -> Claim:
    return claim(id, finished(measure, lambda p: p.data == "wave"), smallest, direction, unit=unit, of="learning")


HALF, SAME = AMOUNTS.index(0.5), AMOUNTS.index(1.0)
CLAIMS = (
    by_degree("sum", lambda r: off(r)[RIGHT, :, -1], 0.03, "within"),
    by_degree("rigid", lambda r: of("bias", RIGID)(r) - of("bias", RIGHT)(r), 0.2),
    by_degree("flexible", lambda r: np.log2(of("variance", FLEXIBLE)(r) / of("variance", RIGHT)(r)), 1),
    by_degree("too_much", lambda r: of("test", FLEXIBLE)(r) - of("test", RIGHT)(r), 0.05),
    by_degree("train_falls", lambda r: of("train", RIGHT)(r) - of("train", FLEXIBLE)(r), 0.01),
    by_degree("floor", lambda r: r.test[:, :, -1].min(0) - noise(r.params), 0.01),
    by_degree("no_bias", of("bias", RIGID), 0.002, "within", "line"),
    claim("formula", finished(over_formula, lambda p: on("wave")(p) and p.places == "even"), 0.2, "within", "even"),
    learnt("less_variance", less_variance, 2, unit="log₂"),
    learnt("same_bias", grows("bias", DEGREES.index(RIGID), 200, 20), 0.01, "within"),
    learnt("train_rises", lambda r: grows("error", DEGREES.index(RIGHT), 200, 15)(r)[:, 0], 0.02),
    nets("net_bias", lambda r: at_width("bias", 1)(r) - at_width("bias", 64)(r), 0.1),
    nets("net_variance", lambda r: net_variance(64)(r) - net_variance(16)(r), 0.005, "below"),
    nets("narrow", lambda r: at_width("over_weights", 8)(r) - at_width("over_data", 8)(r), 0.01),
    nets("wide", lambda r: at_width("over_data", 64)(r) - at_width("over_weights", 64)(r), 0.01),
    double("peak", ratio("test", WRONG, PEAK, NARROW), 2),
    double("second", ratio("test", WRONG, PEAK, WIDEST), 2),
    double("is_variance", is_variance, 0.7, unit=""),
    claim("clean", finished(over_valley(CLEAN)), 0.3, "within", unit="log₂", of="descent"),
    double("wrong", over_valley(WRONG), 0.2),
    double("averaged", ratio("over_weights", WRONG, SHARES.index(1.5), WIDEST), 2),
    double("ridge", ratio("test", RIDGE, PEAK, NARROW), 0.1, "below"),
    double("hurts", ratio("by_amount", WRONG, SAME, HALF), 2),
    double("helps", ratio("by_amount", RIDGE, HALF, SAME), 0.05),
)

LARGER = {"bias": finished(lambda r: of("bias", r.params.degree)(r), lambda p: not p.own)}
LARGER["variance"] = finished(lambda r: of("variance", r.params.degree)(r), lambda p: not p.own)
PREDICTIONS = (
    more_or_less("larger", LARGER, lambda value: f"{value:.3f}", degree=lambda p: p.degree),
    more_or_less("double", {"wide": finished(wide), "narrow": finished(narrow)}, lambda v: f"{v:.2f}", "descent"),
)

MISTAKES = (
    Mistake(
        "uncorrected",
        "measure",
        preset(Params(), PRESETS, "uncorrected"),
        finished(lambda r: of("bias", 8)(r) / of("variance", 8)(r), lambda p: p.data == "wave" and not p.own),
        0.15,
        "gap",
    ),
    Mistake(
        "not_fresh",
        "flattering",
        preset(Params(), PRESETS, "not_fresh"),
        finished(lambda r: -off(r)[FLEXIBLE, :, -1], lambda p: p.data == "wave" and not p.own),
        0.5,
        "gap",
    ),
)
