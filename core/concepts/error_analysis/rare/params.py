"""One number for a class that must not be missed: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.error_analysis.params import AGAIN, RARE, Params
from core.ml.costs import order_bytes, population_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

WITHOUT = tuple(f.name for f in fields(Params) if f.name not in (*RARE, "spread", *AGAIN))
ROWS = ("never", "plain", "heavy", "threshold", "bayes", "bayes_heavy")
MEASURES = ("accuracy", "recall", "precision", "f1", "weighted")
TRAIN, TEST = 2000, 5000
SIZES = (2, 16, 2)
LONGER, BATCH, RATE = 2, 32, 0.01  # trained for so many times the steps of the game


@dataclass(frozen=True)
class Result(BaseResult):
    """How often rules are right, how many of the rare class they find, and what their mistakes cost. NaN: no precision,
    where nothing is called rare."""

    value: np.ndarray = array("rule seed end+ measure")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Plain and heavy networks [2, seeds, …]."""
    return perceptron(state["weights"], SIZES)


def cost(params: Params) -> Cost:
    members, count, steps = 2 * params.seeds, weight_count(SIZES), LONGER * params.steps
    memory = population_bytes(SIZES, members, BATCH, members, TRAIN + TEST) + order_bytes(members, steps * BATCH, 1)
    return Cost(steps, members * (stepping(count, BATCH) + 2.0 * count * TEST / steps), memory, members)
