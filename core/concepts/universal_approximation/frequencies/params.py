"""Which frequencies are learned first: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.universal_approximation.params import Params
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import perceptron

WITHOUT = ("units", "data", "own", "activation", "target", "folds", "equal", "bits")
FREQUENCIES = (1, 2, 4, 8)  # half-waves within ±1, two to a wave
EXAMPLES = 128


@dataclass(frozen=True)
class Result(BaseResult):
    """A ReLU network with two hidden layers on a sum of sines of equal height."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    share: np.ndarray = array("frequency seed tick+")  # height of a sine in the output, over that in the curve
    place: np.ndarray = array("place", dtype="float64")
    truth: np.ndarray = array("place", dtype="float64")
    fit: np.ndarray = array("tick+ place")  # of the first seed


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …]."""
    return perceptron(state["weights"], (1, result.params.total, result.params.total, 1))


def cost(params: Params) -> Cost:
    count = weight_count((1, params.total, params.total, 1))
    return Cost(params.steps, params.seeds * stepping(count, EXAMPLES), 8.0 * params.steps * EXAMPLES, params.seeds)
