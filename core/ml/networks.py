"""Networks of a population: member m has row m of the weights [members, D], and every member computes at once.

Examples come last, [members, units, n]: then a softmax over the units runs along contiguous examples, which on a CPU
is many times faster than over the short last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.random import stream

ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "identity": lambda z: z,
    "step": lambda z: torch.where(z > 0, 1.0, 0 * z),  # NaN stays NaN
    "shifted_sigmoid": lambda z: torch.sigmoid(z) - 0.5,
    "scaled_sigmoid": lambda z: 2 * torch.sigmoid(2 * z) - 1,
    "prelu": lambda z, a: torch.where(z > 0, z, a * z),  # He et al., 2015
    "maxout": lambda z: torch.maximum(*z.chunk(2, 1)),  # of two pieces (Goodfellow et al., 2013)
}


def initial_weights(sizes: tuple[int, ...], seed: int) -> np.ndarray:
    """Weights and biases of a multilayer perceptron as one row, float32 [D]: layer by layer W [out, in], then b [out].

    Each is uniform in ±1/√fan-in, as torch.nn.Linear draws it (LeCun et al., 1998, sizes up to a factor).
    """
    rng = stream("weights", seed)
    parts = []
    for fan_in, fan_out in pairwise(sizes):
        bound = fan_in**-0.5
        parts += [rng.uniform(-bound, bound, fan_in * fan_out), rng.uniform(-bound, bound, fan_out)]
    return np.concatenate(parts).astype(np.float32)


def shapes(sizes: tuple[int, ...], activation: str) -> list[list[tuple[int, int]]]:
    """What each layer has, in the order of a member's weights: W [out, in], b [out, 1], and with PReLU the slopes
    [in, 1] of its inputs. W and b of a hidden Maxout layer have two rows per unit: all first pieces, then all second.
    """
    found = []
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        pieces = 2 if activation == "maxout" and layer < len(sizes) else 1
        slopes = [(i, 1)] if activation == "prelu" and layer > 2 else []
        found.append([(pieces * o, i), (pieces * o, 1), *slopes])
    return found


def layers(weights: Tensor, sizes: tuple[int, ...], activation: str) -> list[list[Tensor]]:
    """Views of the weights [members, D], layer by layer, in these `shapes`."""
    wanted = shapes(sizes, activation)
    parts = iter(weights.split([a * b for layer in wanted for a, b in layer], dim=1))
    return [[next(parts).view(len(weights), *shape) for shape in layer] for layer in wanted]


def forward(weights: Tensor, x: Tensor, sizes: tuple[int, ...], activation: str) -> Tensor:
    """Outputs [members, sizes[-1], n] of the perceptrons `weights` [members, D] at inputs x [members, sizes[0], n]."""
    for layer, (w, b, *slopes) in enumerate(layers(weights, sizes, activation)):
        if layer:
            x = ACTIVATIONS[activation](x, *slopes)
        x = torch.baddbmm(b, w, x)
    return x
