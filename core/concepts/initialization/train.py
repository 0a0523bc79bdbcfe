"""What goes forth and back through deep networks, start by start, before a single step of training."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.initialization.params import EXAMPLES, PARTS, Params, Result, layout
from core.concepts.initialization.starts import data_sets, drawn
from core.ml.networks import ACTIVATIONS, layers, weighted_sums
from core.ml.recording import Recording, schedule

STEEPEST = {"relu": 1.0, "tanh": 1.0, "sigmoid": 0.25, "identity": 1.0}


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each with one seed more; at the end the weights [starts, seeds, D]. Nothing is learned."""
    sets, sizes = data_sets(params), layout(params, params.depth, params.width)
    rows = drawn(params, [start.scheme for start in params.starts], sizes)
    axes = {"start": len(params.starts), "seed": params.seeds, "layer": params.depth + 1, "part": len(PARTS)}
    record = Recording(Result, params, params.seeds, axes)
    for moment in schedule(params.seeds, chunk, seed=range(1, params.seeds + 1)):
        if "seed" in moment.due:
            i = moment.step - 1
            n = min(EXAMPLES, sets.bounds[1])
            record.append("seed", **look(rows[:, i], sizes, params.activation, sets.x[i, :n], sets.y[i, :n]))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": rows}


def look(rows: np.ndarray, sizes: tuple[int, ...], activation: str, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """What goes forth and back through networks `rows` [m, D] at x [n, features], y [n]: signal [m, layer, part] and
    slope [m, layer], from the inputs to the last hidden layer; by one backward pass, in float64."""
    w = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    inputs = torch.tensor(x.T, dtype=torch.float64).expand(len(rows), -1, -1).clone().requires_grad_()
    sums = weighted_sums(w, inputs, sizes, activation)
    loss = functional.cross_entropy(sums[-1], torch.tensor(y).expand(len(rows), -1), reduction="none").mean(1).sum()
    by_w, *back = torch.autograd.grad(loss, [w, inputs, *sums[:-1]])
    with torch.no_grad():
        outputs = [inputs, *(ACTIVATIONS[activation](z) for z in sums[:-1])]
        by_weight = [torch.full_like(by_w[:, :1], torch.nan)[..., None]]
        by_weight += [layer[0] for layer in layers(by_w, sizes, activation)[:-1]]
        found = [
            torch.stack(
                [h.var(-1, correction=0).mean(1).sqrt(), length(h), length(g) * len(y), length(v)],
                -1,
            )
            for h, g, v in zip(outputs, back, by_weight)
        ]
    slopes = [torch.ones(len(rows), dtype=torch.float64), *(steepness(z, activation) for z in sums[:-1])]
    return {"signal": torch.stack(found, 1).numpy(), "slope": torch.stack(slopes, 1).numpy()}


def length(a: Tensor) -> Tensor:
    """Root mean square of [m, …, …], without overflow of the squares: [m]."""
    top = a.abs().amax((1, 2), keepdim=True).clamp_min(1e-300)
    return ((a / top).square().mean((1, 2)).sqrt()) * top[:, 0, 0]


def steepness(z: Tensor, activation: str) -> Tensor:
    """Mean slope of the activation at z [m, units, n], as a share of its largest: [m]."""
    leaf = z.detach().requires_grad_()
    slope = torch.autograd.grad(ACTIVATIONS[activation](leaf).sum(), leaf)[0]
    return slope.mean((1, 2)) / STEEPEST[activation]
