"""Two boxes: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.object_detection.params import AFTER, FIRST, SIZE, Params

ENGINE = "numpy"
DEVICES: tuple[str, ...] = ("cpu",)
DIVERGES = ""
ASKS = ()
WITHOUT = (*FIRST, *AFTER, "examples", "tested", "seeds", "data_seed", "weight_seed")
SHIFTS = tuple(range(-SIZE, SIZE + 1))


@dataclass(frozen=True)
class Result(BaseResult):
    """Two boxes by their corners, and their overlap when the second one is moved across, pixel by pixel."""

    box: np.ndarray = array("which side", "pixels")
    area: np.ndarray = array("part", "pixels²")  # of the intersection, of the union
    iou: np.ndarray = array("shift+")
    enclosed: np.ndarray = array("shift+")  # generalised IoU (Rezatofighi et al., 2019)


def cost(params: Params) -> Cost:
    return Cost(len(SHIFTS), 1e4)
