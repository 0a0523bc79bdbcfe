"""What batch norm does not notice: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.batch_norm.params import TICKS, Params, batch_of, every, member_cost, sizes, steps_of

WITHOUT = ("nets", "other")
KINDS = ("none", "before", "layer")
SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)  # by which the weights of hidden layers are multiplied at the start
BIASES = (0.0, 1.0, 10.0)  # size of all hidden biases at the start, with random signs


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks that start from the same weights times a factor, or with other biases; on training data before the first
    step, and test accuracy as they train."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    scaled: np.ndarray = array("net scale seed tick+")  # test accuracy
    shifted: np.ndarray = array("net bias seed tick+")
    # How far outputs are from those of factor 1, of bias 0, over their root mean square there
    scaled_off: np.ndarray = array("net scale seed", dtype="float64")
    shifted_off: np.ndarray = array("net bias seed", dtype="float64")
    gradient: np.ndarray = array("net scale seed", dtype="float64")  # length over hidden W, over that of factor 1


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [factors and biases, seeds, …] by kind."""
    return every(state, sizes(result.params))


def cost(params: Params) -> Cost:
    members = (len(SCALES) + len(BIASES)) * params.seeds
    flops, memory = member_cost(params, batch_of(params))
    measured = 2.0 * params.width**2 * params.depth * 400 * TICKS / steps_of(params)
    return Cost(steps_of(params), len(KINDS) * members * (flops + measured), 3 * members * memory, members)
