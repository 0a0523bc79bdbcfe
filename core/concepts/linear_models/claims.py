"""What the notes say of linear models, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
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

TRAIN, _, TEST = range(3)


def always(rows: Any) -> Contenders:
    """What is compared at any settings."""
    return Contenders(lambda params: rows)


METHODS = Contenders(used)
RATES, ROW, MODELS, INPUTS = (always(rows) for rows in (FACTORS, RULES, NAMES, KINDS))
test = final("accuracy", TEST)


def of_data(data: str) -> Callable[[Params], bool]:
    return lambda params: params.data == data and not params.own


def descends(loss: str) -> Callable[[Params], bool]:
    return lambda params: params.loss == loss


def far(params: Params) -> bool:
    return drawn(params) and params.distance >= 5 and params.clump > 0


def near(params: Params) -> bool:
    return drawn(params) and params.distance == 0


def mixed(params: Params) -> bool:
    return drawn(params) and params.spread >= 1


def away(params: Params) -> bool:
    return drawn(params) and params.offset > 0


def in_line(params: Params) -> bool:
    return params.middle == 0


def off_line(params: Params) -> bool:
    return params.middle >= 1


def stays(result: Result) -> np.ndarray:
    """Per seed: 1 where steps against the slope of the number of mistakes never moved a weight."""
    return result.moved == 0


def closer(result: Any) -> np.ndarray:
    """log₁₀ of how many times closer to the lowest loss a descent is in the end than at its start: [rate, seed]."""
    return np.log10(result.gap[:, :, 0] / result.gap[:, :, -1].clip(1e-16))


def farther(result: Any) -> np.ndarray:
    return -closer(result)


def middle(result: Any) -> np.ndarray:
    return result.recall[:, :, -1, 1]


def over_floor(result: Any) -> np.ndarray:
    """How far the loss stays above the lowest that a softmax of a softmax can have, as a multiple of that floor."""
    return result.loss[:, :, -1] / FLOOR


def overflows(result: Any) -> np.ndarray:
    """Per seed: 1 where the softmax as the formula stands there gives no number after the largest shift."""
    return np.isnan(result.plain[:, -1])


def cooler(result: Any) -> np.ndarray:
    """Calibration error that a temperature takes away: [method, seed]."""
    return result.error[:, :, -1] - result.cooled


def at_size(size: int) -> Callable[[Any], np.ndarray]:
    return lambda result: result.accuracy[:, :, SIZES.index(size)]


def at(id: str, **changes: Any) -> Params:
    """The setting of a preset on the seeds that decide."""
    return unseen(preset(Params(), PRESETS, id), 20, **changes)


def of(part: str, id: str, measure: Measure, smallest: float, direction: str = "above", **more: Any) -> Claim:
    """A claim about a further experiment."""
    return Claim(id, measure, unseen(Params(), 20, **more.pop("changes", {})), smallest, direction, of=part, **more)


FAR, MIXED = at("clump"), at("mistakes")
shift = finished(lambda result: result.shifted.max(1))
CLAIMS = (
    Claim("too_right", METHODS.more(test, LOGISTIC, SQUARES, far), FAR, 0.05),
    Claim("nothing_far", METHODS.more(test, LOGISTIC, SQUARES, near), at("near"), 0.01, "within"),
    Claim("fewest_train", METHODS.more(final("accuracy", TRAIN), FEWEST, LOGISTIC, mixed), MIXED, 0.01),
    Claim("fewest", METHODS.more(test, FEWEST, LOGISTIC, mixed), MIXED, 0.01),
    Claim("staircase", METHODS.alone(stays, GRADIENT), MIXED, 0.8, share=True),
    Claim("origin", METHODS.more(test, HEAVY, WRONG, away), at("origin"), 0.05),
    Claim("iris", METHODS.more(test, LOGISTIC, SQUARES, of_data("iris")), at("iris"), 0.05),
    Claim("breast_cancer", METHODS.more(test, LOGISTIC, SQUARES, of_data("breast_cancer")), at("breast_cancer"), 0.01),
    Claim("digits", METHODS.more(test, LOGISTIC, SQUARES, of_data("digits")), at("digits"), 0.01),
    of("descent", "below", RATES.alone(closer, 0.99, descends("squared")), 1, unit="log₁₀"),
    of("descent", "above", RATES.alone(farther, 1.01, descends("squared")), 1, unit="log₁₀"),
    of(
        "descent",
        "below_curved",
        RATES.alone(closer, 0.99, descends("logistic")),
        1,
        unit="log₁₀",
        changes={"loss": "logistic"},
    ),
    of(
        "descent",
        "above_curved",
        RATES.alone(farther, 1.01, descends("logistic")),
        1,
        unit="log₁₀",
        changes={"loss": "logistic"},
    ),
    of("three", "masked", ROW.more(middle, "softmax", "squares", in_line), 0.3),
    of("three", "off_row", ROW.more(middle, "softmax", "squares", off_line), 0.1, "within", changes={"middle": 2.0}),
    of("three", "curved", ROW.more(middle, "curved", "squares", in_line), 0.3),
    of("three", "once", ROW.alone(over_floor, "softmax"), 0.5, "below"),
    of("three", "twice", ROW.alone(over_floor, "twice"), 1),
    of("three", "twice_right", ROW.more(final("accuracy"), "softmax", "twice"), 0.01, "within"),
    of("three", "shift", shift, 1e-9, "within"),
    of("three", "overflow", finished(overflows), 0.8, share=True),
    of("calibration", "calibrated", MODELS.alone(final("error"), "logistic"), 0.08, "below"),
    of("calibration", "overconfident", MODELS.more(final("error"), "network", "logistic"), 0.05),
    of("calibration", "temperature", MODELS.alone(cooler, "network"), 0.05),
    of("features", "gradients_few", INPUTS.more(at_size(50), "gradients", "raw"), 0.02),
    of("features", "gradients_many", INPUTS.more(at_size(400), "gradients", "raw"), 0.01),
    of("features", "products", INPUTS.more(at_size(400), "products", "raw"), 0.01),
    of("features", "learned", INPUTS.more(at_size(400), "learned", "raw"), 0.005),
    of("features", "by_hand", INPUTS.more(at_size(400), "gradients", "learned"), 0.005),
)


def masked(result: Any) -> tuple[str, dict[str, Any]] | None:
    """How much of the middle class least squares finds."""
    found = ROW.alone(middle, "squares")(result)
    if found is None:
        return None
    share = float(found.mean())
    option = "most" if share > 2 / 3 else "some" if share > 1 / 3 else "few"
    return option, {"share": f"{100 * share:.0f}", "seeds": len(found)}


SHOWN = {"squares": METHODS.alone(test, SQUARES), "logistic": METHODS.alone(test, LOGISTIC)}
PREDICTIONS = (
    more_or_less("clump", SHOWN, lambda share: f"{100 * share:.0f}"),
    Prediction("middle", ("most", "some", "few"), masked, of="three"),
)

MISTAKES = (
    Mistake("origin", preset(Params(), PRESETS, "origin"), METHODS.more(test, HEAVY, WRONG), 0.05, "line"),
    Mistake("staircase", preset(Params(), PRESETS, "mistakes"), METHODS.alone(stays, GRADIENT), 0.5, "line"),
    Mistake("twice", Params(), ROW.alone(over_floor, "twice"), 1, "twice"),
)
