"""Features made by hand and features learned, on handwritten digits, by the number of examples."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.features.params import DIGITS, KINDS, SIZES, WAYS, Result
from core.concepts.linear_models.params import Params
from core.ml.data import digits, split, standardised
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule

RATE = 0.01  # of Adam, on all examples at once
SIDE = 8  # of an image, in pixels


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, after every size and every `chunk` epochs in between."""
    x, y = digits()
    made = {"raw": x, "products": products(x), "gradients": gradient_histograms(x), "learned": x}
    total, ends = params.epochs * len(SIZES), params.epochs * (1 + np.arange(len(SIZES)))
    sizes = {"kind": len(KINDS), "seed": params.seeds}
    record = Recording(Result, params, total, sizes, size=np.array(SIZES))

    models: list[Stacked] = []
    for moment in schedule(total, chunk, end=ends, begin=ends - params.epochs):
        for each in models:
            each.advance(len(moment.steps))
        if "end" in moment.due:
            accuracy = [each.measure([each.batch, each.x.shape[-1]])[1][:, 0] for each in models]
            record.append("size", accuracy=accuracy)
        if "begin" in moment.due:
            models = [model(params, kind, made[kind], y, SIZES[moment.step // params.epochs]) for kind in KINDS]
        yield record.result(moment.step)
    return {kind: each.weights for kind, each in zip(KINDS, models)}


def model(params: Params, kind: str, x: np.ndarray, y: np.ndarray, size: int) -> Stacked:
    """Models of all seeds on their first `size` training examples; behind these stand the test examples."""
    sets = [split(x, y, params.data_seed + s) for s in range(params.seeds)]
    inputs, labels = [], []
    for data in sets:
        few = standardised(data.__class__((data.x[0][:size], data.x[1], data.x[2]), data.y, data.classes))
        inputs.append(np.concatenate([few.x[0], few.x[2]]))
        labels.append(np.concatenate([data.y[0][:size], data.y[2]]))
    shape = (x.shape[1], params.width, DIGITS) if kind == "learned" else (x.shape[1], DIGITS)
    start = np.stack([initial_weights(shape, params.weight_seed + s) for s in range(params.seeds)])
    orders = np.tile(np.arange(size, dtype=np.int32), (params.seeds, params.epochs, 1))
    settings = [Settings("adam", RATE)] * params.seeds
    every = np.arange(params.seeds)
    return Stacked(shape, "relu", "softmax", start, settings, np.stack(inputs), np.stack(labels), every, orders, size)


def products(x: np.ndarray) -> np.ndarray:
    """All features [n, d], their squares, and the products of two of them: [n, d (d + 3) / 2]."""
    i, j = np.triu_indices(x.shape[1])
    return np.c_[x, x[:, i] * x[:, j]]


def gradient_histograms(x: np.ndarray) -> np.ndarray:
    """In each of 16 squares of an image, how steep the grey is in each of WAYS directions (Dalal and Triggs, 2005,
    without their blocks): images [n, PIXELS] to [n, 16 · WAYS]. What lies between two directions is
    shared by them."""
    images = x.reshape(-1, SIDE, SIDE).astype(float)
    down, across = np.gradient(images, axis=(1, 2))
    steep, turn = np.hypot(down, across), np.arctan2(down, across) / (2 * np.pi) * WAYS % WAYS
    lower = np.floor(turn).astype(int)
    found = np.zeros((*images.shape, WAYS))
    for way, share in ((lower % WAYS, 1 - (turn - lower)), ((lower + 1) % WAYS, turn - lower)):
        for k in range(WAYS):
            found[..., k] += steep * share * (way == k)
    squares = found.reshape(len(images), 4, SIDE // 4, 4, SIDE // 4, WAYS).sum((2, 4))
    return np.sqrt(squares).reshape(len(images), 16 * WAYS).astype(np.float32)
