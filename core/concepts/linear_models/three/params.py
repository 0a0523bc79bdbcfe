"""Three classes in a row: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.linear_models.params import PROBLEM, Params

WITHOUT = (*PROBLEM, "loss", "examples", "width", "epochs")
CLASSES = 3
RULES = ("squares", "curved", "softmax", "twice")
FLOOR = float(np.log(np.e + CLASSES - 1) - 1)  # the loss of softmax, applied twice, at its very best
REACH = 6.0  # the map covers ±REACH


@dataclass(frozen=True)
class Result(BaseResult):
    """Four ways to tell three classes apart: least squares on one-hot targets, the same with squares and products as
    features, softmax regression by gradient descent, and, wrong, the softmax of a softmax."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("method seed tick+", "nats", fill=np.nan)  # training cross-entropy; NaN of least squares
    recall: np.ndarray = array("method seed tick+ class")  # share of a class's test examples that is found
    # After training: by how much a probability changes, at most, when 1,000 is added to all outputs
    shifted: np.ndarray = array("seed", dtype="float64")
    # The first seed: its training points, and the class found at every place.
    x: np.ndarray = array("example feature", dtype="float64")
    y: np.ndarray = array("example", dtype="int64")
    region: np.ndarray = array("method tick+ row column", dtype="uint8")


def cost(params: Params) -> Cost:
    return Cost(params.steps, params.seeds * 1e6)
