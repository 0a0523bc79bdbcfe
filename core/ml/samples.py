"""Codes that are drawn instead of encoded, the holes among them, and whether pictures made of them are good ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.special import ndtr

from core.ml.classical import discriminant
from core.ml.data import Data

# A good sample is of one class with this probability, and as near to training as this share of test pictures.
SURE, NEAR = 0.9, 0.95
Judge = Callable[[np.ndarray], np.ndarray]


def judge(data: Data) -> Judge:
    """What says whether pictures [n, features] are good: of one class, and near a training picture; bool [n]."""
    train, test = (torch.as_tensor(x, dtype=torch.float32) for x in data.x[::2])
    radius = torch.cdist(test, train).amin(1).quantile(NEAR).item()
    slope, offset = discriminant(data.x[0].astype(float), data.y[0], data.classes)

    def good(made: np.ndarray) -> np.ndarray:
        near = torch.cdist(torch.as_tensor(made, dtype=torch.float32), train).amin(1).numpy() <= radius
        score = made @ slope + offset
        return near & (1 / np.exp(score - score.max(1, keepdims=True)).sum(1) >= SURE)

    return good


def drawn_codes(way: str, code: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """So many codes: from a standard normal ("prior"), a Gaussian fitted to codes [n, size] ("gaussian"), or the "box"
    around them."""
    if way == "box":
        return code.min(0) + np.ptp(code, 0) * rng.random((count, code.shape[1]))
    z = rng.standard_normal((count, code.shape[1]))
    return z if way == "prior" else code.mean(0) + z @ root(code).T


def root(code: np.ndarray) -> np.ndarray:
    """R with R Rᵀ the covariance of codes [n, size]."""
    values, vectors = np.linalg.eigh(np.cov(code.T))
    return vectors * np.sqrt(values.clip(1e-12))


def gaps(way: str, code: np.ndarray, cells: int) -> float:
    """Share of the cells², equally likely under the way, of the plane that hold none of the codes [n, 2]."""
    if way == "box":
        level = (code - code.min(0)) / np.maximum(np.ptp(code, 0), 1e-12)
    else:
        level = ndtr(code if way == "prior" else (code - code.mean(0)) @ np.linalg.inv(root(code)).T)
    places = (level * cells).astype(int).clip(0, cells - 1)
    return 1 - len(np.unique(places @ [cells, 1])) / cells**2
