"""The edge of stability: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.learning_rate.params import WARMUP, Params
from core.ml.costs import weight_count
from core.takeaway.weights import perceptron

DEVICES = ("cpu",)
WITHOUT = (
    *("rate", "schedules", "wrong_labels", "every", "drop", "data", "own", "epochs", "batch", "width"),
    *WARMUP,
)
DIVERGES = "loss"
SIZES, EXAMPLES = (64, 16, 10), 200  # of digits
RATES = {"squared": (0.1, 0.2, 0.3), "cross_entropy": (0.25, 0.5, 1.0)}
EVERY = 20  # steps between two looks
CHECKS = 5  # moments at which the first seed's largest eigenvalue is found a second time, in another way


@dataclass(frozen=True)
class Result(BaseResult):
    """Gradient descent on all examples at once, at three rates, and the largest eigenvalue of the Hessian of the loss:
    the sharpness."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("rate seed tick+")
    sharpness: np.ndarray = array("rate seed tick+")
    rose: np.ndarray = array("rate seed tick+", dtype="float64")  # share of all steps so far in which the loss rose
    checked: np.ndarray = array("check+", "steps", dtype="int64")
    check: np.ndarray = array("rate check+", dtype="float64")  # of the first seed, another way


def rates(params: Params) -> tuple[float, ...]:
    return RATES[params.objective]


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [rates, seeds, …] by layer."""
    return perceptron(state["weights"], SIZES)


def cost(params: Params) -> Cost:
    count, members = weight_count(SIZES), 3 * params.seeds
    steps, memory = params.descent_steps, 80.0 * members * EXAMPLES * sum(SIZES)
    return Cost(steps, members * count * EXAMPLES * 20.0, memory, members)
