"""Networks whose hidden units start equal, or nearly so: do they ever become different units?"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.initialization.params import Params, layout, ticks
from core.concepts.initialization.starts import data_sets, first_weights, trainer
from core.concepts.initialization.symmetry.params import NOISES, WAYS, Result
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; in the end the weights [ways, seeds, D].

    population: the class that trains, `Stacked` or one with the same face.
    """
    sizes, moments = layout(params, 1), ticks(params.steps)
    sets = data_sets(params, params.steps)
    seeds = [params.weight_seed + i for i in range(params.seeds)]
    start = np.array([[equal_units(way, params.activation, sizes, seed) for seed in seeds] for way in WAYS])
    settings = [Settings("sgd", params.rate)] * len(WAYS)
    net = trainer(sets, sizes, params.activation, start, settings, device, population)
    record = Recording(Result, params, params.steps, {"way": len(WAYS), "seed": params.seeds}, tick=moments)
    into = sizes[0] * sizes[1]

    for moment in schedule(params.steps, chunk, tick=moments):
        net.advance(len(moment.steps))
        if moment.due:
            loss, accuracy = net.measure(sets.bounds)
            rank = effective_rank(net.weights[:, :into].reshape(-1, sizes[1], sizes[0]))
            record.append("tick", loss=loss[:, 0], accuracy=accuracy[:, 2], rank=rank)
        yield record.result(moment.step)
    return {"weights": net.weights.reshape(start.shape)}


def equal_units(way: str, activation: str, sizes: tuple[int, ...], seed: int) -> np.ndarray:
    """First weights [D] of a network with one hidden layer: those of He (of Xavier, if not ReLU), of which every hidden
    unit has those of the first, up to noise."""
    inputs, units, outputs = sizes
    row = first_weights("he" if activation == "relu" else "xavier", activation, sizes, seed)
    if way == "zeros":
        return 0 * row
    into, b, out, c = np.split(row, np.cumsum([inputs * units, units, units * outputs]))
    v, w = into.reshape(units, inputs), out.reshape(outputs, units)
    only = np.arange(units) == 0
    if way == "one_unit":
        v, w = v * only[:, None], w * only
    else:
        noise = NOISES[way]
        v, w = (1 - noise) * v[:1] + noise * v, (1 - noise) * w[:, :1] + noise * w
    return np.concatenate([v.ravel(), b, w.ravel(), c])


def effective_rank(matrices: np.ndarray) -> np.ndarray:
    """e to the entropy of the singular values of matrices [m, rows, columns], as shares of their sum: [m]. NaN of no
    numbers."""
    known = np.isfinite(matrices).all((1, 2))
    values = np.linalg.svd(np.where(known[:, None, None], matrices, 0).astype(float), compute_uv=False)
    total = values.sum(1, keepdims=True)
    share = values / np.where(total > 0, total, 1)
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(1)
    return np.where(known, np.where(total[:, 0] > 0, np.exp(entropy), 0), np.nan)
