"""Softmax regression and perceptrons, all of whose examples are one batch."""

from __future__ import annotations

import numpy as np

from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked


def on_all_at_once(
    sizes: tuple[int, ...], x: np.ndarray, y: np.ndarray, n: int, epochs: int, seed: int, rate: float
) -> Stacked:
    """A network for each data set, x [seeds, examples, inputs] and y [seeds, examples], that Adam trains on the first n
    of its examples; sizes: units of every layer."""
    start = np.stack([initial_weights(sizes, seed + s) for s in range(len(x))])
    orders = np.tile(np.arange(n, dtype=np.int32), (len(x), epochs, 1))
    settings = [Settings("adam", rate)] * len(x)
    return Stacked(sizes, "relu", "softmax", start, settings, x, y, np.arange(len(x)), orders, n)
