"""A line fitted under several errors, by least squares that is repeated with other weights (Holland and Welsch, 1977):
what makes Σ ρ(r) small solves weighted least squares with weights ρ′(r)/r."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.loss_functions.outliers.params import METHODS, POINTS, STEPS, TRUE, Result
from core.concepts.loss_functions.params import Params
from core.ml.random import stream
from core.ml.recording import Recording, schedule

NOISE = 0.3
LEAST = 1e-6  # an absolute error has no smaller residual: its weight would have no end


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps of reweighting."""
    sets = [drawn(params, params.data_seed + s) for s in range(params.seeds)]
    lines = np.zeros((len(METHODS), params.seeds, 2))
    perfect = np.array([[mean_loss(method, y, y, params.delta) for _, y in sets] for method in METHODS])
    sizes = {"method": len(METHODS), "seed": params.seeds, "step": STEPS + 1, "coefficient": 2}
    known = {"perfect": perfect, "variance": np.array([y.var() for _, y in sets]), "x": sets[0][0], "y": sets[0][1]}
    record = Recording(Result, params, STEPS, sizes, **known)

    for moment in schedule(STEPS, chunk, step=range(STEPS + 1)):
        for m, s in np.ndindex(len(METHODS), params.seeds if moment.step else 0):
            x, y = pairs(METHODS[m], *sets[s])
            residual = y - x * lines[m, s, 0] - lines[m, s, 1]
            weight = weights_of(METHODS[m], residual, params.delta) if moment.step > 1 else np.ones(len(y))
            lines[m, s] = least_squares(x, y, weight)
        record.append("step", line=lines)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": lines}


def drawn(params: Params, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points x, y [n] about the true line, then outliers below its right end, then those that the reader placed."""
    rng = stream("outliers", seed)
    x = np.r_[rng.uniform(-1, 1, POINTS), rng.uniform(0.6, 1, params.outliers)]
    y = TRUE[0] * x + TRUE[1] + NOISE * rng.standard_normal(len(x))
    y[POINTS:] -= params.height
    return np.r_[x, [p.x for p in params.added]], np.r_[y, [p.y for p in params.added]]


def pairs(method: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets as they meet in the loss. Wrong: a target of shape (n, 1) broadcasts against n predictions, so
    that every prediction is held against every target."""
    return (np.repeat(x, len(y)), np.tile(y, len(x))) if method == "broadcast" else (x, y)


def rho(method: str, r: np.ndarray, delta: float) -> np.ndarray:
    """The error of residuals r: squared, absolute, or squared near 0 and absolute beyond δ (Huber, 1964)."""
    if method == "distance":
        return np.abs(r)
    if method == "huber":
        return np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta))
    return r**2


def mean_loss(method: str, predicted: np.ndarray, y: np.ndarray, delta: float) -> float:
    one, other = pairs(method, predicted, y)
    return float(rho(method, one - other, delta).mean())


def weights_of(method: str, r: np.ndarray, delta: float) -> np.ndarray:
    """ρ′(r)/r, up to a factor."""
    if method == "distance":
        return 1 / np.abs(r).clip(LEAST)
    return np.minimum(1, delta / np.abs(r).clip(LEAST)) if method == "huber" else np.ones(len(r))


def least_squares(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Slope and intercept of the lowest Σ weight (y − slope x − intercept)²."""
    inputs = np.stack([x, np.ones(len(x))], -1)
    return np.linalg.solve(inputs.T * weight @ inputs, inputs.T * weight @ y)
