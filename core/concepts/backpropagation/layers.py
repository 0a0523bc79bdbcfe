"""A multilayer perceptron in NumPy, forward and backward, with every value kept. Its weights are one row [..., D]:
layer by layer W [out, in], then b [out]; leading axes are networks that compute at once. Examples are rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit, softmax

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # in the weighted sum, by the activation h it led to
    "sigmoid": lambda h: h * (1 - h),
    "tanh": lambda h: 1 - h**2,
    "relu": lambda h: (h > 0).astype(h.dtype),
}


def parts(weights: np.ndarray, sizes: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Views W [..., out, in] and b [..., 1, out] of every layer."""
    found, at, lead = [], 0, weights.shape[:-1]
    for i, o in pairwise(sizes):
        w, b = weights[..., at : at + i * o], weights[..., at + i * o : at + i * o + o]
        found.append((w.reshape(*lead, o, i), b.reshape(*lead, 1, o)))
        at += i * o + o
    return found


def forward(
    weights: np.ndarray,
    x: np.ndarray,
    sizes: tuple[int, ...],
    activation: str,
    loss: str,
    masks: list[np.ndarray] | None = None,
) -> list[np.ndarray]:
    """The inputs x [..., n, in] and the values of every layer, [..., n, units]. Outputs are sigmoids under squared
    error, and the softmax under cross-entropy. masks: by which the values of hidden layers are multiplied (dropout)."""
    values = [x]
    for layer, (w, b) in enumerate(parts(weights, sizes), 2):
        z = values[-1] @ w.swapaxes(-1, -2) + b
        if layer < len(sizes):
            values.append(FUNCTIONS[activation](z) * (masks[layer - 2] if masks else 1))
        else:
            values.append(softmax(z, -1) if loss == "cross_entropy" else expit(z))
    return values


def error(outputs: np.ndarray, target: np.ndarray, loss: str) -> np.ndarray:
    """½ Σ (o − t)² or −Σ t ln o of outputs [..., n, out], mean over examples: [...]."""
    if loss == "cross_entropy":
        return -(target * np.log(outputs.clip(np.finfo(outputs.dtype).tiny))).sum(-1).mean(-1)
    return 0.5 * ((outputs - target) ** 2).sum(-1).mean(-1)


@dataclass(frozen=True)
class Way:
    """What the backward pass finds in one layer: ∂L/∂values and the slope of values in weighted sums, [..., n, units]
    each, and the gradients of its weights and biases."""

    back: np.ndarray
    slope: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


def backward(
    weights: np.ndarray,
    values: list[np.ndarray],
    target: np.ndarray,
    sizes: tuple[int, ...],
    activation: str,
    loss: str,
) -> list[Way]:
    """The chain rule from the loss to the first layer (Rumelhart, Hinton and Williams, 1986), on the values that
    `forward` kept. Under a softmax the slope is 1 and what comes back p Σt − t: the two are taken together."""
    outputs, n, found = values[-1], values[-1].shape[-2], list[Way]()
    if loss == "cross_entropy":
        back, slope = (outputs * target.sum(-1, keepdims=True) - target) / n, np.ones_like(outputs)
    else:
        back, slope = (outputs - target) / n, SLOPES["sigmoid"](outputs)
    for (w, _), below in reversed(list(zip(parts(weights, sizes), values[:-1]))):
        delta = back * slope
        found.append(Way(back, slope, delta.swapaxes(-1, -2) @ below, delta.sum(-2)))
        back, slope = delta @ w, SLOPES[activation](below)
    return found[::-1]


def gradient(ways: list[Way]) -> np.ndarray:
    """As one row, in the order of the weights: [..., D]."""
    pieces = [piece.reshape(*way.bias.shape[:-1], -1) for way in ways for piece in (way.weight, way.bias)]
    return np.concatenate(pieces, -1)


def differences(
    height: Callable[[np.ndarray], np.ndarray], weights: np.ndarray, by: float, two_sided: bool = True
) -> np.ndarray:
    """The gradient at weights [D] by nudging each: (L(w + ε) − L(w − ε)) / 2ε, or one-sided (L(w + ε) − L(w)) / ε.
    height: weights [networks, D] → loss [networks]."""
    own = weights.dtype.type  # all of it in the precision of the weights
    ups = own(by) * np.eye(weights.size, dtype=own)
    low = height(weights - ups) if two_sided else height(weights[None])
    return (height(weights + ups) - low) / (own(by) * own(2 if two_sided else 1))
