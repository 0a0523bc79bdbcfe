"""Classical statistics that networks are held against, in NumPy and double precision."""

from __future__ import annotations

import numpy as np

from core.ml.data import Data


def principal(x: np.ndarray, count: int) -> np.ndarray:
    """The directions of largest variance of centred x [n, features], as rows [count, features] (Pearson, 1901)."""
    x = x.astype(float)
    return np.linalg.eigh(x.T @ x)[1].T[: -count - 1 : -1]


def discriminant(x: np.ndarray, y: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """log P(class) at a place is place @ slope + offset, up to a constant, if every class is a Gaussian, all with one
    covariance, as they are in x [n, features] and y [n] (Fisher, 1936): [features, classes], [classes]."""
    belongs = (np.arange(classes)[:, None] == y).astype(float)  # [class, n]
    counts = np.maximum(belongs.sum(1), 1e-9)
    means = belongs @ x / counts[:, None]
    apart = x - means[y]
    slope = np.linalg.pinv(apart.T @ apart / len(x), 1e-8, hermitian=True) @ means.T
    return slope, np.log(counts / len(y)) - 0.5 * (means * slope.T).sum(1)


def discriminated(data: Data, train: np.ndarray, test: np.ndarray) -> float:
    """Accuracy on the test split of a discriminant that sees codes [n, features] of the training and the test split;
    NaN where not all numbers are finite."""
    if not np.isfinite(train).all() or not np.isfinite(test).all():
        return float("nan")
    slope, offset = discriminant(train.astype(float), data.y[0], data.classes)
    return float(((test @ slope + offset).argmax(1) == data.y[2]).mean())
