"""What holds of convolution whatever the numbers: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.convolution.params import PHOTOGRAPH, POOLED, TRAINED, Params
from core.ml.architecture import Conv, Layers, Pool

WITHOUT = (*PHOTOGRAPH, *TRAINED, *POOLED)
CROP = 12  # pixels along a side of a piece of the picture
SMALL = 5  # along a side of the picture whose matrices are drawn
BACK = ("solved", "transposed")  # ways to undo a convolution
MOVED = ("inside", "border", "strided")
UPSAMPLED = (3, 4)  # kernels that double the sides, at stride 2
TRANSPOSED_STRIDE = 2
LENGTH = 64  # of a one-dimensional input
HEARD = ("causal", "correlated")
DEEP = 4  # layers
VIEWS: dict[str, Layers] = {  # ways to see more; every convolution has three weights
    "depth": (Conv(1, bias=False),) * DEEP,
    "stride": (Conv(1, stride=2, bias=False),) * DEEP,
    "pooling": (Conv(1, bias=False), Pool(2, "mean")) * DEEP,
    "dilation": tuple(Conv(1, dilation=2**i, bias=False) for i in range(DEEP)),
}


@dataclass(frozen=True)
class Result(BaseResult):
    """Every seed has a piece of the picture and a kernel with normally distributed weights. Gaps are the largest
    difference as a share of the largest number; 0 is equal."""

    sized: np.ndarray = array("seed+", dtype="float64")  # share of random shapes whose size the formula gives
    dense: np.ndarray = array("seed+", dtype="float64")  # gap between the convolution and its matrix
    full: np.ndarray = array("seed+", dtype="float64")  # between a kernel as large as the picture and a dense unit
    spread: np.ndarray = array("seed+", dtype="float64")  # between a transposed convolution and zeros, turned kernel
    restored: np.ndarray = array("seed+", dtype="float64")  # 1 where the transposed one has the size of the picture
    lost: np.ndarray = array("back seed+", dtype="float64")  # distance from the picture, of its length
    moved: np.ndarray = array("moved seed+", dtype="float64")  # gap between moving before and after the convolution
    uneven: np.ndarray = array("board seed+", dtype="float64")  # strongest less weakest phase, over the mean phase
    linear: np.ndarray = array(
        "pool seed+", dtype="float64"
    )  # max, mean: gap between the sum of pooled and pooling the sum
    unpooled: np.ndarray = array("seed+", dtype="float64")  # share of maxima that are back in their places
    early: np.ndarray = array("heard seed+", dtype="float64")  # share of the answer that is there before a cause
    seen: np.ndarray = array("view seed+", dtype="float64")  # inputs that one output depends on
    # The first seed
    pieces: np.ndarray = array("stage row column", dtype="float64")  # picture, convolved, then undone in every way
    layers: np.ndarray = array("layer unit input", dtype="float64")  # a dense layer, zeros in it, shared weights
    boards: np.ndarray = array("board place other_place", dtype="float64")  # products that meet in each output
    pulses: np.ndarray = array("time", dtype="float64")
    echoes: np.ndarray = array("heard time", dtype="float64")
    fields: np.ndarray = array("view depth", dtype="int64")  # receptive fields, as the formula has them
    counted: np.ndarray = array("view", dtype="int64")  # weights


def cost(params: Params) -> Cost:
    return Cost(params.seeds, 3e7)
