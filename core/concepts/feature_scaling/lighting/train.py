"""Digits scaled pixel by pixel over all training images, or image by image, and then seen in another light."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.feature_scaling.data import scaling_of
from core.concepts.feature_scaling.lighting.params import KINDS, STRENGTHS, UNITS, Result
from core.concepts.feature_scaling.params import Params
from core.ml.data import digits, split
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule

RATE = 0.1  # of Adam, on all examples at once


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` epochs; in the end weights [kinds, seeds, D]."""
    seeds, n = params.seeds, len(STRENGTHS)
    splits = [split(*digits(), params.data_seed + s) for s in range(seeds)]
    tried = [in_other_light(splits[s].x[2], params.data_seed + s) for s in range(seeds)]
    x = [[np.concatenate(scaled(kind, splits[s].x[0], tried[s])) for s in range(seeds)] for kind in KINDS]
    y = [np.concatenate([each.y[0], *[each.y[2]] * 2 * n]) for each in splits]
    here, there = len(splits[0].x[0]), len(splits[0].x[2])
    bounds = np.r_[0, here + there * np.arange(2 * n + 1)].tolist()
    first = np.stack([initial_weights(UNITS, params.weight_seed + s) for s in range(seeds)])
    members = len(KINDS) * seeds
    models = Stacked(
        UNITS, "identity", "softmax", np.tile(first, (len(KINDS), 1)), [Settings("adam", RATE)] * members,
        np.array(x, np.float32).reshape(members, -1, UNITS[0]), np.tile(y, (len(KINDS), 1)), np.arange(members),
        np.tile(np.arange(here, dtype=np.int32), (members, params.epochs, 1)), here,
    )  # fmt: skip
    sizes = {"kind": len(KINDS), "seed": seeds, "tick": params.epochs + 1, "strength": n}
    record = Recording(Result, params, params.epochs, sizes)

    for moment in schedule(params.epochs, chunk, tick=range(params.epochs + 1)):
        models.advance(len(moment.steps))
        accuracy = models.measure(bounds)[1][:, 1:].reshape(len(KINDS), seeds, 2, n)
        record.append("tick", tick=moment.step, light=accuracy[:, :, 0], contrast=accuracy[:, :, 1])
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": models.weights.reshape(len(KINDS), seeds, -1)}


def in_other_light(x: np.ndarray, seed: int) -> list[np.ndarray]:
    """Images x [n, pixels] with up to ± `strength` added to all pixels, for every strength; then multiplied by a factor
    within 4^±strength instead. Every image has a light and a factor of its own."""
    by = stream("lighting", seed).uniform(-1, 1, (len(x), 1))
    return [x + s * by for s in STRENGTHS] + [x * 4 ** (s * by) for s in STRENGTHS]


def scaled(kind: str, training: np.ndarray, tried: list[np.ndarray]) -> list[np.ndarray]:
    """The training images, then those that are tried."""
    if kind == "per_image":
        return [per_image(x) for x in (training, *tried)]
    scaling = scaling_of(kind, training.astype(float))
    return [scaling(x) for x in (training, *tried)]


def per_image(x: np.ndarray) -> np.ndarray:
    """Every image less its own mean, by its own deviation."""
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
