"""Activation functions: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import stepping
from core.ml.rules import RULES
from core.takeaway.weights import perceptrons

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
APART = True
DIVERGES = "loss"
POINTS = ("rings", "spiral", "xor", "moons", "blobs")
ACTIVATIONS = (
    "identity",
    "step",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "prelu",
    "elu",
    "gelu",
    "silu",
    "maxout",
    "shifted_sigmoid",
    "scaled_sigmoid",
)
MOMENTS = 40  # epochs that are recorded, at most, besides the start


@dataclass(frozen=True)
class Unit(BaseParams):
    """What every hidden unit of a contender does with its weighted sum."""

    activation: str = choice("relu", ACTIVATIONS)


def of(*names: str) -> tuple[Unit, ...]:
    return tuple(Unit(activation=name) for name in names)


def on_points(params: Params) -> bool:
    return not params.own and params.data != "digits"


@dataclass(frozen=True)
class Params(BaseParams):
    """Contenders on one problem, each with 1 … `depth` hidden layers. Seed i of `seeds` draws split and order
    data_seed + i and weights weight_seed + i, the same for every contender."""

    depth: int = integer(6, 1, 10)
    contenders: tuple[Unit, ...] = rows(
        of("identity", "step", "sigmoid", "tanh", "relu"), Unit, 1, 13, fresh=lambda name, unit: Unit(activation=name)
    )
    data: str = choice("rings", (*POINTS, "digits"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 20_000), features=(1, 64), classes=(2, 20))
    epochs: int = integer(60, 1, 300)
    seeds: int = integer(8, 1, 20)
    points: int = integer(400, 60, 2000, step=20, applies=on_points)
    noise: float = number(0.05, 0.0, 1.0, step=0.01, applies=on_points)
    width: int = integer(16, 1, 64)
    rule: str = choice("momentum", RULES)
    lr: float = number(0.03, 1e-6, 100.0, log=True)
    gain: float = number(1.0, 0.1, 10.0, log=True)
    bias: float = number(0.0, -20.0, 20.0, step=0.5)
    batch: int = integer(10, 1, 1024)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """How every contender learns, with every number of hidden layers (`depth` 0 is one layer), and what goes through
    the deepest networks, hidden layer by hidden layer, over the whole training set. NaN is a network that diverged."""

    epoch: np.ndarray = array("tick+", "epochs", dtype="int64")  # the recorded moments; tick 0 is before training
    loss: np.ndarray = array("contender depth seed tick+ split", "nats")
    accuracy: np.ndarray = array("contender depth seed tick+ split")
    first: np.ndarray = array("contender depth seed")  # `gradient` of the first layer before training
    # Lengths over the units of a layer, root mean square over the examples: ∂loss/∂output and ∂loss/∂z.
    signal: np.ndarray = array("contender seed tick+ layer")
    gradient: np.ndarray = array("contender seed tick+ layer")
    # Outputs of the units: mean, and standard deviation over the examples (root mean square over the units).
    mean: np.ndarray = array("contender seed tick+ layer")
    spread: np.ndarray = array("contender seed tick+ layer")
    # Units whose slope is 0 on every example, and units that were so at an earlier tick and are not now.
    dead: np.ndarray = array("contender seed tick+ layer", "units")
    revived: np.ndarray = array("contender seed tick+ layer", "units")
    learned: np.ndarray = array("contender seed tick+")  # mean slope of PReLU below zero; else NaN
    # The functions as they start, and where on them the units are: shares of z over all layers and seeds.
    z: np.ndarray = array("point", dtype="float64")
    value: np.ndarray = array("contender point")
    slope: np.ndarray = array("contender point")
    edge: np.ndarray = array("edge", dtype="float64")  # of the bins; the outer ones hold everything beyond
    share: np.ndarray = array("contender tick+ bin")
    # Seed 0 on points only (empty otherwise): the points, and the probability of class 1 on a grid, deepest networks.
    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example", dtype="int64")
    region: np.ndarray = array("contender tick+ row column", "1/255", dtype="uint8")


def layout(params: Params, depth: int) -> tuple[int, ...]:
    """Units of every layer of a network with `depth` hidden layers, from inputs to outputs."""
    _, inputs, outputs = table_shape(params)
    return (inputs, *[params.width] * depth, outputs)


def table_shape(params: Params) -> tuple[int, ...]:
    """Examples, features and classes of the data."""
    return shape(params.own) if params.own else (params.points, 2, 2) if on_points(params) else (1797, 64, 10)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks by contender, number of hidden layers, and layer: {"0.3.2.weight": [seeds, out, in], …}."""
    nets = []
    for name in state:
        contender, depth = map(int, name.split("."))
        nets.append((name, layout(result.params, depth), result.params.contenders[contender].activation))
    return perceptrons(state, nets)


def cost(params: Params) -> Cost:
    """Every contender trains a population of seeds at every depth; the deeper, the more calls a step is."""
    rows, inputs, outputs = table_shape(params)
    examples = round(0.6 * rows)
    batch = min(params.batch, examples)
    hidden = params.depth * (params.depth + 1) // 2 * params.width**2  # weights, at all depths together
    weights = len(params.contenders) * (hidden + params.depth * (inputs + outputs) * params.width)
    calls = len(params.contenders) * params.depth * (params.depth + 3) // 4
    steps = params.epochs * -(-examples // batch)
    watching = 2.0 * weights * params.seeds * rows * min(params.epochs, MOMENTS) / steps
    copies = 3 * len(params.contenders) * params.depth * inputs  # every population has the data, and in order
    numbers = 12 * weights + rows * (copies + 6 * params.depth * params.width + 2 * params.epochs)
    return Cost(
        steps * calls,
        (params.seeds * stepping(weights, batch) + watching) / calls,
        4.0 * params.seeds * numbers,
        params.seeds,
    )


PRESETS = (
    Preset("stalls", {}),
    Preset("shallow", {"depth": 1}),
    Preset("everyone", {"contenders": of(*ACTIVATIONS[:11]), "depth": 5}),
    Preset("centred", {"contenders": of("sigmoid", "shifted_sigmoid", "scaled_sigmoid", "tanh"), "depth": 4}),
    Preset("adam", {"rule": "adam", "lr": 0.01}),
    Preset("start", {"contenders": of("sigmoid", "tanh", "relu", "gelu"), "depth": 10, "gain": 2.45}, "layers"),
    Preset(
        "bias",
        {
            "contenders": of("relu", "leaky_relu", "prelu", "elu"),
            "depth": 2,
            "bias": -10.0,
            "rule": "adam",
            "lr": 0.05,
        },
        "dead",
    ),
    Preset("too_fast", {"contenders": of("tanh", "relu", "leaky_relu", "elu"), "depth": 3, "lr": 0.3}),
    Preset(
        "digits",
        {
            "data": "digits",
            "contenders": of("identity", "sigmoid", "tanh", "relu"),
            "depth": 4,
            "epochs": 15,
            "batch": 32,
        },
    ),
)

TINY = Params(
    contenders=of("step", "relu", "prelu", "maxout"),
    data="moons",
    depth=2,
    points=80,
    epochs=3,
    seeds=2,
    width=4,
    batch=24,
)
TRIAL = {"seeds": 2, "epochs": 1}
