"""Are outputs probabilities? What comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, number
from core.concept.parts import Ask, Cost
from core.concept.result import BaseResult, array
from core.concepts.linear_models.params import PROBLEM, Params

ENGINE = "stacked torch"
WITHOUT = (*PROBLEM, "loss", "steps", "middle")
NAMES = ("logistic", "network")


@dataclass(frozen=True)
class Result(BaseResult):
    """Logistic regression and a network with two hidden layers, on the same few examples, at some epochs."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    accuracy: np.ndarray = array("method seed tick+")  # on test data, as all that follows
    # Examples by the probability of class 1 that was said: how many, the mean of what was said, how often true.
    count: np.ndarray = array("method seed tick+ bin", "examples")
    said: np.ndarray = array("method seed tick+ bin")
    true: np.ndarray = array("method seed tick+ bin")
    # After training: the temperature with the lowest validation loss, the error with it, and the log odds.
    warmth: np.ndarray = array("method seed")
    cooled: np.ndarray = array("method seed")
    tested: np.ndarray = array("method seed example")
    label: np.ndarray = array("seed example", dtype="int64")


@dataclass(frozen=True)
class Warmth(BaseParams):
    """All log odds are divided by a temperature."""

    temperature: float = number(2.0, 0.1, 20.0, log=True)


@dataclass(frozen=True)
class Cooled(BaseResult):
    """What is left of the calibration error and the loss on test data, means over seeds."""

    error: np.ndarray = array("method")
    loss: np.ndarray = array("method", "nats")


ASKS = (Ask("temperature", Warmth, Cooled),)


def cost(params: Params) -> Cost:
    return Cost(params.epochs, 6.0 * params.seeds * params.examples * (params.width**2 + 5 * params.width) + 1e7)
