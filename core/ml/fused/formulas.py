"""Activations and losses on registers. To add an activation: a function that gives f(z) and f′(z), a line below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.ml.fused.simd import ahead, erf, every, exp, jit, load, log, pick, store, tanh


@jit
def identity(z: Any) -> Any:
    return z, every(z, 1.0)


@jit
def relu(z: Any) -> Any:
    return pick(0.0, z, 0.0, z), pick(z, 0.0, 1.0, 0.0)


@jit
def leaky_relu(z: Any) -> Any:
    slope = pick(z, 0.0, 1.0, 0.01)
    return z * slope, slope


@jit
def hyperbolic_tangent(z: Any) -> Any:
    y = tanh(z)
    return y, 1.0 - y * y


@jit
def logistic(z: Any) -> Any:
    """σ(z) = 1 / (1 + e⁻ᶻ), as accurate for large |z| as near zero."""
    e = exp(pick(z, 0.0, 0.0 - z, z))
    return pick(z, 0.0, 1.0, e) / (e + 1.0)


@jit
def sigmoid(z: Any) -> Any:
    y = logistic(z)
    return y, y * (1.0 - y)


@jit
def elu(z: Any) -> Any:
    """z, and eᶻ − 1 below zero (Clevert, Unterthiner and Hochreiter, 2016)."""
    e = exp(pick(z, 0.0, 0.0, z))
    return pick(z, 0.0, z, e - 1.0), pick(z, 0.0, 1.0, e)


@jit
def gelu(z: Any) -> Any:
    """z Φ(z) with the normal distribution Φ (Hendrycks and Gimpel, 2016)."""
    area = erf(z * 0.7071067811865476) * 0.5 + 0.5
    return z * area, area + z * exp(z * z * -0.5) * 0.3989422804014327


@jit
def silu(z: Any) -> Any:
    """z σ(z) (Elfwing, Uchibe and Doya, 2018)."""
    s = logistic(z)
    return z * s, s + z * s * (1.0 - s)


@jit
def shifted_sigmoid(z: Any) -> Any:
    y = logistic(z)
    return y - 0.5, y * (1.0 - y)


@jit
def scaled_sigmoid(z: Any) -> Any:
    """2 σ(2z) − 1, which is tanh z."""
    y = logistic(z + z)
    return y + y - 1.0, y * (1.0 - y) * 4.0


@jit
def step(z: Any) -> Any:
    """1 above zero, else 0; NaN stays NaN."""
    return pick(z, 0.0, 1.0, z * 0.0), every(z, 0.0)


ACTIVATIONS = {
    "relu": relu,
    "tanh": hyperbolic_tangent,
    "sigmoid": sigmoid,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "silu": silu,
    "identity": identity,
    "step": step,
    "shifted_sigmoid": shifted_sigmoid,
    "scaled_sigmoid": scaled_sigmoid,
}


def _chain(links: list[Any], link: Callable[[int, Any, Any], Any], last: Any) -> Any:
    """One compiled function out of many: each link tries its own code, and hands on what is not its own."""
    for code, function in reversed(list(enumerate(links))):
        last = link(code, function, last)
    return last


@jit
def _no_activation(code: int, z: Any, slope: Any, count: int) -> None:
    pass


def _activation(own: int, function: Any, others: Any) -> Any:
    @jit
    def activate(code: int, z: Any, slope: Any, count: int) -> None:
        """z ← f(z) and slope ← f′(z) over `count` registers."""
        if code == own:
            for i in range(count):
                y, s = function(load(z, i))
                store(z, i, y)
                store(slope, i, s)
        else:
            others(code, z, slope, count)

    return activate


activate = _chain(list(ACTIVATIONS.values()), _activation, _no_activation)


# Losses: z and y are the outputs and targets of one example. `slope` gives ∂loss/∂z times `share`, the example's part
# in the mean; `loss` gives the example's loss and 1 where the member is right.

LOSSES = ("squared", "binary", "softmax")


@jit
def squared_slope(z: Any, y: Any, slope: Any, share: Any, outputs: int) -> None:
    for o in range(outputs):
        store(slope, o, (load(z, o) - load(y, o)) * share * 2.0)


@jit
def squared(z: Any, y: Any, outputs: int) -> Any:
    """Σ (z − y)²; right is the share of outputs on the target's side of zero."""
    total = every(load(z, 0), 0.0)
    right = total
    for o in range(outputs):
        error = load(z, o) - load(y, o)
        total = total + error * error
        right = right + pick(load(z, o) * load(y, o), 0.0, 1.0, 0.0)
    return total, right


@jit
def binary_slope(z: Any, y: Any, slope: Any, share: Any, outputs: int) -> None:
    for o in range(outputs):
        store(slope, o, (logistic(load(z, o)) - load(y, o)) * share)


@jit
def binary(z: Any, y: Any, outputs: int) -> Any:
    """Σ max(z, 0) − z y + log(1 + e^−|z|), the cross-entropy of σ(z); right where σ(z) is on the target's side of ½."""
    total = every(load(z, 0), 0.0)
    right = total
    for o in range(outputs):
        a, target = load(z, o), load(y, o)
        total = total + pick(0.0, a, 0.0, a) - a * target + log(exp(pick(a, 0.0, 0.0 - a, a)) + 1.0)
        right = right + pick(a * (target - 0.5), 0.0, 1.0, 0.0)
    return total, right


@jit
def _largest(z: Any, outputs: int) -> Any:
    found = load(z, 0)
    for o in range(1, outputs):
        a = load(z, o)
        found = pick(a, found, a, found)
    return found


@jit
def softmax_slope(z: Any, y: Any, slope: Any, share: Any, outputs: int) -> None:
    top = _largest(z, outputs)
    total = every(top, 0.0)
    for o in range(outputs):
        e = exp(load(z, o) - top)
        total = total + e
        store(slope, o, e)
    part = 1.0 / total
    for o in range(outputs):
        store(slope, o, (load(slope, o) * part - load(y, o)) * share)


@jit
def softmax(z: Any, y: Any, outputs: int) -> Any:
    """log Σ eᶻ − Σ y z for one-hot y, the cross-entropy; right where the first largest output is the target's."""
    top, best, right = _largest(z, outputs), load(z, 0), load(y, 0)
    total = every(top, 0.0)
    chosen = total
    for o in range(outputs):
        a, target = load(z, o), load(y, o)
        total = total + exp(a - top)
        chosen = chosen + (a - top) * target
        right = pick(a, best, target, right)
        best = pick(a, best, a, best)
    return log(total) - chosen, right


@jit
def losses_of(code: int, z: Any, y: Any, loss: Any, right: Any, examples: int, outputs: int) -> None:
    """Add the losses of some examples to one sum, and how often the member is right, unless it diverged, to another."""
    total = every(load(z, 0), 0.0)
    hits = total
    for b in range(examples):
        here, there = ahead(z, b * outputs), ahead(y, b * outputs)
        if code == 0:
            l, r = squared(here, there, outputs)
        elif code == 1:
            l, r = binary(here, there, outputs)
        else:
            l, r = softmax(here, there, outputs)
        total = total + l
        hits = hits + pick(0.5, l - l, r, 0.0)
    store(loss, 0, load(loss, 0) + total)
    store(right, 0, load(right, 0) + hits)


@jit
def slopes_of(code: int, z: Any, y: Any, slope: Any, share: Any, examples: int, outputs: int) -> None:
    """∂(mean loss)/∂z of a batch."""
    for b in range(examples):
        here, there, out, part = ahead(z, b * outputs), ahead(y, b * outputs), ahead(slope, b * outputs), load(share, b)
        if code == 0:
            squared_slope(here, there, out, part, outputs)
        elif code == 1:
            binary_slope(here, there, out, part, outputs)
        else:
            softmax_slope(here, there, out, part, outputs)
