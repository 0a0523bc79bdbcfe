"""Networks under penalties: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.regularization.params import BOUNDARY, LOOKS, TABLE, Params
from core.ml.costs import population_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
WITHOUT = (*BOUNDARY, *TABLE, *LOOKS)
DIVERGES = ""
KINDS = ("tanh", "relu")
WAYS = ("l2", "biases", "decoupled")  # λ w in the gradient, the same on biases too, w shrunk beside the step
GRID = (0.0, *(10.0 ** (k / 2) for k in range(-8, -1)))
PENALTIES = tuple(tuple(times * penalty for penalty in GRID) for times in (1.0, 1.0, 10**1.5))  # of every way
SETS = ("train", "validation", "test", "fresh")
FRESH = 1000
TICKS = 20  # moments at which errors are measured, besides the start


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with one hidden layer, trained by Adam from the same weights under every penalty."""

    penalty: np.ndarray = array("way penalty", dtype="float64")
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    error: np.ndarray = array("activation way penalty seed tick+ set")  # share of mistakes
    size: np.ndarray = array("activation way penalty seed end+")  # Euclidean norm of the weights, biases aside
    # How much of the variance over fresh data a straight line explains: of the hidden units over their weighted sums,
    # in the mean, and of the output over the inputs.
    unit: np.ndarray = array("activation way penalty seed end+", fill=np.nan)
    whole: np.ndarray = array("activation way penalty seed end+", fill=np.nan)


def layout(params: Params) -> tuple[int, ...]:
    return 2, params.width, 1


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [activations, ways, penalties, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params))


def cost(params: Params) -> Cost:
    members = len(KINDS) * len(WAYS) * len(GRID) * params.seeds
    count, seen = weight_count(layout(params)), 3 * params.examples + FRESH
    measuring = 2.0 * count * seen * (TICKS + 2) / params.steps
    memory = population_bytes(layout(params), members, params.examples, params.seeds, seen)
    return Cost(params.steps, members * (stepping(count, params.examples) + measuring), memory + 40.0 * members * seen)
