"""Weight initialization: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.takeaway.weights import perceptron

ENGINE = "torch"
DEVICES = ("cpu",)
FURTHER = ("symmetry", "moves", "depth", "ladder")
WITHOUT = ("hidden", "rule", "rate", "steps")
SCHEMES = (
    *("zeros", "constant", "small", "large", "lecun", "xavier", "he", "orthogonal", "default"),
    *("uniform_01", "no_gain"),
)
PARTS = ("spread", "size", "back", "gradient")  # of what goes through a layer: see Result
TABLES = {"digits": (1797, 64, 10), "iris": (150, 4, 3), "breast_cancer": (569, 30, 2)}
EXAMPLES = 128  # that go through the networks
UNITS = 32  # of every hidden layer of networks that are trained
BATCH = 32
TICKS = 20  # moments measured in training, at most, besides the start


@dataclass(frozen=True)
class Start(BaseParams):
    """How all weights of a network are drawn."""

    scheme: str = choice("he", SCHEMES)


def of(*schemes: str) -> tuple[Start, ...]:
    return tuple(Start(scheme) for scheme in schemes)


FIRST = of("small", "large", "xavier", "he", "default")


@dataclass(frozen=True)
class Params(BaseParams):
    """Starts compared. Seed i of `seeds` draws split and order data_seed + i and weights weight_seed + i: the same
    normal or uniform numbers for all starts, which differ in what they are multiplied by."""

    depth: int = integer(20, 1, 50)
    activation: str = choice("relu", ("relu", "tanh", "sigmoid", "identity"))
    starts: tuple[Start, ...] = rows(FIRST, Start, 1, 11, fresh=lambda scheme, start: Start(scheme))
    width: int = integer(64, 4, 256, step=4)
    data: str = choice("digits", tuple(TABLES), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 20_000), features=(1, 64), classes=(2, 10))
    hidden: int = integer(5, 1, 10)
    rule: str = choice("sgd", ("sgd", "adam"))
    rate: float = number(0.1, 1e-4, 10.0, log=True)
    steps: int = integer(400, 10, 3000, step=10)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """What goes through networks that were never trained. Layer 0 is the inputs, the others are hidden layers."""

    # PARTS: the outputs' standard deviation over the examples (root mean square over the units), their size (root mean
    # square), the gradient of an example's loss by a weighted sum (of layer 0: by an input), and that of the mean loss
    # by a weight of the layer (none of layer 0), root mean squares too.
    signal: np.ndarray = array("start seed+ layer part", dtype="float64", fill=np.nan)
    slope: np.ndarray = array("start seed+ layer", dtype="float64")  # mean of the activation's, 1 is its largest


def table_shape(params: Params) -> tuple[int, ...]:
    """Rows, features and classes of the data."""
    return tuple(shape(params.own)) if params.own else TABLES[params.data]


def layout(params: Params, depth: int, width: int = UNITS) -> tuple[int, ...]:
    """Units of every layer of a network with `depth` hidden layers."""
    _, features, classes = table_shape(params)
    return (features, *[width] * depth, classes)


def batches(params: Params) -> int:
    """In an epoch."""
    return -(-round(0.6 * table_shape(params)[0]) // BATCH)


def ticks(last: int, count: int = TICKS) -> np.ndarray:
    """At most `count` + 1 steps after which something is measured: closer together at first."""
    return np.unique((last * np.linspace(0, 1, count + 1) ** 1.5).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [starts, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params, result.params.depth, result.params.width))


def cost(params: Params) -> Cost:
    """A step is a seed: all starts, forth and back."""
    inside = params.depth * params.width**2 * EXAMPLES * 6.0
    return Cost(params.seeds, len(params.starts) * (4 * inside + 1e6), 16.0 * inside / params.width)


PRESETS = (
    Preset("relu", {}, "signal"),
    Preset("tanh", {"activation": "tanh", "starts": of("small", "large", "lecun", "xavier", "he")}, "signal"),
    Preset("sigmoid", {"activation": "sigmoid"}, "signal"),
    Preset("linear", {"activation": "identity", "starts": of("large", "lecun", "orthogonal", "small")}, "signal"),
    Preset("uniform_01", {"starts": of("uniform_01", "large", "default", "he")}, "signal"),
    Preset("no_gain", {"starts": of("no_gain", "orthogonal", "xavier", "he")}, "signal"),
    Preset("saturated", {"activation": "tanh", "depth": 10}, "slope"),
    Preset("equal", {"steps": 1000}, "symmetry"),
    Preset("moves_tanh", {"activation": "tanh", "starts": of("default", "xavier", "large"), "steps": 1000}, "moves"),
    Preset("old", {"activation": "sigmoid", "starts": of("default", "xavier", "large"), "steps": 1000}, "moves"),
    Preset("depth_tanh", {"activation": "tanh", "seeds": 3}, "depth"),
    Preset("longer", {"steps": 2000}, "ladder"),
)

TINY = Params(starts=of("zeros", "he", "default"), depth=2, width=4, data="iris", hidden=1, steps=20, seeds=2)
TRIAL = {"seeds": 2, "steps": 10}
