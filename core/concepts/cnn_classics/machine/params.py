"""The time machine: a network of 1989 with the ideas of later decades, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from core.concept.params import BaseParams, drawing
from core.concept.parts import Ask, Cost
from core.concept.result import BaseResult, array
from core.concepts.cnn_classics.params import COUNTED, PIECES, TESTED, Params
from core.ml.mnist import MNIST
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
DIVERGES = "error"
WITHOUT = (*COUNTED, *PIECES)
IDEAS = {"softmax": 1990, "shifts": 2003, "relu": 2011, "dropout": 2012, "adam": 2014}  # by year
# The net of 1989, with each idea alone, with all of them, and with all but one
ROWS: tuple[tuple[str, ...], ...] = (
    (),
    *((idea,) for idea in IDEAS),
    tuple(IDEAS),
    *(tuple(other for other in IDEAS if other != idea) for idea in IDEAS),
)
ALL = 1 + len(IDEAS)  # the row that has them all
SIDE = 16  # pixels of a digit
INKS = 9  # levels of a drawing
MAPS, SEEN = 12, 8  # of both hidden layers of maps; how many of the first a map of the second sees (LeCun et al., 1989)
SHAPES = {  # 9,760 numbers: every unit has a bias of its own
    "H1.weight": (MAPS, 1, 5, 5),
    "H1.bias": (MAPS, 8, 8),
    "H2.weight": (MAPS, SEEN, 5, 5),
    "H2.bias": (MAPS, 4, 4),
    "H3.weight": (30, MAPS * 16),
    "H3.bias": (30,),
    "output.weight": (10, 30),
    "output.bias": (10,),
}
LENGTH = sum(map(prod, SHAPES.values()))
KEPT = 0.75  # of the units of H3, with dropout
PROBED = 250  # training digits that are measured


@dataclass(frozen=True)
class Result(BaseResult):
    """Share of wrong answers of every row, without dropout and shifts. NaN where outputs are no numbers."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    error: np.ndarray = array("row seed tick+ split", dtype="float64")  # training, test


@dataclass(frozen=True)
class Drawn(BaseParams):
    """A digit drawn by hand."""

    pixels: str = drawing(SIDE, SIDE, levels=INKS)


@dataclass(frozen=True)
class Said(BaseResult):
    """Outputs of every network of the first seed, 0 for the least and 1 for the most of a network."""

    outputs: np.ndarray = array("row class")


ASKS = (Ask("digit", Drawn, Said),)


def ticks(steps: int) -> np.ndarray:
    """Moments that are measured: every 10 steps at first, then farther and farther apart."""
    return np.unique(np.r_[0, np.geomspace(min(20, steps), steps, 9)].round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …], by row and the layers' names of 1989: {"0.H1.weight": …}."""
    found: dict[str, np.ndarray] = {}
    for row, values in enumerate(state["weights"]):
        found |= {f"{row}.{name}": part for name, part in cut(values, SHAPES).items()}
    return found


def cost(params: Params) -> Cost:
    members = len(ROWS) * params.seeds
    step = members * (params.batch * 700_000 + 100 * LENGTH)
    measured = len(ticks(params.steps)) * members * (PROBED + TESTED) * 250_000 / params.steps
    memory = members * (60 * LENGTH + 4 * 3000 * (PROBED + TESTED))
    return Cost(params.steps, step + measured, memory, members)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return MNIST
