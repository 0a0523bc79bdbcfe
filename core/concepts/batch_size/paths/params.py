"""Paths in the plane: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.batch_size.params import Params

WITHOUT = ("data", "own", "points", "target", "epochs", "steps", "width")
ENGINE = "numpy"
DEVICES = ("cpu",)
DIVERGES = "gap"
EXAMPLES = 256
STEPS = 1000
FIRST = 60  # steps each of which is recorded; later ones every fifth


@dataclass(frozen=True)
class Result(BaseResult):
    """A linear model of two features under batches of every size, drawn with replacement, from the same weights."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    size: np.ndarray = array("contender", "examples", dtype="int64")
    rate: np.ndarray = array("contender", dtype="float64")
    gap: np.ndarray = array("contender seed tick+", dtype="float64")  # loss above the lowest
    # The first seed: where both weights are, where the loss is lowest, and the loss around.
    path: np.ndarray = array("contender tick+ weight", dtype="float64")
    lowest: np.ndarray = array("weight", dtype="float64")
    across: np.ndarray = array("column", dtype="float64")
    up: np.ndarray = array("row", dtype="float64")
    surface: np.ndarray = array("row column")


def ticks() -> np.ndarray:
    return np.r_[:FIRST, FIRST : STEPS + 1 : 5]


def cost(params: Params) -> Cost:
    return Cost(STEPS, 2e4 * len(params.contenders) * (10 + params.seeds))
