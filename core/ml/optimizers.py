"""Optimizers over a population: every member has its own rule and settings, all members step together.

Members of one rule that stand side by side form a group: weights `w` and gradient `g` are [m, D] views of the
population's, settings are columns [m, 1]. What depends on the step only (bias corrections) is tabulated for
the whole run beforehand. Each rule follows torch.optim, in the same notation, so that each member's path is the one
that torch.optim gives for that member alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

ADAGRAD_EPS, ADADELTA_EPS = 1e-10, 1e-6  # torch.optim's defaults, not offered for turning
NADAM_DECAY = 0.004


@dataclass
class Group:
    """The members of one rule: settings as columns [m, 1], state [m, D] each, tables [steps, m, 1] each."""

    members: slice
    settings: dict[str, Tensor]
    state: dict[str, Tensor] = field(default_factory=dict)
    tables: dict[str, Tensor] = field(default_factory=dict)


def sgd(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """w ← w − η g (Robbins and Monro, 1951)."""
    w.sub_(g.mul_(group.settings["lr"]))


def momentum(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """b ← μ b + g, w ← w − η b (Polyak, 1964; in the form of Sutskever et al., 2013, as torch writes it)."""
    b = group.state["b"].mul_(group.settings["momentum"]).add_(g)
    w.sub_(b * group.settings["lr"])


def nesterov(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """b ← μ b + g, w ← w − η (g + μ b) (Nesterov, 1983; Sutskever et al., 2013)."""
    b = group.state["b"].mul_(group.settings["momentum"]).add_(g)
    w.sub_(g.addcmul_(b, group.settings["momentum"]).mul_(group.settings["lr"]))


def adagrad(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """s ← s + g², w ← w − η g / (√s + ε) (Duchi, Hazan and Singer, 2011)."""
    s = group.state["s"].addcmul_(g, g)
    w.addcdiv_(g.mul_(group.settings["lr"]), s.sqrt().add_(ADAGRAD_EPS), value=-1)


def adadelta(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """s ← ρ s + (1−ρ) g², Δ = √(d+ε) / √(s+ε) · g, d ← ρ d + (1−ρ) Δ², w ← w − η Δ (Zeiler, 2012)."""
    rest = group.tables["1-rho"][0]
    s, d = group.state["s"], group.state["d"]
    s.lerp_(g * g, rest)
    delta = (d + ADADELTA_EPS).sqrt_().div_((s + ADADELTA_EPS).sqrt_()).mul_(g)
    d.lerp_(delta * delta, rest)
    w.sub_(delta.mul_(group.settings["lr"]))


def rmsprop(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """s ← α s + (1−α) g², w ← w − η g / (√s + ε) (Hinton, 2012, lecture 6e)."""
    s = group.state["s"].lerp_(g * g, group.tables["1-alpha"][0])
    w.addcdiv_(g.mul_(group.settings["lr"]), s.sqrt().add_(group.settings["eps"]), value=-1)


def _moments(g: Tensor, group: Group) -> tuple[Tensor, Tensor]:
    """m ← β₁ m + (1−β₁) g and v ← β₂ v + (1−β₂) g², the two averages all of Adam's family keeps."""
    m = group.state["m"].lerp_(g, group.tables["1-beta1"][0])
    v = group.state["v"].lerp_(g * g, group.tables["1-beta2"][0])
    return m, v


def adam(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """w ← w − η m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ) (Kingma and Ba, 2015)."""
    m, v = _moments(g, group)
    denominator = v.sqrt().div_(group.tables["root"][t]).add_(group.settings["eps"])
    w.addcdiv_(m * group.tables["rate"][t], denominator, value=-1)


def adamw(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """Adam, with w ← (1 − η λ) w beside the step instead of λ w in the gradient (Loshchilov and Hutter, 2019)."""
    w.mul_(1 - group.settings["lr"] * group.settings["weight_decay"])
    adam(w, g, group, t)


def amsgrad(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """Adam with the largest v so far in place of v (Reddi, Kale and Kumar, 2018)."""
    m, v = _moments(g, group)
    largest = group.state["largest"]
    torch.maximum(largest, v, out=largest)
    denominator = largest.sqrt().div_(group.tables["root"][t]).add_(group.settings["eps"])
    w.addcdiv_(m * group.tables["rate"][t], denominator, value=-1)


def nadam(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """Adam with Nesterov's look ahead and its own schedule of β₁ (Dozat, 2016)."""
    m, v = _moments(g, group)
    denominator = v.sqrt().div_(group.tables["root"][t]).add_(group.settings["eps"])
    step = torch.addcmul(m * group.tables["rate of m"][t], g, group.tables["rate of g"][t])
    w.addcdiv_(step, denominator, value=-1)


def radam(w: Tensor, g: Tensor, group: Group, t: int) -> None:
    """Adam that waits with dividing by √v until its variance is bounded (Liu et al., 2020).

    Until then the step is η m̂; afterwards η m̂ r √(1−β₂ᵗ) / (√v + ε), r being the rectification.
    """
    m, v = _moments(g, group)
    step = m * group.tables["rate"][t]
    scaled = step / v.sqrt().add_(group.settings["eps"]) * group.tables["rectified"][t]
    w.sub_(torch.where(group.tables["rectified"][t] > 0, scaled, step))


STEPS: dict[str, Callable[[Tensor, Tensor, Group, int], None]] = {
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
}

STATE = {"momentum": ("b",), "nesterov": ("b",), "adagrad": ("s",), "adadelta": ("s", "d"), "rmsprop": ("s",)}
STATE |= dict.fromkeys(("adam", "adamw", "nadam", "radam"), ("m", "v")) | {"amsgrad": ("m", "v", "largest")}


def tables(rule: str, settings: dict[str, np.ndarray], steps: int) -> dict[str, np.ndarray]:
    """What a rule needs to know of step t = 1…steps: float64 [steps, m] each ([1, m] where it is the same at all)."""
    if rule == "adadelta":
        return {"1-rho": 1 - settings["rho"][None]}
    if rule == "rmsprop":
        return {"1-alpha": 1 - settings["alpha"][None]}
    if "m" not in STATE.get(rule, ()):
        return {}
    lr, beta1, beta2 = (settings[name][None] for name in ("lr", "beta1", "beta2"))
    t = np.arange(1, steps + 1, dtype=np.float64)[:, None]
    root = np.sqrt(1 - beta2**t)
    found = {"1-beta1": 1 - beta1, "1-beta2": 1 - beta2, "root": root, "rate": lr / (1 - beta1**t)}
    if rule == "nadam":
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * NADAM_DECAY))
        next_mu = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * NADAM_DECAY))
        product = np.cumprod(mu, axis=0)
        found |= {"rate of g": lr * (1 - mu) / (1 - product), "rate of m": lr * next_mu / (1 - product * next_mu)}
    if rule == "radam":
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * t * beta2**t / (1 - beta2**t)
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
        found["rectified"] = np.where(length > 5, r * root, 0.0)
    return found


class Optimizer:
    """Steps the population `weights` [members, D] in place.

    settings: per member its settings as attributes (`rule`, `lr`, …): a Contender, or anything alike.
    steps: how many steps there will be; `step` takes t = 0 … steps − 1 in turn.
    """

    def __init__(self, weights: Tensor, settings: Sequence[Any], steps: int):
        self.weights = weights
        self.groups: list[tuple[str, Group]] = []
        first = 0
        for rule, run in groupby(settings, key=lambda s: s.rule):
            members = list(run)
            names = ("lr", "momentum", "beta1", "beta2", "alpha", "rho", "eps", "weight_decay", "l2")
            given = {name: np.array([float(getattr(s, name)) for s in members]) for name in names}
            tensor = lambda a: torch.as_tensor(a, dtype=weights.dtype, device=weights.device).unsqueeze(-1)  # noqa: E731
            group = Group(slice(first, first + len(members)), {name: tensor(column) for name, column in given.items()})
            group.state = {name: torch.zeros_like(weights[group.members]) for name in STATE.get(rule, ())}
            group.tables = {name: tensor(table) for name, table in tables(rule, given, steps).items()}
            self.groups.append((rule, group))
            first += len(members)
        self.decayed = any(s.l2 and s.rule != "adamw" for s in settings)

    def step(self, gradient: Tensor, t: int) -> None:
        """One step with `gradient` [members, D], which may be overwritten."""
        for rule, group in self.groups:
            w, g = self.weights[group.members], gradient[group.members]
            if self.decayed and rule != "adamw":
                g.addcmul_(w, group.settings["l2"])
            STEPS[rule](w, g, group, t)
