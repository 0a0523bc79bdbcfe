"""Gradient descent against the closed form: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.linear_models.params import Params, table_shape, training

WITHOUT = ("methods", "offset", "middle", "examples", "width", "epochs")
FACTORS = (0.5, 0.99, 1.01)  # rates, as multiples of the largest stable one


@dataclass(frozen=True)
class Result(BaseResult):
    """Descent at three multiples of the largest stable rate, from the same weights on the same data."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    gap: np.ndarray = array("rate seed tick+", dtype="float64")  # loss above the lowest there is
    stable: np.ndarray = array("seed", dtype="float64")  # the largest stable rate
    condition: np.ndarray = array("seed", dtype="float64")  # largest over smallest curvature
    # The first seed, on two features and two classes (else empty): how the output of class 1, less that of class 0,
    # depends on the features; the lowest place; the loss around it.
    path: np.ndarray = array("rate tick+ weight", dtype="float64")
    lowest: np.ndarray = array("weight", dtype="float64")
    axis: np.ndarray = array("weight place", dtype="float64")
    surface: np.ndarray = array("row column")


def cost(params: Params) -> Cost:
    _, features, classes = table_shape(params)
    return Cost(params.steps, params.seeds * len(FACTORS) * (4.0 * training(params) * (features + 1) * classes + 2e5))
