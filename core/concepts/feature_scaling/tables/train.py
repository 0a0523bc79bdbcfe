"""Softmax regression by mini-batches on every scaling of a table, at seven rates each."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import softmax

from core.concepts.feature_scaling.adam import Adam
from core.concepts.feature_scaling.data import scaling_of, table_of
from core.concepts.feature_scaling.params import Params, table_shape
from core.concepts.feature_scaling.tables.params import BATCH, FACTORS, GROUPS, HANDLINGS, KINDS, RATES, Result
from core.ml.data import Data, batch_orders, split
from core.ml.linear import first_rows, with_one
from core.ml.recording import Recording, schedule

MOMENTUM, EPS = 0.1, 1e-5  # of batch norm, as torch.nn has them


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` epochs; in the end weights [kinds, seeds, rates, classes,
    features + 1], bias last."""
    seeds, epochs, (_, features, classes) = range(params.seeds), params.epochs, table_shape(params)
    tables = [table_of(params, params.data_seed + s) for s in seeds]
    splits = [split(*tables[s], params.data_seed + s) for s in seeds]
    x = np.array([[scaled(kind, splits[s].x, tables[s][0]) for s in seeds] for kind in KINDS], np.float32)
    y = np.array([np.concatenate(parts.y) for parts in splits])
    first, second = np.cumsum([len(part) for part in splits[0].x])[:2]
    orders = np.array([batch_orders(first, epochs, params.data_seed + s) for s in seeds])
    start = np.array([first_rows(classes, features + 1, params.weight_seed + s).T for s in seeds], np.float32)
    w = np.tile(start[None, :, :, None], (len(KINDS), 1, 1, len(RATES), 1))  # [kind, seed, input, rate, class]
    adam, rates = Adam(w), np.array(RATES, np.float32)[:, None]
    norm, normed = Norm(params.seeds, features), KINDS.index("batch_norm")
    sizes = {"kind": len(KINDS), "seed": params.seeds, "rate": len(RATES), "tick": epochs + 1}
    record = Recording(
        Result, params, epochs, sizes | {"way": 2, "group": len(GROUPS), "handling": 3, "factor": len(FACTORS)}
    )

    for moment in schedule(epochs, chunk, tick=range(epochs + 1)):
        for epoch in moment.steps:
            for at in range(0, first, BATCH):
                rows = np.arange(params.seeds)[:, None], orders[:, epoch, at : at + BATCH]
                batch, labels = x[:, *rows], np.eye(classes, dtype=np.float32)[y[rows]]
                batch[normed] = norm.training(batch[normed])
                with np.errstate(all="ignore"):  # rates that are too large end in infinities
                    g = slope(w, batch, labels)
                    w -= rates * (adam.way(g) if params.optimizer == "adam" else g)
        seen = x[:, :, first:].copy()
        seen[normed] = norm.at_test(seen[normed])
        hits = right(w, seen, y[:, first:])
        validation, test = hits[:, :, : second - first].mean(2), hits[:, :, second - first :].mean(2)
        record.append("tick", tick=moment.step, validation=validation, test=test)
        if moment.last:
            best = validation[KINDS.index("standardised")].argmax(1)
            grouped = [judged(w[KINDS.index("standardised"), s][:, best[s]], splits[s]) for s in seeds]
            over = [lost(x[:, s, :first], start[s]) for s in seeds]
            record.set(own=np.stack(grouped, 1), overflow=np.stack(over, 1))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": w.transpose(0, 1, 3, 4, 2)}


def scaled(kind: str, parts: tuple[np.ndarray, ...], whole: np.ndarray) -> np.ndarray:
    """All three splits one after another and a 1 for the bias, scaled as the training split says. Wrong where `leaked`:
    as all data say. Batch norm is given them as they are."""
    rule, fitted_on = {"leaked": ("standardised", whole), "batch_norm": ("raw", whole)}.get(kind, (kind, parts[0]))
    return with_one(scaling_of(rule, fitted_on)(np.concatenate(parts)))


class Norm:
    """Batch norm of inputs, without γ and β (Ioffe and Szegedy, 2015): by mean and variance of the batch in training,
    by running averages at test. Inputs [seed, example, feature + 1]; the last, which is 1, stays."""

    def __init__(self, seeds: int, features: int):
        self.mean, self.variance = np.zeros((seeds, 1, features)), np.ones((seeds, 1, features))

    def training(self, x: np.ndarray) -> np.ndarray:
        mean, variance = x[..., :-1].mean(1, keepdims=True), x[..., :-1].var(1, keepdims=True)
        unbiased = variance * x.shape[1] / max(x.shape[1] - 1, 1)
        self.mean = (1 - MOMENTUM) * self.mean + MOMENTUM * mean
        self.variance = (1 - MOMENTUM) * self.variance + MOMENTUM * unbiased
        return np.concatenate([(x[..., :-1] - mean) / np.sqrt(variance + EPS), x[..., -1:]], -1)

    def at_test(self, x: np.ndarray) -> np.ndarray:
        return np.concatenate([(x[..., :-1] - self.mean) / np.sqrt(self.variance + EPS), x[..., -1:]], -1)


def outputs(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """[…, example, rate, class] of x […, example, input] by w […, input, rate, class]."""
    *some, inputs, rates, classes = w.shape
    return (x @ w.reshape(*some, inputs, -1)).reshape(*x.shape[:-1], rates, classes)


def slope(w: np.ndarray, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the mean cross-entropy, in the shape of w; labels are 1 for the class of an example, else 0."""
    back = softmax(outputs(w, x), -1) - labels[..., None, :]
    return (x.swapaxes(-1, -2) @ back.reshape(*back.shape[:-2], -1)).reshape(w.shape) / x.shape[-2]


def right(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether an answer is right, […, example, rate]; who has diverged is never right."""
    with np.errstate(all="ignore"):
        z = outputs(w, x)
    return (z.argmax(-1) == y[..., None]) & np.isfinite(z).all(-1)


def judged(w: np.ndarray, parts: Data) -> np.ndarray:
    """Test accuracy of a standardised model w [input, class]: scaled as in training, and (wrong) by mean and deviation
    of groups of every size: [2, groups]."""
    x, y = parts.x[2], parts.y[2]
    trained = [scaling_of("standardised", parts.x[0])(x)] * len(GROUPS)
    ways = trained, [by_own(x, size) for size in GROUPS]
    return np.array([[((with_one(u) @ w).argmax(1) == y).mean() for u in way] for way in ways])


def by_own(x: np.ndarray, size: int) -> np.ndarray:
    """Wrong: x standardised by the mean and deviation of groups of `size` examples."""
    groups = [x[at : at + size] for at in range(0, len(x), size)]
    return np.concatenate([scaling_of("standardised", group)(group) for group in groups])


def lost(x: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The share of examples x [kind, example, input] of which the softmax is no number in single precision, before the
    first step: [handling, factor]. Safe is to take the largest output off before the exponential."""
    shares = []
    for handling in HANDLINGS:
        kind, _, safe = handling.partition("_")
        z = np.array(FACTORS, np.float32)[:, None, None] * (x[KINDS.index(kind)] @ start)
        with np.errstate(all="ignore"):
            e = np.exp(z - z.max(-1, keepdims=True) if safe else z)
            shares.append(1 - np.isfinite(e / e.sum(-1, keepdims=True)).all(-1).mean(-1))
    return np.array(shares)
