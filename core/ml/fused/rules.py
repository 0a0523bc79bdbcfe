"""Optimizer rules on registers, each as its paper and torch.optim write it, and the numbers each takes per step.

A rule takes a weight w, its gradient g, what it keeps of the past (a, b, c), its constants (p, q, eps) and the numbers
of this step (r, s, u), and returns w, a, b, c. Which numbers those are stands in NUMBERS. The members of a register
may follow different rules: `kernel.py` applies every rule that is there, and each lane keeps its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.ml.fused.simd import jit, pick, root
from core.ml.optimizers import ADADELTA_EPS, ADAGRAD_EPS, PROPORTIONAL, tables

CONSTANTS, RATES = 5, 3  # per member: L1, L2 and a rule's p, q, eps; per member and step: r, s, u


@jit
def sgd(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """w ← w − η g (Robbins and Monro, 1951)."""
    return w - r * g, a, b, c


@jit
def momentum(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """a ← μ a + g, w ← w − η a (Polyak, 1964; in the form of Sutskever et al., 2013)."""
    a = p * a + g
    return w - r * a, a, b, c


@jit
def nesterov(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """a ← μ a + g, w ← w − η (g + μ a) (Nesterov, 1983; Sutskever et al., 2013)."""
    a = p * a + g
    return w - r * (g + p * a), a, b, c


@jit
def adagrad(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """a ← a + g², w ← w − η g / (√a + ε) (Duchi, Hazan and Singer, 2011)."""
    a = a + g * g
    return w - r * g / (root(a) + eps), a, b, c


@jit
def adadelta(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """a ← ρ a + (1−ρ) g², Δ = √(b+ε) / √(a+ε) · g, b ← ρ b + (1−ρ) Δ², w ← w − η Δ (Zeiler, 2012)."""
    a = a + p * (g * g - a)
    delta = root(b + eps) / root(a + eps) * g
    return w - r * delta, a, b + p * (delta * delta - b), c


@jit
def rmsprop(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """a ← α a + (1−α) g², w ← w − η g / (√a + ε) (Hinton, 2012, lecture 6e)."""
    a = a + p * (g * g - a)
    return w - r * g / (root(a) + eps), a, b, c


@jit
def adam(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """a ← β₁ a + (1−β₁) g, b ← β₂ b + (1−β₂) g², w ← w − η â / (√b̂ + ε), hats for the division by 1 − βᵗ (Kingma
    and Ba, 2015)."""
    a, b = a + p * (g - a), b + q * (g * g - b)
    return w - r * a / (root(b) * s + eps), a, b, c


@jit
def adamw(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """Adam on (1 − η λ) w (Loshchilov and Hutter, 2019)."""
    return adam(w * u, g, a, b, c, p, q, eps, r, s, u)


@jit
def nadam(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """Adam with Nesterov's look ahead and its own schedule of β₁ (Dozat, 2016)."""
    a, b = a + p * (g - a), b + q * (g * g - b)
    return w - (r * a + u * g) / (root(b) * s + eps), a, b, c


@jit
def radam(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """Adam that divides by √b only once its variance is bounded, u being the rectification then and 0 before (Liu et
    al., 2020)."""
    a, b = a + p * (g - a), b + q * (g * g - b)
    step = r * a
    return w - pick(u, 0.0, step / (root(b) + eps) * u, step), a, b, c


@jit
def amsgrad(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """Adam with the largest b so far, c, in place of b (Reddi, Kale and Kumar, 2018)."""
    a, b = a + p * (g - a), b + q * (g * g - b)
    c = pick(c, b, c, b)  # b where b is NaN
    return w - r * a / (root(c) * s + eps), a, b, c


@jit
def lion(w: Any, g: Any, a: Any, b: Any, c: Any, p: Any, q: Any, eps: Any, r: Any, s: Any, u: Any) -> Any:
    """w ← w − η sign(β₁ a + (1−β₁) g), then a ← β₂ a + (1−β₂) g (Chen et al., 2023)."""
    d = a + p * (g - a)
    return w - r * pick(d, 0.0, 1.0, pick(0.0, d, -1.0, d * 0.0)), a + q * (g - a), b, c


STEPS = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
    "nadam": nadam,
    "radam": radam,
    "amsgrad": amsgrad,
    "lion": lion,
}

# What p, q, eps and r, s, u are for each rule: settings, and the tables of `optimizers.tables`.
AVERAGES = ("1-beta1", "1-beta2", "eps")
NUMBERS = {
    "sgd": ((), ("lr",)),
    "momentum": (("momentum",), ("lr",)),
    "nesterov": (("momentum",), ("lr",)),
    "adagrad": (("", "", "adagrad eps"), ("lr",)),
    "adadelta": (("1-rho", "", "adadelta eps"), ("lr",)),
    "rmsprop": (("1-alpha", "", "eps"), ("lr",)),
    "adam": (AVERAGES, ("rate", "1/root")),
    "adamw": (AVERAGES, ("rate", "1/root", "keep")),
    "nadam": (AVERAGES, ("rate of m", "1/root", "rate of g")),
    "radam": (AVERAGES, ("rate", "", "rectified")),
    "amsgrad": (AVERAGES, ("rate", "1/root")),
    "lion": (("1-beta1", "1-beta2"), ("lr",)),
}
SETTINGS = ("lr", "momentum", "beta1", "beta2", "alpha", "rho", "eps", "weight_decay", "correction")


def numbers(settings: Sequence[Any], steps: int, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Constants [settings, CONSTANTS] and rates [steps, settings, RATES], float64, for different optimizer settings
    (a Contender each, or alike) and the factors [settings or 1, steps] of their learning rates."""
    constants, rates = np.zeros((len(settings), CONSTANTS)), np.zeros((steps, len(settings), RATES))
    for i, one in enumerate(settings):
        given = {name: np.array([float(getattr(one, name))]) for name in SETTINGS}
        factor = factors[i % len(factors)]
        table: dict[str, Any] = given | {"adagrad eps": ADAGRAD_EPS, "adadelta eps": ADADELTA_EPS}
        table |= {name: column[:, 0] for name, column in tables(one.rule, given, steps).items()}
        table |= {"1/root": 1 / table.get("root", 1.0), "keep": 1 - given["lr"] * factor * given["weight_decay"]}
        fixed, moving = NUMBERS[one.rule]
        constants[i, 0], constants[i, 1] = getattr(one, "l1", 0.0), 0.0 if one.rule == "adamw" else one.l2
        for k, name in enumerate(fixed):
            constants[i, 2 + k] = np.squeeze(table[name]) if name else 0.0
        for k, name in enumerate(moving):
            rates[:, i, k] = table[name] * (factor if name in ("lr", *PROPORTIONAL) else 1.0) if name else 0.0
    return constants, rates
