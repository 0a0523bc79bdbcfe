"""Every schedule at every peak rate: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.learning_rate.params import EDGE, SCHEDULES, WARMUP, Params, layout, training_cost
from core.takeaway.weights import perceptron

WITHOUT = ("rate", "schedules", *WARMUP, *EDGE)
DIVERGES = ""  # some rates are there to show it
NAMES = SCHEDULES[:-1]
PEAKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
DRAWN = 200  # places along a drawn schedule
LOOKS = 4  # moments at which all is measured, besides the start


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with one hidden layer under every schedule at every peak rate, from the same weights on the same
    batches."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    loss: np.ndarray = array("name peak seed tick+ split", "nats")
    accuracy: np.ndarray = array("name peak seed tick+ split")
    place: np.ndarray = array("place", "epochs", dtype="float64")
    factor: np.ndarray = array("name place", dtype="float64")  # of the peak rate


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [schedules, peaks, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params))


def cost(params: Params) -> Cost:
    return training_cost(params, len(NAMES) * len(PEAKS), LOOKS + 1)
