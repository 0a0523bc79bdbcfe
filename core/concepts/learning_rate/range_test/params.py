"""The range test: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.learning_rate.params import EDGE, WARMUP, Params, layout, training_cost
from core.takeaway.weights import perceptron

WITHOUT = ("rate", "schedules", "every", "drop", *WARMUP, *EDGE)
DIVERGES = ""  # the test goes on until the loss rises
METHODS = ("steepest", "tenth", "valley", "recipe", "usual", "unrestored")
LOW, HIGH, TRIED = 1e-4, 10.0, 100  # first and last rate of the test, and its steps
GRID = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # rates among which the best is found in hindsight
FIRST, RECIPE, ERROR = 0.01, 0.1, 0.8  # the notes': 0.01 until the training error is below 80 %, then 0.1


@dataclass(frozen=True)
class Result(BaseResult):
    """A range test per seed, the rates read off it, and networks trained at these and at a grid of rates, constant."""

    tried: np.ndarray = array("trial", dtype="float64")  # rates of the test
    trial: np.ndarray = array("seed trial")  # smoothed loss of its batches; NaN once it was stopped
    suggested: np.ndarray = array("method seed", dtype="float64")
    switched: np.ndarray = array("seed", "steps", dtype="int64")  # when the recipe changes its rate
    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    # Networks at the rates of METHODS, then at those of GRID
    loss: np.ndarray = array("net seed tick+ split", "nats")
    accuracy: np.ndarray = array("net seed tick+ split")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [methods and rates of the grid, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params))


def cost(params: Params) -> Cost:
    return training_cost(params, len(METHODS) + len(GRID) + 1, 5)
