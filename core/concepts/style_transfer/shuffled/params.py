"""Places in another order: what comes back, what it costs. Nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.style_transfer.params import LAYERS, LOOK, OWN, Params, all_files

WITHOUT = (*OWN, "evaluations")
data_files = all_files
NETWORKS = ("trained", "random")
ORDERS = ("places", "pixels")  # what is shuffled: the places of a layer's maps | the pixels, before any layer
KINDS = ("gram", "covariance", "correlation")
SHOWN = 8  # maps whose matrices are shown
COLOURS = 3


@dataclass(frozen=True)
class Result(BaseResult):
    """Layer 0 are the pixels' colours. NaN of what needs the trained network where it is not installed."""

    trained: bool
    pictures: np.ndarray = array("order row column channel", "1/255", dtype="uint8")  # as it is, its pixels shuffled
    colours: np.ndarray = array("order colour other", dtype="float64")  # their Gram matrices
    style: np.ndarray = array("network order seed layer", fill=np.nan, dtype="float64")  # how far Gram matrices moved
    content: np.ndarray = array("network order seed layer", fill=np.nan, dtype="float64")  # and the maps themselves
    matrices: np.ndarray = array("kind map other_map", dtype="float64")  # of the first layer of the random network
    uncentred: np.ndarray = array("seed", fill=np.nan, dtype="float64")  # cosines less correlations, mean size


def cost(params: Params) -> Cost:
    return Cost(params.seeds, params.small**2 * (LOOK["trained"] + LOOK["random"]), 4e8)


AXES = {"network": len(NETWORKS), "order": len(ORDERS), "layer": LAYERS + 1, "kind": len(KINDS), "map": SHOWN}
AXES |= {"other_map": SHOWN, "colour": COLOURS, "other": COLOURS, "channel": COLOURS}
