"""Backpropagation broken on purpose: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.backpropagation.params import Params

WITHOUT = ("lit", "edited", "updates", "nudge", "activation", "loss")
INPUTS, UNITS, CLASSES = 64, 16, 10
BATCH = 50
DIVERGES = "loss"
# right, and wrong: sign lost in the first layer; slope σ′ forgotten; the gradient of weights that are used twice
# overwritten where it must add; weights updated before the error is passed back; backward called again without zeroing;
# the penalty left out
VERSIONS = ("right", "sign", "slope", "overwritten", "early", "zeroing", "penalty")
SHAPES = {  # products of the two passes, examples in columns: dimensions of both matrices; the last two are wrong
    "Z₁ = W₁ X": ((UNITS, INPUTS), (INPUTS, BATCH)),
    "Z₂ = W₂ H₁": ((UNITS, UNITS), (UNITS, BATCH)),
    "Z₃ = W₃ H₃": ((CLASSES, UNITS), (UNITS, BATCH)),
    "∂W₃ = Δ₃ H₃ᵀ": ((CLASSES, BATCH), (BATCH, UNITS)),
    "∂H₃ = W₃ᵀ Δ₃": ((UNITS, CLASSES), (CLASSES, BATCH)),
    "∂W₁ = Δ₁ Xᵀ": ((UNITS, BATCH), (BATCH, INPUTS)),
    "∂H₃ = W₃ Δ₃": ((CLASSES, UNITS), (CLASSES, BATCH)),
    "∂W₁ = Δ₁ X": ((UNITS, BATCH), (INPUTS, BATCH)),
}


@dataclass(frozen=True)
class Result(BaseResult):
    """Seven versions of backpropagation on handwritten digits, from the same weights on the same batches."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("version seed tick+", "nats", dtype="float64", fill=np.nan)  # training, with the penalty
    accuracy: np.ndarray = array("version seed tick+", fill=np.nan)  # test
    # Relative error of the gradient check: at the start, and again when training is over
    checked: np.ndarray = array("version seed", dtype="float64", fill=np.nan)
    again: np.ndarray = array("version seed", dtype="float64", fill=np.nan)
    # Of every product of the two passes: rows and columns of both, and of what NumPy makes of them (0: refused)
    shape: np.ndarray = array("product dimension", dtype="int64")


def cost(params: Params) -> Cost:
    members = params.seeds * len(VERSIONS)
    return Cost(params.steps, members * 6.0 * BATCH * (INPUTS + 2 * UNITS + CLASSES) * UNITS + 1e6)
