"""Recurrent networks described by `core/ml/architecture.py`, in a population: member m has row m of the weights
[members, D].

    NET = (Recurrent(32, "lstm", opened=1.0), Recurrent(32, "lstm", last=True), Dense(1))  # one answer, two layers
    NET = (Embed(50, 16), Recurrent(32, "gru", both=True), Conv(11, 1))  # 11 outputs at every step of tokens
    weights = torch.as_tensor(np.stack([sequence_weights(NET, (2, 20), seed) for seed in seeds]))
    outputs, ends = sequence_forward(NET, (2, 20), weights, x, lengths)

x is [members, n, features, time], or [1, …] where all members see the same; outputs are [members, n, units, time], or
[members, n, units] behind `last`. A shorter or longer time than that of the shape will do. Layers that a sequence may
have are Embed, Recurrent, Act, Conv of kernel 1 (every step by itself) and, behind `last`, Dense; what comes before,
such as convolutions over an image, is for `core/ml/layered.py`. A decoder takes the `ends` of an encoder, or its own
of the step before, as its `start`. A step's work is that of `core/ml/recurrent.py`, with its backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.architecture import Act, Conv, Dense, Embed, Layers, Recurrent, Shape, parameters, places
from core.ml.networks import ACTIVATIONS
from core.ml.random import stream
from core.ml.recurrent import CELLS, Unroll

State = tuple[Tensor, Tensor]  # h and c of a layer, [members, n, units]; c has no units where the cell has none
KEEPS = {"lstm": 1, "peephole": 1, "gru": 1}  # the place of the gate that keeps the state
SHUT = 1e9  # what closes a gate for good


def sequence_weights(layers: Layers, shape: Shape, seed: int) -> np.ndarray:
    """First weights as one row, float32 [D], in the order of `parameters`: as torch.nn draws them (embeddings standard
    normal, others uniform in ±1/√units of a recurrent layer and ±1/√fan-in elsewhere), and as a Recurrent says. Every
    tensor has a stream of its own by its name: a layer more elsewhere leaves it as it is."""
    parts = []
    for place in places(layers, shape):
        layer, sizes = place.layer, place.layer.parameters(place.given)
        for name, size in sizes.items():
            rng = stream(f"layer {place.name}.{name}", seed)
            if isinstance(layer, Embed):
                parts.append(rng.standard_normal(size))
                continue
            bound = (layer.units if isinstance(layer, Recurrent) else prod(sizes["weight"][1:])) ** -0.5
            part = rng.uniform(-bound, bound, size)
            if isinstance(layer, Recurrent):
                if layer.orthogonal and name.startswith("weight_hh"):
                    blocks = rng.standard_normal((len(part) // layer.units, layer.units, layer.units))
                    q, r = np.linalg.qr(blocks)
                    part = (q * np.sign(np.diagonal(r, 0, 1, 2))[:, None]).reshape(size)
                if layer.opened is not None and name.startswith("bias") and layer.cell in KEEPS:
                    gate = part.reshape(-1, layer.units)[KEEPS[layer.cell]]
                    gate[:] = layer.opened if name.startswith("bias_ih") else 0  # the two biases of torch.nn are added
            parts.append(part)
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def backwards(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Every sequence of x [members, time, n, …] from its end to its start; what lies behind its end stays there."""
    if lengths is None:
        return x.flip(1)
    step, end = torch.arange(x.shape[1], device=x.device).view(1, -1, 1), lengths.unsqueeze(1)
    order = torch.where(step < end, end - 1 - step, step)
    return x.gather(1, order.unsqueeze(-1).expand(len(x), -1, -1, x.shape[-1]))


def one_direction(
    cell: str, weights: Sequence[Tensor], x: Tensor, lengths: Tensor | None, start: State | None
) -> tuple[Tensor, State]:
    """States h [members, time, n, units] of one direction at x [members, time, n, features], 0 behind the end of a
    sequence, and the last states. weights: those of `Recurrent.parameters` in their order, [members, …] each."""
    w_x, w_h, b_x, b_h, *peepholes = weights
    (members, time, n, _), units, keeps_c = x.shape, w_h.shape[-1], CELLS[cell].keeps_c
    z = torch.baddbmm(b_x.unsqueeze(1), x.flatten(1, 2), w_x.mT).view(members, time, n, -1)
    p = peepholes[0].transpose(0, 1).unsqueeze(2) if peepholes else None
    if start is None:
        start = z.new_zeros(members, n, units), z.new_zeros(members, n, units * keeps_c)
    ended = None
    if lengths is not None:
        ended = (torch.arange(time, device=x.device).view(1, -1, 1) >= lengths.unsqueeze(1)).unsqueeze(-1)
        if keeps_c:  # the input gate shut, the forget gate open: c stays as it was at the end
            z = z.where(~ended, z.new_tensor([-SHUT, SHUT, 0, 0]).repeat_interleave(units))
    hs, c = Unroll.apply(z.transpose(0, 1), w_h, b_h.unsqueeze(1), p, *start, CELLS[cell])
    hs = hs.transpose(0, 1)
    if lengths is None or ended is None:
        return hs, (hs[:, -1], c)
    at = (lengths - 1).expand(members, n).view(members, 1, n, 1).expand(-1, -1, -1, units)
    return hs.masked_fill(ended, 0), (hs.gather(1, at).squeeze(1), c)


def pointwise(layer: Conv) -> bool:
    """Whether it takes every step by itself."""
    return layer.kernel == layer.stride == layer.groups == 1 and not layer.padded


def sequence_forward(
    layers: Layers,
    shape: Shape,
    weights: Tensor,
    x: Tensor,
    lengths: Tensor | None = None,
    start: Sequence[State] | None = None,
) -> tuple[Tensor, list[State]]:
    """Outputs of the networks `weights` [members, D] at x, as above, and the last states of every recurrent layer, both
    directions side by side.

    x: whole numbers [members, n, 1, time] where an Embed is first. lengths: of the sequences, whole numbers from 1 on
    [members, n] or [1, n]; then last states are those at a sequence's own end, and what stands behind it is not read.
    start: of every recurrent layer, in the form of the last states; else 0.
    """
    members = len(weights)
    sizes = parameters(layers, shape)
    rows = weights.split([prod(size) for size in sizes.values()], 1)
    named = {name: row.view(members, *size) for (name, size), row in zip(sizes.items(), rows)}
    h = x.expand(members, *x.shape[1:]).permute(0, 3, 1, 2)  # [members, time, n, features]
    ends: list[State] = []
    for place in places(layers, shape):
        layer, own = place.layer, [named[name] for name in place.parameters]
        if isinstance(layer, Recurrent):
            h, end = _recurrent(layer, own, h, lengths, start[len(ends)] if start else None)
            ends.append(end)
        elif isinstance(layer, Embed):
            first = layer.count * torch.arange(members, device=h.device).view(-1, 1, 1)
            h = functional.embedding(h.squeeze(-1) + first, own[0].flatten(0, 1))
        elif isinstance(layer, Dense) or (isinstance(layer, Conv) and pointwise(layer)):
            flat = h.flatten(1, -2)
            w = own[0].view(members, -1, h.shape[-1]).mT
            flat = torch.baddbmm(own[1].unsqueeze(1), flat, w) if layer.bias else torch.bmm(flat, w)
            h = flat.view(*h.shape[:-1], -1)
        elif type(layer) is Act:
            h = ACTIVATIONS[layer.name](h)
        else:
            raise TypeError(f"no layer of a sequence: {layer}")
    return h if h.dim() == 3 else h.permute(0, 2, 3, 1), ends


def _recurrent(
    layer: Recurrent, weights: list[Tensor], x: Tensor, lengths: Tensor | None, start: State | None
) -> tuple[Tensor, State]:
    """What a Recurrent gives, and its last states."""
    ways = len(layer.directions)
    each = len(weights) // ways
    starts: Sequence[State | None] = [None] * ways
    if start is not None:
        starts = list(zip(*(state.chunk(ways, -1) for state in start)))
    hs, end = one_direction(layer.cell, weights[:each], x, lengths, starts[0])
    if layer.both:
        back, end_back = one_direction(layer.cell, weights[each:], backwards(x, lengths), lengths, starts[1])
        hs = torch.cat([hs, backwards(back, lengths)], -1)
        end = torch.cat([end[0], end_back[0]], -1), torch.cat([end[1], end_back[1]], -1)
    return end[0] if layer.last else hs, end
