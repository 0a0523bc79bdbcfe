"""Curves, networks that are built by hand for them, first weights, and the pieces of a network's output. No torch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from core.concepts.universal_approximation.params import Params
from core.ml.data import into_square
from core.ml.own import table
from core.ml.random import stream

STEEP = 3.0  # size of the weights into the first hidden layer


def tent(x: np.ndarray, folds: int) -> np.ndarray:
    """1 − 2|x|, applied `folds` times: within ±1 it has 2 ** folds straight pieces (Telgarsky, 2016)."""
    for _ in range(folds):
        x = 1 - 2 * np.abs(x)
    return x


def height(params: Params, x: np.ndarray, kind: str) -> np.ndarray:
    """The chosen curve at places x; of the reader's own, the straight line between its points, NaN beyond them."""
    if kind == "own":
        points = own_points(params)
        at, which = np.unique(points[:, 0], return_inverse=True)
        means = np.bincount(which, points[:, 1]) / np.bincount(which)
        return np.interp(x, at, means, left=np.nan, right=np.nan)
    if kind == "tent":
        return tent(x, params.folds)
    if kind == "jump":
        return np.where(x > 0.1, 0.8, -0.8)
    if kind == "waves":
        return 0.7 * np.sin(4.5 * x) + 0.3 * np.sin(9 * x + 1)
    tall, middle, wide = np.array([(1, -0.5, 0.25), (-0.8, 0.1, 0.25), (0.6, 0.7, 0.2)]).T
    return np.exp(-(((x[..., None] - middle) / wide) ** 2)) @ tall


def own_points(params: Params) -> np.ndarray:
    """The reader's points [n, 2], both columns stretched to ±1."""
    return into_square(table(params.own)[0])


def curve_points(params: Params, kind: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Training points of every seed as x and y float32 [seeds, n, 1]: one drawn in each of n equal parts of ±1, or the
    reader's own."""
    if kind == "own":
        x, y = np.repeat(own_points(params)[None], params.seeds, 0).T.swapaxes(1, 2)
    else:
        drawn = [stream("curve", params.data_seed + i).random(n) for i in range(params.seeds)]
        x = (np.arange(n) + np.array(drawn)) * 2 / n - 1
        y = height(params, x, kind)
    return x[..., None].astype(np.float32), y[..., None].astype(np.float32)


def first_weights(sizes: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights [D] of a network of one input, as in core/ml/networks.py. The first layer has weights ±STEEP and its
    kinks anywhere in ±1; further ones are as of He et al. (2015); biases as torch.nn.Linear draws them."""
    rng, parts = stream("weights of a curve", seed), []
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        if layer == 2:
            w = STEEP * rng.choice([-1.0, 1.0], o)
            parts += [w, -w * rng.uniform(-1, 1, o)]
        else:
            bound = (6 / i if layer < len(sizes) else 1 / i) ** 0.5
            parts += [rng.uniform(-bound, bound, i * o), rng.uniform(-1, 1, o) / i**0.5]
    return np.concatenate(parts).astype(np.float32)


def matrices(row: np.ndarray, sizes: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """W [out, in] and b [out, 1] of every layer, float64."""
    found, row = [], np.asarray(row, float)
    for i, o in pairwise(sizes):
        w, b, row = np.split(row, [i * o, i * o + o])
        found.append((w.reshape(o, i), b.reshape(o, 1)))
    return found


def straight_pieces(row: np.ndarray, sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where the output of a ReLU network of one input is straight within ±1: the ends of its pieces [pieces + 1], and
    the output there. Exact: every unit is straight between the kinks of the layer before."""
    *hidden, (w, b) = matrices(row, sizes)
    x = np.array([-1.0, 1.0])
    h = x[None]
    for v, c in hidden:
        z = v @ h + c
        left, right = z[:, :-1], z[:, 1:]
        unit, at = np.nonzero(left * right < 0)
        share = left[unit, at] / (left[unit, at] - right[unit, at])
        more = np.unique(np.r_[x, x[at] + share * (x[at + 1] - x[at])])
        more = more[np.r_[True, np.diff(more) > 1e-12]]
        h = np.maximum([np.interp(more, x, line) for line in z], 0)
        x = more
    y = (w @ h + b)[0]
    slope = np.diff(y) / np.diff(x)
    bent = np.r_[True, np.abs(np.diff(slope)) > 1e-5 * np.abs(slope).max(initial=1e-9), True]
    return x[bent], y[bent]


def zigzag_network(pieces: tuple[int, ...], width: int) -> np.ndarray:
    """Weights [D], float64, of a ReLU network that folds ±1 into pieces[0] · pieces[1] · … straight pieces, `width`
    units a layer: each layer goes up and down `pieces` times between −1 and 1, on what the layer before says."""
    parts, said, low = [], np.ones((1, 1)), 0.0
    for count in pieces:
        bends = np.zeros(width)
        bends[:count] = 2 * np.arange(count) / count - 1
        used = (np.arange(width) < count)[:, None]
        parts += [used * said, used[:, 0] * (low - bends)]
        said, low = np.zeros((1, width)), -1.0
        said[0, :count] = count * np.where(np.arange(count) == 0, 1, 2) * (-1.0) ** np.arange(count)
    return np.concatenate([part.ravel() for part in (*parts, said, np.array([low]))])
