"""A classifier under several losses: the same networks, weights and batches; each at every rate."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from core.concepts.loss_functions.classifier.params import BATCH, NAMES, RATES, Result, batches, layout
from core.concepts.loss_functions.params import Params
from core.ml.data import Data, batch_orders, bundled, split, standardised
from core.ml.networks import forward, initial_weights
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording, schedule

TICKS = 10  # epochs at which all is measured, at most, besides the start


def cross_entropy(z: Tensor, t: Tensor) -> Tensor:
    return -(t * z.log_softmax(1)).sum(1)


def probabilities(z: Tensor, t: Tensor) -> Tensor:
    """Squared error of the softmax (Brier, 1950)."""
    return 0.5 * (z.softmax(1) - t).square().sum(1)


def outputs(z: Tensor, t: Tensor) -> Tensor:
    """Squared error of the outputs themselves (after Hui and Belkin, 2021)."""
    return 0.5 * (z - t).square().sum(1)


def absolute(z: Tensor, t: Tensor) -> Tensor:
    """Absolute error of the softmax (Ghosh, Kumar and Sastry, 2017)."""
    return (z.softmax(1) - t).abs().sum(1)


def hinge(z: Tensor, t: Tensor) -> Tensor:
    """By how much another class comes closer than 1 to the right one (Crammer and Singer, 2001)."""
    return (1 + z.masked_fill(t > 0, -torch.inf).amax(1) - (z * t).sum(1)).relu()


def zero_one(z: Tensor, t: Tensor) -> Tensor:
    """1 for a mistake: a staircase, whose slope is 0."""
    return ((z * t).sum(1) < z.amax(1)).to(z.dtype) + 0 * z.sum(1)


def twice(z: Tensor, t: Tensor) -> Tensor:
    """Wrong: a softmax before a loss that applies it already."""
    return cross_entropy(z.softmax(1), t)


def summed(z: Tensor, t: Tensor) -> Tensor:
    """Wrong: the sum over a batch at a rate meant for the mean."""
    return z.shape[-1] * cross_entropy(z, t)


# Outputs and targets of 0 and 1, [members, classes, n], → losses [members, n]
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": cross_entropy,
    "probabilities": probabilities,
    "outputs": outputs,
    "hinge": hinge,
    "absolute": absolute,
    "zero_one": zero_one,
    "twice": twice,
    "summed": summed,
}


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [losses, rates, seeds, D]."""
    seeds, sizes, per_epoch = params.seeds, layout(params), batches(params)
    sets = [load(params, params.data_seed + s) for s in range(seeds)]
    bounds = np.cumsum([0, *map(len, sets[0].x)])  # where the splits begin and end
    n, put = int(bounds[1]), lambda a: torch.as_tensor(np.ascontiguousarray(a), device=device)
    x = put(np.stack([np.concatenate(data.x).T for data in sets]))  # [seed, feature, example]
    true = np.stack([np.concatenate(data.y) for data in sets])
    taught = [mistaught(params, data, params.data_seed + s) for s, data in enumerate(sets)]
    labels = put(np.concatenate([np.stack(taught), true[:, n:]], 1))
    t = torch.nn.functional.one_hot(labels, sizes[-1]).mT.to(x.dtype)
    orders = put(np.stack([batch_orders(n, params.epochs, params.data_seed + s) for s in range(seeds)]).astype(int))
    start = np.stack([initial_weights(sizes, params.weight_seed + s) for s in range(seeds)])
    w = put(np.tile(start, (len(NAMES), len(RATES), 1, 1)))
    rates = put(np.array(RATES, np.float32)[:, None, None])

    ticks = np.unique(np.linspace(0, params.epochs, TICKS + 1).round().astype(int))
    axes = {"name": len(NAMES), "rate": len(RATES), "seed": seeds, "split": 3}
    record = Recording(Result, params, params.epochs * per_epoch, axes, tick=ticks)
    for moment in schedule(params.epochs * per_epoch, chunk, tick=ticks * per_epoch):
        for step in range(moment.step - len(moment.steps), moment.step):
            epoch, k = divmod(step, per_epoch)
            batch = orders[:, epoch, k * BATCH : (k + 1) * BATCH]
            inputs, targets = (a.gather(2, batch[:, None].expand(-1, a.shape[1], -1)) for a in (x, t))
            leaf = w.detach().requires_grad_()
            losses = [LOSSES[name](*run(own, inputs, targets, sizes)) for name, own in zip(NAMES, leaf)]
            (gradient,) = torch.autograd.grad(torch.stack(losses).mean(-1).sum(), leaf)
            w = w - rates * gradient
        if moment.due:
            found = [measured(name, own, x, t, true, bounds, sizes) for name, own in zip(NAMES, w)]
            record.append("tick", loss=[f[0] for f in found], accuracy=[f[1] for f in found])
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": w.numpy(force=True)}


def load(params: Params, seed: int) -> Data:
    return standardised(split(*(table(params.own) if params.own else bundled(params.data)), seed))


def mistaught(params: Params, data: Data, seed: int) -> np.ndarray:
    """The training labels, a share of which is replaced by one of the other classes."""
    rng, y = stream("wrong labels", seed), data.y[0]
    other = (y + rng.integers(1, data.classes, len(y))) % data.classes
    return np.where(rng.random(len(y)) < params.wrong_labels, other, y)


def run(w: Tensor, x: Tensor, t: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Outputs and targets [rates · seeds, classes, n] of the networks w [rates, seeds, D] of one loss."""
    inputs, targets = (a.expand(len(w), *a.shape).flatten(0, 1) for a in (x, t))
    return forward(w.flatten(0, 1), inputs, sizes, "relu"), targets


@torch.no_grad()
def measured(
    name: str, w: Tensor, x: Tensor, t: Tensor, true: np.ndarray, bounds: np.ndarray, sizes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Training loss [rate, seed], and the share of true labels that is found in every split [rate, seed, split]. Who
    has diverged finds none."""
    z, targets = run(w, x, t, sizes)
    n = bounds[1]
    loss = LOSSES[name](z[..., :n], targets[..., :n]) / (n if name == "summed" else 1)
    right = (z.max(1).indices.view(*w.shape[:2], -1).numpy(force=True) == true).astype(float)
    lost = loss.mean(-1).view(w.shape[:2]).numpy(force=True)
    lost = np.where(np.isfinite(lost), lost, np.nan)
    parts = [right[..., a:b].mean(-1) for a, b in pairwise(bounds)]
    return lost, np.stack(parts, -1) * np.isfinite(lost)[..., None]
