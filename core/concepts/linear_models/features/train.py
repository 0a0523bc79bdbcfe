"""Features made by hand and features learned, on handwritten digits, by the number of examples."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.features.params import KINDS, SIZES, Result
from core.concepts.linear_models.networks import on_all_at_once
from core.concepts.linear_models.params import Params
from core.ml.data import Data, digits, split, standardised
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule

RATE = 0.01  # of Adam
SIDE, WAYS = 8, 8  # of an image in pixels; directions of a gradient


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, after every size and every `chunk` epochs in between."""
    x, y = digits()
    made = {"raw": x, "products": products(x), "gradients": gradient_histograms(x), "learned": x}
    total, ends = params.epochs * len(SIZES), params.epochs * (1 + np.arange(len(SIZES)))
    sizes = {"kind": len(KINDS), "seed": params.seeds}
    record = Recording(Result, params, total, sizes, size=np.array(SIZES))

    models: dict[str, Stacked] = {}
    for moment in schedule(total, chunk, end=ends, begin=ends - params.epochs):
        for each in models.values():
            each.advance(len(moment.steps))
        if "end" in moment.due:
            accuracy = [each.measure([each.batch, each.x.shape[-1]])[1][:, 0] for each in models.values()]
            record.append("size", accuracy=accuracy)
        if "begin" in moment.due:
            models = {kind: model(params, kind, made[kind], y, SIZES[moment.step // params.epochs]) for kind in KINDS}
        yield record.result(moment.step)
    return {kind: each.weights for kind, each in models.items()}


def model(params: Params, kind: str, x: np.ndarray, y: np.ndarray, size: int) -> Stacked:
    """Models of all seeds on their first `size` training examples; behind these stand the test examples."""
    inputs, labels = [], []
    for s in range(params.seeds):
        data = split(x, y, params.data_seed + s)
        few = standardised(Data((data.x[0][:size], data.x[2]), (data.y[0][:size], data.y[2]), data.classes))
        inputs.append(np.concatenate(few.x))
        labels.append(np.concatenate(few.y))
    hidden = (params.width,) if kind == "learned" else ()
    units = x.shape[1], *hidden, data.classes
    return on_all_at_once(units, np.stack(inputs), np.stack(labels), size, params.epochs, params.weight_seed, RATE)


def products(x: np.ndarray) -> np.ndarray:
    """All features [n, d], their squares, and the products of two of them: [n, d (d + 3) / 2]."""
    i, j = np.triu_indices(x.shape[1])
    return np.c_[x, x[:, i] * x[:, j]]


def gradient_histograms(x: np.ndarray) -> np.ndarray:
    """In each of 16 squares of an image, how steep the grey is in each of WAYS directions (Dalal and Triggs, 2005,
    without their blocks): images [n, SIDE²] to [n, 16 · WAYS]. Two directions share what lies between them."""
    down, across = np.gradient(x.reshape(-1, SIDE, SIDE).astype(float), axis=(1, 2))
    turn = np.arctan2(down, across)[..., None] / (2 * np.pi) * WAYS - np.arange(WAYS)
    share = (1 - np.abs((turn + WAYS / 2) % WAYS - WAYS / 2)).clip(0)
    steep = np.hypot(down, across)[..., None] * share
    squares = steep.reshape(len(x), 4, SIDE // 4, 4, SIDE // 4, WAYS).sum((2, 4))
    return np.sqrt(squares).reshape(len(x), -1).astype(np.float32)
