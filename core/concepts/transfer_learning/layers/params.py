"""Freeze so many blocks, or cut there: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.transfer_learning.params import CHANNELS, Params, classes, source_cost, target_cost, whole
from core.takeaway.weights import cut

WITHOUT = ("ways",)
# The first k blocks and what comes behind: frozen | trained on … from the source's | from new weights
ROWS = ("rest", "cut", "open", "random")
DEPTHS = range(len(CHANNELS) + 1)


@dataclass(frozen=True)
class Result(BaseResult):
    """Of the source's first k blocks, in this order: frozen, all behind trained on (rest); frozen, all behind new
    (cut); trained on, all behind new (open); and as many that nobody trained, frozen, all behind new (random)."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("row depth seed tick+ split", "nats")  # test examples, and with their signs reversed
    accuracy: np.ndarray = array("row depth seed tick+ split")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Networks by their row and the number of blocks: {"cut.2.0.weight": …}."""
    shapes = whole(result.params, classes(result.params)[1])
    parts = {name: cut(rows, shapes) for name, rows in state.items()}
    return {f"{name}.{key}": part for name, named in parts.items() for key, part in named.items()}


def cost(params: Params) -> Cost:
    before, memory = source_cost(params)
    steps, nets = params.pretraining + params.steps, len(ROWS) * len(DEPTHS)
    after = target_cost(params, 1, 0.55 * nets, 0.25 * nets)
    return Cost(steps, (before + after) / steps, 3 * memory, params.seeds)
