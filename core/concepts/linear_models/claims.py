"""What the notes say of linear models, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.linear_models.calibration.params import NAMES
from core.concepts.linear_models.descent.params import FACTORS
from core.concepts.linear_models.features.params import KINDS, SIZES
from core.concepts.linear_models.params import (
    FEWEST,
    GRADIENT,
    HEAVY,
    LOGISTIC,
    PRESETS,
    SQUARES,
    WRONG,
    Params,
    Result,
    drawn,
    used,
)
from core.concepts.linear_models.three.params import FLOOR, RULES
from core.conclusions.measures import Contenders, Measure, final, finished, more_or_less, preset, unseen
from core.ml.calibration import calibration_error

TRAIN, _, TEST = range(3)
METHODS = Contenders(used)
RATES, ROW = Contenders(lambda params: FACTORS), Contenders(lambda params: RULES)
MODELS, INPUTS = Contenders(lambda params: NAMES), Contenders(lambda params: KINDS)
test = final("accuracy", TEST)


def points(fits: Callable[[Params], bool]) -> Callable[[Params], bool]:
    """Whether the points of the plane are those meant."""
    return lambda params: drawn(params) and fits(params)


mixed = points(lambda p: p.spread >= 1)


def of_data(data: str) -> Callable[[Params], bool]:
    return lambda params: params.data == data and not params.own


def stays(result: Result) -> np.ndarray:
    """Per seed: 1 where steps against the slope of the number of mistakes never moved a weight."""
    return result.moved == 0


def closer(result: Any) -> np.ndarray:
    """log₁₀ of how many times closer to the lowest loss a descent is in the end than at its start: [rate, seed]."""
    return np.log10(result.gap[:, :, 0] / result.gap[:, :, -1].clip(1e-16))


def farther(result: Any) -> np.ndarray:
    return -closer(result)


def accuracy(result: Any) -> np.ndarray:
    """Of classes of equal size: [method, seed]."""
    return result.recall[:, :, -1].mean(-1)


def over_floor(result: Any) -> np.ndarray:
    """The loss as a multiple of the lowest that a softmax of a softmax can have: [method, seed]."""
    return result.loss[:, :, -1] / FLOOR


def error(result: Any) -> np.ndarray:
    """Calibration error: [method, seed]."""
    return calibration_error(*(final(name)(result) for name in ("count", "said", "true")))


def cooler(result: Any) -> np.ndarray:
    """Calibration error that a temperature takes away: [method, seed]."""
    return error(result) - result.cooled


def at_size(size: int) -> Callable[[Any], np.ndarray]:
    return lambda result: result.accuracy[:, :, SIZES.index(size)]


middle = final("recall", 1)


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "clump", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


def descents(loss: str, end: str, at: str) -> tuple[Claim, Claim]:
    """Just below the largest stable rate and just above it."""
    below, above = (RATES.alone(*side, lambda p: p.loss == loss) for side in ((closer, 0.99), (farther, 1.01)))
    more: dict[str, Any] = {"at": at, "unit": "log₁₀", "of": "descent"}
    return claim(f"below{end}", below, 1, **more), claim(f"above{end}", above, 1, **more)


better = METHODS.more
LOST = "softmax", "squares"
CLAIMS = (
    claim("too_right", better(test, LOGISTIC, SQUARES, points(lambda p: p.distance >= 5 and p.clump > 0)), 0.05),
    claim("nothing_far", better(test, LOGISTIC, SQUARES, points(lambda p: p.distance == 0)), 0.01, "within", "near"),
    claim("fewest_train", better(final("accuracy", TRAIN), FEWEST, LOGISTIC, mixed), 0.01, at="mistakes"),
    claim("fewest", better(test, FEWEST, LOGISTIC, mixed), 0.01, at="mistakes"),
    claim("staircase", METHODS.alone(stays, GRADIENT), 0.8, at="mistakes", share=True),
    claim("origin", better(test, HEAVY, WRONG, points(lambda p: p.offset > 0)), 0.05, at="origin"),
    claim("iris", better(test, LOGISTIC, SQUARES, of_data("iris")), 0.05, at="iris"),
    claim("breast_cancer", better(test, LOGISTIC, SQUARES, of_data("breast_cancer")), 0.01, at="breast_cancer"),
    claim("digits", better(test, LOGISTIC, SQUARES, of_data("digits")), 0.01, at="digits"),
    *descents("squared", "", "clump"),
    *descents("logistic", "_curved", "curved"),
    claim("masked", ROW.more(middle, *LOST, lambda p: p.middle == 0), 0.3, of="three"),
    claim("off_row", ROW.more(middle, *LOST, lambda p: p.middle >= 1), 0.1, "within", "off_the_row", of="three"),
    claim("curved", ROW.more(middle, "curved", "squares", lambda p: p.middle == 0), 0.3, of="three"),
    claim("once", ROW.alone(over_floor, "softmax"), 0.5, "below", of="three"),
    claim("twice", ROW.alone(over_floor, "twice"), 1, of="three"),
    claim("twice_right", ROW.more(accuracy, "softmax", "twice"), 0.01, "within", of="three"),
    claim("shift", finished(lambda r: r.shifted), 1e-9, "within", of="three"),
    claim("calibrated", MODELS.alone(error, "logistic"), 0.08, "below", of="calibration"),
    claim("overconfident", MODELS.more(error, "network", "logistic"), 0.05, of="calibration"),
    claim("temperature", MODELS.alone(cooler, "network"), 0.05, of="calibration"),
    claim("gradients_few", INPUTS.more(at_size(50), "gradients", "raw"), 0.02, of="features"),
    claim("gradients_many", INPUTS.more(at_size(400), "gradients", "raw"), 0.01, of="features"),
    claim("products", INPUTS.more(at_size(400), "products", "raw"), 0.01, of="features"),
    claim("learned", INPUTS.more(at_size(400), "learned", "raw"), 0.005, of="features"),
    claim("by_hand", INPUTS.more(at_size(400), "gradients", "learned"), 0.005, of="features"),
)

CLUMP = {"squares": METHODS.alone(test, SQUARES), "logistic": METHODS.alone(test, LOGISTIC)}
MIDDLE = {"squares": ROW.alone(middle, "squares"), "softmax": ROW.alone(middle, "softmax")}
PREDICTIONS = (
    more_or_less("clump", CLUMP, lambda share: f"{100 * share:.0f}"),
    more_or_less("middle", MIDDLE, lambda share: f"{100 * share:.0f}", "three"),
)

MISTAKES = (
    Mistake("origin", "worse", preset(Params(), PRESETS, "origin"), better(test, HEAVY, WRONG), 0.05, "line"),
    Mistake("staircase", "chance", preset(Params(), PRESETS, "mistakes"), METHODS.alone(stays, GRADIENT), 0.5, "line"),
    Mistake("twice", "floor", Params(), ROW.alone(over_floor, "twice"), 1, "twice"),
)
