"""Batch size: what can be turned, what comes back, what it costs."""

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
FURTHER = ("tuning", "noise", "paths")
WITHOUT = ("rate", "scaling")
BATCHES = ("1", "2", "4", "8", "16", "32", "64", "128", "256", "512", "all")
# Best of powers of two on digits, on seeds that decide nothing; what lies between is on the line
GOOD = dict(zip(BATCHES, (0.06, 0.12, 0.25, 0.5, 0.7, 0.7, 1.0, 1.0, 1.0, 1.0, 1.0)))
NOISE = 0.1  # of points in a plane
TICKS = 100  # moments recorded, besides the start


@dataclass(frozen=True)
class Contender(BaseParams):
    """How many examples a step sees, and its learning rate."""

    batch: str = choice("64", BATCHES)
    lr: float = number(1.0, 1e-5, 100.0, log=True)


def fresh(batch: str, contender: Contender | None) -> Contender:
    return Contender(batch=batch, lr=GOOD[batch])


def on_points(params: Params) -> bool:
    return not params.own and params.data != "digits"


def of(*batches: str, lr: float | None = None) -> tuple[Contender, ...]:
    return tuple(Contender(batch=batch, lr=lr or GOOD[batch]) for batch in batches)


@dataclass(frozen=True)
class Params(BaseParams):
    """Batch sizes compared. Seed i of `seeds` draws split and order data_seed + i and weights weight_seed + i, the same
    for all. Each goes on until it has made `epochs` passes over the data and `steps` steps."""

    contenders: tuple[Contender, ...] = rows(of("1", "8", "64", "all"), Contender, 1, 11, fresh=fresh)
    data: str = choice("digits", ("digits", "moons", "rings"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 5000), features=(1, 64), classes=(2, 20))
    points: int = integer(600, 60, 2000, step=20, applies=on_points)
    target: float = number(0.9, 0.3, 0.99, step=0.01)
    epochs: int = integer(10, 1, 100)
    steps: int = integer(300, 1, 3000)
    width: int = integer(32, 1, 128)
    rate: float = number(0.1, 1e-4, 2.0, log=True)
    scaling: str = choice("same", ("same", "linear"))
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """One network trained in batches of several sizes, from the same weights, over the same examples in one order."""

    examples: int  # in training
    size: np.ndarray = array("contender", "examples", dtype="int64")  # of a step
    taken: np.ndarray = array("contender tick+", "steps", dtype="int64")  # so far, tick 0 is before training
    loss: np.ndarray = array("contender seed tick+ split", "nats")
    accuracy: np.ndarray = array("contender seed tick+ split")
    step_seconds: np.ndarray = array("contender seed", "s", dtype="float64", measured=True)  # of a network alone


def table_shape(params: Params) -> tuple[int, ...]:
    """Examples, features and classes of the data."""
    return tuple(shape(params.own)) if params.own else (params.points, 2, 2) if on_points(params) else (1797, 64, 10)


def sizes(params: Params) -> tuple[int, ...]:
    """Units of every layer, from inputs to outputs."""
    _, inputs, outputs = table_shape(params)
    return (inputs, params.width, outputs)


def size_of(batch: str, examples: int) -> int:
    """Examples of a step."""
    return examples if batch == "all" else min(int(batch), examples)


def per_epoch(size: np.ndarray, examples: int) -> np.ndarray:
    """Steps of one pass over the examples; its last batch may be smaller."""
    return -(-examples // size)


def moments(params: Params, size: np.ndarray, examples: int) -> np.ndarray:
    """The steps after which each size is measured [size, tick], closer together at first. Where a size goes on for
    longer, the end of its last pass of `epochs` is among them."""
    passes = params.epochs * per_epoch(size, examples)
    found = (np.maximum(passes, params.steps)[:, None] * np.linspace(0, 1, TICKS + 1) ** 3).round().astype(int)
    near = 1 + np.abs(found[:, 1:] - passes[:, None]).argmin(1)
    found[np.arange(len(size)), near] = passes
    _, first = np.unique(found.sum(0), return_index=True)
    return found[:, first]


def racing(params: Params, batches: tuple[str, ...], rates: int) -> Cost:
    """What it costs to train so many rates in batches of these sizes."""
    total, count, layers = table_shape(params)[0], rates * params.seeds, sizes(params)
    examples, weights = round(0.6 * total), weight_count(layers)
    size = np.array([size_of(batch, examples) for batch in batches])
    taken = moments(params, size, examples)
    steps, passes = taken[:, -1], int((-(-taken[:, -1] // per_epoch(size, examples))).max())
    work = sum(count * int(k) * stepping(weights, int(b)) for k, b in zip(steps, size))
    work += 2.0 * weights * count * len(batches) * total * taken.shape[1]
    memory = sum(population_bytes(layers, count, int(b), params.seeds, total) for b in size)
    return Cost(int(steps.sum()), work / steps.sum(), memory + order_bytes(params.seeds, examples, passes), count)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [contenders, seeds, …] by the names of torch.nn."""
    return perceptron(state["weights"], sizes(result.params))


def cost(params: Params) -> Cost:
    return racing(params, tuple(contender.batch for contender in params.contenders), 1)


SMALL = tuple(Contender(batch=batch, lr=0.06) for batch in ("1", "8", "64", "all"))
PRESETS = (
    Preset("three", {}, "three"),
    Preset("many", {"contenders": of(*BATCHES), "seeds": 3}, "three"),
    Preset("one_rate", {"contenders": SMALL}, "three"),
    Preset("equal_passes", {"steps": 1}, "three"),
    Preset("too_large", {"contenders": of("1", "8", "64", "all", lr=1.0)}, "three"),
    Preset("moons", {"data": "moons", "epochs": 30, "seeds": 10}, "three"),
    Preset("late", {"epochs": 50}, "noise"),
    Preset("passes_only", {"steps": 1, "seeds": 3}, "test"),
    Preset("linear", {"scaling": "linear", "rate": 0.05, "contenders": of("1", "4", "16", "all")}, "paths"),
)

TINY = Params(contenders=of("4", "all"), data="moons", points=60, target=0.5, epochs=1, steps=8, width=3, seeds=2)
TRIAL = {"seeds": 2, "epochs": 1, "steps": 3, "data": "moons", "points": 60, "width": 4}
