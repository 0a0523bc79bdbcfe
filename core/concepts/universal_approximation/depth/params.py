"""Width or depth: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.universal_approximation.params import Params
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import perceptrons

WITHOUT = ("units", "activation", "bits")
DEPTHS = (1, 2, 3, 4, 6)  # hidden layers
EXAMPLES = 128
CLOSE = 0.1  # root mean square error below which a curve counts as found; that of zero on a tent is 0.58


@dataclass(frozen=True)
class Result(BaseResult):
    """ReLU networks of equal size and different depth on one curve, and those that are built by hand."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    width: np.ndarray = array("depth", "units", dtype="int64")  # of every hidden layer
    parameters: np.ndarray = array("depth", dtype="int64")
    error: np.ndarray = array("depth seed tick+")  # root mean square
    pieces: np.ndarray = array("depth seed tick+", dtype="int64")  # straight ones within ±1
    built: np.ndarray = array("depth", dtype="int64")  # the most that a zigzag a layer gives, counted
    # Error of a network built by hand for the tent; NaN where the layers are too narrow, or the curve is no tent
    built_error: np.ndarray = array("depth", dtype="float64")
    place: np.ndarray = array("place", dtype="float64")
    truth: np.ndarray = array("place", dtype="float64")
    fit: np.ndarray = array("depth tick+ place")  # of the seed with the lowest error in the end


def layouts(params: Params) -> list[tuple[int, ...]]:
    """Units of every layer, by depth: as many hidden units in all, or as many parameters as one hidden layer of `total`
    units has, as nearly as can be."""
    if params.equal == "units":
        each = [max(1, round(params.total / depth)) for depth in DEPTHS]
    else:
        wanted = weight_count((1, params.total, 1))
        off = [[abs(weight_count((1, *[w] * d, 1)) - wanted) for w in range(1, params.total + 1)] for d in DEPTHS]
        each = [1 + int(np.argmin(row)) for row in off]
    return [(1, *[width] * depth, 1) for width, depth in zip(each, DEPTHS)]


def tent_pieces(params: Params, depth: int) -> tuple[int, ...]:
    """Into how many pieces each layer folds, so that all together fold the tent."""
    return tuple(2 ** (params.folds * (k + 1) // depth - params.folds * k // depth) for k in range(depth))


def widest_fold(params: Params, depth: int) -> int:
    """Units that a layer needs for that."""
    return 2 ** ceil(params.folds / depth)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …] by depth: {"2.0.weight": [seeds, out, in], …}."""
    return perceptrons(state, [(name, layouts(result.params)[DEPTHS.index(int(name))]) for name in state])


def cost(params: Params) -> Cost:
    counts = sum(weight_count(sizes) for sizes in layouts(params))
    flops = params.seeds * stepping(counts, EXAMPLES) / len(DEPTHS)
    return Cost(params.steps * 3 * len(DEPTHS), flops / 3, 8.0 * params.steps * EXAMPLES * len(DEPTHS), params.seeds)
