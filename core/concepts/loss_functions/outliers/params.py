"""A line through points, some of them far off: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.loss_functions.params import CLASSIFIER, NEURON, SURFACE, Params

WITHOUT = (*NEURON, *SURFACE, *CLASSIFIER, "weight_seed")
DIVERGES = ""
METHODS = ("squares", "distance", "huber", "broadcast")
TRUE = np.array([2.0, 0.5])  # slope and intercept of the line that the points are drawn from
STEPS = 30  # of reweighting
POINTS = 30  # that are no outliers


@dataclass(frozen=True)
class Result(BaseResult):
    """Lines that make different errors small, after every step of reweighting."""

    line: np.ndarray = array("method seed step+ coefficient", dtype="float64")  # slope and intercept
    perfect: np.ndarray = array("method seed", dtype="float64")  # the loss of predictions that equal all targets
    variance: np.ndarray = array("seed", dtype="float64")  # of the targets
    # The first seed's points; the last are outliers
    x: np.ndarray = array("example", dtype="float64")
    y: np.ndarray = array("example", dtype="float64")


def cost(params: Params) -> Cost:
    return Cost(STEPS, 1e5 * params.seeds * len(METHODS))
