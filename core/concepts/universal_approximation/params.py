"""Universal approximation: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import perceptrons

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
FURTHER = ("depth", "frequencies", "parity")
WITHOUT = ("target", "equal", "total", "bits")
LADDER = (1, 2, 4, 8, 16, 32)  # widths that are trained beside the one chosen
POINTS = 64  # of a curve that is not the reader's own
REACH = 2.0  # the data lie within ±1, and the networks are looked at within ±REACH
PLACES = 321  # where they are looked at


def folding(params: Params) -> bool:
    """Whether a tent is folded: as the curve, or where the number of layers is the question."""
    return params.target == "tent" or (params.data == "tent" and not params.own)


@dataclass(frozen=True)
class Params(BaseParams):
    """A curve, and networks of one input and one output. Seed i of `seeds` draws the places of the points by
    data_seed + i and the first weights by weight_seed + i."""

    units: int = integer(8, 1, 64)
    data: str = choice("hills", ("hills", "waves", "tent", "jump"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(5, 500), features=(2, 2), classes=(0, 0))  # x and y, without labels
    activation: str = choice("relu", ("relu", "tanh", "sigmoid", "identity"))
    steps: int = integer(1000, 10, 5000, step=10)
    lr: float = number(0.02, 1e-5, 10.0, log=True)
    target: str = choice("tent", ("tent", "curve"))
    folds: int = integer(3, 1, 5, applies=folding)
    equal: str = choice("units", ("units", "parameters"))
    total: int = integer(24, 6, 60, step=6)
    bits: int = integer(8, 2, 10)
    seeds: int = integer(8, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with one hidden layer on a curve: of the width chosen, of all widths of the ladder, and, without an
    activation, of the width chosen. Errors are taken where the data are, over PLACES there."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    place: np.ndarray = array("place", dtype="float64")
    truth: np.ndarray = array("place", dtype="float64")  # NaN where the reader's own curve has no value
    fit: np.ndarray = array("seed tick+ place")  # outputs of the width chosen
    straight: np.ndarray = array("tick+ place")  # of the first seed without an activation
    # Of the first seed with ReLU: where the slope of its output changes, and the output there; NaN for no kink.
    kink: np.ndarray = array("tick+ unit", fill=np.nan)
    kink_value: np.ndarray = array("tick+ unit", fill=np.nan)
    width: np.ndarray = array("width", "units", dtype="int64")
    error: np.ndarray = array("width seed tick+")  # root mean square
    worst: np.ndarray = array("width seed tick+")  # the largest
    straight_error: np.ndarray = array("seed tick+")
    # The training points of the first seed.
    x: np.ndarray = array("example")
    y: np.ndarray = array("example")


@dataclass(frozen=True)
class Place(BaseParams):
    """A place on the axis."""

    x: float = number(0.0, -REACH, REACH, step=0.01)


@dataclass(frozen=True)
class Height(BaseResult):
    """What the first seed says there, the slope of its output, and the curve (NaN where it has no value)."""

    said: np.ndarray = array("", dtype="float64")
    slope: np.ndarray = array("", dtype="float64")
    true: np.ndarray = array("", dtype="float64")


ASKS = (Ask("value", Place, Height),)


def widths(params: Params) -> tuple[int, ...]:
    """Those of the ladder, and the one chosen."""
    return tuple(sorted({*LADDER, params.units}))


def ticks(last: int, count: int) -> np.ndarray:
    """At most `count` + 1 steps after which something is measured: closer together at first."""
    return np.unique((last * np.linspace(0, 1, count + 1) ** 2).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …] by width: {"8.0.weight": [seeds, 8, 1], …, "straight.0.weight": …}."""
    nets = [(name, (1, result.params.units if name == "straight" else int(name), 1)) for name in state]
    return perceptrons(state, nets)


def cost(params: Params) -> Cost:
    """A population of seeds per width, and one without an activation."""
    counts = [weight_count((1, width, 1)) for width in (*widths(params), params.units)]
    flops = params.seeds * stepping(sum(counts), POINTS) / len(counts)
    return Cost(params.steps * len(counts), flops, 8.0 * params.steps * POINTS * len(counts), params.seeds)


PRESETS = (
    Preset("hills", {}, "fit"),
    Preset("few", {"units": 2}, "fit"),
    Preset("many", {"units": 64}, "fit"),
    Preset("none", {"activation": "identity", "units": 64}, "fit"),
    Preset("smooth", {"activation": "tanh"}, "fit"),
    Preset("jump", {"data": "jump", "units": 32}, "fit"),
    Preset("beyond", {"data": "waves", "units": 32}, "outside"),
    Preset("folds", {"folds": 4}, "pieces"),
    Preset("parameters", {"target": "curve", "equal": "parameters"}, "depth"),
    Preset("slow", {"steps": 3000}, "frequencies"),
)

TINY = Params(units=4, steps=40, total=12, folds=2, bits=4, seeds=2)
TRIAL = {"seeds": 2, "steps": 20}
