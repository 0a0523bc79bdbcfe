"""Every batch size at every rate: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.batch_size.params import Params, racing, sizes
from core.takeaway.weights import perceptron

WITHOUT = ("contenders", "rate", "scaling")
APART = True
TRIED = ("1", "4", "16", "64", "256", "all")
RATES = tuple(2.0**k for k in range(-6, 3))


@dataclass(frozen=True)
class Result(BaseResult):
    """Every batch size at every rate. Who has diverged is never right."""

    examples: int  # in training
    size: np.ndarray = array("batch", "examples", dtype="int64")  # of a step
    reached: np.ndarray = array("batch rate seed", "steps", dtype="float64", fill=np.nan)  # the target; NaN: not yet
    validation: np.ndarray = array("batch rate seed", fill=np.nan)  # accuracy so far
    test: np.ndarray = array("batch rate seed", fill=np.nan)
    passed: np.ndarray = array("batch rate seed", fill=np.nan)  # test accuracy after as many passes for all


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [batches, rates, seeds, …] by the names of torch.nn."""
    return perceptron(state["weights"], sizes(result.params))


def cost(params: Params) -> Cost:
    return racing(params, TRIED, len(RATES))
