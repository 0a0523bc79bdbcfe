"""Noughts and crosses: what comes back, what can be asked, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, string
from core.concept.parts import Ask, Cost
from core.concept.result import BaseResult, array
from core.concepts.reinforcement_learning.params import OF_CLIFF, OF_GRID, OF_POLE, Params

WITHOUT = (*OF_CLIFF, *OF_GRID, *OF_POLE, "weight_seed")
# How a learner sees the board: as it is, equal up to turning and mirroring, through max pooling; or as it is, with the
# results of other games.
VIEWS = ("board", "symmetric", "pooled", "shuffled")
PLAYERS = (*VIEWS, "random", "rule")
AGAINST = ("random", "best")  # moves by chance, and the opponent that is worst for the player
OUTCOMES = ("won", "lost")
TOGETHER = 64  # games that every seed plays at once
MOMENTS = 16


@dataclass(frozen=True)
class Result(BaseResult):
    """Players as strong as they are, by dynamic programming over the whole game: half of the games begun by them."""

    tick: np.ndarray = array("tick+", "games", dtype="int64")
    chance: np.ndarray = array("player seed tick+ against outcome")


@dataclass(frozen=True)
class Moves(BaseParams):
    """A game against the network of the first seed: the cells by number, both sides in turn."""

    moves: str = string("", "012345678", 9)
    view: str = choice("board", VIEWS)
    begins: bool = flag(True)


@dataclass(frozen=True)
class Board(BaseResult):
    """cells: 0 nobody's, 1 the reader's, 2 the machine's. values: of every move that the machine considered last, NaN
    where it could not go. moves: all, its answer included. over: −1 not yet, 0 a draw, 1 the reader's, 2 the machine's.
    """

    over: int
    cells: np.ndarray = array("cell", dtype="int64")
    values: np.ndarray = array("cell", fill=np.nan)
    moves: np.ndarray = array("move", dtype="int64")


ASKS = (Ask("play", Moves, Board),)


def moments(params: Params) -> np.ndarray:
    """After how many games players are measured: closer together at first."""
    rounds = params.games // TOGETHER
    return TOGETHER * np.unique(np.r_[0, np.geomspace(1, rounds, MOMENTS).round().astype(int)])


def cost(params: Params) -> Cost:
    """A step is a game of every learner and seed."""
    return Cost(params.games, 4e4 * params.seeds + 1e5)
