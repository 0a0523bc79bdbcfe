"""The tree-structured Parzen estimator (Bergstra et al., 2011, section 4), for many searches at once.

Settings that were good and those that were not each have a density, a Parzen window for every hyperparameter; the next
setting is, of some drawn from the first density, the one where it exceeds the second the most.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

STARTUP = 10  # random settings at first
GOOD = 0.25  # share of settings that count as good
CANDIDATES = 24


def widths(centres: np.ndarray) -> np.ndarray:
    """Of windows at `centres` [search, window, axis]: the larger distance to a neighbour, or to the end of the range
    where there is none, at least 1/(windows + 1), at most 1."""
    order = centres.argsort(1)
    row = np.take_along_axis(centres, order, 1)
    ends = np.zeros_like(row[:, :1]), np.ones_like(row[:, :1])
    gaps = np.diff(np.concatenate([ends[0], row, ends[1]], 1), axis=1)
    sigma = np.maximum(gaps[:, 1:], gaps[:, :-1]).clip(1 / (centres.shape[1] + 1), 1)
    found = np.empty_like(sigma)
    np.put_along_axis(found, order, sigma, 1)
    return found


def windows(good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and widths, and a wide one in the middle of the range that belongs to no setting."""
    middle = np.full_like(good[:, :1], 0.5)
    return np.concatenate([good, middle], 1), np.concatenate([widths(good), np.ones_like(middle)], 1)


def log_density(at: np.ndarray, centres: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Of the mean of normal windows cut off at 0 and 1, at [search, candidate, axis]: in the same shape."""
    z = (at[:, :, None] - centres[:, None]) / sigma[:, None]
    mass = ndtr((1 - centres) / sigma) - ndtr(-centres / sigma)
    each = np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * (sigma * mass)[:, None])
    return np.log(each.mean(2))


def proposed(places: np.ndarray, scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The next settings [search, axis], all from 0 to 1, after `places` [search, trial, axis] of these scores [search,
    trial], of which more is better."""
    searches, trials, axes = places.shape
    if trials < STARTUP:
        return rng.random((searches, axes))
    order = (-scores).argsort(1, kind="stable")[..., None]
    ranked, count = np.take_along_axis(places, order, 1), int(np.ceil(GOOD * trials))
    good, rest = windows(ranked[:, :count]), windows(ranked[:, count:])
    pick = rng.integers(count + 1, size=(searches, CANDIDATES, axes))
    centre, sigma = (np.take_along_axis(part, pick, 1) for part in good)
    low, high = ndtr(-centre / sigma), ndtr((1 - centre) / sigma)
    drawn = centre + sigma * ndtri(low + (high - low) * rng.random(pick.shape))
    gain = (log_density(drawn, *good) - log_density(drawn, *rest)).sum(-1)
    return np.take_along_axis(drawn, gain.argmax(1)[:, None, None], 1)[:, 0].clip(0, 1)
