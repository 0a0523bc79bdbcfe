"""What the notes say of activation functions, each with the measurement that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.activations.params import Params, Result, Unit, of
from core.conclusions.measures import Contenders, Fits, Measure, Value, more_or_less, unseen

TRAIN, TEST = 0, 2
DEEP = 4  # hidden layers that make a network deep
HE = 6**0.5  # times the weights drawn here, uniform in ±1/√fan-in, are those of He et al. (2015)
PLAIN = ("sgd", "momentum", "nesterov")
UNITS = Contenders(lambda params: params.contenders)


# Settings


def layers(least: int) -> Fits:
    """At least so many hidden layers."""
    return lambda params: params.depth >= least


def large_rate(params: Params) -> bool:
    return params.rule in PLAIN and params.lr >= 0.3


def trained_by(rule: str, least: int = 1) -> Fits:
    return lambda params: params.rule == rule and params.depth >= least


# Values, [contender, seed]


def right(depth: int = 0) -> Value:
    """Test accuracy after training with `depth` hidden layers, 0 being the deepest."""
    return lambda result: result.accuracy[:, depth - 1, :, -1, TEST]


def loss(depth: int, tick: int) -> Value:
    """Training loss at a tick."""
    return lambda result: result.loss[:, depth - 1, :, tick, TRAIN]


def shrinkage(result: Result) -> np.ndarray:
    """By what the gradient is divided from a hidden layer to the one before, before training: geometric mean over the
    layers of the deepest networks, of which there are two at least: [contender, seed]; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.log(result.gradient[:, :, 0].astype(float))
        return np.exp((length[..., -1] - length[..., 0]) / (length.shape[-1] - 1))


def step_reaches_nothing(result: Result) -> np.ndarray:
    """Whether the gradient of every hidden layer is 0 at all times."""
    return np.all(result.gradient == 0, axis=(2, 3))


def within_quarter(result: Result) -> np.ndarray:
    """Whether no layer ever lets more than a quarter of the gradient through its slopes."""
    return np.all(result.gradient <= 0.25 * result.signal * (1 + 1e-5), axis=(2, 3))


def dead_share(tick: int) -> Value:
    """Share of dead units of the deepest networks."""
    return lambda result: result.dead[:, :, tick].mean(-1) / result.params.width


def first_stay_dead(result: Result) -> list[np.ndarray]:
    """Of the seeds with dead units in the first layer, whether none of them is ever seen alive again."""
    back, dead = (units[..., 0].max(2) for units in (result.revived, result.dead))
    return [(alive == 0)[ever > 0] for alive, ever in zip(back, dead)]


def deeper_revived(result: Result) -> list[np.ndarray]:
    """Of the units beyond the first layer that were ever dead, the share alive at the end, where there are any."""
    back, dead = (units[:, :, -1, 1:].sum(-1) for units in (result.revived, result.dead))
    return [(alive / np.maximum(ever, 1))[ever > 0] for alive, ever in zip(back, back + dead)]


# Measures


def gain(one: str, other: str, depth: int = 0) -> Measure:
    """Test accuracy of one contender less that of another; depth 0: of the deepest networks, if they are deep."""
    return UNITS.more(right(depth), Unit(one), Unit(other), layers(depth or DEEP))


def alone(value: Value, name: str, least: int = 1) -> Measure:
    return UNITS.alone(value, Unit(name), layers(least))


NONE, SIGMOID, TANH, RELU, MAXOUT = of("identity", "sigmoid", "tanh", "relu", "maxout")
killed_by_bias = UNITS.alone(dead_share(-1), RELU, lambda params: params.bias <= -5)
killed_by_rate = UNITS.more(dead_share(-1), RELU, RELU, large_rate, dead_share(0))
gained_in_depth, gained_by_one = (
    UNITS.more(right(one), NONE, NONE, layers(2), right(other)) for one, other in ((0, 1), (1, 0))
)
shrinks_large = UNITS.alone(shrinkage, SIGMOID, lambda params: params.gain >= 4 and params.depth >= 2)


def at(*names: str, **changes: Any) -> Params:
    return unseen(Params(), 20, 51_000, contenders=of(*names), **changes)


ALL = at("identity", "step", "sigmoid", "tanh", "relu", "leaky_relu", "maxout", "shifted_sigmoid")
RELATIVES, ADAM = at("relu", "leaky_relu", "maxout"), at("sigmoid", rule="adam", lr=0.01)
PLAIN_SGD = at("relu", depth=3, rule="sgd", lr=1.0)
LARGE: dict[str, Any] = {"depth": 3, "lr": 0.3}
BIASED: dict[str, Any] = {"depth": 3, "bias": -10.0}

CLAIMS = (
    Claim("no_activation", gained_in_depth, at("identity"), 0.05, "within", runs=3),
    Claim("relu_sigmoid", gain("relu", "sigmoid"), ALL, 0.1),
    Claim("tanh_sigmoid", gain("tanh", "sigmoid"), ALL, 0.1),
    Claim("shift_only", gain("shifted_sigmoid", "sigmoid"), ALL, 0.05),
    Claim(
        "scale_shift",
        UNITS.more(loss(1, -1), Unit("scaled_sigmoid"), TANH),  # one hidden layer: in depth, rounding parts paths
        at("tanh", "scaled_sigmoid", depth=1),
        1e-3,
        "within",
        unit="nats",
    ),
    Claim("shrinks_four", alone(shrinkage, "sigmoid", 2), ALL, 4.0, unit="×"),
    Claim("shrinks_four_large", shrinks_large, at("sigmoid", gain=4.0), 4.0, unit="×"),
    Claim("slope_quarter", alone(within_quarter, "sigmoid"), ALL, 0.8, share=True),
    Claim("step_chance", alone(right(), "step", DEEP), ALL, 0.6, "below"),
    Claim("step_hidden", alone(step_reaches_nothing, "step"), ALL, 0.8, share=True),
    Claim("differentiable", alone(right(3), "relu", 3), ALL, 0.6, "below"),
    Claim("kills_rate", killed_by_rate, at("relu", **LARGE), 0.1),
    Claim("kills_bias", killed_by_bias, at("relu", **BIASED), 0.9),
    Claim("first_stays", UNITS.alone(first_stay_dead, RELU, trained_by("sgd")), PLAIN_SGD, 0.8, share=True),
    Claim("deeper_stays", UNITS.alone(deeper_revived, RELU, trained_by("sgd", 2)), PLAIN_SGD, 0.05, "below"),
    Claim("leaky_deep", gain("leaky_relu", "relu"), RELATIVES, 0.01, runs=4),
    Claim("leaky_shallow", gain("leaky_relu", "relu", 3), ALL, 0.01),
    Claim("maxout_relu", UNITS.more(loss(0, 0), MAXOUT, RELU), ALL, 1e-5, "within", unit="nats"),
    Claim("maxout_better", gain("maxout", "relu"), RELATIVES, 0.01, runs=4),
    Claim("beyond_sigmoid", alone(right(), "sigmoid", 6), ALL, 0.6, "below"),
    Claim("beyond_relu", alone(right(), "relu", 10), at("relu", depth=10), 0.6, "below"),
    Claim("beyond_he", alone(right(), "relu", 10), at("relu", depth=10, gain=HE), 0.6, "below"),
    Claim("adam_three", UNITS.alone(right(3), SIGMOID, trained_by("adam", 3)), ADAM, 0.9),
    Claim("adam_six", UNITS.alone(right(6), SIGMOID, trained_by("adam", 6)), ADAM, 0.9),
    Claim("normal_mean", alone(lambda r: r.mean[:, :, 0, 0], "sigmoid"), ALL, 0.1, "within"),
    Claim("normal_spread", alone(lambda r: r.spread[:, :, 0, 0].astype(float) - 1, "tanh"), ALL, 0.25, "within"),
)
MISTAKES = (
    Mistake("no_activation", "floor", Params(contenders=of("identity", "relu")), gained_by_one, -0.05, "depth"),
    Mistake("kills_bias", "chance", Params(contenders=of("relu"), **BIASED), killed_by_bias, 0.5, "dead"),
    Mistake("kills_rate", "signal", Params(contenders=of("relu"), **LARGE), killed_by_rate, 0.1, "dead"),
)

RELU_OR_SIGMOID = {name: alone(right(), name) for name in ("relu", "sigmoid")}
PREDICTIONS = (more_or_less("deep", RELU_OR_SIGMOID, lambda share: f"{100 * share:.0f}", depth=lambda p: p.depth),)
