"""Images in another light: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.feature_scaling.params import PLANE, Params
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
WITHOUT = (*PLANE, "correlation", "points", "steps", "target", "data", "own", "optimizer")
KINDS = ("raw", "standardised", "per_image")
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
UNITS = (64, 10)


@dataclass(frozen=True)
class Result(BaseResult):
    """Softmax regression on digits, tried on digits in another light, and with another contrast."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    light: np.ndarray = array("kind seed tick+ strength")  # test accuracy
    contrast: np.ndarray = array("kind seed tick+ strength")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The models [kinds, seeds, …] by the names of torch.nn."""
    return perceptron(state["weights"], UNITS)


def cost(params: Params) -> Cost:
    """Trained on all examples at once, tried on about four times as many after every epoch."""
    members = len(KINDS) * params.seeds
    return Cost(params.epochs, members * stepping(weight_count(UNITS), 3 * 1078), members=members)
