"""Activation functions raced: the same data, batches and weights for all, every number of hidden layers at once."""

from __future__ import annotations

from collections.abc import Generator
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.activations.params import MOMENTS, Params, Result, layout, on_points
from core.ml.data import batch_orders
from core.ml.networks import ACTIVATIONS, initial_weights, layers
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule, stacked
from core.ml.splits import three_splits

GRID = 40  # pixels along a side of a decision region
REACH = 1.5  # the region covers [-REACH, REACH]²
SLOPE = 0.25  # of PReLU below zero at the start (He et al., 2015)
LIMIT, BINS = 6.0, 48  # curves are drawn, and z is counted, from -LIMIT to LIMIT


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what; at the end the
    weights [seeds, D] of every contender at every depth.

    population: the class that trains, `Stacked` or one with the same face; what that does not know, `Stacked` trains.
    """
    seeds, depths, names = params.seeds, params.depth, [unit.activation for unit in params.contenders]
    sets = [
        three_splits(params.data, params.own, params.points, params.noise, params.data_seed + i) for i in range(seeds)
    ]
    bounds = np.cumsum([0, *map(len, sets[0].x)])  # where the splits begin and end
    n = int(bounds[1])
    steps_per_epoch = -(-n // params.batch)
    total = params.epochs * steps_per_epoch
    x = np.stack([np.concatenate(d.x) for d in sets]).astype(np.float32)  # [seeds, n, features]
    y = np.stack([np.concatenate(d.y) for d in sets])
    orders = np.stack([batch_orders(n, params.epochs, params.data_seed + i) for i in range(seeds)])

    def networks(activation: str, depth: int) -> Any:
        """The population of one contender at one depth: a member per seed."""
        sizes, trainer = layout(params, depth), population if activation in population.ACTIVATIONS else Stacked
        weights = np.stack([start(params, sizes, activation, params.weight_seed + i) for i in range(seeds)])
        settings, which = [Settings(params.rule, params.lr)] * seeds, np.arange(seeds)
        data = x, y, which, orders, params.batch
        return trainer(sizes, activation, "softmax", weights, settings, *data, device=device)

    races = [[networks(name, depth + 1) for depth in range(depths)] for name in names]
    training = torch.as_tensor(x[:, :n]), torch.as_tensor(y[:, :n])

    def seen(c: int, d: int) -> dict[str, np.ndarray]:
        return look(races[c][d].weights, layout(params, d + 1), names[c], *training)

    epochs = np.unique(np.linspace(0, params.epochs, MOMENTS + 1).round().astype(int))
    curves = [curve(name) for name in names]
    examples = np.r_[: bounds[1], bounds[2] : bounds[3]] if on_points(params) else np.arange(0)
    axes = {"contender": len(names), "depth": depths, "seed": seeds, "split": 3, "layer": depths, "bin": BINS}
    record = Recording(
        Result,
        params,
        total,
        axes | {"row": GRID if on_points(params) else 0, "column": GRID},
        epoch=epochs,
        first=np.array([[seen(c, d)["gradient"][:, 0] for d in range(depths)] for c in range(len(names))]),
        z=np.linspace(-LIMIT, LIMIT, 4 * BINS + 1),
        value=np.array([c[0] for c in curves]),
        slope=np.array([c[1] for c in curves]),
        edge=np.linspace(-LIMIT, LIMIT, BINS + 1),
        x=x[0][examples],
        y=y[0][examples],
    )

    was_dead = np.zeros((len(names), seeds, depths, params.width), bool)
    for moment in schedule(total, chunk, tick=epochs * steps_per_epoch):
        for race in chain(*races):
            race.advance(len(moment.steps))
        if "tick" in moment.due:
            measured = np.array([[race.measure(bounds) for race in contender] for contender in races])
            found = stacked(seen(c, depths - 1) for c in range(len(names)))
            dead = found["dead"]
            was_dead |= dead
            found |= {"dead": dead.sum(-1), "revived": (was_dead & ~dead).sum(-1)}
            if on_points(params):
                found["region"] = np.stack([probability(contender[-1]) for contender in races])
            record.append("tick", loss=measured[:, :, 0], accuracy=measured[:, :, 1], **found)
        yield record.result(moment.step)
    return {f"{c}.{d + 1}": race.weights for c, contender in enumerate(races) for d, race in enumerate(contender)}


def start(params: Params, sizes: tuple[int, ...], activation: str, seed: int) -> np.ndarray:
    """The first weights [D] of a member, the same for all contenders as far as they have them: the second pieces of
    Maxout are 0, so that it begins as ReLU, and PReLU begins with one slope."""
    row, parts = initial_weights(sizes, seed), []
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        w, b, row = np.split(row, [i * o, i * o + o])
        hidden = layer < len(sizes)
        if hidden:
            w, b = w * np.float32(params.gain), b + np.float32(params.bias)
        pieces = 2 if hidden and activation == "maxout" else 1
        parts += [np.pad(part, (0, (pieces - 1) * len(part))) for part in (w, b)]
        if activation == "prelu" and layer > 2:
            parts.append(np.full(i, SLOPE, np.float32))
    return np.concatenate(parts)


def activated(z: Tensor, activation: str, slopes: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Outputs of units and their slopes at weighted sums z."""
    z = z.detach().requires_grad_()
    h = ACTIVATIONS[activation](z, *slopes)
    return h.detach(), torch.autograd.grad(h.sum(), z)[0]


def curve(activation: str) -> tuple[np.ndarray, np.ndarray]:
    """The function and its slope on the line, as they start: of Maxout with the second piece at 0."""
    z = torch.linspace(-LIMIT, LIMIT, 4 * BINS + 1)[None, None]
    z = torch.cat([z, torch.zeros_like(z)], 1) if activation == "maxout" else z
    h, slope = activated(z, activation, [torch.tensor(SLOPE)] if activation == "prelu" else [])
    return h[0, 0].numpy(), slope[0, 0].numpy()


def look(rows: np.ndarray, sizes: tuple[int, ...], activation: str, x: Tensor, y: Tensor) -> dict[str, np.ndarray]:
    """What goes through networks of weights `rows` [seeds, D] on x [seeds, n, features], y [seeds, n], by hidden layer
    [seeds, layer]: forth the outputs of units, back the gradient of each example's loss, written out."""
    weights = torch.as_tensor(rows)
    *hidden, last = layers(weights, sizes, activation)
    after = [*hidden[1:], last]  # the layer that each hidden one feeds, with the slopes of its inputs
    h, outputs, slopes, sums = x.mT, [], [], []
    for (w, b, *_), (_, _, *own) in zip(hidden, after):
        z = torch.baddbmm(b, w, h)
        h, slope = activated(z, activation, own)
        outputs.append(h)
        slopes.append(slope)
        sums.append(torch.sub(*z.chunk(2, 1)) if activation == "maxout" else z)
    w, b, *_ = last
    error = torch.softmax(torch.baddbmm(b, w, h), 1) - functional.one_hot(y, sizes[-1]).mT
    length = lambda a: a.square().sum(1).mean(-1).sqrt()  # noqa: E731
    signal, gradient = [], []
    for (w, *_), slope in zip(after[::-1], slopes[::-1]):
        back = w.mT @ error
        error = slope * back.repeat(1, slope.shape[1] // back.shape[1], 1)  # to both pieces of Maxout
        signal.append(length(back))
        gradient.append(length(error))
    flat = [(slope == 0).all(-1).unflatten(1, (-1, sizes[1])).all(1) for slope in slopes]
    counted = torch.stack(sums).nan_to_num(nan=LIMIT).clamp(-LIMIT, LIMIT)
    found = {
        "signal": torch.stack(signal[::-1], -1),
        "gradient": torch.stack(gradient[::-1], -1),
        "mean": torch.stack([h.mean((1, 2)) for h in outputs], -1),
        "spread": torch.stack([h.var(-1, correction=0).mean(1).sqrt() for h in outputs], -1),
        "dead": torch.stack(flat, 1) & torch.isfinite(weights).all(1)[:, None, None],
        "share": torch.histc(counted, BINS, -LIMIT, LIMIT) / counted.numel(),
        "learned": torch.full((len(rows),), torch.nan),
    }
    if activation == "prelu":
        found["learned"] = torch.stack([own.mean((1, 2)) for *_, own in after]).mean(0)
    return {name: values.numpy() for name, values in found.items()}


def probability(race: Any) -> np.ndarray:
    """Probability of class 1 over the plane by seed 0, uint8 [GRID, GRID], rows upward; 0.5 of a diverged network."""
    axis = np.linspace(-REACH, REACH, GRID)
    z = race.outputs(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32), np.arange(1))
    with np.errstate(over="ignore", invalid="ignore"):
        p = 1 / (1 + np.exp(z[0, 0] - z[0, 1]))
    return (255 * np.nan_to_num(p, nan=0.5)).round().astype(np.uint8).reshape(GRID, GRID)
