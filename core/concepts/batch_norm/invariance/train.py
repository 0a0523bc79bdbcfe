"""Weights times a factor, and biases, before a norm: what changes at the start, and what after training."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from core.concepts.batch_norm.invariance.params import BIASES, KINDS, SCALES, Result
from core.concepts.batch_norm.networks import Normed, parts
from core.concepts.batch_norm.params import TICKS, Params, batch_of, steps_of, ticks
from core.concepts.batch_norm.train import data_of, population
from core.ml.population import softmax
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end states [starts, seeds, …]."""
    training, _, test = data_of(params)
    starts, total, moments = len(SCALES) + len(BIASES), steps_of(params), ticks(steps_of(params), TICKS)
    rates = [params.lr] * (starts * params.seeds)
    nets = [population(params, kind, training, rates, batch_of(params), device=device) for kind in KINDS]
    for net in nets:
        change(net, params)
    axes = {"net": len(nets), "seed": params.seeds, "scale": len(SCALES), "bias": len(BIASES)}
    known = stacked(at_start(net, params.seeds) for net in nets)
    record = Recording(Result, params, total, axes, tick=moments, **known)

    for moment in schedule(total, chunk, tick=moments):
        for net in nets:
            net.advance(len(moment.steps))
        if moment.due:
            right = np.stack([net.measure(*test)[1].mean(1).reshape(starts, -1) for net in nets])
            record.append("tick", scaled=right[:, : len(SCALES)], shifted=right[:, len(SCALES) :])
        yield record.result(moment.step)
    return {kind: net.state().reshape(starts, params.seeds, -1) for kind, net in zip(KINDS, nets)}


def change(net: Normed, params: Params) -> None:
    """Members' hidden weights times their factor, or their hidden biases of their size."""
    *hidden, _ = parts(net.rows, net.sizes)
    for layer, (w, b, *_) in enumerate(hidden):
        signs = [
            stream("signs", params.weight_seed + i, layer).choice([-1.0, 1.0], b.shape[1]) for i in range(params.seeds)
        ]
        sign = torch.as_tensor(np.array(signs, np.float32), device=b.device)[..., None]
        for k, scale in enumerate(SCALES):
            w[k * params.seeds : (k + 1) * params.seeds].mul_(scale)
        for k, size in enumerate(BIASES, len(SCALES)):
            b[k * params.seeds : (k + 1) * params.seeds] = size * sign


def at_start(net: Normed, seeds: int) -> dict[str, np.ndarray]:
    """Distances of outputs and lengths of gradients, [factor or bias, seed] each."""
    leaf = net.rows.detach().requires_grad_()
    z = net.forward(leaf, net.x[net.which])[-1]
    slope = torch.autograd.grad(softmax(z, net.y[net.which])[0].mean(1).sum(), leaf)[0]
    length = sum(w.square().sum((1, 2)) for w, *affine in parts(slope, net.sizes) if len(affine) > 1)
    assert isinstance(length, Tensor)
    by = lambda values: values.detach().double().reshape(-1, seeds, *values.shape[1:])  # noqa: E731
    outputs, gradient, one = by(z), by(length).sqrt()[: len(SCALES)], SCALES.index(1)

    def off(which: Tensor, same: Tensor) -> np.ndarray:
        return ((which - same).square().mean((2, 3)) / same.square().mean((1, 2))).sqrt().numpy(force=True)

    return {
        "scaled_off": off(outputs[: len(SCALES)], outputs[one]),
        "shifted_off": off(outputs[len(SCALES) :], outputs[len(SCALES)]),
        "gradient": (gradient / gradient[one]).numpy(force=True),
    }
