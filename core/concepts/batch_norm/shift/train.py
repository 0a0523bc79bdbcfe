"""Does training follow the shift of a layer's inputs? Noise behind batch norm makes it worse on purpose."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.concepts.batch_norm.networks import Normed, parts
from core.concepts.batch_norm.params import Params, batch_of, sizes, steps_of
from core.concepts.batch_norm.shift.params import KINDS, LOOKS, PERCENTS, PROBED, Result
from core.concepts.batch_norm.train import data_of, population
from core.ml.population import softmax
from core.ml.recording import Recording, schedule, stacked


class Seen(NamedTuple):
    """The probe in training mode at one moment: what goes into the activations, the weights, and their gradients."""

    inputs: list[Tensor]  # of every hidden layer [members, units, n]
    rows: Tensor
    gradients: list[Tensor]  # of the W of every layer [members, out, in]


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end states [seeds, …] by kind."""
    training, _, test = data_of(params)
    nets = [population(params, k, training, [params.lr] * params.seeds, batch_of(params), device=device) for k in KINDS]
    total = steps_of(params)
    moments = np.unique(np.linspace(1, total, LOOKS).round().astype(int))
    axes = {"net": len(nets), "seed": params.seeds, "layer": params.depth, "share": len(PERCENTS)}
    record = Recording(Result, params, total, axes, tick=moments)
    before: list[Seen] = []

    for moment in schedule(total, chunk, before=moments - 1, tick=moments):
        for net in nets:
            net.advance(len(moment.steps))
        seen = [look(net, net.rows) for net in nets] if moment.due else []
        if "tick" in moment.due:
            found = []
            for net, one, other in zip(nets, before, seen):
                loss, right = net.measure(*training)[0].mean(1), net.measure(*test)[1].mean(1)
                layers = {"moved": moved(one, other), "turned": turned(net, one, other, sizes(params))}
                unit = np.percentile(other.inputs[-1][0, 0].numpy(force=True), PERCENTS)
                found.append(layers | {"loss": loss, "test": right, "spread": unit})
            record.append("tick", **stacked(found))
        before = seen or before
        yield record.result(moment.step)
    return {kind: net.state() for kind, net in zip(KINDS, nets)}


def look(net: Normed, rows: Tensor) -> Seen:
    """What the members see of the first PROBED training examples of their sets with these weights."""
    x, y = net.x[net.which][..., :PROBED], net.y[net.which][:, :PROBED]
    leaf = rows.detach().requires_grad_()
    *inputs, z = net.forward(leaf, x)
    loss = softmax(z, y)[0].mean(1).sum()
    gradient = torch.autograd.grad(loss, leaf)[0]
    return Seen([h.detach() for h in inputs], leaf.detach().clone(), [w for w, *_ in parts(gradient, net.sizes)])


def moved(one: Seen, other: Seen) -> np.ndarray:
    """[members, layers]."""
    found = []
    for a, b in zip(one.inputs, other.inputs):
        deviation = ((a.var(-1) + b.var(-1)) / 2).sqrt()
        found.append(((a.mean(-1) - b.mean(-1)).abs() / deviation.clamp_min(1e-6)).mean(1))
    return torch.stack(found, 1).numpy(force=True)


def turned(net: Normed, one: Seen, other: Seen, layers: tuple[int, ...]) -> np.ndarray:
    """[members, layers]: the internal covariate shift of Santurkar et al. (2018, definition 2.1) as an angle."""
    found = [torch.full((len(one.rows),), torch.nan, device=one.rows.device)]
    net.step -= 1  # for noise to be the same before and after
    for layer in range(1, len(layers) - 2):
        mixed = one.rows.clone()
        for below, now in zip(parts(mixed, layers)[:layer], parts(other.rows, layers)):
            for part, new in zip(below, now):
                part.copy_(new)
        same, changed = (seen.gradients[layer].flatten(1) for seen in (one, look(net, mixed)))
        found.append(torch.cosine_similarity(same, changed, 1))
    net.step += 1
    return torch.stack(found, 1).numpy(force=True)
