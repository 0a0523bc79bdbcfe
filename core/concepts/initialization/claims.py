"""What the notes say of initial weights, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.initialization.depth.params import DEPTHS, RULES, SCHEMES
from core.concepts.initialization.ladder.params import DEPTHS as RUNG_DEPTHS
from core.concepts.initialization.ladder.params import RUNGS
from core.concepts.initialization.params import PARTS, PRESETS, Params
from core.concepts.initialization.symmetry.params import WAYS
from core.conclusions.measures import Contenders, Fits, Measure, more_or_less, preset, unseen

Number = Callable[[Any], np.ndarray]  # of a Result, [row, seed]
SPREAD, SIZE, _, GRADIENT = range(len(PARTS))
DEEP = 20  # hidden layers of networks that nobody trains
KEPT, GONE = 0.1, 1e-6  # shares of the spread that a prediction tells apart
EQUAL = 1  # place of the middle rate
OF = Contenders(lambda params: [start.scheme for start in params.starts])
UNITS = Contenders(lambda params: WAYS)
NETS = Contenders(lambda params: SCHEMES)
LADDER = Contenders(lambda params: RUNGS)


def at(activation: str) -> Fits:
    """Whether a network is DEEP layers deep and has this activation."""
    return lambda p: p.activation == activation and p.depth == DEEP and p.width == 64


def bundled(activation: str, steps: int) -> Fits:
    """Whether networks of this activation are trained on digits for so many steps."""
    return lambda p: p.activation == activation and p.data == "digits" and not p.own and p.steps == steps


def rectified(params: Params) -> bool:
    return params.activation == "relu"


def on_digits(params: Params) -> bool:
    return params.data == "digits" and not params.own


# Values, [row, seed]


def logs(result: Any, part: int) -> np.ndarray:
    """log₁₀ of what is in every hidden layer, NaN of nothing: [start, seed, layer]."""
    found = result.signal[:, :, 1:, part]
    return np.log10(np.where(found > 0, found, np.nan))


def grown(part: int) -> Number:
    """log₁₀ of how many times more there is in the last hidden layer than in the first."""
    return lambda result: logs(result, part)[..., -1] - logs(result, part)[..., 0]


def fallen(part: int) -> Number:
    """log₁₀ of how many times less there is."""
    return lambda result: -grown(part)(result)


def factor(part: int) -> Number:
    """By what it is multiplied from a hidden layer to the next; with one such layer, from the inputs to it."""

    def value(result: Any) -> np.ndarray:
        first = 1 if result.params.depth > 1 else 0
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(result.signal[:, :, -1, part]) - np.log(result.signal[:, :, first, part])
        return np.exp(found / max(result.params.depth - 1, 1))

    return value


def first_gradient(result: Any) -> np.ndarray:
    """log₁₀ of that by a weight of the first layer."""
    return logs(result, GRADIENT)[..., 0]


def gradient_ratio(result: Any) -> np.ndarray:
    """log₁₀ of that of the first hidden layer over that of the last."""
    return fallen(GRADIENT)(result)


def lost_variance(part: int, expected: float) -> Number:
    """By what variance or second moment is divided from layer to layer, less what is expected."""
    return lambda result: factor(part)(result) ** -2 - expected


def straight(result: Any) -> np.ndarray:
    """Share of the variance of log size over the layers that a straight line explains."""
    y = logs(result, SIZE)
    x = np.arange(y.shape[-1]) - (y.shape[-1] - 1) / 2
    y = y - y.mean(-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return (y @ x) ** 2 / ((y**2).sum(-1) * (x**2).sum())


def last_slope(result: Any) -> np.ndarray:
    return result.slope[:, :, -1]


def growth(result: Any) -> np.ndarray:
    """log₁₀ of what the size is multiplied by from layer to layer."""
    return np.log10(factor(SIZE)(result))


def shrunk(result: Any) -> np.ndarray:
    return -growth(result)


def right(result: Any) -> np.ndarray:
    """Test accuracy in the end."""
    return result.accuracy[..., -1].astype(float)


def units(result: Any) -> np.ndarray:
    """How many different units there are in the end."""
    return result.rank[:, :, -1]


def first_over(layer: int) -> Number:
    """How far the first layer has moved, over how far another has."""
    return lambda result: result.moved[:, :, -1, 0].astype(float) / result.moved[:, :, -1, layer]


def slopes(result: Any) -> np.ndarray:
    """Those of the activation in training, no numbers where it has diverged: [start, seed, tick, hidden layer]."""
    return np.where(np.isfinite(result.loss)[..., None], result.slope, np.nan)


def slope_in_the_end(result: Any) -> np.ndarray:
    return slopes(result)[:, :, -1, -1]


def chosen(result: Any) -> np.ndarray:
    """Place of every start's best rate by validation loss, in the mean over seeds: [depth, rule, scheme]."""
    return result.validation.astype(float).mean(-1).argmin(-1)


def tuned(result: Any, values: np.ndarray) -> np.ndarray:
    """Of values [depth, rule, scheme, rate, seed] those at the best rate: [depth, rule, scheme, seed]."""
    return np.take_along_axis(values, chosen(result)[..., None, None], 3)[:, :, :, 0].astype(float)


def reached(depth: int, rule: str) -> Number:
    """Test accuracy at a depth, each start at its best rate: [scheme, seed]."""
    return lambda result: tuned(result, result.accuracy)[DEPTHS.index(depth), RULES.index(rule)]


def rung_loss(depth: int) -> Number:
    """Validation loss in the end: [rung, seed]."""
    return lambda result: result.loss[:, RUNG_DEPTHS.index(depth), :, -1]


# Claims


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "relu", **more: Any) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


RELU, LINEAR, TANH = at("relu"), at("identity"), at("tanh")
TRAINED, SIGMOID, BENT = bundled("relu", 400), bundled("sigmoid", 1000), bundled("tanh", 1000)


def ladder(params: Params) -> bool:
    return on_digits(params) and params.steps == 400 and params.rate == 0.1


def of_depth(
    id: str, depth: int, rule: str, smallest: float, direction: str = "above", one: str = "he", other: str = "xavier"
) -> Claim:
    """Test accuracy of one start less that of another, each at its best rate."""
    return claim(id, NETS.more(reached(depth, rule), one, other, TRAINED), smallest, direction, of="depth")


def rung(id: str, depth: int, one: str, other: str, smallest: float, direction: str = "above") -> Claim:
    """Validation loss of one rung less that of another."""
    return claim(id, LADDER.more(rung_loss(depth), one, other, ladder), smallest, direction, unit="nats", of="ladder")


CLAIMS = (
    claim("small", OF.alone(fallen(SPREAD), "small", RELU), 10, unit="log₁₀"),
    claim("large", OF.alone(grown(SIZE), "large", RELU), 10, unit="log₁₀"),
    claim("exponential", OF.alone(straight, "large", LINEAR), 0.99, at="linear"),
    claim("saturates", OF.alone(last_slope, "large", TANH), 0.25, "below", at="tanh"),
    claim("xavier_tanh", OF.alone(grown(SPREAD), "xavier", TANH), 1, "within", at="tanh", unit="log₁₀"),
    claim("xavier_relu", OF.alone(lost_variance(SIZE, 2), "xavier", RELU), 0.5, "within", unit="×"),
    claim("he_relu", OF.alone(grown(SIZE), "he", RELU), 0.5, "within", unit="log₁₀"),
    claim("he_spread", OF.alone(grown(SPREAD), "he", RELU), 1, "within", unit="log₁₀"),
    claim("default_factor", OF.alone(lost_variance(SPREAD, 6), "default", RELU), 1, "within", unit="×"),
    claim("default_size", OF.alone(lost_variance(SIZE, 6), "default", RELU), 1, "within", unit="×"),
    claim("gradient_ratio", OF.more(gradient_ratio, "he", "xavier", RELU), 0.5, "within", unit="log₁₀"),
    claim("gradient_size", OF.more(first_gradient, "he", "xavier", RELU), 2, unit="log₁₀"),
    claim("orthogonal", OF.alone(grown(SIZE), "orthogonal", LINEAR), 0.01, "within", at="linear", unit="log₁₀"),
    claim("no_gain", OF.alone(fallen(SIZE), "no_gain", RELU), 2, at="no_gain", unit="log₁₀"),
    claim("uniform_01", OF.alone(grown(SIZE), "uniform_01", RELU), 10, at="uniform_01", unit="log₁₀"),
    claim("equal", UNITS.alone(units, "equal", TRAINED), 1.01, "below", of="symmetry"),
    claim("one_unit", UNITS.more(right, "equal", "one_unit", TRAINED), 0.1, "within", of="symmetry"),
    claim("zeros", UNITS.alone(right, "zeros", TRAINED), 0.2, "below", of="symmetry"),
    claim("millionth", UNITS.alone(units, "millionth", TRAINED), 1.5, of="symmetry"),
    claim("not_enough", UNITS.more(right, "random", "millionth", TRAINED), 0.1, of="symmetry"),
    claim("first_random", OF.alone(first_over(-1), "default", SIGMOID), 0.1, "below", at="old", of="moves"),
    claim("last_saturated", OF.alone(slope_in_the_end, "default", SIGMOID), 0.25, "below", at="old", of="moves"),
    claim("tanh_moves", OF.alone(first_over(-2), "xavier", BENT), 0.5, at="moves_tanh", of="moves"),
    of_depth("shallow", 2, "sgd", 0.02, "within"),
    of_depth("ten", 10, "sgd", 0.05, "within"),
    of_depth("thirty", 30, "sgd", 0.2),
    claim("adam_xavier", NETS.alone(reached(30, "adam"), "xavier", TRAINED), 0.5, of="depth"),
    of_depth("adam_gap", 30, "adam", 0.1, "within"),
    claim("adam_default", NETS.alone(reached(30, "adam"), "default", TRAINED), 0.2, "below", of="depth"),
    rung("unsure", 1, "plain", "unsure", 0.1),
    rung("unsure_deep", 5, "plain", "unsure", 0.1),
    rung("open_deep", 5, "unsure", "open", 0.5),
    rung("kaiming_deep", 5, "open", "kaiming", 0.05, "within"),
    rung("norm_deep", 5, "kaiming", "norm", 0.01),
)


def left(result: Any) -> tuple[str, dict[str, Any]] | None:
    """How much of the spread torch's default leaves from the first hidden layer to the last."""
    found = OF.alone(grown(SPREAD), "default", lambda p: p.depth > 1)(result)
    if found is None:
        return None
    share = float(10 ** found.mean())
    option = "kept" if share >= KEPT else "gone" if share < GONE else "some"
    return option, {"share": f"{share:.1g}", "depth": result.params.depth, "seeds": len(found)}


DEEPEST = {name: NETS.alone(reached(DEPTHS[-1], "adam"), name) for name in ("he", "xavier")}
PREDICTIONS = (
    Prediction("default", ("kept", "some", "gone"), left),
    more_or_less("deep", DEEPEST, lambda share: f"{100 * share:.0f}", of="depth"),
)


def mistake(id: str, sign: str, at: str, measure: Measure, symptom: float, figure: str) -> Mistake:
    return Mistake(id, sign, preset(Params(), PRESETS, at), measure, symptom, figure)


MISTAKES = (
    mistake("uniform_01", "signal", "uniform_01", OF.alone(growth, "uniform_01", rectified), 0.5, "signal"),
    mistake("no_gain", "signal", "no_gain", OF.alone(shrunk, "no_gain", rectified), 0.1, "signal"),
    mistake("equal", "signal", "equal", UNITS.more(right, "random", "equal"), 0.2, "symmetry"),
)
