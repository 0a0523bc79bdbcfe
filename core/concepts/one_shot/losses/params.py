"""All losses on the same batches: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.one_shot.params import LOSSES, Params, named, trained_on, training

FURTHER_NETS = ("contrastive_0", "all_0")  # without a margin
NETS = (*LOSSES, *FURTHER_NETS)
ROWS = (*NETS, "untrained", "pixels")
WITHOUT = ("loss", "steps", "test")
ASKS = ()


@dataclass(frozen=True)
class Result(BaseResult):
    """Measured on identities that are in no training set, at the start and at the end."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+")  # each its own: not to be compared
    area: np.ndarray = array("row seed tick+")
    oneshot: np.ndarray = array("row seed tick+")
    apart: np.ndarray = array("net seed tick+ pair")  # mean distance of the same, of different ones


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for net, rows in state.items():
        parts = named(net.removesuffix("_0"), trained_on(result.params), rows)
        found |= {f"{net}.{name}": part for name, part in parts.items()}
    return found


def cost(params: Params) -> Cost:
    return training(params.replace(steps=params.updates), len(NETS), 4)
