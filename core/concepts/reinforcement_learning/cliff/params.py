"""The cliff: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.reinforcement_learning.params import OF_GAME, OF_GRID, OF_POLE, Params

WITHOUT = (*OF_GRID, *OF_POLE, *OF_GAME, "weight_seed")
LEARNERS = ("q_learning", "sarsa", "expected_sarsa")
BESIDE = ("best", "best_soft", "random", "rule")  # the best policy, the best that explores, those that nobody learned
LONGEST = 500  # moves after which a trip is broken off
MOMENTS = 20


@dataclass(frozen=True)
class Result(BaseResult):
    """Trips along the cliff."""

    tick: np.ndarray = array("tick+", "trips", dtype="int64")
    reward: np.ndarray = array("learner seed trip+")  # of every trip, while exploring
    greedy: np.ndarray = array("learner seed tick+")  # of a trip without exploring, LONGEST moves at most
    values: np.ndarray = array("learner seed tick+ cell move")
    beside: np.ndarray = array("beside")  # expected reward of a trip of BESIDE, LONGEST moves at most


def moments(params: Params) -> np.ndarray:
    """After how many trips values are kept."""
    return np.unique(np.linspace(0, params.trips, MOMENTS + 1).round().astype(int))


def cost(params: Params) -> Cost:
    """A step is a trip."""
    return Cost(params.trips, 4e6)
