"""Which knob moves which bar: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.error_analysis.params import MOVES, RARE, Params, Setup, game_weights, setup, training_cost

WITHOUT = ("guesses", *RARE)
TINY = Params(examples=20, steps=10, width=1, seeds=2)


@dataclass(frozen=True)
class Result(BaseResult):
    """Errors where the game stands (row 0), and after each move from there."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    error: np.ndarray = array("knob seed tick+ bar")
    bayes: np.ndarray = array("seed")


def setups(params: Params) -> list[Setup]:
    return [setup(params, params.moves + move) for move in ("", *MOVES)]


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By row."""
    return game_weights(result, state, setups(result.params))


def cost(params: Params) -> Cost:
    return training_cost(params, setups(params))
