"""Data sets: real ones from installed packages and two-dimensional points drawn by rule. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from core.ml.random import stream

SPLITS = ("train", "validation", "test")
SHARES = (0.6, 0.2, 0.2)

# Data by name → the files of installed packages that they are read from: (package, path) each.
FILES: dict[str, tuple[tuple[str, str], ...]] = {"digits": (("sklearn", "datasets/data/digits.csv.gz"),)}


@dataclass(frozen=True)
class Data:
    """Inputs and labels of the three splits, each x float32 [n, features], y int64 [n]."""

    x: tuple[np.ndarray, ...]
    y: tuple[np.ndarray, ...]
    classes: int


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits of scikit-learn (Alpaydin and Kaynak, 1998): x float32 [1797, 64] in 0…1, y int64."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return (bunch.data / 16).astype(np.float32), bunch.target.astype(np.int64)


def bundled(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Tables of scikit-learn: digits, iris, breast_cancer, and of diabetes whether it got worse than the median's."""
    from sklearn import datasets

    if name == "digits":
        return digits()
    bunch = getattr(datasets, f"load_{name}")()
    y = bunch.target > np.median(bunch.target) if name == "diabetes" else bunch.target
    return bunch.data, y.astype(np.int64)


def points(kind: str, n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`n` points in the plane in two classes, about within [-1, 1]²: x float32 [n, 2], y int64 [n].

    noise: standard deviation of Gaussian noise added to both coordinates.
    kind: spiral (two arms, Lang and Witbrock, 1988), rings, xor (four corners), moons, blobs (two Gaussians).
    """
    rng = stream(f"points {kind}", seed)
    y = np.arange(n) % 2
    t = rng.random(n)
    if kind == "spiral":
        angle = 3 * np.pi * np.sqrt(t) + np.pi * y
        x = (np.sqrt(t) * np.stack([np.cos(angle), np.sin(angle)])).T
    elif kind == "rings":
        angle, radius = 2 * np.pi * t, np.where(y == 0, 0.35, 0.9)
        x = (radius * np.stack([np.cos(angle), np.sin(angle)])).T
    elif kind == "xor":
        x = rng.uniform(-1, 1, (n, 2))
        x[:, 1] = np.abs(x[:, 1]) * np.sign(x[:, 0]) * np.where(y == 0, 1, -1)
    elif kind == "moons":
        angle = np.pi * t
        upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25])
        x = (np.where(y == 0, upper, -upper) / 1.5).T
    elif kind == "blobs":
        x = np.where(y == 0, -0.5, 0.5)[:, None] * np.ones(2) + 0.25 * rng.standard_normal((n, 2))
    else:
        raise ValueError(f"no point set is called {kind!r}")
    return (x + noise * rng.standard_normal((n, 2))).astype(np.float32), y.astype(np.int64)


def into_square(x: np.ndarray) -> np.ndarray:
    """Points [n, features] with every coordinate shifted and stretched so that it just fills [-1, 1]."""
    low, high = x.min(0), x.max(0)
    return (2 * x - low - high) / (high - low)


def standardised(data: Data) -> Data:
    """Every feature less its mean, three_splits by its standard deviation, both taken over the training split alone."""
    mean, deviation = data.x[0].mean(0), data.x[0].std(0)
    scale = np.where(deviation > 0, deviation, 1)
    return Data(tuple(((x - mean) / scale).astype(np.float32) for x in data.x), data.y, data.classes)


def split(x: np.ndarray, y: np.ndarray, seed: int) -> Data:
    """60 % train, 20 % validation, 20 % test, by a shuffle that depends on the seed alone."""
    order = stream("split", seed).permutation(len(x))
    first, second = (round(len(x) * share) for share in np.cumsum(SHARES)[:2])
    pieces = order[:first], order[first:second], order[second:]
    return Data(tuple(x[p] for p in pieces), tuple(y[p] for p in pieces), int(y.max()) + 1)


def batch_orders(n: int, epochs: int, seed: int) -> np.ndarray:
    """The order in which the n examples are visited in each epoch: int32 [epochs, n], drawn up front."""
    rng = stream("order", seed)
    return np.stack([rng.permutation(n).astype(np.int32) for _ in range(epochs)])
