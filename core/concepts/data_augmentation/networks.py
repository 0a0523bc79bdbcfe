"""Networks of all ways and seeds at once, and the examples of every step: drawn, and changed anew each time.

Member = way · seeds + seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.concepts.data_augmentation.params import (
    HELD,
    MOST,
    TESTED,
    Params,
    Way,
    architecture,
    classes,
    form,
    generated,
)
from core.concepts.data_augmentation.transforms import augmented
from core.ml.data import Data, digits, split, standardised
from core.ml.layered import layered_forward, layered_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.own import table
from core.ml.population import softmax
from core.ml.random import stream
from core.ml.replay import Replayed
from core.ml.signals import signals

BLOCK = 20  # steps whose examples are changed at once
Split = tuple[np.ndarray, np.ndarray]  # x [seeds, n, …], y [seeds, n]


def load(params: Params, seed: int) -> Data:
    """Training, validation and test examples of one seed, x [n, *form]; the first training examples are the few."""
    if generated(params):
        x, y = signals(MOST + HELD + TESTED, seed)
        ends = [MOST, MOST + HELD]
        return Data(tuple(np.split(x, ends)), tuple(np.split(y, ends)), 10)
    data = standardised(split(*table(params.own), seed)) if params.own else split(*digits(), seed)
    return Data(tuple(x.reshape(-1, *form(params)) for x in data.x), data.y, data.classes)


def loaded(params: Params) -> tuple[Split, Split, Split]:
    """The three splits of all seeds."""
    sets = [load(params, params.data_seed + i) for i in range(params.seeds)]
    return tuple((np.stack([d.x[k] for d in sets]), np.stack([d.y[k] for d in sets])) for k in range(3))  # type: ignore


def visits(n: int, batch: int, steps: int, seed: int) -> np.ndarray:
    """Which examples come at every step, [steps, batch]: pass after pass, each in a new order. What does not fill a
    batch waits for the next pass; where there are fewer than a batch, it is made of several passes."""
    each = n // batch * batch or n  # examples of a pass
    rng, passes = stream("visits", seed), -(-steps * batch // each)
    return np.concatenate([rng.permutation(n)[:each] for _ in range(passes)])[: steps * batch].reshape(steps, batch)


def batches(
    params: Params, ways: Sequence[Way], training: Split, count: int, which: Sequence[int] = ()
) -> Iterator[Split]:
    """Examples of one step after another, x [ways, seeds, batch, …] and labels, from the first `count` of training.
    Every way sees the same examples at the same steps, but for fresh ones. which: places of the ways wanted, or all."""
    (x, y), seeds = training, [params.data_seed + i for i in range(params.seeds)]
    wanted = which or range(len(ways))
    order = np.stack([visits(count, params.batch, params.steps, seed) for seed in seeds])
    for first in range(0, params.steps, BLOCK):
        at = order[:, first : first + BLOCK]
        made = [block(ways, wanted, x[i][at[i]], y[i][at[i]], seed, first) for i, seed in enumerate(seeds)]
        for k in range(at.shape[1]):
            yield np.stack([m[0][:, k] for m in made], 1), np.stack([m[1][:, k] for m in made], 1)


def block(ways: Sequence[Way], which: Sequence[int], x: np.ndarray, y: np.ndarray, seed: int, first: int) -> Split:
    """Examples [steps, batch, …] of one seed as the ways wanted have them, [ways, steps, batch, …]."""
    found, labels = [], []
    for i in which:
        if ways[i].rule == "fresh":
            new, drawn = signals(y.size, int(stream("fresh", seed, first).integers(2**31)))
        else:
            new, drawn = augmented(x.reshape(-1, *x.shape[2:]), ways, i, seed, first), y
        found.append(new.reshape(x.shape))
        labels.append(drawn.reshape(y.shape))
    return np.stack(found), np.stack(labels)


class Population:
    """Networks of these Params in training, `kinds` of them for every seed, each kind from the same weights."""

    def __init__(self, params: Params, kinds: int, device: str = "cpu"):
        self.layers, self.shape = architecture(params)
        self.device, self.seeds = device, params.seeds
        start = [layered_weights(self.layers, self.shape, params.weight_seed + i) for i in range(params.seeds)]
        self.weights = torch.as_tensor(np.tile(start, (kinds, 1)), device=device)
        settings = [Settings("adam", params.rate)] * len(self.weights)
        self.optimizer = Optimizer(self.weights, settings, params.steps)
        self._step = Replayed(self._learn)

    def put(self, x: np.ndarray) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(x), device=self.device)

    def learn(self, x: np.ndarray, y: np.ndarray) -> None:
        """A step of every member on examples x [kinds, seeds, batch, …] with labels y."""
        members = len(self.weights)
        self._step(self.put(x.reshape(members, x.shape[2], *self.shape)), self.put(y.reshape(members, -1)))

    def _learn(self, x: Tensor, y: Tensor) -> None:
        leaf = self.weights.detach().requires_grad_()
        loss, _ = softmax(layered_forward(self.layers, self.shape, leaf, x), y)
        self.optimizer.step(torch.autograd.grad(loss.sum() / loss.shape[1], leaf)[0])

    @torch.no_grad()
    def right(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether members are right about x [1, seeds, n, …], or [kinds, seeds, n, …] where every kind has its own,
        with labels y [seeds, n]: [kinds, seeds, n]. Who has diverged never is."""
        labels, seen = self.put(y), [self.put(own.reshape(*y.shape, *self.shape)) for own in x]
        found = []
        for i, rows in enumerate(self.weights.split(self.seeds)):
            loss, right = softmax(layered_forward(self.layers, self.shape, rows, seen[i % len(seen)]), labels)
            found.append((right * loss.isfinite()).numpy(force=True))
        return np.stack(found)

    def state(self) -> dict[str, np.ndarray]:
        rows = self.weights.numpy(force=True)
        return {"weights": rows.reshape(-1, self.seeds, rows.shape[1])}


def by_class(right: np.ndarray, y: np.ndarray, params: Params) -> np.ndarray:
    """Share of right answers [kinds, seeds, classes] among examples of every class; NaN where there are none."""
    belongs = (y[..., None] == np.arange(classes(params))).astype(float)  # [seeds, n, classes]
    with np.errstate(invalid="ignore"):
        return np.einsum("ksn,snc->ksc", right, belongs) / belongs.sum(1)
