"""Networks of `core/ml/architecture.py` in a population: member m has row m of the weights [members, D].

Channels of all members stand side by side, [n, members · channels, height, width], so that one grouped convolution and
one norm serve them all. Memory is channels-last: then a member's channels are contiguous, several times faster on a
CPU. A length is a height of 1. Behind Mean, Flatten and Dense it is [members, units, n], as in `core/ml/networks.py`.
Widths in multiples of 8 are quickest (12 channels take two and a half times as long as 16).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Layers,
    Mean,
    Norm,
    Pool,
    Residual,
    Shape,
    buffers,
    parameters,
    places,
)
from core.ml.networks import ACTIVATIONS
from core.ml.random import stream

MOMENTUM = 0.1  # of running averages, as torch.nn.BatchNorm has it


def layered_weights(layers: Layers, shape: Shape, seed: int, start: str = "torch") -> np.ndarray:
    """First weights as one row, float32 [D], in the order of `parameters`. Every one has a stream of its own by its
    name: a layer more elsewhere leaves it as it is.

    start: "torch", uniform in ±1/√fan-in, as torch.nn.Conv2d and Linear draw them (LeCun et al., 1998, sizes up to a
        factor); "he", normal with variance 2/fan-in and biases 0 (He et al., 2015). Norms start from their scale and 0.
    """
    parts = []
    for place in places(layers, shape):
        for name, size in place.parameters.items():
            if isinstance(place.layer, Norm):
                parts.append(np.full(size, place.layer.scale if name.endswith("weight") else 0.0))
                continue
            fan_in = prod(place.layer.parameters(place.given)["weight"][1:])
            rng = stream(f"layer {name}", seed)
            if start == "torch":
                parts.append(rng.uniform(-(fan_in**-0.5), fan_in**-0.5, size))
            elif name.endswith("weight"):
                parts.append(rng.standard_normal(size) * (2 / fan_in) ** 0.5)
            else:
                parts.append(np.zeros(size))
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def running(layers: Layers, shape: Shape, weights: Tensor) -> dict[str, Tensor]:
    """What batch norms know before they have seen a batch: means 0 and variances 1, [members, channels] each."""
    return {
        name: weights.new_full((len(weights), *size), float(name.endswith("var")))
        for name, size in buffers(layers, shape).items()
    }


def untangled(h: Tensor, members: int) -> Tensor:
    """What a layer gives, as [members, n, channels, height, width] or [members, n, units]."""
    return h.mT if h.dim() == 3 else h.unflatten(1, (members, -1)).transpose(0, 1)


def layered_forward(
    layers: Layers,
    shape: Shape,
    weights: Tensor,
    x: Tensor,
    statistics: Mapping[str, Tensor] | None = None,
    training: bool = True,
    gates: Mapping[str, Tensor] | None = None,
    taps: dict[str, Tensor] | None = None,
) -> Tensor:
    """Outputs [members, units, n] of the networks `weights` [members, D] at x [members, n, *shape], or [1, n, *shape]
    where all see the same.

    statistics: of `running`; in training every batch moves them, else they are what batch norms use. Without them
        every batch is normed by itself.
    gates: of a Residual by its name, factors [2, members] of body and shortcut: (0, 1) takes a block out.
    taps: filled with what every layer gives, by its name, which gradients may be asked for (`untangled` orders it).
    """
    members = len(weights)
    sizes = parameters(layers, shape)
    rows = weights.split([prod(size) for size in sizes.values()], 1)
    named = {name: row.view(members, *size) for (name, size), row in zip(sizes.items(), rows)}

    def high(across: int, up: int) -> tuple[int, int]:
        """A number for both sides of an image; a length is as high as 1."""
        return (across if len(shape) == 3 else up), across

    def normed(layer: Norm, h: Tensor, name: str) -> Tensor:
        w, b = named[f"{name}.weight"].flatten(), named[f"{name}.bias"].flatten()
        wide = h.permute(2, 0, 1).flatten(1) if h.dim() == 3 else h  # [n, members · units]
        if layer.kind == "layer":
            wide = functional.group_norm(wide, members, w, b)
        elif statistics is None:
            wide = functional.batch_norm(wide, None, None, w, b, True)
        else:
            mean, var = (statistics[f"{name}.running_{what}"].view(-1) for what in ("mean", "var"))
            wide = functional.batch_norm(wide, mean, var, w, b, training, MOMENTUM)
        return wide.view(-1, members, h.shape[1]).permute(1, 2, 0) if h.dim() == 3 else wide

    def one(layer: object, h: Tensor, name: str) -> Tensor:
        if isinstance(layer, Conv):
            w = named[f"{name}.weight"]
            w = w.reshape(members * layer.channels, w.shape[2], *high(layer.kernel, 1))
            b = named[f"{name}.bias"].flatten() if layer.bias else None
            place = high(layer.stride, 1), high(layer.padded, 0), high(layer.dilation, 1)
            return functional.conv2d(h, w, b, *place, groups=members * layer.groups)
        if isinstance(layer, Pool):
            pool = functional.max_pool2d if layer.kind == "max" else functional.avg_pool2d
            return pool(h, high(layer.size, 1), high(layer.stepped, 1), high(layer.padding, 0))
        if isinstance(layer, Norm):
            return normed(layer, h, name)
        if isinstance(layer, Mean):
            return h.mean((2, 3)).view(-1, members, h.shape[1] // members).permute(1, 2, 0)
        if isinstance(layer, Flatten):
            return h.reshape(len(h), members, -1).permute(1, 2, 0) if h.dim() == 4 else h
        if isinstance(layer, Dense):
            w = named[f"{name}.weight"]
            return torch.baddbmm(named[f"{name}.bias"].unsqueeze(2), w, h) if layer.bias else torch.bmm(w, h)
        if isinstance(layer, Residual):
            parts = [through(layer.body, h, f"{name}.body.")]
            if layer.added:
                parts.append(through(layer.shortcut, h, f"{name}.shortcut."))
            if gates is not None and name in gates:
                each = 1 if h.dim() == 3 else parts[0].shape[1] // members
                parts = [part * gate.repeat_interleave(each).view(-1, 1, 1) for part, gate in zip(parts, gates[name])]
            return sum(parts[1:], parts[0])
        assert isinstance(layer, Act)
        return ACTIVATIONS[layer.name](h)

    def through(inner: Layers, h: Tensor, prefix: str) -> Tensor:
        for i, layer in enumerate(inner):
            h = one(layer, h, f"{prefix}{i}")
            if taps is not None:
                taps[f"{prefix}{i}"] = h
        return h

    if len(shape) == 1:
        return through(layers, x.expand(members, -1, -1).mT, "")
    channels, *sides = shape
    h = x.expand(members, *x.shape[1:]).transpose(0, 1)
    h = h.reshape(len(h), members * channels, *[1] * (2 - len(sides)), *sides)
    return through(layers, h.contiguous(memory_format=torch.channels_last), "")
