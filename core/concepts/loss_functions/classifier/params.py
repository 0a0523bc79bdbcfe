"""A classifier under several losses, at several rates: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.loss_functions.params import NEURON, OUTLIERS, SURFACE, Params, table_shape
from core.ml.costs import order_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
WITHOUT = (*NEURON, *SURFACE, *OUTLIERS)
DIVERGES = ""  # some rates are there to show it
NAMES = ("cross_entropy", "probabilities", "outputs", "hinge", "absolute", "zero_one", "twice", "summed")
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
EQUAL = 0.1  # the rate at which all are compared, where each does not have its best
BATCH = 32


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with a hidden layer, under every loss at every rate, from the same weights on the same batches. NaN is a
    training that diverged."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    loss: np.ndarray = array("name rate seed tick+")  # its own, mean over the training set
    accuracy: np.ndarray = array("name rate seed tick+ split")


def layout(params: Params) -> tuple[int, ...]:
    _, features, classes = table_shape(params)
    return features, params.width, classes


def batches(params: Params) -> int:
    """In an epoch."""
    return -(-round(0.6 * table_shape(params)[0]) // BATCH)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [losses, rates, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params))


def cost(params: Params) -> Cost:
    members, count = len(NAMES) * len(RATES) * params.seeds, weight_count(layout(params))
    n = table_shape(params)[0]
    measuring = 2.0 * count * n / batches(params)
    steps = params.epochs * batches(params)
    numbers = members * (8.0 * count + 3 * sum(layout(params)) * BATCH) + 12 * n * sum(layout(params)) * params.seeds
    memory = 4.0 * numbers + order_bytes(params.seeds, n, params.epochs)
    return Cost(steps, members * (stepping(count, BATCH) + measuring), memory)
