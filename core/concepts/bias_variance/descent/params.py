"""Double descent: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.bias_variance.params import NETWORKS, Params

ENGINE = "torch"
WITHOUT = (*NETWORKS, "degree", "data", "own", "points", "noise", "places", "sets", "corrected", "fresh")
ROWS = ("clean", "wrong", "ridge")  # labels as they are; some of them wrong; the same with a penalty
SHARES = (0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 8.0)  # features as multiples of examples
AMOUNTS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0)  # and the other way round
INPUTS = 10
SETS, DRAWS = 10, 3  # training sets of a seed, and random features on each


@dataclass(frozen=True)
class Result(BaseResult):
    """Least squares of smallest norm on random features, by their number, and by the number of examples. Errors are
    squared, on fresh examples with labels as right and wrong as those in training."""

    width: np.ndarray = array("width+", "features", dtype="int64")
    test: np.ndarray = array("row seed width+", dtype="float64")
    bias: np.ndarray = array("row seed width+", dtype="float64")  # squared
    over_data: np.ndarray = array("row seed width+", dtype="float64")  # variance over training sets
    over_weights: np.ndarray = array("row seed width+", dtype="float64")  # variance over features, same training set
    missed: np.ndarray = array("row seed width+", dtype="float64")  # share of right labels that are not found
    amount: np.ndarray = array("amount+", "examples", dtype="int64")
    by_amount: np.ndarray = array("row seed amount+", dtype="float64")  # test error, as many features as `examples`


def counts(params: Params, multiples: tuple[float, ...]) -> np.ndarray:
    return np.round(params.examples * np.array(multiples)).astype(int)


def cost(params: Params) -> Cost:
    """A step is a number of features or of examples: decompositions, features, and products with the test examples."""
    n, each = params.examples, params.seeds * SETS * DRAWS
    return Cost(len(SHARES) + len(AMOUNTS), each * (60.0 * n**3 + 2000.0 * n * INPUTS))
