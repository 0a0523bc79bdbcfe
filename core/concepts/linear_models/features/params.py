"""Features made by hand and features learned: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.linear_models.params import Params

ENGINE = "stacked torch"
DEVICES = ("cpu",)
WITHOUT = (
    "data", "own", "distance", "clump", "points", "spread", "offset", "methods", "loss", "steps", "middle", "examples",
)  # fmt: skip
KINDS = ("raw", "products", "gradients", "learned")
SIZES = (25, 50, 100, 200, 400)  # training examples
PIXELS, DIGITS, WAYS = 64, 10, 8  # of an image, classes, directions of a gradient
INPUTS = {"raw": PIXELS, "products": PIXELS * (PIXELS + 3) // 2, "gradients": 16 * WAYS, "learned": PIXELS}


@dataclass(frozen=True)
class Result(BaseResult):
    """Softmax regression on three kinds of features, and a network with a hidden layer that learns its own, on more and
    more digits."""

    size: np.ndarray = array("size+", "examples", dtype="int64")
    accuracy: np.ndarray = array("kind seed size+")  # on test data


TINY = Params(width=8, epochs=10, seeds=2)
TRIAL = {"seeds": 2, "epochs": 1}


def cost(params: Params) -> Cost:
    weights = DIGITS * sum(INPUTS.values()) + params.width * PIXELS
    return Cost(params.epochs * len(SIZES), 6.0 * params.seeds * weights * sum(SIZES) / len(SIZES) + 1e6)
