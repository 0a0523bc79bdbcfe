"""Dropout: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import order_bytes, population_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
DIVERGES = "loss"
POINTS = ("moons", "spiral", "rings", "xor", "blobs")
LAYERS = ("none", "hidden", "first", "last", "inputs", "all")  # whose units are left out
SCALINGS = ("inverted", "classic", "none")
VALIDATION, TEST = 300, 1000  # examples beside those of training; fewer are test where fewer digits are left
TICKS = 40  # moments recorded, at most
THINNED = 64  # thinned networks that are averaged
PROBED = 500  # test examples on which they are
COUNTS = (0, *(2**i for i in range(7)))  # of how many the average is measured; 0 is the scaled network
REMOVED = (0.0, 0.2, 0.4, 0.6, 0.8)  # shares of the hidden units that are taken from a trained network
REMOVALS = 4  # random choices of them
FRAMES, GRID, REACH = 8, 40, 2.0  # pictures of the plane [-REACH, REACH]², at most, with so many pixels a side


def drops(net: Net) -> bool:
    return net.layers != "none"


def fresh(layers: str, net: Net | None) -> Net:
    """A network that leaves out these units, at the rate it had."""
    return Net(layers=layers, p=net.p if net else 0.5)


@dataclass(frozen=True)
class Net(BaseParams):
    """A network of the comparison: which of its units are left out in training, and how often."""

    layers: str = choice("hidden", LAYERS)
    p: float = number(0.5, 0.05, 0.95, step=0.05, applies=drops)
    p_inputs: float = number(0.2, 0.05, 0.95, step=0.05, applies=lambda n: n.layers == "all")
    scaling: str = choice("inverted", SCALINGS, applies=drops)


def on_points(params: Params) -> bool:
    return not params.own and params.data != "digits"


@dataclass(frozen=True)
class Params(BaseParams):
    """Networks on one problem. Seed i of `seeds` draws examples and wrong labels data_seed + i, and weights and
    left-out units weight_seed + i, the same for every network."""

    nets: tuple[Net, ...] = rows((Net(layers="none"), Net(), Net(p=0.7)), Net, 1, 6, fresh=fresh)
    data: str = choice("digits", ("digits", *POINTS), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 5000), features=(1, 64), classes=(2, 20))
    wrong: float = number(0.3, 0.0, 0.8, step=0.05, applies=lambda p: not p.own)
    examples: int = integer(300, 20, 1000, step=20, applies=lambda p: not p.own)
    noise: float = number(0.1, 0.0, 1.0, step=0.01, applies=on_points)
    depth: int = integer(2, 1, 4)
    width: int = integer(128, 2, 256)
    activation: str = choice("relu", ("relu", "tanh", "sigmoid", "identity"))
    lr: float = number(0.003, 1e-5, 0.1, log=True)
    batch: int = integer(50, 1, 512)
    epochs: int = integer(100, 1, 1000)
    seeds: int = integer(5, 1, 20)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Losses and accuracies at every tick (tick 0 is before training); when training is over, what became of the
    networks (`end`), over the first PROBED test examples."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    on: np.ndarray = array("net seed tick+", "nats")  # training loss, units left out as in training
    loss: np.ndarray = array("net seed tick+ split", "nats")  # all units there
    accuracy: np.ndarray = array("net seed tick+ split")
    # Share of wrong labels that are given back; NaN where none are
    memorised: np.ndarray = array("net seed tick+", fill=np.nan)
    # Averages over `count` thinned networks, and what they say of one layer after the other.
    mean_accuracy: np.ndarray = array("net seed end+ count")
    mean_loss: np.ndarray = array("net seed end+ count", "nats")
    gap: np.ndarray = array("net seed end+ layer")  # (mean sum − sum of the scaled network)² over the latter's variance
    # Standard deviation of P(class 1): near data, far; NaN off points
    unsure: np.ndarray = array("net seed end+ place")
    # The trained networks themselves.
    correlation: np.ndarray = array("net seed end+")  # mean |r| between two units of a hidden layer
    robust: np.ndarray = array("net seed end+ removed")  # accuracy when a share of the hidden units is taken away
    spread: np.ndarray = array("net seed end+")  # effective share of the weights into a unit, after the first layer
    size: np.ndarray = array("net seed end+")  # root mean square of these weights, and of those of the outputs
    blind: np.ndarray = array("net seed end+")  # correlation of how often a unit was left out with how useful it is
    # Seed 0 on points only (empty otherwise): training points, and P(class 1) of thinned networks on a grid.
    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example", dtype="int64")
    frame: np.ndarray = array("frame+", "epochs", dtype="int64")
    mean: np.ndarray = array("net frame+ row column", "1/255", dtype="uint8")
    deviation: np.ndarray = array("net frame+ row column", "1/510", dtype="uint8")


def table_shape(params: Params) -> tuple[int, ...]:
    """Training examples, all examples, features and classes."""
    if params.own:
        examples, features, classes = shape(params.own)
        return round(0.6 * examples), examples, features, classes
    if on_points(params):
        return params.examples, params.examples + VALIDATION + TEST, 2, 2
    return params.examples, min(1797, params.examples + VALIDATION + TEST), 64, 10


def sizes(params: Params) -> tuple[int, ...]:
    """Units of every layer, from inputs to outputs."""
    *_, inputs, outputs = table_shape(params)
    return (inputs, *[params.width] * params.depth, outputs)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [nets, seeds, …] as they are in training."""
    return perceptron(state["weights"], sizes(result.params))


def cost(params: Params) -> Cost:
    """Forward and backward take about 6 operations per weight and example; measuring, and averaging in the end, 2."""
    training, examples, *_ = table_shape(params)
    layers = sizes(params)
    weights, units = weight_count(layers), sum(layers)
    members, batch = len(params.nets) * params.seeds, min(params.batch, training)
    steps = params.epochs * -(-training // batch)
    passes = (TICKS + 1) * (examples + training) + (THINNED + len(REMOVED) * REMOVALS) * PROBED
    grids = (THINNED * GRID**2 * (FRAMES + params.seeds) / params.seeds) if on_points(params) else 0
    drawing = 400.0 * params.seeds * units * batch + 12.0 * members * units * batch
    flops = members * stepping(weights, batch) + drawing + 2.0 * weights * members * (passes + grids) / steps
    memory = population_bytes(layers, members, batch, params.seeds, examples) + 12.0 * units * members * batch
    memory += 8.0 * THINNED * members * (PROBED + GRID**2) if on_points(params) else 0
    return Cost(steps, flops, memory + order_bytes(params.seeds, training, params.epochs), members)


NONE, HALF = Net(layers="none"), Net()
PRESETS = (
    Preset("noisy", {}),
    Preset("clean", {"wrong": 0.0}),
    Preset("underfits", {"wrong": 0.0, "width": 8}),
    Preset("too_much", {"nets": (NONE, HALF, Net(p=0.9))}),
    Preset(
        "layers",
        {"nets": (NONE, Net(layers="inputs", p=0.2), Net(layers="first"), Net(layers="last"), HALF)},
    ),
    Preset("scalings", {"nets": tuple(Net(scaling=scaling) for scaling in SCALINGS)}, "scaling"),
    Preset(
        "points",
        {
            "nets": (NONE, Net(p=0.2), HALF),
            "data": "moons",
            "wrong": 0.0,
            "examples": 60,
            "noise": 0.15,
            "width": 64,
            "lr": 0.01,
            "batch": 30,
            "epochs": 200,
        },
    ),
)

TINY = Params(
    nets=(NONE, Net(layers="all", p=0.3), Net(layers="last", scaling="classic")),
    data="moons",
    examples=40,
    epochs=3,
    seeds=2,
    width=6,
    batch=16,
)
TRIAL = {"seeds": 2, "epochs": 1}
