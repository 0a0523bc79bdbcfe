"""The cliff: gradient descent on the loss of a recurrent network of one unit, clipped in different ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.recurrent_memory.params import Params

WITHOUT = ("length", "task", "nets", "readers", "typed", "rule", "rate", "steps", "batch", "units", "data_seed")
ENGINE = "numpy"
DIVERGES = "loss"
TIME, TARGET, FIRST = 50, 0.7, 0.5  # steps of the network, what its output shall be then, and where it starts
STEPS, RATE = 100, 1.0  # of gradient descent
W, B = np.linspace(3, 9, 91), np.linspace(-5, 0, 76)  # of the surface


@dataclass(frozen=True)
class Result(BaseResult):
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    path: np.ndarray = array("clip seed tick+ axis", dtype="float64")  # w and b
    loss: np.ndarray = array("clip seed tick+", dtype="float64")
    size: np.ndarray = array("clip seed tick+", dtype="float64")  # of the gradient there
    longest: np.ndarray = array("clip seed", dtype="float64")  # step so far
    turned: np.ndarray = array("clip seed", "degrees", dtype="float64")  # most that a step was turned from the gradient
    surface: np.ndarray = array("b w")


TINY = Params(seeds=2)
TRIAL = {"seeds": 2}


def cost(params: Params) -> Cost:
    return Cost(STEPS, 2e6 + 1e3 * TIME * params.seeds * len(params.clips), 1e6)
