"""Labels that are wrong on purpose. No torch."""

from __future__ import annotations

import numpy as np

from core.ml.random import stream


def mistaught(y: np.ndarray, classes: int, share: float, seed: int) -> np.ndarray:
    """Labels y [n], about a `share` of which are replaced by one of the other classes."""
    rng = stream("wrong labels", seed)
    other = (y + rng.integers(1, classes, len(y))) % classes
    return np.where(rng.random(len(y)) < share, other, y)
