"""Learning rate schedules: what can be turned, what comes back, what it costs."""

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
FURTHER = ("rates", "range_test", "warmup", "edge")
WARMUP, EDGE = ("gain",), ("objective", "descent_steps")  # fields of these experiments alone
WITHOUT = (*WARMUP, *EDGE)
SCHEDULES = ("constant", "staircase", "inverse", "exponential", "cosine", "warm_cosine", "one_cycle", "per_batch")
POINTS, NOISE = 400, 0.2  # of data in the plane
MOMENTS = 60  # epochs that are recorded, at most, besides the start


@dataclass(frozen=True)
class Schedule(BaseParams):
    """How the learning rate changes over the run, from a peak that all have in common."""

    rule: str = choice("staircase", SCHEDULES)


def of(*rules: str) -> tuple[Schedule, ...]:
    return tuple(Schedule(rule=rule) for rule in rules)


@dataclass(frozen=True)
class Params(BaseParams):
    """Schedules compared. Seed i of `seeds` draws split, wrong labels and order data_seed + i and weights
    weight_seed + i, the same for every schedule."""

    rate: float = number(0.5, 0.001, 10.0, log=True)
    schedules: tuple[Schedule, ...] = rows(
        of("constant", "staircase"), Schedule, 1, 8, fresh=lambda rule, schedule: Schedule(rule=rule)
    )
    wrong_labels: float = number(0.2, 0.0, 0.8, step=0.05)
    every: int = integer(8, 1, 200)
    drop: float = number(0.2, 0.01, 1.0, step=0.01)
    data: str = choice("digits", ("digits", "moons", "spiral"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 20_000), features=(1, 64), classes=(2, 20))
    epochs: int = integer(24, 1, 200)
    batch: int = integer(16, 1, 512)
    width: int = integer(32, 1, 128)
    gain: float = number(1.73, 0.5, 10.0, log=True)
    objective: str = choice("squared", ("squared", "cross_entropy"))
    descent_steps: int = integer(800, 20, 4000, step=20)
    seeds: int = integer(5, 1, 20)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with one hidden layer under every schedule, from the same weights on the same batches."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")  # tick 0 is before training
    rate: np.ndarray = array("contender tick+", dtype="float64")  # of the step that follows
    loss: np.ndarray = array("contender seed tick+ split", "nats")
    accuracy: np.ndarray = array("contender seed tick+ split")


def table_shape(params: Params) -> tuple[int, ...]:
    """Examples, features and classes of the data."""
    return shape(params.own) if params.own else (1797, 64, 10) if params.data == "digits" else (POINTS, 2, 2)


def layout(params: Params, depth: int = 1) -> tuple[int, ...]:
    """Units of every layer, from inputs to outputs."""
    _, inputs, outputs = table_shape(params)
    return (inputs, *[params.width] * depth, outputs)


def steps_per_epoch(params: Params) -> int:
    return -(-round(0.6 * table_shape(params)[0]) // params.batch)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [schedules, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params))


def training_cost(params: Params, nets: int, looks: int, depth: int = 1) -> Cost:
    """Of so many networks per seed, each measured so often."""
    examples, members, sizes = table_shape(params)[0], nets * params.seeds, layout(params, depth)
    count, steps = weight_count(sizes), params.epochs * steps_per_epoch(params)
    batch = min(params.batch, round(0.6 * examples))
    memory = population_bytes(sizes, members, batch, params.seeds, examples)
    memory += order_bytes(params.seeds, examples, params.epochs) + 24.0 * members * steps  # rates of every step
    flops = members * (stepping(count, batch) + 2.0 * count * examples * looks / steps)
    return Cost(steps, flops, memory, members)


def cost(params: Params) -> Cost:
    return training_cost(params, len(params.schedules), min(params.epochs, MOMENTS))


PRESETS = (
    Preset("stairs", {}, "schedule"),
    Preset("clean", {"wrong_labels": 0.0}, "schedule"),
    Preset("low", {"rate": 0.05}, "schedule"),
    Preset("all", {"schedules": of(*SCHEDULES[:-1])}, "schedule"),
    Preset("per_batch", {"schedules": of("per_batch", "staircase", "constant")}, "schedule"),
    Preset("too_fast", {"rate": 10.0, "schedules": of("constant", "staircase", "warm_cosine")}, "schedule"),
    Preset("find", {"seeds": 20}, "regret"),
    Preset("find_clean", {"seeds": 20, "wrong_labels": 0.0}, "regret"),
    Preset("large_start", {"gain": 5.0}, "survived"),
    Preset("edge_cross_entropy", {"objective": "cross_entropy"}, "edge"),
)

TINY = Params(
    schedules=of(*SCHEDULES), data="moons", every=1, epochs=2, batch=80, width=3, descent_steps=20, seeds=2
)  # fmt: skip
TRIAL = {"seeds": 2, "epochs": 1, "descent_steps": 20}
