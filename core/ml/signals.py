"""Signals: ten classes of forty numbers, made by rule, in any amount (after MNIST-1D; Greydanus, 2020). No torch.

A template of twelve numbers is padded with nothing to between 48 and 72, stretched to 72, scaled, moved around a
circle, and put into noise: smooth where there is no template, fine everywhere. A slope is taken away, and the whole
brought to 40 numbers. Position tells nothing, shape does: that is what tells models apart that images tell apart, at a
hundredth of the cost.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from core.ml.random import stream

LENGTH = 40  # of a signal
CLASSES = 10
LONG = 72  # of what it is made of, before it is brought to LENGTH
PADDED = (36, 60)  # numbers of nothing behind a template, at least and at most
SCALED = 0.4  # width of the range of factors around 1
MOVED = 48  # places that a signal may begin at
SMOOTH, FINE = 0.25, 0.02  # standard deviation of both kinds of noise, of the smooth one before smoothing
WIDTH = 2.0  # of the smoothing, places
SLOPE = 0.75  # width of the range of slopes over the whole length
MEAN, SPREAD = -0.0061, 0.1547  # of all numbers of a million signals as made: handed out they have 0 and 1
TEMPLATES = np.array(  # the ten digits, more or less, drawn as a line (Greydanus, 2020)
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)


def signals(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n fresh signals, as many of each class as can be, in random order: x float32 [n, LENGTH], y int64 [n]."""
    rng = stream("signals", seed)
    y = rng.permutation(np.arange(n) % CLASSES)
    size = TEMPLATES.shape[1] + rng.integers(PADDED[0], PADDED[1] + 1, (n, 1))
    factor = 1 + SCALED * (rng.random((n, 1)) - 0.5)
    shift = rng.integers(0, MOVED, (n, 1))
    slope = SLOPE * (rng.random((n, 1)) - 0.5)
    along = np.linspace(0, 1, LONG)
    place = (size - 1) * along[(np.arange(LONG) - shift) % LONG]  # on its template, of every number
    inside = place < TEMPLATES.shape[1]
    drawn = factor * _at(templates()[y], place)
    noise = SMOOTH * rng.standard_normal((n, LONG)) @ _smoothing()
    whole = np.where(inside, drawn, noise) + FINE * rng.standard_normal((n, LONG)) - slope * (along - 0.5)
    return ((whole @ _sampling() - MEAN) / SPREAD).astype(np.float32), y


def shuffled(x: np.ndarray) -> np.ndarray:
    """The same signals with their places in another order, one for all: shape is gone, and no number is."""
    return x[..., stream("signals order", 0).permutation(LENGTH)]


@cache
def templates() -> np.ndarray:
    """The templates, which begin and end at 0: [CLASSES, 12]."""
    x = TEMPLATES - TEMPLATES.mean(1, keepdims=True)
    x /= x.std(1, keepdims=True)
    return (x - x[:, :1]) / 6


def _at(rows: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Each row of numbers at places between them, by straight lines; 0 behind its end."""
    rows = np.pad(rows, ((0, 0), (0, 2)))
    low = np.minimum(place.astype(int), rows.shape[1] - 2)
    left, right = (np.take_along_axis(rows, low + i, 1) for i in (0, 1))
    return left + np.clip(place - low, 0, 1) * (right - left)


@cache
def _smoothing() -> np.ndarray:
    """What smooths noise by a Gaussian that is mirrored at the ends: [LONG, LONG]."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.eye(LONG), WIDTH, axis=1)


@cache
def _sampling() -> np.ndarray:
    """What reads a row of LONG numbers at LENGTH equidistant places, by straight lines: [LONG, LENGTH]."""
    places = np.linspace(0, LONG - 1, LENGTH)
    return np.clip(1 - np.abs(np.arange(LONG)[:, None] - places), 0, None)
