"""Curves, training sets drawn around them, least squares for all degrees at once, errors taken apart. No torch."""

from __future__ import annotations

from functools import cache

import numpy as np

from core.concepts.bias_variance.params import MOST, PLACES, Params
from core.ml.data import into_square
from core.ml.own import table
from core.ml.random import stream


def height(data: str, x: np.ndarray) -> np.ndarray:
    """The curve at places x."""
    if data == "line":
        return 0.8 * x
    return np.where(x > 0.1, 0.7, -0.7) if data == "jump" else np.sin(4.5 * x) * np.exp(-x) / 1.6


@cache
def nodes() -> tuple[np.ndarray, np.ndarray]:
    """Places within ±1 and the weights [PLACES] with which values there have the mean over ±1 (Gauss, 1814)."""
    place, weight = np.polynomial.legendre.leggauss(PLACES)
    return place, weight / 2


@cache
def own_points(own: str) -> np.ndarray:
    """The reader's points [n, 2], both columns stretched to ±1."""
    return into_square(table(own)[0])


def one_in_each(n: int, rng: np.random.Generator) -> np.ndarray:
    """A place in each of n equal parts of ±1."""
    return (np.arange(n) + rng.random(n)) * 2 / n - 1


def around(params: Params, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The curve at x, and noise."""
    return height(params.data, x) + params.noise * rng.standard_normal(x.shape)


def training_set(params: Params, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """x and y [n] of a set of points."""
    if params.places == "parts":
        x = one_in_each(n, rng)
    else:
        x = (np.arange(n) + 0.5) * 2 / n - 1 if params.places == "even" else rng.uniform(-1, 1, n)
    return x, around(params, x, rng)


def fresh_set(params: Params, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points to test on, which come from all over ±1 however the training points are placed."""
    x = one_in_each(n, rng)
    return x, around(params, x, rng)


def set_stream(params: Params, seed: int, which: int) -> np.random.Generator:
    """What draws a training set and the test points that go with it."""
    return stream("bias and variance", params.data_seed + seed, which)


def legendre(x: np.ndarray) -> np.ndarray:
    """Legendre polynomials at x: [..., MOST + 1]."""
    return np.polynomial.legendre.legvander(x, MOST)


def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q, R and Qᵀ y of the Legendre polynomials at x [..., n]: of a fit of degree d the first d + 1 columns are enough,
    so one decomposition serves all degrees. A column that adds nothing, as there are too few places, gets no weight."""
    q, r = np.linalg.qr(legendre(x))
    z = (q.swapaxes(-1, -2) @ y[..., None])[..., 0]
    diagonal = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    empty = diagonal < 1e-9 * diagonal.max(-1, keepdims=True)
    return q, r + empty[..., None] * np.eye(MOST + 1), np.where(empty, 0, z)


def fits_of_all(at: np.ndarray, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Values at places [..., places] of the fits of degree 0, 1, …: [..., places, MOST + 1]."""
    return np.cumsum(legendre(at) @ np.linalg.inv(r) * z[..., None, :], -1)


class Sums:
    """What is needed of many fits to take their error apart at `places`, seed by seed: how many there are, their sum
    and the sum of their squares, [seed, place] and [seed, place, model]."""

    def __init__(self, seeds: int, places: int, models: int):
        self.count, self.sum, self.square = (np.zeros((seeds, places, k)) for k in (1, models, models))

    def add(self, fits: np.ndarray, judged: np.ndarray | float = 1.0) -> None:
        """One more fit of every seed and model, [seed, place, model]; judged [seed, place, 1]: 0 where it is not."""
        self.count += judged
        self.sum += judged * fits
        self.square += judged * fits**2

    @property
    def mean(self) -> np.ndarray:
        return self.sum / self.count.clip(1)

    @property
    def variance(self) -> np.ndarray:
        """Without bias [seed, place, model]; NaN where there are fewer than two."""
        spread = (self.square - self.sum * self.mean).clip(0)
        return np.where(self.count > 1, spread / (self.count - 1).clip(1), np.nan)


def twofold(outputs: np.ndarray, truth: np.ndarray, weight: np.ndarray | float) -> dict[str, np.ndarray]:
    """Bias², variance over training sets and over what else was drawn, [...], of outputs [..., set, draw, place], whose
    draws are others on every set; the mean over places is their sum times `weight`. Each is estimated without bias
    (one-way analysis of variance; Fisher, 1925)."""
    *_, sets, draws, _ = outputs.shape
    mean, within = outputs.mean(-2), outputs.var(-2, ddof=1).mean(-2)
    between = mean.var(-2, ddof=1)
    bias = (mean.mean(-2) - truth) ** 2 - between / sets
    return {
        "bias": (weight * bias).sum(-1),
        "over_data": (weight * (between - within / draws)).sum(-1),
        "over_weights": (weight * within).sum(-1),
    }
