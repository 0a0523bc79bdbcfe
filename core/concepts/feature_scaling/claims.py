"""What is said of feature scaling, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.feature_scaling.lighting.params import KINDS as LIT
from core.concepts.feature_scaling.params import MIN_MAX, PLUS, PRESETS, RAW, STANDARDISED, WHITENED, Params, drawn
from core.concepts.feature_scaling.rules.params import RULES, SCALINGS, STRETCHES
from core.concepts.feature_scaling.tables.params import FACTORS, GROUPS, HANDLINGS, KINDS, WAYS
from core.conclusions.measures import Contenders, Measure, difference, final, finished, preset, unseen

UNITS = Contenders(lambda params: params.scalings)
TABLE, IMAGES = Contenders(lambda params: KINDS), Contenders(lambda params: LIT)
SCALED_BY, HANDLED = Contenders(lambda params: WAYS), Contenders(lambda params: HANDLINGS)
MANY = STRETCHES.index(32)


def log_steps(result: Any) -> np.ndarray:
    """log₁₀ of the steps to the target, [scaling, seed]."""
    return np.log10(result.reached)


def log_condition(result: Any) -> np.ndarray:
    return np.log10(result.condition)


def plane(fits: Callable[[Params], bool]) -> Callable[[Params], bool]:
    """Whether the points of the plane are those meant, each scaling at its best rate."""
    return lambda params: drawn(params) and params.rates == "best" and fits(params)


def stretched(params: Params) -> bool:
    return params.stretch >= 10 and not params.offset and not params.outlier


correlated = plane(lambda p: stretched(p) and p.correlation >= 0.9)
uncorrelated = plane(lambda p: stretched(p) and p.correlation == 0)
round_but_one = plane(lambda p: p.stretch == 1 and p.correlation == 0 and p.outlier >= 50)
round_all = plane(lambda p: p.stretch == 1 and p.correlation == 0 and not p.outlier and not p.offset)
off_centre = plane(lambda p: p.stretch == 1 and p.offset >= 3)


def same_rate(params: Params) -> bool:
    return drawn(params) and params.rates == "equal" and stretched(params)


def exponent(rule: str, less: float) -> Measure:
    """With which power of the condition number the steps of a rule grow on raw features, less what it should be."""

    def measure(result: Any) -> np.ndarray:
        steps, condition = result.reached[RULES.index(rule), 0], result.condition[0]
        return np.array([np.polyfit(np.log(k), np.log(t), 1)[0] - less for k, t in zip(condition, steps)])

    return finished(measure, lambda p: p.correlation > 0)


def adam(one: str, other: str) -> Measure:
    """log₁₀ of how many times the steps of one scaling Adam takes in another, features stretched the most."""

    def measure(result: Any) -> np.ndarray:
        steps = np.log10(result.reached[RULES.index("adam"), :, :, MANY])
        return steps[SCALINGS.index(one)] - steps[SCALINGS.index(other)]

    return finished(measure, lambda p: p.correlation >= 0.5)


def best(result: Any) -> np.ndarray:
    """The place of the rate with the highest mean validation accuracy, of every scaling."""
    return result.validation[..., -1].mean(1).argmax(-1)


def at_best(result: Any) -> np.ndarray:
    """Test accuracy at the best rate: [kind, seed]."""
    return np.take_along_axis(result.test[..., -1], best(result)[:, None, None], -1)[..., 0]


def of_data(data: str, optimizer: str = "sgd") -> Callable[[Params], bool]:
    return lambda params: params.data == data and not params.own and params.optimizer == optimizer


def in_groups(size: int) -> Callable[[Any], np.ndarray]:
    return lambda result: result.own[..., GROUPS.index(size)]


def overflow(factor: float) -> Callable[[Any], np.ndarray]:
    return lambda result: result.overflow[..., FACTORS.index(factor)]


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "stretched", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide, with steps enough for all to arrive."""
    params = unseen(preset(Params(), PRESETS, at), 20, steps=50_000)
    return Claim(id, measure, params, smallest, direction, **more)


def of_rules(id: str, measure: Measure, smallest: float, direction: str = "within") -> Claim:
    return claim(id, measure, smallest, direction, of="rules")


def of_tables(id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "units") -> Claim:
    return claim(id, measure, smallest, direction, at, of="tables")


def of_light(id: str, measure: Measure, smallest: float, direction: str = "above") -> Claim:
    return claim(id, measure, smallest, direction, of="lighting")


more, table, images = UNITS.more, TABLE.more, IMAGES.more
saved = difference(more(log_steps, RAW, STANDARDISED, correlated), more(log_condition, RAW, STANDARDISED, correlated))
LOG: dict[str, Any] = {"unit": "log₁₀"}
OWN = SCALED_BY.more(in_groups(1), "standardised", "own_mean")
CLAIMS = (
    claim("angle", UNITS.alone(lambda r: r.angle, RAW, plane(stretched)), 45, unit="°"),
    claim("angle_whitened", UNITS.alone(lambda r: r.angle, WHITENED, plane(stretched)), 5, "below", unit="°"),
    claim("factor", saved, 0.1, "within", **LOG),
    claim("left", more(log_steps, STANDARDISED, WHITENED, correlated), 1, **LOG),
    claim("nothing_left", more(lambda r: r.reached, STANDARDISED, WHITENED, uncorrelated), 10, "below", "uncorrelated"),
    claim("same_rate", more(log_steps, RAW, STANDARDISED, same_rate), 0.1, "within", "same_rate", **LOG),
    claim("outlier", more(log_steps, MIN_MAX, STANDARDISED, round_but_one), 2, at="outlier", **LOG),
    claim("no_outlier", more(log_steps, MIN_MAX, STANDARDISED, round_all), 2, "below", "no_outlier", **LOG),
    claim("plus", more(log_steps, PLUS, STANDARDISED, off_centre), 1, at="plus", **LOG),
    claim("plus_raw", more(log_steps, PLUS, RAW, off_centre), 0.5, at="plus", **LOG),
    of_rules("sgd", exponent("sgd", 1), 0.1),
    of_rules("momentum", exponent("momentum", 0.5), 0.1),
    of_rules("adam", adam("raw", "standardised"), 0.3),
    of_rules("adam_whitened", adam("standardised", "whitened"), 0.1, "above"),
    of_tables("units", table(at_best, "standardised", "raw", of_data("units")), 0.1),
    of_tables("units_adam", table(at_best, "standardised", "raw", of_data("units", "adam")), 0.05, at="units_adam"),
    of_tables("pixels", table(at_best, "standardised", "raw", of_data("digits")), 0.03, "within", "pixels"),
    of_tables("plus_table", table(at_best, "standardised", "plus", of_data("wine")), 0.1, at="small_table"),
    of_tables("leak", table(at_best, "leaked", "standardised", of_data("breast_cancer")), 0.01, "within", "leak"),
    of_tables("own_one", OWN, 0.3),
    of_tables("own_many", SCALED_BY.more(in_groups(100), "standardised", "own_mean"), 0.02, "within"),
    of_tables("batch_norm", table(at_best, "standardised", "batch_norm", of_data("units")), 0.02, "within"),
    of_tables("overflow", HANDLED.more(overflow(10), "raw", "standardised", of_data("units")), 0.3),
    of_tables("safe", HANDLED.alone(overflow(max(FACTORS)), "raw_safe"), 0.01, "below"),
    of_light("light", images(final("light", -1), "per_image", "standardised"), 0.3),
    of_light("contrast", images(final("contrast", -1), "per_image", "standardised"), 0.05),
    of_light("steady", images(final("light", 0), "per_image", "standardised"), 0.02, "within"),
)  # fmt: skip


def saves(result: Any) -> tuple[str, dict[str, Any]] | None:
    """How many times fewer steps standardising takes."""
    asked = (UNITS.alone(lambda r: r.reached, which, lambda p: p.rates == "best") for which in (RAW, STANDARDISED))
    raw, standardised = (measure(result) for measure in asked)
    if raw is None or standardised is None:
        return None
    times = float(np.median(raw / standardised))
    answer = "few" if times < 10 else "tens" if times < 100 else "hundreds"
    numbers = {"raw": np.median(raw), "standardised": np.median(standardised), "times": times}
    return answer, {name: f"{value:,.0f}" for name, value in numbers.items()} | {"seeds": len(raw)}


PREDICTIONS = (Prediction("saves", ("few", "tens", "hundreds"), saves),)

MISTAKES = (
    Mistake("plus", "slow", preset(Params(), PRESETS, "plus"), more(log_steps, PLUS, STANDARDISED), 0.5, "paths"),
    Mistake("own_mean", "evaluation", preset(Params(), PRESETS, "units"), OWN, 0.1, "groups"),
)
