"""Three classes in a row: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.linear_models.params import Params

ENGINE = "numpy"
DEVICES = ("cpu",)
WITHOUT = (
    "data", "own", "distance", "clump", "points", "spread", "offset", "methods", "loss", "examples", "width", "epochs",
)  # fmt: skip
CLASSES = 3
RULES = ("squares", "curved", "softmax", "twice")
FLOOR = float(np.log(np.e + CLASSES - 1) - 1)  # the loss of softmax, applied twice, at its very best
SHIFTS = (1.0, 100.0, 1000.0)  # what is added to all outputs of an example
TICKS = 20  # moments measured, at most
GRID = 60  # places along a side of the map
REACH = 6.0  # which covers ±REACH


@dataclass(frozen=True)
class Result(BaseResult):
    """Four ways to tell three classes apart: least squares on one-hot targets, the same with squares and products as
    features, softmax regression by gradient descent, and, wrong, the softmax of a softmax."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("method seed tick+", "nats", fill=np.nan)  # training cross-entropy; NaN of least squares
    recall: np.ndarray = array("method seed tick+ class")  # share of a class's test examples that is found
    accuracy: np.ndarray = array("method seed tick+")
    # After training: by how much the probabilities change when a number is added to all outputs, with the largest
    # output taken off first, and as the formula stands there (NaN where it overflows).
    shifted: np.ndarray = array("seed shift", dtype="float64")
    plain: np.ndarray = array("seed shift", dtype="float64")
    # The first seed: its training points, and the class found at every place.
    x: np.ndarray = array("example feature", dtype="float64")
    y: np.ndarray = array("example", dtype="int64")
    region: np.ndarray = array("method tick+ row column", dtype="uint8")


TINY = Params(steps=20, seeds=2)
TRIAL = {"seeds": 2, "steps": 20}


def ticks(params: Params) -> np.ndarray:
    """Steps after which everything is measured: closer together at first."""
    return np.unique((params.steps * np.linspace(0, 1, TICKS + 1) ** 2).round().astype(int))


def cost(params: Params) -> Cost:
    return Cost(params.steps, params.seeds * 1e6)
