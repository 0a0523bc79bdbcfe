"""Gradient descent, momentum and Adam in every scaling: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.feature_scaling.params import PLANE, Params

WITHOUT = (*PLANE, "data", "own", "optimizer", "epochs")
RULES = ("sgd", "momentum", "adam")
SCALINGS = ("raw", "standardised", "whitened")
STRETCHES = (1, 2, 4, 8, 16, 32)
RATES = tuple(np.geomspace(1e-3, 10, 17).tolist())  # of Adam


@dataclass(frozen=True)
class Result(BaseResult):
    """How many steps each rule takes to the target in each scaling, the more the features are stretched."""

    # At the best rate, of Adam the best of RATES; NaN: not within the run
    reached: np.ndarray = array("rule scaling seed stretch", "steps", dtype="float64", fill=np.nan)
    best: np.ndarray = array("scaling seed stretch", dtype="float64", fill=np.nan)  # rate of Adam
    condition: np.ndarray = array("scaling seed stretch", dtype="float64")
    weights: np.ndarray = array("scaling seed stretch weight", dtype="float64")  # where all begin


def cost(params: Params) -> Cost:
    """Four steps take about as long as what other engines call one."""
    members = len(SCALINGS) * len(STRETCHES) * params.seeds * (2 + len(RATES))
    return Cost(-(-params.steps // 4), 1000.0 * members + 3e5)
