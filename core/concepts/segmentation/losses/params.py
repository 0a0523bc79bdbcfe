"""What a mask is trained for: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.segmentation.params import Params, cost_of, sizes
from core.takeaway.weights import cut

WITHOUT = ("moved",)
LOSSES = ("plain", "weighted", "dice", "jaccard")


@dataclass(frozen=True)
class Result(BaseResult):
    """Four networks of the same weights, with shortcuts, each with a loss of its own, measured on test scenes."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+")  # its own, of test scenes
    score: np.ndarray = array("net seed tick+ measure")
    by_class: np.ndarray = array("net seed tick+ class", fill=np.nan)  # IoU
    recall: np.ndarray = array("net seed tick+ class", fill=np.nan)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By the names of torch.nn: {"down.0.0.weight": [nets, seeds, 8, 1, 3, 3], …}; with what norms keep."""
    return cut(state["nets"], sizes(result.params.depth))


def cost(params: Params) -> Cost:
    return cost_of(params, len(LOSSES))
