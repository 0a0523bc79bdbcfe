"""More data: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.bias_variance.params import DOUBLE, NETWORKS, Params

WITHOUT = (*NETWORKS, *DOUBLE, "weight_seed", "degree", "own", "points", "corrected", "fresh")
DEGREES = (1, 6, 11)
SIZES = (15, 20, 30, 50, 100, 200)


@dataclass(frozen=True)
class Result(BaseResult):
    """Polynomials of three degrees by the number of training points."""

    size: np.ndarray = array("size+", "points", dtype="int64")
    bias: np.ndarray = array("degree seed size+", dtype="float64")  # squared
    variance: np.ndarray = array("degree seed size+", dtype="float64")
    error: np.ndarray = array("degree seed size+ split", dtype="float64")  # squared, in training and on fresh points


def cost(params: Params) -> Cost:
    return Cost(len(SIZES), params.seeds * params.sets * 2e5)
