"""Networks by width: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.bias_variance.params import DOUBLE, Params
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import perceptrons

ENGINE = "stacked torch"
DIVERGES = "test"
DEVICES = ("cpu", "fused", "cuda", "mps")
WITHOUT = (*DOUBLE, "degree", "own", "sets", "corrected", "fresh")
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
SETS, DRAWS = 8, 3  # training sets of a seed, and first weights on each


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with one hidden layer: several first weights on each of several training sets."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    bias: np.ndarray = array("width seed tick+", dtype="float64")  # squared
    over_data: np.ndarray = array("width seed tick+", dtype="float64")  # variance of the mean over first weights
    over_weights: np.ndarray = array("width seed tick+", dtype="float64")  # variance over first weights, same data
    test: np.ndarray = array("width seed tick+", dtype="float64")  # mean squared error on fresh points


def ticks(last: int) -> np.ndarray:
    """Steps after which something is measured: closer together at first."""
    return np.unique((last * np.linspace(0, 1, 11) ** 2).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, sets, draws, …] by width: {"8.0.weight": …}."""
    return perceptrons(state, [(name, (1, int(name), 1)) for name in state])


def cost(params: Params) -> Cost:
    """A step is one of all widths: populations of different shape are trained one after another."""
    members, counts = params.seeds * SETS * DRAWS, sum(weight_count((1, width, 1)) for width in WIDTHS)
    bytes_ = 8.0 * params.steps * params.points * len(WIDTHS)
    return Cost(params.steps * len(WIDTHS), members * stepping(counts, params.points) / len(WIDTHS), bytes_, members)
