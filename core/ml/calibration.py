"""Are outputs probabilities? How often what was said came true."""

from __future__ import annotations

import numpy as np


def reliability(p: np.ndarray, true: np.ndarray, bins: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By bins of the probability p [..., n] that was said of something, which was so or not, `true` [..., n]: how many
    examples, the mean of what was said, and how often it was true, [..., bin] each; 0 where there are none (DeGroot and
    Fienberg, 1983)."""
    inside = np.minimum((p * bins).astype(int), bins - 1)[..., None] == np.arange(bins)
    count = inside.sum(-2)
    said, often = ((inside * values[..., None]).sum(-2) / count.clip(1) for values in (p, true))
    return count, said, often


def calibration_error(count: np.ndarray, said: np.ndarray, true: np.ndarray) -> np.ndarray:
    """How far apart what was said and what was true are, mean over examples (Naeini, Cooper and Hauskrecht, 2015)."""
    return (count * np.abs(said - true)).sum(-1) / count.sum(-1)
