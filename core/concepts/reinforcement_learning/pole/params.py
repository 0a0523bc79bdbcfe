"""The pole: what comes back, what can be asked, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, integer, string
from core.concept.parts import Ask, Cost
from core.concept.result import BaseResult, array
from core.concepts.reinforcement_learning.params import OF_CLIFF, OF_GAME, OF_GRID, Params
from core.takeaway.weights import perceptron

WITHOUT = (*OF_CLIFF, *OF_GRID, *OF_GAME)
BASELINES = ("none", "others", "state", "inside")  # see train.py; the last is a mistake
PLAYERS = (*BASELINES, "random", "rule")
FIXED = ("random", "rule")  # policies at which gradients are compared
LONGEST = 500  # steps of an episode, as of CartPole-v1
SOLVED = 475  # its threshold
SAMPLES = 32  # gradients at a fixed policy


@dataclass(frozen=True)
class Result(BaseResult):
    """Policies in training, and two that stay as they are."""

    tick: np.ndarray = array("tick+", "updates", dtype="int64")
    reward: np.ndarray = array("player seed tick+ episode", "steps")  # of every episode of an update
    # Of the gradient from one update's episodes at a fixed policy, over SAMPLES of them: the sum of its variances over
    # its squared mean, and its mean along that of the baseline of the other episodes, 1 where they agree.
    noise: np.ndarray = array("fixed+ baseline seed")
    along: np.ndarray = array("fixed+ baseline seed")


@dataclass(frozen=True)
class Pushes(BaseParams):
    """A reader's pushes to the left (l) and right (r), one after the other."""

    pushes: str = string("", "lr", LONGEST)
    start: int = integer(1, 1, 20)


@dataclass(frozen=True)
class Balance(BaseResult):
    """Where a reader's pushes have led, and how far the players come from the same start."""

    fallen: int
    path: np.ndarray = array("step state")
    steps: np.ndarray = array("player", "steps", dtype="int64")
    right: np.ndarray = array("player")  # how likely each would push to the right now


ASKS = (Ask("balance", Pushes, Balance),)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Policies [baselines, seeds, …]: a push to the right has the probability σ(W s + b)."""
    return perceptron(state["weights"], (4, 1))


def cost(params: Params) -> Cost:
    """A step is an update: its episodes for all baselines and seeds."""
    return Cost(params.updates, len(PLAYERS) * params.seeds * params.batch * LONGEST * 400.0)
