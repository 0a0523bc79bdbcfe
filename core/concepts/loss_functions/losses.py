"""Losses of one neuron with output σ(z), and their slopes in its weighted sum z; targets t are 0 or 1."""

from __future__ import annotations

import numpy as np
from scipy.special import expit


def error(loss: str, z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The loss of every example."""
    p, q = expit(z), np.abs(1 - t - expit(z))  # q: the probability of the target
    if loss == "squared":
        return 0.5 * (p - t) ** 2
    if loss == "cross_entropy":  # −t ln p − (1 − t) ln(1 − p), from z: nothing underflows
        return np.logaddexp(0, z) - t * z
    if loss == "no_minus":  # wrong: it grows without end where the neuron is wrong
        return t * z - np.logaddexp(0, z)
    if loss == "naive":  # wrong: the logarithm of a probability that may be 0 in single precision
        with np.errstate(divide="ignore"):
            return -np.log(said(z, t)[1])
    if loss == "linear":
        return 0.5 * (z - t) ** 2
    if loss == "absolute":
        return 1 - q
    if loss == "hinge":
        return np.maximum(0, 1 - (2 * t - 1) * z)
    return ((z > 0) != (t > 0)).astype(float)  # zero_one


def slope(loss: str, z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """∂loss/∂z of every example."""
    p, side = expit(z), 2 * t - 1
    if loss == "squared":
        return (p - t) * p * (1 - p)
    if loss == "cross_entropy":
        return p - t
    if loss == "no_minus":
        return t - p
    if loss == "naive":  # by the chain rule, as automatic differentiation has it: 1/q times p (1 − p)
        one, q = said(z, t)
        with np.errstate(divide="ignore", invalid="ignore"):
            return -side * (1 / q * (one * (1 - one))).astype(float)
    if loss == "linear":
        return z - t
    if loss == "absolute":
        return -side * p * (1 - p)
    if loss == "hinge":
        return np.where(side * z < 1, -side, 0.0)
    return np.zeros(np.broadcast_shapes(z.shape, np.shape(t)))  # zero_one: a staircase


def said(z: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability of class 1, and that of the target, in single precision."""
    p = expit(z.astype(np.float32))
    return p, np.where(t > 0, p, 1 - p)
