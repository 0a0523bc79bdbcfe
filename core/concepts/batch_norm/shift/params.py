"""Shift and speed: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.batch_norm.params import Params, batch_of, every, member_cost, sizes, steps_of

DIVERGES = "loss"
WITHOUT = ("nets", "other")
KINDS = ("none", "before", "noisy")
PROBED = 256  # training examples that are looked at
LOOKS = 16  # pairs of steps between which the shift is taken, at most
PERCENTS = (15, 50, 85)  # percent of the examples below, as in figure 1 of Ioffe and Szegedy (2015)


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks at one rate, looked at in pairs of steps; what is of layers is of hidden ones, in training mode."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")  # the later step of each pair
    loss: np.ndarray = array("net seed tick+", "nats")  # on training data, running averages
    test: np.ndarray = array("net seed tick+")
    # From one step to the next: how far the mean of a unit's input moves, over its standard deviation; mean over units
    moved: np.ndarray = array("net seed tick+ layer")
    # Cosine of a layer's gradient and of that after only the layers below it have taken the step; NaN for the first
    turned: np.ndarray = array("net seed tick+ layer", fill=np.nan)
    spread: np.ndarray = array("net tick+ share")  # the input of one unit of the last hidden layer, first seed


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …] by kind."""
    return every(state, sizes(result.params))


def cost(params: Params) -> Cost:
    """A look takes a forward and a backward pass per layer."""
    flops, memory = member_cost(params, batch_of(params))
    looks, _ = member_cost(params, PROBED)
    each = flops + looks * min(LOOKS / steps_of(params), 1) * (params.depth + 2)
    return Cost(steps_of(params), 3 * len(KINDS) * params.seeds * each, params.seeds * 8 * memory, params.seeds)
