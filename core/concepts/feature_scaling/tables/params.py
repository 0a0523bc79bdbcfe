"""Softmax regression on a table in several units: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.feature_scaling.params import PLANE, Params, table_shape
from core.ml.costs import stepping, weight_count

WITHOUT = (*PLANE, "correlation", "points", "steps", "target")
KINDS = ("raw", "standardised", "whitened", "min_max", "plus", "leaked", "batch_norm")
WAYS = ("standardised", "own_mean")
HANDLINGS = ("raw", "standardised", "raw_safe")
RATES = tuple(10.0**k for k in range(-5, 2))
GROUPS = (1, 2, 5, 20, 100)  # test examples that are scaled together
FACTORS = tuple(10.0**k for k in range(7))  # by which features are larger
BATCH = 64


@dataclass(frozen=True)
class Result(BaseResult):
    """Every scaling at every rate, on the same splits in the same order from the same weights. Who has diverged is
    never right."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    validation: np.ndarray = array("kind seed rate tick+")  # accuracy
    test: np.ndarray = array("kind seed rate tick+")
    # When training is over: accuracy of the standardised model on test data that are scaled as it was trained, and by
    # the mean and deviation of their own group.
    own: np.ndarray = array("way seed group", fill=np.nan)
    # Share of training examples whose loss is no number at first, in single precision, if nothing is taken off before
    # the exponential (raw, standardised) or the largest output (raw)
    overflow: np.ndarray = array("handling seed factor", fill=np.nan)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The models [kinds, seeds, rates, …] by the names of torch.nn."""
    return {"0.weight": state["weights"][..., :-1], "0.bias": state["weights"][..., -1]}


def cost(params: Params) -> Cost:
    n, features, classes = table_shape(params)
    members = len(KINDS) * params.seeds * len(RATES)
    step = members * stepping(weight_count((features, classes)), BATCH) + 2e6
    return Cost(params.epochs, -(-round(0.6 * n) // BATCH) * step)
