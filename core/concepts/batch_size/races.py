"""Networks that train in batches of several sizes, each size as a population of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.concepts.batch_size.params import NOISE, Params, moments, per_epoch, size_of, sizes
from core.ml.data import batch_orders
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.splits import three_splits


class Races:
    """Perceptrons trained by SGD in batches of these sizes, each size at its learning rates: member = rate · seeds +
    seed. All begin with the same weights and visit the examples in the same order; only where a batch ends differs.

    taken: the steps after which each size is measured [size, tick]. clock: those of all sizes together [tick].
    passed: the tick at which each has made its `epochs` passes [size].
    """

    def __init__(
        self, params: Params, batches: Sequence[str], rates: Sequence[Sequence[float]], population: Any, device: str
    ):
        seeds = range(params.seeds)
        sets = [three_splits(params.data, params.own, params.points, NOISE, params.data_seed + i) for i in seeds]
        self.bounds = np.cumsum([0, *map(len, sets[0].x)])  # where the splits begin and end
        self.examples = n = int(self.bounds[1])
        self.x = np.stack([np.concatenate(d.x) for d in sets]).astype(np.float32)  # [seeds, n, features]
        self.y = np.stack([np.concatenate(d.y) for d in sets])
        self.start = np.stack([initial_weights(sizes(params), params.weight_seed + i) for i in seeds])
        self.size = np.array([size_of(batch, n) for batch in batches])
        self.taken = moments(params, self.size, n)
        self.clock = self.taken.sum(0)
        a_pass = per_epoch(self.size, n)
        self.passed = (self.taken == (params.epochs * a_pass)[:, None]).argmax(1)
        passes = -(-self.taken[:, -1] // a_pass)
        self.orders = np.stack([batch_orders(n, int(passes.max()), params.data_seed + i) for i in seeds])
        self.layers, self.rates, self.device = sizes(params), rates, device
        self.races = [self.network(k, params.seeds, population) for k in range(len(batches))]

    def network(self, k: int, seeds: int, population: Any) -> Any:
        """A population of size k at its rates, on the first seeds."""
        settings = [Settings("sgd", float(rate)) for rate in self.rates[k] for _ in range(seeds)]
        weights = np.tile(self.start[:seeds], (len(self.rates[k]), 1))
        which = np.tile(np.arange(seeds), len(self.rates[k]))
        data = self.x[:seeds], self.y[:seeds], which, self.orders[:seeds], int(self.size[k])
        return population(self.layers, "relu", "softmax", weights, settings, *data, device=self.device)

    def advance(self, tick: int) -> tuple[np.ndarray, np.ndarray]:
        """Train all from the tick before to this one: loss and accuracy there [size, member, split]."""
        if tick:
            for race, steps in zip(self.races, self.taken[:, tick] - self.taken[:, tick - 1]):
                race.advance(int(steps))
        found = np.array([race.measure(self.bounds) for race in self.races])
        return found[:, 0], found[:, 1]

    def weights(self) -> np.ndarray:
        """[size, member, D] as they are now."""
        return np.stack([race.weights for race in self.races])
