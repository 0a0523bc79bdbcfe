"""First weights, the data, and what trains on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from core.concepts.initialization.params import BATCH, Params, batches
from core.ml.data import batch_orders, bundled, split, standardised
from core.ml.optimizers import Settings
from core.ml.own import table
from core.ml.random import stream

GAINS = {"relu": 2**0.5, "tanh": 5 / 3, "sigmoid": 1.0, "identity": 1.0}  # as torch.nn.init.calculate_gain has them

# Standard deviation of normal weights by the units that come in and go out
DEVIATIONS: dict[str, Callable[[int, int], float]] = {
    "small": lambda i, o: 0.01,
    "large": lambda i, o: 1.0,
    "lecun": lambda i, o: (1 / i) ** 0.5,  # LeCun et al. (1998)
    "xavier": lambda i, o: (2 / (i + o)) ** 0.5,  # Glorot and Bengio (2010)
    "he": lambda i, o: (2 / i) ** 0.5,  # He et al. (2015)
}


def first_weights(scheme: str, activation: str, sizes: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights [D], float64, layer by layer W [out, in], then b [out], as in core/ml/networks.py."""
    parts = []
    for layer, (i, o) in enumerate(pairwise(sizes)):
        rng = stream("weights of a start", seed, layer)
        normal, uniform, b = rng.standard_normal((o, i)), rng.random((o, i)), np.zeros(o)
        if scheme in DEVIATIONS:
            w = DEVIATIONS[scheme](i, o) * normal
        elif scheme in ("orthogonal", "no_gain"):  # Saxe, McClelland and Ganguli (2014)
            w = orthogonal(normal) * (GAINS[activation] if scheme == "orthogonal" else 1)
        elif scheme == "default":  # torch.nn.Linear: kaiming_uniform_ with a = √5 is uniform in ±1/√in
            w, b = (2 * uniform - 1) / i**0.5, (2 * rng.random(o) - 1) / i**0.5
        else:
            w = {"zeros": 0 * uniform, "constant": 0 * uniform + i**-0.5, "uniform_01": uniform}[scheme]
        parts += [w.ravel(), b]
    return np.concatenate(parts)


def orthogonal(normal: np.ndarray) -> np.ndarray:
    """The orthonormal rows, or columns where these are fewer, that lie in the way of a matrix of normal numbers."""
    tall = normal if len(normal) >= normal.shape[1] else normal.T
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))  # so that all are equally likely (Mezzadri, 2007)
    return q if tall is normal else q.T


@dataclass(frozen=True)
class Sets:
    """Data of every seed: x float32 [seeds, n, features], y [seeds, n], the splits one after the other, beginning and
    ending at `bounds`; orders of the training split, int32 [seeds, epochs, n in training]."""

    x: np.ndarray
    y: np.ndarray
    bounds: np.ndarray
    orders: np.ndarray


def data_sets(params: Params, steps: int = 0) -> Sets:
    """The table, standardised, split anew by every seed; orders for so many steps."""
    seeds = [params.data_seed + i for i in range(params.seeds)]
    raw = table(params.own) if params.own else bundled(params.data)
    found = [standardised(split(*raw, seed)) for seed in seeds]
    bounds = np.cumsum([0, *map(len, found[0].x)])
    orders = [batch_orders(int(bounds[1]), -(-steps // batches(params)) or 1, seed) for seed in seeds]
    x, y = (np.stack([np.concatenate(getattr(one, name)) for one in found]) for name in "xy")
    return Sets(x, y, bounds, np.stack(orders))


def trainer(
    sets: Sets, sizes: tuple[int, ...], activation: str, rows: np.ndarray, settings: list[Settings], device: str,
    population: Any,
) -> Any:  # fmt: skip
    """A population of the networks `rows` [m, seeds, D], on cross-entropy, each kind m with its optimizer."""
    kinds, seeds = rows.shape[:2]
    each = [one for one in settings for _ in range(seeds)]
    data = sets.x, sets.y, np.tile(np.arange(seeds), kinds), sets.orders, BATCH
    start = rows.reshape(kinds * seeds, -1).astype(np.float32)
    return population(sizes, activation, "softmax", start, each, *data, device=device)


def drawn(params: Params, schemes: list[str], sizes: tuple[int, ...]) -> np.ndarray:
    """First weights [scheme, seed, D]."""
    seeds = [params.weight_seed + i for i in range(params.seeds)]
    return np.array([[first_weights(s, params.activation, sizes, seed) for seed in seeds] for s in schemes])
