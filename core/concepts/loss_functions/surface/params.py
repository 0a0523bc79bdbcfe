"""The loss over two weights: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.loss_functions.params import CLASSIFIER, NEURON, OUTLIERS, Params

WITHOUT = (*NEURON, *CLASSIFIER, *OUTLIERS, "weight_seed")
DIVERGES = ""
# Loss and network: σ(w x + b) over (w, b), and two neurons in a row, σ(w₂ σ(w₁ x)), over (w₁, w₂)
KINDS = (("squared", 1), ("cross_entropy", 1), ("squared", 2), ("cross_entropy", 2))
REACH = 8.0  # surfaces are drawn, and chords taken, within ±REACH


@dataclass(frozen=True)
class Result(BaseResult):
    """Loss surfaces, and how convex they are."""

    bent: np.ndarray = array("kind seed+", dtype="float64")  # share of random chords that cut below the surface
    minima: np.ndarray = array("kind seed+", dtype="float64")  # places of the grid lower than all eight around them
    # The first seed
    axis: np.ndarray = array("place", dtype="float64")
    height: np.ndarray = array("kind row column")


def cost(params: Params) -> Cost:
    return Cost(params.seeds, 1e6 * params.examples)
