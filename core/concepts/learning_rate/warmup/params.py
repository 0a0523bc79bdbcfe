"""Warm-up: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.learning_rate.params import EDGE, Params, layout, training_cost
from core.takeaway.weights import perceptron

WITHOUT = ("rate", "schedules", "wrong_labels", "every", "drop", "epochs", "batch", "width", *EDGE)
DIVERGES = ""  # some targets are there to show it
DEPTH = 3  # hidden layers
EPOCHS = 10
SIZES = {"epochs": EPOCHS, "batch": 64, "width": 24, "wrong_labels": 0.0}
TARGETS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
LENGTHS = (5, 20, 80)  # steps of linear warm-ups
HELD, PARTS = 80, (0.25, 0.5, 0.75)  # steps at a smaller first rate, and what part of the target it is
NAMES = ("none", *(f"linear_{n}" for n in LENGTHS), *(f"held_{round(100 * part)}" for part in PARTS))
ALIVE = 0.5  # who survived has a training loss below this part of a guess's, ln of the number of classes


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks whose rate is to become a target, at once or warmed up, from the same weights on the same batches."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    loss: np.ndarray = array("name target seed tick+ split", "nats")
    accuracy: np.ndarray = array("name target seed tick+ split")


def small(params: Params) -> Params:
    """The settings that these networks train at."""
    return params.replace(**SIZES)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [ways, targets, seeds, …] by layer."""
    return perceptron(state["weights"], layout(small(result.params), DEPTH))


def cost(params: Params) -> Cost:
    return training_cost(small(params), len(NAMES) * len(TARGETS), EPOCHS, DEPTH)
