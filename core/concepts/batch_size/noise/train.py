"""How far the gradient of a batch is from the gradient of all examples.

Of n examples whose gradients have the mean g and the summed variance tr Σ, a batch of B drawn with replacement has
E‖g_B − g‖² = tr Σ / B. Drawn without, a pass's way, it is (n − B) / (n − 1) times that (Cochran, 1977, section 2.6):
nothing is left where B = n.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import softmax

from core.concepts.batch_size.noise.params import BATCH, DRAWS, RATE, WAYS, Result, epochs_of, tried
from core.concepts.batch_size.params import NOISE, Params, per_epoch, sizes
from core.ml.data import batch_orders
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.splits import three_splits


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end the weights [seeds, D]."""
    layers, seeds = sizes(params), range(params.seeds)
    sets = [three_splits(params.data, params.own, params.points, NOISE, params.data_seed + i) for i in seeds]
    x = np.stack([d.x[0] for d in sets]).astype(np.float32)
    y = np.stack([d.y[0] for d in sets])
    n = x.shape[1]
    start = np.stack([initial_weights(layers, params.weight_seed + i) for i in seeds])
    orders = np.stack([batch_orders(n, params.epochs, params.data_seed + i) for i in seeds])
    settings = [Settings("sgd", RATE)] * params.seeds
    nets = Stacked(layers, "relu", "softmax", start, settings, x, y, np.arange(params.seeds), orders, BATCH)
    size, epochs, a_pass = tried(n), epochs_of(params), int(per_epoch(np.array(BATCH), n))
    total = params.epochs * a_pass
    record = Recording(Result, params, total, {"way": len(WAYS), "seed": params.seeds}, epoch=epochs, size=size)
    for moment in schedule(total, chunk, tick=epochs * a_pass):
        nets.advance(len(moment.steps))
        if "tick" in moment.due:
            found = [products(nets.weights[s], layers, x[s], y[s]) for s in seeds]
            drawn = [noise(found[s], size, params.data_seed + s, moment.step) for s in seeds]
            by_rule = [exact(gram, size) for gram in found]
            signal = np.array([gram.mean() for gram in found])
            record.append("tick", measured=np.stack(drawn, 1), exact=np.stack(by_rule, 1), signal=signal)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": nets.weights}


def products(w: np.ndarray, layers: tuple[int, ...], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The inner products [n, n] of the gradients of all examples at the weights w [D] of a network with one hidden
    layer. Of a layer the gradient is δ (a, 1)ᵀ, so a product of two is (a · a' + 1) (δ · δ')."""
    inputs, hidden, classes = layers
    cuts = np.cumsum([inputs * hidden, hidden, hidden * classes])
    w1, b1, w2, b2 = np.split(w.astype(float), cuts)
    a = x.astype(float)
    h = np.maximum(a @ w1.reshape(hidden, inputs).T + b1, 0)
    above = softmax(h @ w2.reshape(classes, hidden).T + b2, 1) - np.eye(classes)[y]
    below = above @ w2.reshape(classes, hidden) * (h > 0)
    return (a @ a.T + 1) * (below @ below.T) + (h @ h.T + 1) * (above @ above.T)


def centred(gram: np.ndarray) -> np.ndarray:
    """The products of gradients less their mean."""
    return gram - gram.mean(0) - gram.mean(1, keepdims=True) + gram.mean()


def exact(gram: np.ndarray, size: np.ndarray) -> np.ndarray:
    """E‖g_B − g‖² as the formulas have it [way, size]."""
    n, variance = len(gram), centred(gram).trace() / len(gram)
    return variance / size * np.stack([np.ones(len(size)), (n - size) / max(n - 1, 1)])


def noise(gram: np.ndarray, size: np.ndarray, seed: int, step: int) -> np.ndarray:
    """The mean of ‖g_B − g‖² over batches that are really drawn [way, size]."""
    rng, n = stream("batches drawn", seed, step), len(gram)
    inner, found = centred(gram).astype(np.float32), np.empty((len(WAYS), len(size)))
    for k, b in enumerate(size):
        chosen = rng.random((DRAWS, n)).argsort(1)[:, :b]
        for way, picked in enumerate((rng.integers(0, n, (DRAWS, b)), chosen)):
            share = np.zeros((DRAWS, n), np.float32)
            np.add.at(share, (np.arange(DRAWS)[:, None], picked), np.float32(1 / b))
            found[way, k] = ((share @ inner) * share).sum(1).mean()
    return found.clip(0)
