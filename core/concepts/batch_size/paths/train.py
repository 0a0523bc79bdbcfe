"""Gradient descent in a plane by batches of every size: near the lowest place the noise keeps it wandering.

There half the mean squared error stays about η tr(H) σ² / (4 B) above its lowest, for errors of variance σ² and
curvature H: with the rate over the batch size (Mandt, Hoffman and Blei, 2017).
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.batch_size.params import Params, size_of
from core.concepts.batch_size.paths.params import EXAMPLES, STEPS, Result, ticks
from core.ml.random import stream
from core.ml.recording import Recording, schedule

DEVIATION = np.array([1.0, 0.5])  # of the features
ERROR = 0.5  # standard deviation of the targets around what the features say
FAR = 1e9  # weights beyond this have diverged
MARGIN = 0.5  # around the start and the lowest place, in what is drawn
GRID = 61  # places along a side of the loss surface


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, None]:
    """Results, each fuller than the last, every `chunk` steps."""
    seeds = range(params.seeds)
    x, y = (np.stack(parts) for parts in zip(*(points_of(params.data_seed + s) for s in seeds)))
    curvature = x.swapaxes(1, 2) @ x / EXAMPLES
    lowest = np.linalg.solve(curvature, x.swapaxes(1, 2) @ y[..., None] / EXAMPLES)[..., 0]
    size = np.array([size_of(contender.batch, EXAMPLES) for contender in params.contenders])
    rate = params.rate * (size / size.min() if params.scaling == "linear" else np.ones(len(size)))
    start = np.stack([lowest[s] + first(params.weight_seed + s) for s in seeds])
    w, rngs = np.tile(start, (len(size), 1, 1)), [stream("batches drawn", params.data_seed + s) for s in seeds]
    middle = (start[0] + lowest[0]) / 2
    half = np.abs(start[0] - middle).max() + MARGIN
    across, up = middle[:, None] + half * np.linspace(-1, 1, GRID)
    known = {"size": size, "rate": rate, "lowest": lowest[0], "across": across, "up": up}
    off = np.stack(np.meshgrid(across, up), -1) - lowest[0]
    known["surface"] = (0.5 * ((off @ curvature[0]) * off).sum(-1)).astype(np.float32)
    axes = {"contender": len(size), "seed": params.seeds, "weight": 2}
    record = Recording(Result, params, STEPS, axes, tick=ticks(), **known)
    for moment in schedule(STEPS, chunk, tick=ticks()):
        for _ in moment.steps:
            drawn = np.stack([rng.integers(0, EXAMPLES, size.max()) for rng in rngs])
            for c, b in enumerate(size):
                w[c] -= rate[c] * gradient(w[c], x, y, drawn[:, :b] if b < EXAMPLES else None)
            w[np.abs(w) > FAR] = np.nan
        if moment.due:
            off = w - lowest
            gap = 0.5 * ((off[..., None, :] @ curvature)[..., 0, :] * off).sum(-1)
            record.append("tick", gap=gap, path=w[:, 0])
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)


def points_of(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two features [n, 2], of which the second varies half as much, and targets [n]."""
    rng = stream("two features", seed)
    x = DEVIATION * rng.standard_normal((EXAMPLES, 2))
    return x, x.sum(1) + ERROR * rng.standard_normal(EXAMPLES)


def first(seed: int) -> np.ndarray:
    """Where the weights begin, seen from the lowest place: two away in a random direction."""
    angle = stream("way off", seed).uniform(0, 2 * np.pi)
    return 2 * np.array([np.cos(angle), np.sin(angle)])


def gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray, drawn: np.ndarray | None) -> np.ndarray:
    """Of half the mean squared error on a batch `drawn` [seed, B] or on all examples, at w [seed, 2]."""
    if drawn is not None:
        x, y = np.take_along_axis(x, drawn[..., None], 1), np.take_along_axis(y, drawn, 1)
    off = (x @ w[..., None])[..., 0] - y
    return (off[..., None] * x).mean(1)
