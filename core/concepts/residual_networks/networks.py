"""Residual and plain networks in training: one description, a member per seed and rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.residual_networks.params import EXAMPLES, TEST, Net, Params, adds, layers, shape_of
from core.ml.architecture import Act, Layers, Residual, Shape, buffers, parameters
from core.ml.data import digits, split, standardised
from core.ml.layered import layered_forward, layered_weights, running, untangled
from core.ml.optimizers import Optimizer, Settings
from core.ml.own import table
from core.ml.random import stream
from core.ml.signals import signals
from core.takeaway.weights import cut


class Examples(NamedTuple):
    """x [seeds, n, *shape] and y [seeds, n]."""

    x: Tensor
    y: Tensor


def data_of(params: Params, device: str = "cpu") -> tuple[Examples, Examples]:
    """Training and test examples of every seed."""
    found = []
    for seed in range(params.data_seed, params.data_seed + params.seeds):
        if params.own or params.data == "digits":
            pieces = split(*(table(params.own) if params.own else digits()), seed)
            pieces = standardised(pieces) if params.own else pieces
            found.append(((pieces.x[0], pieces.y[0]), (pieces.x[2], pieces.y[2])))
        else:
            x, y = signals(EXAMPLES + TEST, seed)
            found.append(((x[:EXAMPLES], y[:EXAMPLES]), (x[EXAMPLES:], y[EXAMPLES:])))
    sets = []
    for pairs in zip(*found):
        x, y = (np.stack(arrays) for arrays in zip(*pairs))
        inputs = torch.as_tensor(x.astype(np.float32), device=device)
        sets.append(Examples(inputs.unflatten(2, shape_of(params)), torch.as_tensor(y, device=device)))
    return sets[0], sets[1]


def first_weights(found: Layers, example: Shape, kind: str, seed: int) -> np.ndarray:
    """One row: normal numbers of variance 2/fan-in (He et al., 2015). Where no norm has a scale that is 0, blocks that
    start at zero have their last convolution at 0."""
    row = layered_weights(found, example, seed, "he")
    if kind == "residual":
        for name, part in cut(row, parameters(found, example)).items():
            part[...] *= ".body.2." not in name  # with norms this is an activation
    return row


def batches(params: Params, n: int, batch: int) -> np.ndarray:
    """Which training examples are in a batch: [steps, seeds, batch]; what does not fill one waits."""
    rngs = [stream("order", params.data_seed + i) for i in range(params.seeds)]
    epochs = -(-params.steps // (n // batch))
    orders = np.array([[rng.permutation(n)[: n // batch * batch] for _ in range(epochs)] for rng in rngs])
    return orders.reshape(len(rngs), -1, batch)[:, : params.steps].swapaxes(0, 1)


class Population:
    """Members [rates · seeds] of one description, in training by Adam."""

    def __init__(self, params: Params, net: Net, depth: int, rates: Sequence[float], device: str = "cpu"):
        self.layers, self.shape = layers(params, net, depth), shape_of(params)
        seeds = range(params.weight_seed, params.weight_seed + params.seeds)
        start = np.stack([first_weights(self.layers, self.shape, net.kind, seed) for seed in seeds])
        self.repeat = len(rates)
        self.rows = torch.as_tensor(np.tile(start, (self.repeat, 1)), device=device)
        self.statistics = running(self.layers, self.shape, self.rows)
        settings = [Settings("adam", rate) for rate in rates for _ in seeds]
        self.optimizer = Optimizer(self.rows, settings, params.steps)
        self.members = len(self.rows)

    def of_each(self, given: Tensor) -> Tensor:
        return given if self.repeat == 1 else given.repeat(self.repeat, *[1] * (given.dim() - 1))

    def learn(self, batch: Examples) -> None:
        """One step on a batch of every seed."""
        leaf = self.rows.detach().requires_grad_()
        z = layered_forward(self.layers, self.shape, leaf, self.of_each(batch.x), self.statistics)
        loss = functional.cross_entropy(z, self.of_each(batch.y)) * self.members
        self.optimizer.step(torch.autograd.grad(loss, leaf)[0])

    @torch.no_grad()
    def measure(self, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
        """Loss and accuracy of every member in evaluation mode; who has diverged is never right."""
        z = layered_forward(
            self.layers, self.shape, self.rows, self.of_each(examples.x), self.statistics, training=False
        )
        return judged(z, self.of_each(examples.y))

    def look(self, examples: Examples) -> dict[str, np.ndarray]:
        """Root mean squares behind the first layer and behind every block, in training mode: [members, places]."""
        taps: dict[str, Tensor] = {}
        leaf = self.rows.detach().requires_grad_()
        z = layered_forward(self.layers, self.shape, leaf, self.of_each(examples.x), taps=taps)
        loss = functional.cross_entropy(z, self.of_each(examples.y)) * self.members
        places = [taps[f"{i}"] for i, layer in enumerate(self.layers) if type(layer) is Act]
        slopes = torch.autograd.grad(loss, places)
        return {"size": mean_squares(places, self.members), "gradient": mean_squares(slopes, self.members)}

    def state(self) -> np.ndarray:
        """Weights and what batch norms keep, a row a member."""
        return torch.cat([self.rows, *self.statistics.values()], 1).numpy(force=True)


@torch.no_grad()
def operated(
    params: Params,
    place: int,
    depth: int,
    state: np.ndarray,
    x: Tensor,
    out: Sequence[int] = (),
    swapped: tuple[int, int] | None = None,
) -> Tensor:
    """Outputs [members, classes, n] at x of the networks `state` when blocks, counted from 0, are taken out: what comes
    in is handed on (Veit et al., 2016); or when two have changed places."""
    net, example = params.nets[place], shape_of(params)
    whole = layers(params, net, depth, added=True)
    at = [f"{i}" for i, layer in enumerate(whole) if isinstance(layer, Residual)]
    parts = cut(state, parameters(whole, example) | buffers(whole, example))
    if swapped:
        a, b = (at[k] for k in swapped)
        other = {a: b, b: a}
        first = {name: name.partition(".")[::2] for name in parts}
        parts = {name: parts[f"{other.get(where, where)}.{rest}"] for name, (where, rest) in first.items()}
    kept = float(adds(net))  # of what comes into a block
    gates = {
        name: torch.tensor([[0.0], [1.0]] if k in out else [[1.0], [kept]], device=x.device).expand(2, len(state))
        for k, name in enumerate(at)
    }
    tensors = {name: torch.as_tensor(np.ascontiguousarray(part), device=x.device) for name, part in parts.items()}
    statistics = {name: tensors.pop(name) for name in buffers(whole, example)}
    rows = torch.cat([part.flatten(1) for part in tensors.values()], 1)
    return layered_forward(whole, example, rows, x, statistics, training=False, gates=gates)


def judged(z: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean loss and accuracy [members] of outputs [members, classes, n]."""
    loss = functional.cross_entropy(z, y, reduction="none").mean(1)
    right = (z.argmax(1) == y).float().mean(1) * loss.isfinite()
    return loss.numpy(force=True), right.numpy(force=True)


def mean_squares(found: Sequence[Tensor], members: int) -> np.ndarray:
    each = [untangled(h.detach(), members).flatten(1).square().mean(1).sqrt() for h in found]
    return torch.stack(each, 1).numpy(force=True)
