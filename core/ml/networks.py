"""Networks of a population: member m has row m of the weights [members, D], and every member computes at once.

Examples come last, [members, units, n]: then a softmax over the units runs along contiguous examples, which on a CPU
is many times faster than over the short last axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.random import stream

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "identity": lambda z: z,
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


def layers(
    weights: Tensor, x: Tensor, sizes: tuple[int, ...], activation: str, factors: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Weighted sums of every layer, [members, units, n], of the perceptrons `weights` [members, D] at inputs x
    [members, sizes[0], n]; the last are the outputs.

    factors: by what the inputs and the activations of every hidden layer are multiplied (dropout), if they are.
    """
    members, found = len(weights), []
    shapes = [shape for i, o in pairwise(sizes) for shape in ((o, i), (o, 1))]
    parts = [p.view(members, *s) for p, s in zip(weights.split([a * b for a, b in shapes], dim=1), shapes)]
    for layer, (w, b) in enumerate(zip(parts[::2], parts[1::2])):
        if layer:
            x = ACTIVATIONS[activation](x)
        if factors:
            x = x * factors[layer]
        x = torch.baddbmm(b, w, x)
        found.append(x)
    return found


def forward(
    weights: Tensor, x: Tensor, sizes: tuple[int, ...], activation: str, factors: Sequence[Tensor] = ()
) -> Tensor:
    """Outputs [members, sizes[-1], n] of perceptrons, as `layers` says."""
    return layers(weights, x, sizes, activation, factors)[-1]
