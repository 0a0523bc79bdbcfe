"""A start put right rung by rung (after Karpathy's makemore, part 3, 2022): outputs that are not too sure, units that
are not saturated, weights by rule, batch norm."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.initialization.ladder.params import DEPTHS, RUNGS, Result
from core.concepts.initialization.params import BATCH, UNITS, Params, batches, layout, ticks
from core.concepts.initialization.starts import GAINS, data_sets, first_weights
from core.ml.networks import layers
from core.ml.recording import Recording, schedule

TINY_WEIGHTS, SMALL_WEIGHTS = 0.01, 0.2  # by what makemore multiplies weights of outputs, of hidden units
NORMED = len(RUNGS) - 1  # members before this rung have no batch norm
EPS = 1e-5


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; in the end the weights [rungs, seeds, D] by
    depth, and γ and β of the last rung's batch norm."""
    sets, seeds, moments = data_sets(params, params.steps), params.seeds, ticks(params.steps)
    put = lambda a: torch.tensor(a, dtype=torch.float32, device=device)  # noqa: E731
    x, y = put(sets.x.swapaxes(1, 2)), torch.tensor(sets.y, device=device)
    bounds, shapes = [int(b) for b in sets.bounds], [layout(params, depth) for depth in DEPTHS]
    first = [
        [[rung_weights(rung, sizes, params.weight_seed + i) for i in range(seeds)] for rung in RUNGS]
        for sizes in shapes
    ]
    nets = [put(np.array(rows)).flatten(0, 1) for rows in first]
    norms = [
        torch.stack([torch.ones(seeds, depth, UNITS), torch.zeros(seeds, depth, UNITS)], 2).to(x) for depth in DEPTHS
    ]
    axes = {"rung": len(RUNGS), "depth": len(DEPTHS), "seed": seeds}
    record = Recording(Result, params, params.steps, axes, tick=moments)

    for moment in schedule(params.steps, chunk, tick=moments):
        for step in moment.steps:
            epoch, k = divmod(step, batches(params))
            order = torch.as_tensor(sets.orders[:, epoch, k * BATCH : (k + 1) * BATCH].astype(np.int64), device=device)
            xs, ys = x.gather(2, order[:, None].expand(-1, x.shape[1], -1)), y.gather(1, order)
            for w, norm, sizes in zip(nets, norms, shapes):
                leaves = w.requires_grad_(), norm.requires_grad_()
                z = outputs(w, norm, sizes, xs, xs.shape[-1])
                loss = functional.cross_entropy(z, ys.repeat(len(RUNGS), 1), reduction="none").mean(1).sum()
                slopes = torch.autograd.grad(loss, leaves)
                with torch.no_grad():
                    for leaf, slope in zip(leaves, slopes):
                        leaf -= params.rate * slope
        if moment.due:
            found = [measured(w, norm, sizes, x, y, bounds) for w, norm, sizes in zip(nets, norms, shapes)]
            losses, right = (np.stack(one, 1) for one in zip(*found))
            record.append("tick", loss=losses, accuracy=right)
        yield record.result(moment.step)
    state = {str(depth): w.numpy(force=True).reshape(len(RUNGS), seeds, -1) for depth, w in zip(DEPTHS, nets)}
    return state | {f"{depth}.norm": norm.numpy(force=True) for depth, norm in zip(DEPTHS, norms)}


def rung_weights(rung: str, sizes: tuple[int, ...], seed: int) -> np.ndarray:
    """First weights [D] of a rung. plain: all are standard normal. unsure: the outputs' TINY_WEIGHTS times that.
    open: those of hidden units SMALL_WEIGHTS times that. kaiming, norm: the latter by the gain of tanh over √in."""
    row, parts, at = first_weights("large", "tanh", sizes, seed), [], 0
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        ruled = GAINS["tanh"] / i**0.5
        if layer == len(sizes):
            factor = 1.0 if rung == "plain" else TINY_WEIGHTS
        else:
            factor = {"open": SMALL_WEIGHTS, "kaiming": ruled, "norm": ruled}.get(rung, 1.0)
        parts.append(factor * row[at : at + (i + 1) * o])
        at += (i + 1) * o
    return np.concatenate(parts)


def outputs(w: Tensor, norm: Tensor, sizes: tuple[int, ...], x: Tensor, n: int) -> Tensor:
    """Outputs [rungs · seeds, outputs, examples] at x [seeds, inputs, examples]; the last rung's weighted sums are
    normalised by the mean and variance of the first n examples (Ioffe and Szegedy, 2015)."""
    h, seeds = x.repeat(len(RUNGS), 1, 1), len(x)
    *hidden, last = layers(w, sizes, "tanh")
    for layer, (v, b) in enumerate(hidden):
        z = torch.baddbmm(b, v, h)
        plain, own = z[: NORMED * seeds], z[NORMED * seeds :]
        mean, variance = own[..., :n].mean(-1, True), own[..., :n].var(-1, correction=0, keepdim=True)
        gamma, beta = norm[:, layer, 0, :, None], norm[:, layer, 1, :, None]
        h = torch.tanh(torch.cat([plain, (own - mean) / (variance + EPS).sqrt() * gamma + beta]))
    return torch.baddbmm(last[1], last[0], h)


@torch.no_grad()
def measured(
    w: Tensor, norm: Tensor, sizes: tuple[int, ...], x: Tensor, y: Tensor, bounds: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Loss on validation data and accuracy on test data, [rung, seed]; batch norm by the whole training split."""
    z, labels = outputs(w, norm, sizes, x, bounds[1]), y.repeat(len(RUNGS), 1)
    loss = functional.cross_entropy(z, labels, reduction="none")[:, bounds[1] : bounds[2]].mean(1)
    right = (z.max(1).indices == labels)[:, bounds[2] :].float().mean(1)
    shape = len(RUNGS), len(x)
    return loss.numpy(force=True).reshape(shape), (right * loss.isfinite()).numpy(force=True).reshape(shape)
