"""All paths of a small case: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.ctc.params import Params

ENGINE = "numpy"
DEVICES: tuple[str, ...] = ("cpu",)
DIVERGES = ""
ASKS = ()
USES = ("chances", "text", "seeds", "data_seed")
WITHOUT = tuple(name for name in Params.__dataclass_fields__ if name not in USES)
FRAMES = (1, 2, 3, 4, 5, 6)  # of the random cases
CASES = 40  # of each number of frames and each seed
LETTERS = "ab"
WIDTHS = (1, 2, 4)  # of beam search


@dataclass(frozen=True)
class Result(BaseResult):
    """A symbol is a, b, or the blank behind them. Every path of the small case, the likeliest first; in random cases
    (every frame's probabilities drawn evenly) how often the likeliest path does not say the likeliest text, and how
    often the text that beam search finds is not the likeliest."""

    p: np.ndarray = array("frame symbol")
    path: np.ndarray = array("path frame", dtype="int64")
    chance: np.ndarray = array("path", dtype="float64")
    log_p: np.ndarray = array("", "nats", dtype="float64")  # of the text by the lattice
    differs: np.ndarray = array("seed frames+")
    misses: np.ndarray = array("width seed frames+")


def cost(params: Params) -> Cost:
    return Cost(len(FRAMES), 2e7 * params.seeds)
