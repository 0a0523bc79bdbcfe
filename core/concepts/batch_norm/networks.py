"""Perceptrons with normalisation, as a population: the members of one kind in one tensor, each as torch.nn has it.

A layer normalises its weighted sums z: batch norm every unit over the examples of a batch (Ioffe and Szegedy, 2015),
layer norm every example over the units of a layer (Ba et al., 2016): ẑ = (z − μ) / √(σ² + ε), then γ ẑ + β.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.optimizers import Optimizer, Settings
from core.ml.population import softmax
from core.ml.random import stream

EPS, KEPT = 1e-5, 0.1  # ε, and the share of a new batch in the running averages: torch's defaults
# Noise of Santurkar et al. (2018, algorithm 1): per unit and step a shift within ±0.5 and a factor of 1 to 1.25, and
# around them per example a shift within ±0.1 and a factor with standard deviation 0.1
SHIFT, FACTOR, EACH = 0.5, 1.25, 0.1


def first_weights(sizes: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights of one network as a row [D], in the order of `parts`: W as of He et al. (2015), biases 0, γ 1, β 0."""
    rng, parts = stream("normed weights", seed), []
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        bound = (6 / i) ** 0.5 if layer < len(sizes) else i**-0.5
        parts += [rng.uniform(-bound, bound, i * o), np.zeros(o)]
        parts += [np.ones(o), np.zeros(o)] if layer < len(sizes) else []
    return np.concatenate(parts).astype(np.float32)


def noise(seeds: Sequence[int], step: int, layer: int, units: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors and shifts of one step, [seeds, units, n] each: a distribution per unit, a draw per example."""
    factors, shifts = [], []
    for seed in seeds:
        rng = stream("noise", seed, step, layer)
        middle, wide = rng.uniform(-SHIFT, SHIFT, (units, 1)), rng.uniform(1, FACTOR, (units, 1))
        shifts.append(middle + rng.uniform(-EACH, EACH, (units, n)))
        factors.append(wide + EACH * rng.standard_normal((units, n)))
    return np.array(factors, np.float32), np.array(shifts, np.float32)


class Normed:
    """Members of one kind in training, each with its optimizer, on batches of its data set in its order.

    kind: what is normalised and where (KINDS). sizes: units of every layer. rows: where members start, [members, D].
    x, y: training examples [sets, n, features] and labels [sets, n]. which: the set of each member; its batches come in
        `orders` [sets, epochs, n], and what is left over at the end of an epoch is passed over.
    seeds: of the noise of every set. shift: added to the biases before the norm, [members, units], if at all.
    group: how many examples are normalised together, as on one of several devices that share a batch; 0: all of them.
        Running averages are those of the first group, as torch's DistributedDataParallel has it.
    """

    def __init__(
        self,
        kind: str,
        sizes: tuple[int, ...],
        rows: np.ndarray,
        settings: Sequence[Settings],
        x: np.ndarray,
        y: np.ndarray,
        which: np.ndarray,
        orders: np.ndarray,
        batch: int,
        seeds: Sequence[int] = (),
        group: int = 0,
        device: str = "cpu",
    ):
        put = lambda a: torch.as_tensor(np.ascontiguousarray(a), device=device)  # noqa: E731
        self.kind, self.sizes, self.batch, self.seeds, self.group, self.step = kind, sizes, batch, seeds, group, 0
        self.x, self.y, self.which, self.orders = put(x.swapaxes(1, 2)), put(y), put(which), orders
        self.rows = put(rows).clone()
        self.per_epoch = x.shape[1] // batch
        self.optimizer = Optimizer(self.rows, settings, orders.shape[1] * self.per_epoch)
        # Running mean and variance (that over n − 1, as torch has it) of every hidden layer, [2, members, units]
        starts = np.array([0, 1], rows.dtype)[:, None, None]
        self.kept = KEPT
        self.averages = [put(np.tile(starts, (1, len(rows), units))) for units in sizes[1:-1]]

    def state(self) -> np.ndarray:
        """Weights, then running mean and variance of every hidden layer: [members, …]."""
        return torch.cat([self.rows, *(a for layer in self.averages for a in layer)], 1).numpy(force=True)

    def advance(self, steps: int) -> None:
        """Train every member for so many steps."""
        for _ in range(steps):
            x, y = self.next_batch()
            leaf = self.rows.detach().requires_grad_()
            loss, _ = softmax(self.forward(leaf, x, learning=True)[-1], y)
            self.optimizer.step(torch.autograd.grad(loss.sum() / loss.shape[1], leaf)[0])
            self.step += 1

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """x [members, features, batch] and y [members, batch] of the step to come."""
        epoch, k = divmod(self.step, self.per_epoch)
        order = self.orders[:, epoch, k * self.batch : (k + 1) * self.batch].astype(np.int64)
        at = torch.as_tensor(order, device=self.x.device)
        x = self.x.gather(2, at.unsqueeze(1).expand(-1, self.x.shape[1], -1))
        return x[self.which], self.y.gather(1, at)[self.which]

    @torch.no_grad()
    def pass_on(self, x: Tensor) -> None:
        """x [members, features, n] goes through in training mode: running averages move, weights stay."""
        self.forward(self.rows, x, learning=True)

    def forward(self, rows: Tensor, x: Tensor, learning: bool = False, use: str = "own") -> list[Tensor]:
        """What goes into the activation of every hidden layer, [members, units, n], and the outputs.

        use: which mean and variance batch norm takes: "own" of the examples at hand, in groups; "running"; "biased",
        running with the variance over n. learning: running averages are updated.
        """
        found: list[Tensor] = []
        for layer, (w, b, *affine) in enumerate(parts(rows, self.sizes)):
            z = torch.baddbmm(b, w, x)
            if not affine:
                return [*found, z]
            z = z if self.kind == "after" else self.normed(z, affine, layer, learning, use)
            found.append(z)
            x = torch.relu(z)
            x = self.normed(x, affine, layer, learning, use) if self.kind == "after" else x
        raise AssertionError("a network ends in its outputs")

    def normed(self, z: Tensor, affine: list[Tensor], layer: int, learning: bool, use: str) -> Tensor:
        """γ ẑ + β of one layer."""
        if self.kind == "none":
            return z
        _, units, n = z.shape
        if self.kind == "layer":
            z = functional.layer_norm(z.transpose(1, 2), (units,), eps=EPS).transpose(1, 2)
        elif self.kind == "eval":  # wrong: trained in evaluation mode, where averages stay what they are
            z = z / (1 + EPS) ** 0.5
        elif use == "own":
            group = self.group or n
            averages = self.averages[layer].view(2, -1) if learning else None
            if group < n and averages is not None:
                one_by_one(z[..., :group].detach().reshape(1, -1, group), averages, self.kept)
                averages = None
            z = one_by_one(z.reshape(1, -1, group), averages, self.kept).view(z.shape)
        else:
            mean, variance = self.averages[layer].unsqueeze(-1)
            if use == "biased":
                begun = (1 - KEPT) ** self.step  # what is left of the variance 1 that averages begin with
                variance = begun + (variance - begun) * (1 - 1 / (self.group or self.batch))
            z = (z - mean) / (variance + EPS).sqrt()
        z = z if self.kind == "bare" else torch.addcmul(affine[1], affine[0], z)
        if self.kind == "noisy" and use == "own":
            drawn = noise(self.seeds, self.step, layer, units, n)
            factors, shifts = (torch.as_tensor(a, dtype=z.dtype, device=z.device)[self.which] for a in drawn)
            z = torch.addcmul(shifts, factors, z)
        return z * ((1 + FACTOR) / 2) if self.kind == "noisy" and use != "own" else z

    @torch.no_grad()
    def measure(self, x: np.ndarray, y: np.ndarray, use: str = "running") -> tuple[np.ndarray, np.ndarray]:
        """Loss and whether the answer is right, of examples x [sets, n, features] of labels y [sets, n]: [members, n]
        each. Who has diverged is never right."""
        put = lambda a: torch.as_tensor(np.ascontiguousarray(a), device=self.x.device)  # noqa: E731
        inputs, labels = put(x.swapaxes(1, 2)), put(y)
        z = self.forward(self.rows, inputs[self.which], use=use)[-1]
        loss, right = softmax(z, labels[self.which])
        return loss.numpy(force=True), (right * loss.isfinite()).numpy(force=True)


def one_by_one(z: Tensor, averages: Tensor | None, kept: float) -> Tensor:
    """ẑ of every row of z [1, rows, n]; running mean and variance [2, rows] move on where they are given. Of a single
    example ẑ is 0, and torch refuses: there is no variance over n − 1, here it counts as 0."""
    mean, variance = (None, None) if averages is None else averages
    if z.shape[-1] > 1:
        return functional.batch_norm(z, mean, variance, training=True, momentum=kept, eps=EPS)
    if averages is not None:
        averages.lerp_(torch.stack([z[0, :, 0], torch.zeros_like(z[0, :, 0])]), kept)
    return z - z.detach()


def parts(rows: Tensor, sizes: tuple[int, ...]) -> list[list[Tensor]]:
    """Views of rows [members, D]: W [.., out, in] and b [.., out, 1] of every layer, of hidden ones γ and β."""
    wanted = []
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        wanted.append([(o, i), (o, 1), *([(o, 1), (o, 1)] if layer < len(sizes) else [])])
    pieces = iter(rows.split([a * b for layer_shapes in wanted for a, b in layer_shapes], 1))
    return [[next(pieces).view(len(rows), *shape) for shape in layer_shapes] for layer_shapes in wanted]
