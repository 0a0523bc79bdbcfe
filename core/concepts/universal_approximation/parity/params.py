"""Parity by circuits: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.universal_approximation.params import Params

ENGINE = "numpy"
DEVICES = ("cpu",)
WITHOUT = (
    *("units", "data", "own", "activation", "steps", "lr", "target", "folds", "equal", "total"),
    *("seeds", "data_seed", "weight_seed"),
)
WAYS = ("two_layers", "tree", "threshold")


@dataclass(frozen=True)
class Result(BaseResult):
    """Is the number of ones among n bits odd? Three circuits, built by hand and tried on all inputs."""

    bits: np.ndarray = array("size+", "bits", dtype="int64")
    units: np.ndarray = array("way size+", "units", dtype="int64")
    layers: np.ndarray = array("way size+", "layers", dtype="int64")
    right: np.ndarray = array("way size+")  # share of all inputs


def cost(params: Params) -> Cost:
    return Cost(params.bits - 1, 2e6 + 4.0**params.bits / params.bits)
