"""Exponentially weighted averages of a noisy signal: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from core.concept.params import shape
from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.optimizers.params import Params

ENGINE = "numpy"
DEVICES = ("cpu",)
USED = ("beta", "signal", "own", "scatter", "seeds", "data_seed")
WITHOUT = tuple(f.name for f in fields(Params) if f.name not in USED)
TIMES = 200  # values of the signal


@dataclass(frozen=True)
class Result(BaseResult):
    """Averages of a signal as far as it has come: plain, corrected, and over the last 1/(1 − β) values."""

    truth: np.ndarray = array("time+", dtype="float64")
    noisy: np.ndarray = array("seed time+")
    averaged: np.ndarray = array("kind seed time+")


def length(params: Params) -> int:
    """Values of the signal."""
    return shape(params.own)[0] if params.own else TIMES


def cost(params: Params) -> Cost:
    """A value of every seed's signal at a time, into three averages."""
    return Cost(length(params), 10.0 * params.seeds, 80.0 * params.seeds * length(params))


TINY = Params(seeds=3, signal="ramp")
TRIAL = {"seeds": 2}
