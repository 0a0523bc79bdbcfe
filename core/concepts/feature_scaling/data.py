"""Features in their units, and ways to scale them. Every scaling is affine: u = (x − shift) @ matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.concepts.feature_scaling.params import Params
from core.ml.data import bundled
from core.ml.own import table
from core.ml.random import stream

RIDGE = 0.001  # added to the variances that whitening divides by, lest it blow up what hardly varies
NOISE = 0.1  # of the targets, as a share of what the features say
DECADES = 2.0  # columns of a table in random units are multiplied by 10 to a power within ± this


class Affine(NamedTuple):
    """u = (x − shift) @ matrix."""

    shift: np.ndarray
    matrix: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return (x - self.shift) @ self.matrix


def scaling_of(rule: str, x: np.ndarray) -> Affine:
    """The scaling of this rule, fitted on x [n, features]. What does not vary is only shifted."""
    features = x.shape[1]
    mean, deviation = x.mean(0), x.std(0)
    deviation = np.where(deviation > 1e-12 * np.abs(mean), deviation, 1)
    if rule == "raw":
        return Affine(np.zeros(features), np.eye(features))
    if rule == "min_max":
        reach = np.ptp(x, axis=0)
        return Affine(x.min(0), np.diag(1 / np.where(reach > 0, reach, 1)))
    if rule == "plus":  # wrong: the mean is added
        return Affine(-mean, np.diag(1 / deviation))
    if rule == "whitened":  # the symmetric one, which turns features least (Kessy, Lewin and Strimmer, 2018: ZCA-cor)
        u = (x - mean) / deviation
        variance, ways = np.linalg.eigh(u.T @ u / len(u))
        return Affine(mean, np.diag(1 / deviation) @ (ways / np.sqrt(variance.clip(0) + RIDGE)) @ ways.T)
    return Affine(mean, np.diag(1 / deviation))


def in_units(deviation: np.ndarray) -> np.ndarray:
    """Weights [features] whose features both matter: they are smaller where features of this deviation are larger."""
    return 1 / np.sqrt(deviation * np.sqrt(deviation.prod()))


def points_of(params: Params, stretch: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two features [n, 2] that are correlated, the first in units that make it `stretch` times as large, and targets
    [n] that depend on both; or the first two columns of the reader's table, and the number of the class."""
    if params.own:
        x, y = table(params.own)
        return x[:, :2], y.astype(float)
    rng, n, r = stream("scaled points", seed), params.points, params.correlation
    z = rng.standard_normal((n, 2)) @ np.array([[1, r], [0, np.sqrt(1 - r**2)]])
    if params.outlier:
        z[0, 0] = params.outlier
    deviation = np.array([stretch, 1.0])
    y = (z * deviation) @ in_units(deviation)
    return (z + params.offset) * deviation, y + NOISE * y.std() * rng.standard_normal(n)


def first_model(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """A random model [3] of two raw features, the bias last, about a third as steep as the targets are."""
    small = 0.3 * y.std() * in_units(np.where(x.std(0) > 0, x.std(0), 1))
    return np.r_[small * stream("scaled weights", seed).standard_normal(2), 0.0]


def table_of(params: Params, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and classes of the table; of `units` every column of the digits is in units of its own."""
    if params.own:
        return table(params.own)
    x, y = bundled("digits" if params.data == "units" else params.data)
    if params.data == "units":
        x = x * 10 ** stream("units", seed).uniform(-DECADES, DECADES, x.shape[1])
    return x.astype(float), y
