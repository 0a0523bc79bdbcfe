"""More and more training identities, of ever fewer writings: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.one_shot.params import Params, named, training

LADDER = (5, 15, 50, 150)  # training identities
SETS = ("unseen", "seen")
ROWS = (*SETS, "pixels")
WITHOUT = ("identities", "data", "steps", "test")
ASKS = ()


@dataclass(frozen=True)
class Result(BaseResult):
    """Measured on identities that are in no training set, and on new writings of training identities."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("count seed tick+")
    area: np.ndarray = array("row count seed tick+")
    oneshot: np.ndarray = array("row count seed tick+")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for count, rows in state.items():
        found |= {f"{count}.{name}": part for name, part in named(result.params.loss, int(count), rows).items()}
    return found


def cost(params: Params) -> Cost:
    return training(params.replace(steps=params.updates), len(LADDER), 4, len(LADDER))
