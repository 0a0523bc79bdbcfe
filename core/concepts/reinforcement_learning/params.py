"""Reinforcement learning: what can be turned, what comes back from a grid, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_letters, digits

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, string
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
FURTHER = ("cliff", "pole", "game")
HIGH, WIDE = 5, 12  # cells of the grid
CELLS = HIGH * WIDE
LETTERS = (digits + ascii_letters)[:CELLS]  # of the cells, by which a link names walls
WAYS = ("td", "n_step", "mc", "planning")  # to find values
POLICIES = ("random", "rule")  # that nobody learned
SNAPSHOTS = 20  # moments at which values are kept, at most, besides the start


@dataclass(frozen=True)
class Params(BaseParams):
    """Seed i of `seeds` draws all chance of the worlds from data_seed + i, and the pole's first weights from
    weight_seed + i: the same for all who learn there."""

    distance: int = integer(10, 2, 15)
    episodes: int = integer(6, 1, 500)
    noise: float = number(0.0, 0.0, 1.0, step=0.05)
    n: int = integer(3, 2, 20)
    rate: float = number(1.0, 0.01, 1.0, step=0.01)
    gamma: float = number(0.9, 0.5, 0.99, step=0.01)
    limit: int = integer(300, 5, 1000, step=5)
    cut: str = choice("goes_on", ("goes_on", "end"))
    walls: str = string("", LETTERS, CELLS)
    epsilon: float = number(0.1, 0.0, 0.5, step=0.01)
    alpha: float = number(0.5, 0.01, 1.0, step=0.01)
    trips: int = integer(300, 10, 1000, step=10)
    updates: int = integer(60, 2, 200)
    batch: int = integer(8, 2, 32)
    lr: float = number(0.3, 0.001, 3.0, log=True)
    games: int = integer(25_600, 64, 128_000, step=64)
    explore: float = number(0.1, 0.0, 1.0, step=0.05)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


OF_CLIFF = ("epsilon", "alpha", "trips")
OF_POLE = ("updates", "batch", "lr")
OF_GAME = ("games", "explore")
OF_GRID = ("distance", "episodes", "noise", "n", "rate", "gamma", "limit", "cut", "walls")
WITHOUT = (*OF_CLIFF, *OF_POLE, *OF_GAME, "weight_seed")


@dataclass(frozen=True)
class Result(BaseResult):
    """What is worth how much, by who learns from the same episodes, and by who plans: a sweep in place of each."""

    tick: np.ndarray = array("tick+", "episodes", dtype="int64")
    values: np.ndarray = array("way seed tick+ cell")
    returned: np.ndarray = array("policy seed tick+")  # discounted, from the start, along each one's arrows; POLICIES
    fixed: np.ndarray = array("fixed cell")  # the values under POLICIES
    truth: np.ndarray = array("cell")  # the value under the policy whose episodes are watched
    away: np.ndarray = array("cell", "moves")  # fewest to the goal, infinite where no way leads there
    length: np.ndarray = array("seed episode+", "moves", dtype="int64")  # of every episode watched
    arrived: np.ndarray = array("seed episode+", dtype="bool")  # whether it reached the goal within the limit


def ticks(params: Params) -> np.ndarray:
    """After how many episodes values are kept."""
    return np.unique(np.r_[0, 1, np.linspace(0, params.episodes, SNAPSHOTS + 1).round().astype(int)])


def cost(params: Params) -> Cost:
    """A step is an episode: the longer, the more is left to chance."""
    moves = params.distance + params.noise**2 * params.limit
    return Cost(params.episodes, 3e6 + moves * 4e5)


PRESETS = (
    Preset("straight", {}, "spread"),
    Preset("wander", {"noise": 1.0, "episodes": 100, "rate": 0.1}, "maps"),
    Preset("near", {"distance": 3, "episodes": 2}, "spread"),
    Preset("limit", {"distance": 3, "noise": 1.0, "episodes": 400, "rate": 0.2, "limit": 10, "cut": "end"}, "error"),
    Preset("cliff", {"seeds": 10}, "cliff"),
    Preset("careless", {"epsilon": 0.01, "seeds": 10}, "cliff"),
    Preset("pole", {"seeds": 10, "updates": 80}, "solved"),
    Preset("game", {"games": 51_200}, "unbeaten"),
)

TINY = Params(
    distance=4, episodes=3, n=2, limit=20, noise=0.3, trips=10, updates=2, batch=2, games=128, seeds=2,
)  # fmt: skip
TRIAL = {"episodes": 3, "limit": 40, "trips": 10, "updates": 2, "batch": 2, "games": 128, "seeds": 2}
