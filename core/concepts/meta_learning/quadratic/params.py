"""Tasks that can be calculated: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.meta_learning.params import Params

WITHOUT = ("ways", "points", "rate", "steps", "tasks", "lr", "shots", "weight_seed")
DIVERGES = ""
FINDERS = ("maml", "joint", "dropped", "reptile")  # of a start; dropped: MAML without second derivatives
TASKS = 20
STEP = 0.1  # learning rate of adapting
PULL, UPDATES = 0.2, 150  # rate and number of steps of meta-training
BEGIN = -2.0  # where all begin
GRID = 81


@dataclass(frozen=True)
class Result(BaseResult):
    """Starts, one number each. after: the mean loss after adapting from there."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    start: np.ndarray = array("finder seed tick+")
    after: np.ndarray = array("finder seed tick+")
    best: np.ndarray = array("seed")  # the best start
    lowest: np.ndarray = array("seed")  # its loss
    off: np.ndarray = array("finder seed")  # |first gradient − formula of MAML's| over the formula's size
    task: np.ndarray = array("task seed two")  # curvature and middle of every task
    curve: np.ndarray = array("grid")  # of the first seed, loss after adapting by where one starts


def places() -> np.ndarray:
    """Starts at which the curve is drawn."""
    return np.linspace(-2.2, 2.2, GRID)


def cost(params: Params) -> Cost:
    return Cost(UPDATES, 5e6 * (1 + 0.3 * params.inner))
