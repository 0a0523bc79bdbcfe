"""Loss surfaces over two weights. A function is convex where no chord between two of its points runs below it."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import expit

from core.concepts.loss_functions.losses import error
from core.concepts.loss_functions.params import Params
from core.concepts.loss_functions.surface.params import KINDS, REACH, Result
from core.ml.random import stream
from core.ml.recording import Recording, schedule

GRID = 61  # places along a side
CHORDS = 2000
ROUNDING = 1e-9


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, seed by seed."""
    axis = np.linspace(-REACH, REACH, GRID)
    places = np.stack(np.meshgrid(axis, axis), -1)  # [row, column, (first weight, second)]
    data = [drawn(params, params.data_seed + s) for s in range(params.seeds)]
    # [seed, kind, row, column]
    heights = np.array([[surface(*kind, places, *own) for kind in KINDS] for own in data])
    record = Recording(
        Result,
        params,
        params.seeds,
        {"kind": len(KINDS), "seed": params.seeds},
        axis=axis,
        height=heights[0].astype(np.float32),
    )

    for moment in schedule(params.seeds, chunk, seed=range(1, params.seeds + 1)):
        if moment.due:
            s = moment.step - 1
            bent = [share_below(kind, *data[s], params.data_seed + s) for kind in KINDS]
            record.append("seed", bent=bent, minima=[local_minima(height) for height in heights[s]])
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {}


def drawn(params: Params, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Examples x [n] with labels [n]: 1 where x and some noise are above 0."""
    x, noise = stream("loss surface", seed).standard_normal((2, params.examples))
    return x, (x + params.overlap * noise > 0).astype(float)


def surface(loss: str, layers: int, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The mean loss over the examples at weights w [..., 2]."""
    first, second = w[..., :1], w[..., 1:]
    z = first * x + second if layers == 1 else second * expit(first * x)
    return error(loss, z, y).mean(-1)


def share_below(kind: tuple[str, int], x: np.ndarray, y: np.ndarray, seed: int) -> float:
    """The share of random chords that are lower than the surface at a random place between their ends."""
    rng = stream("chords", seed)
    ends, part = rng.uniform(-REACH, REACH, (2, CHORDS, 2)), rng.random(CHORDS)
    one, other = (surface(*kind, end, x, y) for end in ends)
    between = surface(*kind, part[:, None] * ends[0] + (1 - part[:, None]) * ends[1], x, y)
    return float((part * one + (1 - part) * other < between - ROUNDING).mean())


def local_minima(height: np.ndarray) -> int:
    """Places inside the grid that are lower than the eight around them."""
    rows, columns = height.shape
    moved = [(i, j) for i in (0, 1, 2) for j in (0, 1, 2) if (i, j) != (1, 1)]
    around = [height[i : rows - 2 + i, j : columns - 2 + j] for i, j in moved]
    return int((height[1:-1, 1:-1] < np.min(around, 0) - ROUNDING).sum())
