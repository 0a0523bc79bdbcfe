"""Looks at validation data: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.regularization.params import BOUNDARY, NETS, POINTS, TABLE, Params

WITHOUT = (*BOUNDARY, *POINTS, *TABLE, *NETS, "weight_seed")
SETS = ("train", "validation", "fresh")


@dataclass(frozen=True)
class Result(BaseResult):
    """A vote of features that are pure noise, each kept where it is right more often than not on validation data, after
    every look at them. Labels are coin throws: nothing can be learned."""

    look: np.ndarray = array("look+", dtype="int64")
    accuracy: np.ndarray = array("set seed look+", dtype="float64")
    kept: np.ndarray = array("seed look+", dtype="int64")  # features


def cost(params: Params) -> Cost:
    return Cost(params.looks, params.seeds * (60.0 * params.held + 3e4))
