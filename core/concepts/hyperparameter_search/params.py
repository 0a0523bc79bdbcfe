"""Hyperparameter search: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, points, shape, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import order_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
FURTHER = ("race", "importance")
WITHOUT = ("levels", "draws")
WAYS = ("grid", "random", "linear")
SPANS = {"momentum": (0.0, -3.0), "l2": (-8.0, -3.0), "decay": (-3.0, 1.0), "gain": (-1.0, 1.0)}  # decades searched
COLUMNS, ROWS = 40, 12  # of the map
MOMENTS = 5  # at which all is measured, besides the start
BATCH = 16


def drawn(params: Params) -> bool:
    return params.data != "digits" and not params.own


@dataclass(frozen=True)
class Params(BaseParams):
    """Networks with one hidden layer, SGD with momentum. Seed i of `seeds` draws data and searches by data_seed + i,
    first weights by weight_seed + i: the same weights and batches for all its trainings."""

    second: str = choice("l2", tuple(SPANS))
    side: int = integer(3, 2, 6)  # a search has side² trainings
    data: str = choice("spiral", ("spiral", "rings", "xor", "moons", "digits"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(50, 2000), features=(1, 64), classes=(2, 10))
    low: float = number(1e-4, 1e-6, 1.0, log=True)
    decades: float = number(5.0, 0.5, 7.0, step=0.5)
    points: int = integer(500, 50, 2000, step=10, applies=drawn)
    noise: float = number(0.05, 0.0, 1.0, step=0.01, applies=drawn)
    width: int = integer(16, 2, 64)
    epochs: int = integer(30, 9, 100)
    searches: int = integer(20, 1, 100)
    levels: int = integer(3, 2, 4)
    draws: int = integer(400, 10, 2000, step=10)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Accuracies over learning rate and a second hyperparameter, on a map, and of `searches` searches of every way.
    Places are from 0 to 1 within the range, at equal ratios. Who has diverged is never right."""

    epoch: np.ndarray = array("tick+", "epochs", dtype="int64")
    rate: np.ndarray = array("column", dtype="float64")
    setting: np.ndarray = array("row", dtype="float64")  # of the second
    height: np.ndarray = array("seed tick+ row column")  # validation accuracy on the map
    place: np.ndarray = array("way seed search trial axis", dtype="float64")  # of rate and second
    validation: np.ndarray = array("way seed search tick+ trial")  # accuracy
    test: np.ndarray = array("way seed search tick+ trial")


@dataclass(frozen=True)
class Guess(BaseParams):
    """A reader's own search: places of rate and second hyperparameter, each training in its turn."""

    places: tuple[tuple[float, ...], ...] = points(((0.5, 0.5),), 0.0, 1.0, 1, 36)


@dataclass(frozen=True)
class Guessed(BaseResult):
    """Their accuracies on the first seed, and the best of the grid and at random after as many, in the mean over its
    searches; NaN after more than those have."""

    validation: np.ndarray = array("trial")
    test: np.ndarray = array("trial")
    others: np.ndarray = array("way", fill=np.nan)
    ended: np.ndarray = array("way", fill=np.nan)  # the best of whole searches
    height: np.ndarray = array("row column")


ASKS = (Ask("guess", Guess, Guessed),)


def table_shape(params: Params) -> tuple[int, ...]:
    """Examples, features and classes of the data."""
    return (
        tuple(shape(params.own)) if params.own else (1797, 64, 10) if params.data == "digits" else (params.points, 2, 2)
    )


def layout(params: Params) -> tuple[int, ...]:
    _, inputs, classes = table_shape(params)
    return inputs, params.width, classes


def batches(params: Params) -> int:
    """In an epoch."""
    return -(-round(0.6 * table_shape(params)[0]) // BATCH)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [ways, seeds, …] that the first search of every way chose, by layer."""
    return perceptron(state["weights"], layout(result.params))


def trained(params: Params) -> int:
    """How many trainings a run is: the map, and the searches."""
    return params.seeds * (COLUMNS * ROWS + len(WAYS) * params.searches * params.side**2)


def cost(params: Params) -> Cost:
    """All trainings are one population."""
    members, count, n = trained(params), weight_count(layout(params)), table_shape(params)[0]
    steps = params.epochs * batches(params)
    step = members * (stepping(count, BATCH) + 2.0 * count * 0.4 * n * (MOMENTS + 1) / steps)
    numbers = members * (8.0 * count + 3 * sum(layout(params)) * BATCH + steps) + 12.0 * n * sum(layout(params))
    return Cost(steps, step, 4.0 * numbers + order_bytes(params.seeds, n, params.epochs), members)


PRESETS = (
    Preset("narrow_peak", {}, "map"),
    Preset("broad", {"data": "moons", "noise": 0.2}, "map"),
    Preset("both_matter", {"second": "momentum"}, "map"),
    Preset("many", {"side": 6, "searches": 5}, "map"),
    Preset("decade", {"low": 0.05, "decades": 1.0}, "scale"),
    Preset("small", {"points": 100, "noise": 0.2}, "best_of"),
    Preset("digits", {"data": "digits", "searches": 5, "epochs": 9, "seeds": 3}, "map"),
    Preset("budget", {"levels": 2}, "race"),
    Preset("rings", {"data": "rings", "noise": 0.1}, "importance"),
)

TINY = Params(second="decay", side=2, points=50, width=2, epochs=9, searches=1, levels=2, draws=10, seeds=2)
TRIAL = {"seeds": 2, "epochs": 9, "searches": 2, "points": 50, "width": 2, "side": 2, "levels": 2, "draws": 20}
