"""What the notes say of activation functions, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Prediction
from core.concepts.activations.params import Params, Result, of
from core.conclusions.stats import leaning

TRAIN, TEST = 0, 2
DECIDING: dict[str, Any] = {"seeds": 20, "data_seed": 51_000, "weight_seed": 51_000}  # seeds nobody looked at
DEEP = 4  # hidden layers that make a network deep
HE = 6**0.5  # times the weights drawn here, uniform in ±1/√fan-in, are those of He et al. (2015)
PLAIN = ("sgd", "momentum", "nesterov")

Measure = Callable[[Result], np.ndarray | None]


def finished(measure: Measure, *needs: str, depth: int = 1) -> Measure:
    """The measure on a finished run that has these contenders and at least `depth` hidden layers; else None."""

    def asked(result: Result) -> np.ndarray | None:
        there = [unit.activation for unit in result.params.contenders]
        fits = result.complete and result.params.depth >= depth and all(name in there for name in needs)
        return measure(result) if fits else None

    return asked


def row(result: Result, name: str) -> int:
    return [unit.activation for unit in result.params.contenders].index(name)


def right(result: Result, name: str, depth: int = 0) -> np.ndarray:
    """Test accuracy after training with `depth` hidden layers, 0 being the deepest: [seed]."""
    return result.accuracy[row(result, name), depth - 1, :, -1, TEST].astype(float)


def accuracy(name: str, depth: int) -> Measure:
    return finished(lambda result: right(result, name, depth), name, depth=depth)


def deep(name: str, least: int = DEEP) -> Measure:
    """Test accuracy of the deepest networks, of at least so many hidden layers."""
    return finished(lambda result: right(result, name), name, depth=least)


def gain(of_name: str, over: str, depth: int = 0) -> Measure:
    """Test accuracy of one contender less that of another; depth 0: of the deepest networks, if they are deep."""
    return finished(
        lambda result: right(result, of_name, depth) - right(result, over, depth), of_name, over, depth=depth or DEEP
    )


def shrinkage(result: Result) -> np.ndarray:
    """By what the gradient is divided from a hidden layer to the one before, before training: geometric mean over the
    layers of the deepest networks, of which there are two at least: [contender, seed]; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.log(result.gradient[:, :, 0].astype(float))
        return np.exp((length[..., -1] - length[..., 0]) / (length.shape[-1] - 1))


def step_reaches_nothing(result: Result) -> np.ndarray:
    """Per seed: 1 if the gradient of every hidden layer is 0 at all times."""
    return (result.gradient[row(result, "step")] == 0).all((1, 2)).astype(float)


def within_quarter(result: Result) -> np.ndarray:
    """Per seed: 1 if no sigmoid layer ever lets more than a quarter of the gradient through its slopes."""
    c = row(result, "sigmoid")
    return (result.gradient[c] <= 0.25 * result.signal[c] * (1 + 1e-5)).all((1, 2)).astype(float)


def maxout_less_relu(result: Result) -> np.ndarray:
    """Training loss before training of Maxout less that of ReLU, deepest networks."""
    loss = result.loss[:, -1, :, 0, TRAIN].astype(float)
    return loss[row(result, "maxout")] - loss[row(result, "relu")]


def scaled_less_tanh(result: Result) -> np.ndarray:
    """Training loss of 2σ(2z) − 1 less that of tanh at the end, one hidden layer: in depth, rounding parts paths."""
    loss = result.loss[:, 0, :, -1, TRAIN].astype(float)
    return loss[row(result, "scaled_sigmoid")] - loss[row(result, "tanh")]


def dead_share(result: Result, tick: int) -> np.ndarray:
    """Share of dead ReLU units of the deepest networks."""
    return result.dead[row(result, "relu"), :, tick].mean(-1) / result.params.width


def killed_by_rate(result: Result) -> np.ndarray | None:
    """Share of dead ReLU units at the end less that at the start, with a large rate."""
    if result.params.rule not in PLAIN or result.params.lr < 0.3:
        return None
    return dead_share(result, -1) - dead_share(result, 0)


def killed_by_bias(result: Result) -> np.ndarray | None:
    return dead_share(result, -1) if result.params.bias <= -5 else None


def first_stay_dead(result: Result) -> np.ndarray | None:
    """Under plain SGD, per seed with dead ReLU units in the first layer: 1 if none of them is ever seen alive again."""
    c = row(result, "relu")
    back, dead = (units[c, :, :, 0].max(1) for units in (result.revived, result.dead))
    return (back == 0)[dead > 0].astype(float) if result.params.rule == "sgd" and dead.any() else None


def deeper_revived(result: Result) -> np.ndarray | None:
    """Under plain SGD: of the ReLU units beyond the first layer that were ever dead, the share alive at the end."""
    c = row(result, "relu")
    back = result.revived[c, :, -1, 1:].sum(-1)
    ever: np.ndarray = back + result.dead[c, :, -1, 1:].sum(-1)
    return (back / np.maximum(ever, 1))[ever > 0] if result.params.rule == "sgd" and ever.any() else None


def with_adam(measure: Measure) -> Measure:
    return lambda result: measure(result) if result.params.rule == "adam" else None


ALL = Params(
    contenders=of(
        "identity",
        "step",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "maxout",
        "shifted_sigmoid",
    ),
    **DECIDING,
)
TWINS = Params(contenders=of("tanh", "scaled_sigmoid"), depth=1, **DECIDING)
RELATIVES = Params(contenders=of("relu", "leaky_relu", "maxout"), **DECIDING)
RELU, SIGMOID = Params(contenders=of("relu"), **DECIDING), Params(contenders=of("sigmoid"), **DECIDING)
PLAIN_SGD = RELU.replace(depth=3, rule="sgd", lr=1.0)
ADAM = SIGMOID.replace(rule="adam", lr=0.01)

CLAIMS = (
    Claim(
        "no_activation",
        finished(lambda r: right(r, "identity") - right(r, "identity", 1), "identity", depth=2),
        Params(contenders=of("identity"), **DECIDING),
        0.05,
        "within",
        runs=3,
    ),
    Claim("relu_sigmoid", gain("relu", "sigmoid"), ALL, 0.1),
    Claim("tanh_sigmoid", gain("tanh", "sigmoid"), ALL, 0.1),
    Claim("shift_only", gain("shifted_sigmoid", "sigmoid"), ALL, 0.05),
    Claim("scale_shift", finished(scaled_less_tanh, "scaled_sigmoid", "tanh"), TWINS, 1e-3, "within", unit="nats"),
    Claim("shrinks_four", finished(lambda r: shrinkage(r)[row(r, "sigmoid")], "sigmoid", depth=2), ALL, 4.0, unit="×"),
    Claim(
        "shrinks_four_large",
        finished(lambda r: shrinkage(r)[row(r, "sigmoid")] if r.params.gain >= 4 else None, "sigmoid", depth=2),
        SIGMOID.replace(gain=4.0),
        4.0,
        unit="×",
    ),
    Claim("slope_quarter", finished(within_quarter, "sigmoid"), ALL, 0.8, share=True),
    Claim("step_chance", deep("step"), ALL, 0.6, "below"),
    Claim("step_hidden", finished(step_reaches_nothing, "step"), ALL, 0.8, share=True),
    Claim("differentiable", accuracy("relu", 3), ALL, 0.6, "below"),
    Claim("kills_rate", finished(killed_by_rate, "relu"), RELU.replace(depth=3, lr=0.3), 0.1),
    Claim("kills_bias", finished(killed_by_bias, "relu"), RELU.replace(depth=3, bias=-10.0), 0.9),
    Claim("first_stays", finished(first_stay_dead, "relu"), PLAIN_SGD, 0.8, share=True),
    Claim("deeper_stays", finished(deeper_revived, "relu", depth=2), PLAIN_SGD, 0.05, "below"),
    Claim("leaky_deep", gain("leaky_relu", "relu"), RELATIVES, 0.01, runs=4),
    Claim("leaky_shallow", gain("leaky_relu", "relu", 3), ALL, 0.01),
    Claim("maxout_relu", finished(maxout_less_relu, "maxout", "relu"), ALL, 1e-5, "within", unit="nats"),
    Claim("maxout_better", gain("maxout", "relu"), RELATIVES, 0.01, runs=4),
    Claim("beyond_sigmoid", deep("sigmoid", 6), ALL, 0.6, "below"),
    Claim("beyond_relu", deep("relu", 10), RELU.replace(depth=10), 0.6, "below"),
    Claim("beyond_he", deep("relu", 10), RELU.replace(depth=10, gain=HE), 0.6, "below"),
    Claim("adam_three", with_adam(accuracy("sigmoid", 3)), ADAM, 0.9),
    Claim("adam_six", with_adam(accuracy("sigmoid", 6)), ADAM, 0.9),
    Claim(
        "normal_mean",
        finished(lambda r: r.mean[row(r, "sigmoid"), :, 0, 0].astype(float), "sigmoid"),
        ALL,
        0.1,
        "within",
    ),
    Claim(
        "normal_spread",
        finished(lambda r: r.spread[row(r, "tanh"), :, 0, 0].astype(float) - 1, "tanh"),
        ALL,
        0.25,
        "within",
    ),
)


def relu_or_sigmoid(result: Result) -> tuple[str, dict[str, Any]] | None:
    """Who of ReLU and sigmoid classifies more of the test points right in the deepest networks."""
    effects = finished(lambda r: right(r, "relu") - right(r, "sigmoid"), "relu", "sigmoid")(result)
    if effects is None:
        return None
    shares = {name: f"{100 * right(result, name).mean():.0f}" for name in ("relu", "sigmoid")}
    return leaning(effects), {**shares, "depth": result.params.depth, "seeds": len(effects)}


PREDICTIONS = (Prediction("deep", ("more", "even", "less"), relu_or_sigmoid),)
