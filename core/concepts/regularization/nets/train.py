"""Networks with one hidden layer on points that overlap, under L2 in the gradient and weight decay beside the step."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from core.concepts.regularization.nets.params import FRESH, GRID, KINDS, PENALTIES, SETS, TICKS, WAYS, Result, layout
from core.concepts.regularization.params import Params
from core.ml.data import points
from core.ml.networks import ACTIVATIONS, forward, initial_weights, weighted_sums
from core.ml.optimizers import Optimizer, Settings
from core.ml.population import binary
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps of Adam on the whole training set; in the end the weights
    [activations, ways, penalties, seeds, D]."""
    seeds, n, sizes = params.seeds, params.examples, layout(params)
    sets = [points(params.data, 3 * n + FRESH, params.noise, params.data_seed + s) for s in range(seeds)]
    bounds = [0, n, 2 * n, 3 * n, 3 * n + FRESH]
    members = len(WAYS) * len(GRID)  # of every seed
    x = torch.as_tensor(np.stack([x.T for x, _ in sets])).repeat(members, 1, 1)
    y = torch.as_tensor(np.stack([y for _, y in sets]), dtype=x.dtype)[:, None].repeat(members, 1, 1)
    start = np.stack([initial_weights(sizes, params.weight_seed + s) for s in range(seeds)])
    w = [torch.as_tensor(np.tile(start, (members, 1))) for _ in KINDS]
    adam = [Optimizer(own, [Settings("adam", params.lr)] * len(own), params.steps) for own in w]
    pull, shrink = (torch.as_tensor(np.repeat(part.reshape(members, -1), seeds, 0)) for part in pulls(sizes))

    ticks = np.unique((params.steps * np.linspace(0, 1, TICKS + 1) ** 1.5).round().astype(int))
    axes = {"activation": len(KINDS), "way": len(WAYS), "penalty": len(GRID), "seed": seeds}
    known = {"tick": ticks, "penalty": np.array(PENALTIES)}
    record = Recording(Result, params, params.steps, axes | {"end": 1, "set": len(SETS)}, **known)
    for moment in schedule(params.steps, chunk, tick=ticks):
        for _ in moment.steps:
            for kind, own, rule in zip(KINDS, w, adam):
                leaf = own.detach().requires_grad_()
                loss, _ = binary(forward(leaf, x[..., :n], sizes, kind), y[..., :n])
                (gradient,) = torch.autograd.grad(loss.mean(1).sum(), leaf)
                gradient.addcmul_(pull, own)
                own.mul_(1 - params.lr * shrink)
                rule.step(gradient)
        if moment.due:
            outputs = [forward(own, x, sizes, kind) for kind, own in zip(KINDS, w)]
            wrong = torch.stack([((z > 0) != (y > 0.5)).float()[:, 0] for z in outputs])
            found = torch.stack([wrong[..., a:b].mean(-1) for a, b in pairwise(bounds)], -1).numpy()
            record.append("tick", error=found.reshape(*list(axes.values()), len(SETS)))
        if moment.last:
            rows = [straight(own, x[..., 3 * n :], sizes, kind) for kind, own in zip(KINDS, w)]
            ends = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
            record.append("end", **{name: rows.reshape(*axes.values()) for name, rows in ends.items()})
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": np.stack([own.numpy() for own in w]).reshape(*axes.values(), -1)}


def pulls(sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """λ for every weight, [way, penalty, D] each: as a pull in the gradient, and as what shrinks weights beside the
    step (Loshchilov and Hutter, 2019). Biases have none, but in `biases`."""
    parts = [np.r_[np.ones(i * o), np.zeros(o)] for i, o in pairwise(sizes)]
    l2, biases, decoupled = (np.array(own, np.float32)[:, None] for own in PENALTIES)
    bare = np.concatenate(parts).astype(np.float32)
    gradient = np.stack([l2 * bare, np.repeat(biases, len(bare), 1), 0 * l2 * bare])
    return gradient, np.stack([0 * l2 * bare, 0 * l2 * bare, decoupled * bare])


@torch.no_grad()
def straight(w: Tensor, x: Tensor, sizes: tuple[int, ...], kind: str) -> dict[str, np.ndarray]:
    """The size of the weights of members w [members, D], and how straight units and outputs are over x [members, 2, n]:
    [members] each. A unit that is constant counts for none."""
    z, output = weighted_sums(w, x, sizes, kind)
    a = ACTIVATIONS[kind](z)
    z, a = ((v - v.mean(2, keepdim=True)).double() for v in (z, a))
    unit = (z * a).sum(2) ** 2 / ((z**2).sum(2) * (a**2).sum(2))
    inputs, output = ((v - v.mean(2, keepdim=True)).double() for v in (x, output))
    slope = torch.linalg.solve(inputs @ inputs.mT, inputs @ output.mT)
    left = ((output - slope.mT @ inputs) ** 2).sum((1, 2)) / (output**2).sum((1, 2))
    bare = torch.as_tensor(pulls(sizes)[0][0, -1] > 0)
    return {"unit": unit.nanmean(1).numpy(), "whole": 1 - left.numpy(), "size": (w * bare).norm(dim=1).numpy()}
