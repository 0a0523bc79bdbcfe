"""Gradient checking: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.backpropagation.params import Params

WITHOUT = ("lit", "edited", "updates", "nudge", "steps", "penalty")
SIZES = (4, 8, 3)
CHECKS = ("two", "one", "two_32", "one_32", "dropout", "kink")  # the last four show what goes wrong
EPSILONS = 10.0 ** np.arange(-1, -12.5, -0.5)  # from coarse to fine
KINK = 1e-5  # how far a unit's weighted sum is from the kink of ReLU in `kink`
TRAINED = 200  # updates before the check is repeated


@dataclass(frozen=True)
class Result(BaseResult):
    """Relative error ‖g − d‖ / (‖g‖ + ‖d‖) of differences d against the gradient g of backpropagation in double
    precision, before and after training."""

    epsilon: np.ndarray = array("epsilon+", dtype="float64")
    start: np.ndarray = array("check seed epsilon+", dtype="float64")
    trained: np.ndarray = array("check seed epsilon+", dtype="float64")


def cost(params: Params) -> Cost:
    return Cost(len(EPSILONS), 6e6 * params.seeds)
