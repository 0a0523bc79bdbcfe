"""Ways to double the sides: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.segmentation.params import SIZE, Params, cost_of, sizes
from core.takeaway.weights import cut

WITHOUT = ("moved",)
UPS = ("learnt", "bilinear", "nearest", "unpooling")
FLAT = 4 * SIZE  # pixels of an even picture, whose middle is seen
GREY = 0.5  # of its pixels


@dataclass(frozen=True)
class Result(BaseResult):
    """Four networks of the same weights without shortcuts, measured on test scenes, and on an even picture."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+", "nats")
    score: np.ndarray = array("net seed tick+ measure")
    board: np.ndarray = array("net seed tick+")  # unevenness of what is said of the even picture
    flat: np.ndarray = array("net tick+ row column")  # what the first seed says of it, in such deviations


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By the names of torch.nn: {"down.0.0.weight": [nets, seeds, 8, 1, 3, 3], …}; with what norms keep."""
    return cut(state["nets"], sizes(result.params.depth))


def cost(params: Params) -> Cost:
    return cost_of(params, len(UPS))
