"""Digits of 16 × 16 pixels, as the network of 1989 had them. No torch."""

from __future__ import annotations

from functools import cache

import numpy as np

from core.ml.mnist import SIDE, mnist_splits

SMALL = 16


@cache
def halver() -> np.ndarray:
    """Weights [16, 28] by which a line of 28 pixels becomes one of 16, each the mean of what it covers."""
    edges = np.linspace(0, SIDE, SMALL + 1)
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(SIDE)
    return np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None) * SMALL / SIDE


def scaled(pictures: np.ndarray) -> np.ndarray:
    """Pictures [n, 28, 28] of ink from 0 to 1, as [n, 16, 16] from −1 (paper) to 1."""
    return (2 * (halver() @ pictures @ halver().T) - 1).astype(np.float32)


def small_digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """All of them in a random order, of which the first DIGITS are for training: x [5000, 16, 16], y [5000]."""
    ((x, y),) = mnist_splits((5000,), seed)
    return scaled(x), y
