"""Dropout: networks × seeds train together, from the same weights, on the same batches, with the same random bits."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.dropout.params import (
    COUNTS,
    FRAMES,
    GRID,
    PROBED,
    REACH,
    REMOVALS,
    REMOVED,
    TEST,
    THINNED,
    TICKS,
    VALIDATION,
    Net,
    Params,
    Result,
    on_points,
    sizes,
)
from core.ml.data import Data, batch_orders, digits, points, split, standardised
from core.ml.dropout import LEVELS, Dropout
from core.ml.networks import ACTIVATIONS, forward, initial_weights, weighted_sums
from core.ml.optimizers import Settings
from core.ml.own import table
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule

FAR = 0.5  # a place is far from the data where no training example is nearer


@dataclass(frozen=True)
class Nets:
    """The members at one moment: weights as in training [members, D], after so many steps; x [members, features, n]
    and y [members, n] are the data of each."""

    sizes: tuple[int, ...]
    activation: str
    dropout: Dropout
    x: Tensor
    y: Tensor
    weights: Tensor
    step: int


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what; at the end the
    weights [nets, seeds, D] as in training.

    population: the class that trains, `Stacked` or one with the same face.
    """
    shape, seeds = sizes(params), params.seeds
    sets, wrongs = zip(*[load(params, params.data_seed + i) for i in range(seeds)])
    wrong, n = wrongs[0], len(sets[0].x[0])
    bounds = np.cumsum([0, *map(len, sets[0].x)]).tolist()  # where the splits begin and end
    steps_per_epoch = -(-n // params.batch)
    total = params.epochs * steps_per_epoch

    which = np.tile(np.arange(seeds), len(params.nets))  # member = net · seeds + seed
    own = [net for net in params.nets for _ in range(seeds)]
    start = np.stack([initial_weights(shape, params.weight_seed + i) for i in range(seeds)])
    dropout = Dropout(
        shape,
        np.array([rates(net, params.depth) for net in own]),
        [net.scaling for net in own],
        params.weight_seed + np.arange(seeds),
        which,
        device,
    )
    x = np.stack([np.concatenate(d.x) for d in sets])  # [seeds, n, features]
    y = np.stack([np.concatenate(d.y) for d in sets])
    race = population(
        shape,
        params.activation,
        "softmax",
        np.tile(start, (len(params.nets), 1)),
        [Settings("adam", params.lr)] * len(own),
        x,
        y,
        which,
        np.stack([batch_orders(n, params.epochs, params.data_seed + i) for i in range(seeds)]),
        params.batch,
        device=device,
        dropout=dropout,
    )

    inputs, labels = (torch.as_tensor(a, device=device) for a in (x.swapaxes(1, 2)[which], y[which]))

    def nets() -> Nets:
        weights = torch.as_tensor(race.weights, device=device)
        return Nets(shape, params.activation, dropout, inputs, labels, weights, race.step)

    ticks = np.unique((params.epochs * np.linspace(0, 1, TICKS + 1) ** 1.5).round().astype(int))  # closer at first
    frames = ticks[np.unique(np.linspace(0, len(ticks) - 1, FRAMES if on_points(params) else 0).round().astype(int))]
    shown = sets[0].x[0] if on_points(params) else np.zeros((0, 2), np.float32)
    axes = {"net": len(params.nets), "seed": seeds, "split": 3, "end": 1, "row": GRID, "column": GRID}
    axes |= {"count": len(COUNTS), "layer": params.depth + 1, "place": 2, "removed": len(REMOVED)}
    record = Recording(Result, params, total, axes, tick=ticks, frame=frames, x=shown, y=sets[0].y[0][: len(shown)])

    for moment in schedule(total, chunk, tick=ticks * steps_per_epoch, frame=frames * steps_per_epoch):
        race.advance(len(moment.steps))
        if "tick" in moment.due:
            loss, accuracy = race.measure(bounds)
            memorised = race.measure([0, wrong])[1][:, 0] if wrong else np.full(len(own), np.nan)  # the first examples
            record.append("tick", loss=loss, accuracy=accuracy, memorised=memorised, on=thinned_loss(nets(), n))
        if "frame" in moment.due:
            mean, deviation = plane(nets(), np.arange(len(params.nets)) * seeds)
            record.append("frame", mean=mean, deviation=deviation)
        if moment.last:
            record.append("end", **ends(nets(), params, bounds))
        yield record.result(moment.step)
    return {"weights": record.parted("net seed", race.weights)}


def load(params: Params, seed: int) -> tuple[Data, int]:
    """The three splits of one seed, and how many labels are wrong: those of the first training examples, and as large
    a share of validation; never of test."""
    if params.own:
        return standardised(split(*table(params.own), seed)), 0
    count = params.examples + VALIDATION + TEST
    x, y = points(params.data, count, params.noise, seed) if on_points(params) else digits()
    order, rng = stream("examples", seed).permutation(len(x))[:count], stream("wrong labels", seed)
    x, y, classes = x[order], y[order], sizes(params)[-1]
    edges = np.cumsum([0, params.examples, VALIDATION])
    for first, last in pairwise(edges):
        wrong = slice(first, first + round(params.wrong * (last - first)))
        y[wrong] = (y[wrong] + rng.integers(1, classes, wrong.stop - first)) % classes
    return Data(tuple(np.split(x, edges[1:])), tuple(np.split(y, edges[1:])), classes), round(params.wrong * edges[1])


def rates(net: Net, depth: int) -> list[float]:
    """The rates of the inputs and of every hidden layer."""
    hidden = {"hidden": range(depth), "all": range(depth), "first": [0], "last": [depth - 1]}.get(net.layers, [])
    inputs = {"inputs": net.p, "all": net.p_inputs}.get(net.layers, 0.0)
    return [inputs, *(net.p if i in hidden else 0.0 for i in range(depth))]


@torch.no_grad()
def thinned_loss(nets: Nets, n: int) -> np.ndarray:
    """Cross-entropy of the training examples [members], with units left out for every example anew."""
    masks = nets.dropout.masks("loss", nets.step, n)
    z = forward(nets.weights, nets.x[..., :n], nets.sizes, nets.activation, masks)
    return functional.cross_entropy(z, nets.y[:, :n], reduction="none").mean(1).numpy(force=True)


def thinned(nets: Nets, x: Tensor, members: np.ndarray) -> Iterator[list[Tensor]]:
    """Sums of every layer of one random thinned network after the other, at inputs x [members, features, n]."""
    weights = nets.weights[members]
    for t in range(THINNED):
        masks = [mask[members] for mask in nets.dropout.masks("thinned", t, 1)]
        yield weighted_sums(weights, x, nets.sizes, nets.activation, masks)


def grid() -> np.ndarray:
    """The places of a picture of the plane, float32 [2, GRID²], rows upward."""
    axis = np.linspace(-REACH, REACH, GRID, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis)).reshape(2, -1)


@torch.no_grad()
def plane(nets: Nets, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over thinned networks of P(class 1) on the plane, uint8 [members, GRID, GRID] in
    1/255 and 1/510; ½ and 0 of a diverged network."""
    x = torch.as_tensor(grid(), device=nets.x.device).expand(len(members), -1, -1)
    p = torch.stack([z[-1].softmax(1)[:, 1] for z in thinned(nets, x, members)])
    pictures = 255 * p.mean(0).nan_to_num(0.5), 510 * p.std(0, correction=0).nan_to_num(0.0)
    mean, deviation = (v.round().to(torch.uint8).view(-1, GRID, GRID).numpy(force=True) for v in pictures)
    return mean, deviation


@torch.no_grad()
def ends(nets: Nets, params: Params, bounds: list[int]) -> dict[str, np.ndarray]:
    """What became of the networks: the fields of a Result that are recorded in the end, [members, …]."""
    everyone = np.arange(len(nets.weights))
    probe = slice(bounds[2], min(bounds[2] + PROBED, bounds[3]))
    x, y = nets.x[..., probe], nets.y[:, probe]
    n = x.shape[2]
    weights = nets.dropout.at_test(nets.weights)
    sums = weighted_sums(weights, x, nets.sizes, nets.activation)
    found = {"robust": robust(nets, weights, x, y)} | anatomy(nets, params, weights, sums)

    places = x
    if on_points(params):
        places = torch.cat([x, torch.as_tensor(grid(), device=x.device).expand(len(x), -1, -1)], 2)
    halves = [[torch.zeros_like(z) for z in sums] for _ in range(2)]
    total, ones = torch.zeros(len(x), nets.sizes[-1], n, device=x.device), []
    averages = [judged(sums[-1].softmax(1), y)]
    for t, z in enumerate(thinned(nets, places, everyone)):
        for half, part in zip(halves[t % 2], z):
            half += part[..., :n]
        p = z[-1].softmax(1)
        total += p[..., :n]
        if on_points(params):
            ones.append(p[:, 1])
        if t + 1 in COUNTS:
            averages.append(judged(total / (t + 1), y))
    found["mean_accuracy"], found["mean_loss"] = (torch.stack(v, 1) for v in zip(*averages))
    # Two independent halves: their product has no bias from the noise of either.
    errors = [[2 * half / THINNED - z for half, z in zip(part, sums)] for part in halves]
    found["gap"] = torch.stack(
        [(a * b).mean((1, 2)) / z.var(2, correction=0).mean(1) for a, b, z in zip(*errors, sums)], 1
    )
    found["unsure"] = torch.full((len(x), 2), torch.nan)
    if on_points(params):
        deviation = torch.stack(ones).std(0, correction=0)
        distance = torch.cdist(places[:, :, n:].transpose(1, 2), nets.x[..., : bounds[1]].transpose(1, 2))
        away = distance.min(2).values > FAR
        found["unsure"] = torch.stack([deviation[:, :n].mean(1), (deviation[:, n:] * away).sum(1) / away.sum(1)], 1)
    return {name: values.numpy(force=True) for name, values in found.items()}


def judged(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Accuracy and cross-entropy [members] of probabilities [members, classes, n]."""
    picked = p.gather(1, y.unsqueeze(1))[:, 0]
    return (p.max(1).indices == y).float().mean(1), -picked.clamp_min(1e-12).log().mean(1)


def robust(nets: Nets, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Accuracy [members, shares] when random hidden units are taken from trained networks and nothing makes up for it
    (Morcos et al., 2018)."""
    found = []
    for share in REMOVED:
        right = []
        for i in range(REMOVALS):
            inputs, *hidden = nets.dropout.bits(f"removed {share}", i, 1)
            factors = [torch.ones_like(inputs)] + [bits >= share * LEVELS for bits in hidden]
            z = forward(weights, x, nets.sizes, nets.activation, [f[nets.dropout.which] for f in factors])
            right.append((z.max(1).indices == y).float().mean(1))
        found.append(torch.stack(right).mean(0))
    return torch.stack(found, 1)


def anatomy(nets: Nets, params: Params, weights: Tensor, sums: list[Tensor]) -> dict[str, Tensor]:
    """Correlation of the hidden units, spread and size of the weights that leave them, and whether dropout saw how
    useful they are: [members] each. Spread is (Σw²)² / (n Σw⁴) over the n weights into a unit: 1 when all are equally
    large, 1/n when one alone counts (the participation ratio of Bell and Dean, 1970)."""
    active = [ACTIVATIONS[nets.activation](z) for z in sums[:-1]]
    correlation = []
    for a in active:
        centred = a - a.mean(2, keepdim=True)
        length = centred.norm(dim=2, keepdim=True)
        alive = (length > 0).sum((1, 2))
        unit = centred / length.clamp_min(1e-12)
        r = (unit @ unit.transpose(1, 2)).abs().sum((1, 2)) - alive  # the diagonal aside
        correlation.append(r / (alive * (alive - 1)).clamp_min(1))

    pairs = list(pairwise(nets.sizes))
    parts = weights.split([size for i, o in pairs for size in (i * o, o)], 1)[::2]
    into = [w.view(len(w), o, i) for w, (i, o) in zip(parts, pairs)][1:]  # [members, to, from] after the first layer
    square, fourth = ([w.pow(k).sum(2) for w in into] for k in (2, 4))
    spread = [(s * s / (w.shape[2] * f)).mean(1) for w, s, f in zip(into, square, fourth)]
    size = torch.cat([w.flatten(1) for w in into], 1).square().mean(1).sqrt()

    last_epoch = range(nets.step - nets.step // params.epochs, nets.step)
    masks = [nets.dropout.masks("training", step, params.batch)[1:] for step in last_epoch]
    blind = []
    for layer, (a, w) in enumerate(zip(active, into)):
        left_out = torch.stack([(mask[layer] == 0).float().mean(2) for mask in masks]).mean(0)
        useful = a.abs().mean(2) * w.norm(dim=1)
        blind.append(pearson(left_out, useful))
    return {
        "correlation": torch.stack(correlation).mean(0),
        "spread": torch.stack(spread).mean(0),
        "size": size,
        "blind": torch.stack(blind).nanmean(0),
    }


def pearson(a: Tensor, b: Tensor) -> Tensor:
    """Correlation along the last axis; NaN where one does not vary."""
    a, b = (v - v.mean(-1, keepdim=True) for v in (a, b))
    product = a.norm(dim=-1) * b.norm(dim=-1)
    return torch.where(product > 1e-12, (a * b).sum(-1) / product, torch.nan)
