"""Small networks on signals, trained side by side by Adam, each on a data set of its own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.architecture import Layers, Shape
from core.ml.layered import layered_forward, layered_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.signals import signals

RATE = 0.003  # of Adam
TESTED = 1000  # signals


def both_splits(examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test signals of a seed, one behind the other: x [n, length], y [n]."""
    return signals(examples + TESTED, seed)


class Race:
    """Networks of one description. Member m starts as seed `seeds[m]` and sees the data set x[m] [n, *shape], y[m]; the
    last TESTED examples are for the test."""

    def __init__(self, layers: Layers, shape: Shape, seeds: list[int], x: np.ndarray, y: np.ndarray, steps: int):
        self.layers, self.shape = layers, shape
        rows = [layered_weights(layers, shape, seed, "he") for seed in seeds]
        self.weights = torch.as_tensor(np.stack(rows)).clone()
        self.x, self.y = torch.as_tensor(x.reshape(*x.shape[:2], *shape)), torch.as_tensor(y)
        self.optimizer = Optimizer(self.weights, [Settings("adam", RATE)] * len(seeds), steps)

    def step(self, which: np.ndarray) -> None:
        """One step of every member on the examples which [members, batch] of its own data set."""
        members, places = torch.arange(len(which))[:, None], torch.as_tensor(which, dtype=torch.int64)
        leaf = self.weights.detach().requires_grad_()
        z = layered_forward(self.layers, self.shape, leaf, self.x[members, places])
        loss = functional.cross_entropy(z.mT.flatten(0, 1), self.y[members, places].flatten())
        self.optimizer.step(torch.autograd.grad(loss * len(which), leaf)[0])

    @torch.no_grad()
    def right(self, x: Tensor, y: Tensor) -> np.ndarray:
        """Share of right answers of every member at x [members, n, …]."""
        z = layered_forward(self.layers, self.shape, self.weights, x)
        return (z.argmax(1) == y).double().mean(1).numpy()

    def tested(self) -> np.ndarray:
        return self.right(self.x[:, -TESTED:], self.y[:, -TESTED:])

    def trained(self) -> np.ndarray:
        return self.right(self.x[:, :-TESTED], self.y[:, :-TESTED])
