"""A population of multilayer perceptrons in training: what an experiment asks of it, and the trainer in torch.

`Stacked` computes all members as batched matrix products, on any device of torch. `core.ml.fused.population.Fused` has
the same face and the same numbers up to rounding; an experiment takes either as an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.networks import ACTIVATIONS, forward
from core.ml.optimizers import Optimizer
from core.ml.replay import Replayed


def squared(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """(z − y)²; right is the share of outputs on the target's side of zero."""
    return (z - y).square().mean(1), (z * y > 0).to(z.dtype).mean(1)


def binary(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of σ(z); right is the share of outputs with σ(z) on the target's side of ½."""
    loss = functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    return loss.mean(1), (z * (y - 0.5) > 0).to(z.dtype).mean(1)


def softmax(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the softmax; right where the first largest output is the target's."""
    return functional.cross_entropy(z, y, reduction="none"), (z.max(1).indices == y).to(z.dtype)  # argmax is slow here


# Outputs z [members, outputs, n] and targets → loss and right [members, n] of every example.
LOSSES: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "squared": squared,
    "binary": binary,
    "softmax": softmax,
}


class Stacked:
    """Perceptrons of one shape, each with its optimizer, trained on batches of its data set in its order.

    sizes: units of every layer; activation: of the hidden ones; loss: a name in LOSSES, the mean over a batch.
    weights: where members start, [members, D] as in `core.ml.networks`; their type is the type of all numbers.
    settings: per member its optimizer with its settings (a Contender, or alike; `l1` where it has one).
    x, y: data sets [sets, n, inputs] and [sets, n, outputs], for softmax labels [sets, n].
    which: the data set and order of each member; orders: int32 [sets, epochs, n in training], all drawn beforehand.
    batch: examples per step; the last batch of an epoch may be smaller.
    factors: of the learning rates, [steps] or [members, steps]; 1 where there are none.
    dropout: a `core.ml.dropout.Dropout` of these members, where units are left out in training.
    """

    LANES = 1  # members that cost no more than one
    ACTIVATIONS = tuple(ACTIVATIONS)  # those it knows

    def __init__(
        self,
        sizes: tuple[int, ...],
        activation: str,
        loss: str,
        weights: np.ndarray,
        settings: Sequence[Any],
        x: np.ndarray,
        y: np.ndarray,
        which: np.ndarray,
        orders: np.ndarray,
        batch: int,
        factors: np.ndarray | None = None,
        device: str = "cpu",
        dropout: Any = None,
    ):
        self.sizes, self.activation, self.loss, self.batch, self.step = sizes, activation, LOSSES[loss], batch, 0
        put = lambda a: torch.as_tensor(np.ascontiguousarray(a), device=device)  # noqa: E731
        self._weights = put(weights).clone()
        kind = self._weights.dtype
        self.x = put(x.swapaxes(1, 2)).to(kind)
        self.y = put(y) if loss == "softmax" else put(y.swapaxes(1, 2)).to(kind)
        self.which, self.orders = put(which), orders
        self.steps_per_epoch = -(-orders.shape[2] // batch)
        self.optimizer = Optimizer(self._weights, settings, orders.shape[1] * self.steps_per_epoch, factors)
        self.dropout, self._clock = dropout, torch.zeros((), dtype=torch.int64, device=device)
        self._epoch, self._step = -1, Replayed(self._learn)

    @property
    def weights(self) -> np.ndarray:
        """[members, D] as they are now."""
        return self._weights.numpy(force=True).copy()

    def advance(self, steps: int) -> None:
        """Train every member for so many steps."""
        for _ in range(steps):
            epoch, k = divmod(self.step, self.steps_per_epoch)
            if epoch != self._epoch:  # the data sets in this epoch's order
                order = torch.as_tensor(self.orders[:, epoch].astype(np.int64), device=self.x.device)
                self._x = self.x.gather(2, order.unsqueeze(1).expand(-1, self.sizes[0], -1))
                wide = order if self.y.ndim == 2 else order.unsqueeze(1).expand(-1, self.sizes[-1], -1)
                self._y = self.y.gather(-1, wide)
                self._epoch = epoch
            batch = slice(k * self.batch, (k + 1) * self.batch)
            self._step(self._x[..., batch], self._y[..., batch])
            self.step += 1
        self._weights[0, 0].item()  # a device works on by itself: wait for it

    def _learn(self, x: Tensor, y: Tensor) -> None:
        """One step on a batch of every data set."""
        leaf = self._weights.detach().requires_grad_()
        masks = self.dropout.masks("training", self._clock, x.shape[-1]) if self.dropout else ()
        self._clock.add_(1)
        loss, _ = self.loss(forward(leaf, x[self.which], self.sizes, self.activation, masks), y[self.which])
        self.optimizer.step(torch.autograd.grad(loss.sum() / loss.shape[1], leaf)[0])

    def _at_test(self) -> Tensor:
        return self.dropout.at_test(self._weights) if self.dropout else self._weights

    @torch.no_grad()
    def measure(self, bounds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Mean loss and share of right answers [members, splits] on the examples bounds[i] … bounds[i+1] − 1 of each
        member's data set. Who has diverged is never right."""
        found, weights = [], self._at_test()
        for members, which in zip(weights.split(len(self.x)), self.which.split(len(self.x))):
            z = forward(members, self.x[which], self.sizes, self.activation)
            loss, right = self.loss(z, self.y[which])
            right = right * loss.isfinite()
            found.append(torch.stack([v[:, a:b].mean(1) for v in (loss, right) for a, b in pairwise(bounds)], 1))
        both = torch.cat(found).numpy(force=True)
        return both[:, : len(bounds) - 1], both[:, len(bounds) - 1 :]

    @torch.no_grad()
    def outputs(self, x: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Outputs [members, outputs, n] of some members at the same inputs x [n, inputs]."""
        inputs = torch.as_tensor(np.ascontiguousarray(x.T), dtype=self._weights.dtype, device=self.x.device)
        chosen = self._at_test()[torch.as_tensor(members, device=self.x.device)]
        return forward(chosen, inputs.expand(len(chosen), -1, -1), self.sizes, self.activation).numpy(force=True)
