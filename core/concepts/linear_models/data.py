"""The data that linear models are tried on."""

from __future__ import annotations

import numpy as np

from core.concepts.linear_models.params import Params, drawn
from core.ml.data import SPLITS, Data, bundled, split, standardised
from core.ml.own import table
from core.ml.random import stream

TILT = 0.5  # the clump moves away below the axis, by this angle
TESTED = 10  # times as many points of the plane test as train


def clouds(n: int, clump: int, distance: float, spread: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """n points of two normal classes around (−1, 0) and (1, 0), and a clump of class 1 far away on its right side."""
    y = np.r_[np.arange(n) % 2, np.ones(clump, int)]
    x = rng.standard_normal((n, 2)) * (spread, 1) + np.c_[2.0 * y[:n] - 1, np.zeros(n)]
    centre = 1 + distance * np.cos(TILT), -distance * np.sin(TILT)
    return np.r_[x, centre + 0.3 * rng.standard_normal((clump, 2))], y


def load(params: Params, seed: int) -> Data:
    """Three splits; tables are standardised, points of the plane are not."""
    if not drawn(params):
        return standardised(split(*(table(params.own) if params.own else bundled(params.data)), seed))
    parts = []
    for name, times in zip(SPLITS, (1, 1, TESTED)):
        n, clump, rng = times * params.points, times * params.clump, stream(f"linear {name}", seed)
        parts.append(clouds(n, clump, params.distance, params.spread, rng))
    return Data(tuple(x + params.offset for x, _ in parts), tuple(y for _, y in parts), 2)
