"""Optimizers over a population: every member has its own rule and settings, all members step together.

Members of one rule that stand side by side form a group: weights `w` and gradient `g` are [m, D] views of the
population's, settings are columns [m, 1]. What depends on the step only (bias corrections) is tabulated for
the whole run beforehand, and the step is counted where the weights are: nothing in a step needs the processor to know
how far it is, so a GPU may replay it. Each rule follows torch.optim, in the same notation, so that each member's path
is the one that torch.optim gives for that member alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.ml.rules import CORRECTED

ADAGRAD_EPS, ADADELTA_EPS = 1e-10, 1e-6  # torch.optim's defaults, not offered for turning
NADAM_DECAY = 0.004
PROPORTIONAL = ("rate", "rate of m", "rate of g")  # tables that are proportional to the learning rate


@dataclass
class Group:
    """The members of one rule: settings and what is tabulated for the present step as columns [m, 1], state [m, D]."""

    members: slice
    settings: dict[str, Tensor]
    state: dict[str, Tensor] = field(default_factory=dict)
    now: dict[str, Tensor] = field(default_factory=dict)


def sgd(w: Tensor, g: Tensor, group: Group) -> None:
    """w ← w − η g (Robbins and Monro, 1951)."""
    w.sub_(g.mul_(group.settings["lr"]))


def momentum(w: Tensor, g: Tensor, group: Group) -> None:
    """b ← μ b + g, w ← w − η b (Polyak, 1964; in the form of Sutskever et al., 2013, as torch writes it)."""
    b = group.state["b"].mul_(group.settings["momentum"]).add_(g)
    w.sub_(b * group.settings["lr"])


def nesterov(w: Tensor, g: Tensor, group: Group) -> None:
    """b ← μ b + g, w ← w − η (g + μ b) (Nesterov, 1983; Sutskever et al., 2013)."""
    b = group.state["b"].mul_(group.settings["momentum"]).add_(g)
    w.sub_(g.addcmul_(b, group.settings["momentum"]).mul_(group.settings["lr"]))


def adagrad(w: Tensor, g: Tensor, group: Group) -> None:
    """s ← s + g², w ← w − η g / (√s + ε) (Duchi, Hazan and Singer, 2011)."""
    s = group.state["s"].addcmul_(g, g)
    w.addcdiv_(g.mul_(group.settings["lr"]), s.sqrt().add_(ADAGRAD_EPS), value=-1)


def adadelta(w: Tensor, g: Tensor, group: Group) -> None:
    """s ← ρ s + (1−ρ) g², Δ = √(d+ε) / √(s+ε) · g, d ← ρ d + (1−ρ) Δ², w ← w − η Δ (Zeiler, 2012)."""
    rest = group.now["1-rho"]
    s, d = group.state["s"], group.state["d"]
    s.lerp_(g * g, rest)
    delta = (d + ADADELTA_EPS).sqrt_().div_((s + ADADELTA_EPS).sqrt_()).mul_(g)
    d.lerp_(delta * delta, rest)
    w.sub_(delta.mul_(group.settings["lr"]))


def rmsprop(w: Tensor, g: Tensor, group: Group) -> None:
    """s ← α s + (1−α) g², w ← w − η g / (√s + ε) (Hinton, 2012, lecture 6e)."""
    s = group.state["s"].lerp_(g * g, group.now["1-alpha"])
    w.addcdiv_(g.mul_(group.settings["lr"]), s.sqrt().add_(group.settings["eps"]), value=-1)


def _moments(g: Tensor, group: Group) -> tuple[Tensor, Tensor]:
    """m ← β₁ m + (1−β₁) g and v ← β₂ v + (1−β₂) g², the two averages all of Adam's family keeps."""
    m = group.state["m"].lerp_(g, group.now["1-beta1"])
    v = group.state["v"].lerp_(g * g, group.now["1-beta2"])
    return m, v


def adam(w: Tensor, g: Tensor, group: Group) -> None:
    """w ← w − η m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ) (Kingma and Ba, 2015)."""
    m, v = _moments(g, group)
    denominator = v.sqrt().div_(group.now["root"]).add_(group.settings["eps"])
    w.addcdiv_(m * group.now["rate"], denominator, value=-1)


def adamw(w: Tensor, g: Tensor, group: Group) -> None:
    """Adam, with w ← (1 − η λ) w beside the step instead of λ w in the gradient (Loshchilov and Hutter, 2019)."""
    w.mul_(1 - group.settings["lr"] * group.settings["weight_decay"])
    adam(w, g, group)


def amsgrad(w: Tensor, g: Tensor, group: Group) -> None:
    """Adam with the largest v so far in place of v (Reddi, Kale and Kumar, 2018)."""
    m, v = _moments(g, group)
    largest = group.state["largest"]
    torch.maximum(largest, v, out=largest)
    denominator = largest.sqrt().div_(group.now["root"]).add_(group.settings["eps"])
    w.addcdiv_(m * group.now["rate"], denominator, value=-1)


def nadam(w: Tensor, g: Tensor, group: Group) -> None:
    """Adam with Nesterov's look ahead and its own schedule of β₁ (Dozat, 2016)."""
    m, v = _moments(g, group)
    denominator = v.sqrt().div_(group.now["root"]).add_(group.settings["eps"])
    step = torch.addcmul(m * group.now["rate of m"], g, group.now["rate of g"])
    w.addcdiv_(step, denominator, value=-1)


def radam(w: Tensor, g: Tensor, group: Group) -> None:
    """Adam that waits with dividing by √v until its variance is bounded (Liu et al., 2020).

    Until then the step is η m̂; afterwards η m̂ r √(1−β₂ᵗ) / (√v + ε), r being the rectification.
    """
    m, v = _moments(g, group)
    step = m * group.now["rate"]
    scaled = step / v.sqrt().add_(group.settings["eps"]) * group.now["rectified"]
    w.sub_(torch.where(group.now["rectified"] > 0, scaled, step))


def lion(w: Tensor, g: Tensor, group: Group) -> None:
    """w ← w − η sign(β₁ m + (1−β₁) g), then m ← β₂ m + (1−β₂) g; weight decay aside (Chen et al., 2023)."""
    m = group.state["m"]
    w.sub_(torch.lerp(m, g, group.now["1-beta1"]).sign_().mul_(group.settings["lr"]))
    m.lerp_(g, group.now["1-beta2"])


STEPS: dict[str, Callable[[Tensor, Tensor, Group], None]] = {
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

STATE = {"momentum": ("b",), "nesterov": ("b",), "adagrad": ("s",), "adadelta": ("s", "d"), "rmsprop": ("s",)}
STATE |= dict.fromkeys(("adam", "adamw", "nadam", "radam"), ("m", "v")) | {"amsgrad": ("m", "v", "largest")}
STATE |= {"lion": ("m",)}


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
    on = settings["correction"][None] if rule in CORRECTED else 1.0  # 0: without bias correction
    root = np.sqrt(1 - on * beta2**t)
    found = {"1-beta1": 1 - beta1, "1-beta2": 1 - beta2, "root": root, "rate": lr / (1 - on * beta1**t)}
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


@dataclass(frozen=True)
class Settings:
    """What Optimizer reads of a member, where it is no Contender that a reader turns: torch.optim's own defaults."""

    rule: str
    lr: float
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    correction: bool = True
    alpha: float = 0.99
    rho: float = 0.9
    eps: float = 1e-8
    weight_decay: float = 0.01
    l2: float = 0.0


class Optimizer:
    """Steps the population `weights` [members, D] in place.

    settings: per member its settings as attributes (`rule`, `lr`, …; `l1`, an L1 penalty, where it has one): a
        Contender, or plain Settings.
    steps: how many steps there will be at most.
    factors: of the learning rates, [steps] or [members, steps]; 1 where there are none.
    """

    def __init__(self, weights: Tensor, settings: Sequence[Any], steps: int, factors: np.ndarray | None = None):
        self.weights = weights
        self.groups: list[tuple[str, Group]] = []
        tensor = lambda a: torch.as_tensor(a, dtype=weights.dtype, device=weights.device)  # noqa: E731
        tabulated: list[tuple[Group, str, np.ndarray]] = []
        first = 0
        for rule, run in groupby(settings, key=lambda s: s.rule):
            members = list(run)
            names = ("lr", "momentum", "beta1", "beta2", "alpha", "rho", "eps", "weight_decay", "l2", "correction")
            given = {name: np.array([float(getattr(s, name)) for s in members]) for name in names}
            group = Group(slice(first, first + len(members)), {n: tensor(c[:, None]) for n, c in given.items()})
            group.state = {name: torch.zeros_like(weights[group.members]) for name in STATE.get(rule, ())}
            found = tables(rule, given, steps)
            if factors is not None:
                factor = np.broadcast_to(factors.T.reshape(steps, -1), (steps, len(settings)))[:, group.members]
                found |= {name: found[name] * factor for name in PROPORTIONAL if name in found}
                found["lr"] = given["lr"] * factor
            tabulated += [(group, name, table) for name, table in found.items()]
            self.groups.append((rule, group))
            first += len(members)
        self.decayed = any(s.l2 and s.rule != "adamw" for s in settings)
        l1 = [[float(getattr(s, "l1", 0.0))] for s in settings]
        self.l1 = tensor(l1) if np.any(l1) else None
        self.step_number = torch.zeros(1, dtype=torch.int64, device=weights.device)
        columns = [np.broadcast_to(table, (steps, table.shape[1])) for _, _, table in tabulated]
        self.tables = tensor(np.concatenate(columns, 1)) if columns else None  # [steps, columns of all groups]
        if self.tables is not None:
            self.row = torch.empty_like(self.tables[:1])  # that of the present step, which the groups have views of
            for (group, name, _), column in zip(tabulated, self.row[0].split([c.shape[1] for c in columns])):
                place = group.settings if name == "lr" else group.now
                place[name] = column.unsqueeze(-1)

    def step(self, gradient: Tensor) -> None:
        """One step with `gradient` [members, D], which may be overwritten."""
        if self.tables is not None:
            torch.index_select(self.tables, 0, self.step_number, out=self.row)
            self.step_number.add_(1)
        if self.l1 is not None:
            gradient.addcmul_(self.weights.sign(), self.l1)
        for rule, group in self.groups:
            w, g = self.weights[group.members], gradient[group.members]
            if self.decayed and rule != "adamw":
                g.addcmul_(w, group.settings["l2"])
            STEPS[rule](w, g, group)
