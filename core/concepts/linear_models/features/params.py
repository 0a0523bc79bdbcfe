"""Features made by hand and features learned: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.linear_models.params import PROBLEM, Params

ENGINE = "stacked torch"
WITHOUT = (*PROBLEM, "loss", "steps", "middle", "examples")
KINDS = ("raw", "products", "gradients", "learned")
SIZES = (25, 50, 100, 200, 400)  # training examples
WEIGHTS = 10 * (64 + 64 * 67 / 2 + 128 + 64)  # of all kinds, without the hidden layer of the last


@dataclass(frozen=True)
class Result(BaseResult):
    """Softmax regression on three kinds of features, and a network with a hidden layer that learns its own, on more and
    more digits."""

    size: np.ndarray = array("size+", "examples", dtype="int64")
    accuracy: np.ndarray = array("kind seed size+")  # on test data


def cost(params: Params) -> Cost:
    flops = 6.0 * params.seeds * (WEIGHTS + 64 * params.width) * sum(SIZES) / len(SIZES)
    return Cost(params.epochs * len(SIZES), flops + 1e6)
