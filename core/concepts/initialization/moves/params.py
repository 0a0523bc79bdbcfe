"""How far layers move in training: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.initialization.params import BATCH, TICKS, Params, layout, table_shape
from core.ml.costs import order_bytes, population_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
DIVERGES = "loss"
WITHOUT = ("depth", "width")


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with `hidden` hidden layers in training. NaN is one that diverged."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("start seed tick+", "nats")  # of training data
    accuracy: np.ndarray = array("start seed tick+")  # of test data
    # By layer, the last being the outputs': how far its weights are from the first ones, over the size of these (NaN
    # where all were zero). By hidden layer: mean slope of the activation on training data, 1 being its largest.
    moved: np.ndarray = array("start seed tick+ layer")
    slope: np.ndarray = array("start seed tick+ hidden")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [starts, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params, result.params.hidden))


def cost(params: Params) -> Cost:
    return trained(params, params.hidden, len(params.starts) * params.seeds)


def trained(params: Params, depth: int, members: int) -> Cost:
    """What a population of this depth takes in training, with its measurements."""
    sizes, n = layout(params, depth), table_shape(params)[0]
    count = weight_count(sizes)
    watching = 8.0 * count * n * TICKS / params.steps
    memory = population_bytes(sizes, members, BATCH, params.seeds, n)
    memory += order_bytes(params.seeds, n, 1 + params.steps * BATCH // n)
    return Cost(params.steps, members * (stepping(count, BATCH) + watching), memory, members)
