"""Convolutional networks of a population: member m has row m of the weights [members, D].

The channels of all members stand side by side, [n, members · channels, height, width], and one grouped convolution
serves them all. Memory is channels-last: then the members' channels are contiguous, which is several times faster on a
CPU with so few channels per group.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.networks import ACTIVATIONS, forward, initial_weights
from core.ml.random import stream

POOLS: dict[str, Callable[[Tensor, int], Tensor]] = {"max": functional.max_pool2d, "average": functional.avg_pool2d}
NOT_MONOTONE = ("gelu", "silu")  # the others may follow max pooling instead of preceding it


class Conv(NamedTuple):
    """A convolution with bias and activation, then pooling over squares of side `pool` (1: none)."""

    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    pool: int = 1


def image_sizes(image: tuple[int, int, int], convs: tuple[Conv, ...]) -> list[tuple[int, int, int]]:
    """(channels, height, width) of the input and after every layer. Raises ValueError where nothing would be left."""
    found = [image]
    for conv in convs:
        sides = [((s + 2 * conv.padding - conv.kernel) // conv.stride + 1) // conv.pool for s in found[-1][1:]]
        if min(sides) < 1:
            raise ValueError(f"nothing is left of an image of {found[-1][1:]} after {conv}")
        found.append((conv.channels, sides[0], sides[1]))
    return found


def convolutional_weights(
    image: tuple[int, int, int], convs: tuple[Conv, ...], dense: tuple[int, ...], seed: int
) -> np.ndarray:
    """Weights as one row, float32 [D]: per convolution W [out, in, kernel, kernel] and b [out], then the dense layers.

    Each is uniform in ±1/√fan-in, as torch.nn.Conv2d and Linear draw it (LeCun et al., 1998, sizes up to a factor).
    """
    rng = stream("convolutions", seed)
    *inputs, last = image_sizes(image, convs)
    parts = []
    for (channels, _, _), conv in zip(inputs, convs):
        fan_in = channels * conv.kernel**2
        parts.append(rng.uniform(-(fan_in**-0.5), fan_in**-0.5, conv.channels * (fan_in + 1)).astype(np.float32))
    return np.concatenate([*parts, initial_weights((prod(last), *dense), seed)])


def convolutional_forward(
    weights: Tensor,
    x: Tensor,
    convs: tuple[Conv, ...],
    dense: tuple[int, ...],
    activation: str = "relu",
    pooling: str = "max",
) -> Tensor:
    """Outputs [members, dense[-1], n] of the networks `weights` [members, D] at images x [members, channels, height,
    width, n]; `dense` are the units of the fully connected layers behind the convolutions."""
    members, channels, height, width, n = x.shape
    sizes = image_sizes((channels, height, width), convs)
    act, pool = ACTIVATIONS[activation], POOLS[pooling]
    h = x.permute(4, 0, 1, 2, 3).reshape(n, members * channels, height, width)
    h = h.contiguous(memory_format=torch.channels_last)
    at = 0
    for conv, (fan, _, _) in zip(convs, sizes):
        many = conv.channels * fan * conv.kernel**2
        w = weights[:, at : at + many].reshape(members * conv.channels, fan, conv.kernel, conv.kernel)
        b = weights[:, at + many : at + many + conv.channels].reshape(-1)
        at += many + conv.channels
        h = functional.conv2d(h, w, b, conv.stride, conv.padding, groups=members)
        if conv.pool > 1 and pooling == "max" and activation not in NOT_MONOTONE:
            h = act(pool(h, conv.pool))  # the same numbers, and fewer of them to activate
        else:
            h = act(h)
            h = pool(h, conv.pool) if conv.pool > 1 else h
    features = prod(sizes[-1])
    flat = h.reshape(n, members, features).permute(1, 2, 0)
    return forward(weights[:, at:], flat, (features, *dense), activation)
