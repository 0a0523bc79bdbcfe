"""Optimizers on surfaces: all rules, rates and starts are one population; the networks on XOR are another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.optimizers.params import (
    MEMORIES,
    MEMORY,
    NETWORK,
    PAD_RATES,
    RATES,
    SURFACES,
    TILT,
    WIDTHS,
    Params,
    Result,
    start_of,
)
from core.ml.optimizers import Optimizer
from core.ml.random import stream
from core.ml.recording import Recording
from core.ml.rules import Contender

GRID = 121, 73  # columns and rows of the field
FRAMES = 60  # moments at which the many starts are recorded
UNROLLED = 20  # steps of the recurrent unit whose error has a cliff
TUNED_RATES = RATES[30:151:10]  # tried for networks: 0.001 … 10
TUNED_STARTS = 8  # starts on which they are tried, apart from those that are shown


def train(params: Params, device: str = "cpu", chunk: int = 25) -> Iterator[Result]:
    """Results, each fuller than the last, every `chunk` steps: first a sweep over rates, then the run itself."""
    plane = params.surface != NETWORK
    frames = np.unique(np.linspace(0, params.steps, FRAMES + 1).round().astype(int))
    axes = {"contender": len(params.contenders), "seed": params.seeds, "axis": 2, "memory": len(MEMORIES)}
    axes |= {"pad_rate": len(PAD_RATES) if plane else 0, "width": 0 if plane else len(WIDTHS)}
    axes |= {"place": params.steps + 1, "move": params.steps}
    known = {"frame": frames, "rate": RATES if plane else RATES[:0]} | landscape(params)
    record = Recording(Result, params, 2 * params.steps, axes, **known)
    yield from (on_surface if plane else on_network)(params, chunk, record)


# Surfaces


def height(weights: Tensor, params: Params) -> Tensor:
    """f − f* at every member's place: weights [members, 2] → [members]."""
    x, y = weights.unbind(-1)
    if params.surface == "quadratic":  # ½ (u² + κ v²), turned
        angle = np.deg2rad(params.angle)
        u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        return 0.5 * (u.square() + params.conditioning * v.square())
    if params.surface == "rosenbrock":  # Rosenbrock (1960)
        return (1 - x).square() + 100 * (y - x.square()).square()
    if params.surface == "saddle":  # two equal wells and the saddle between them (Duffing, 1918)
        return (x.square() - 1).square() / 4 + y.square() / 2
    if params.surface == "tilted":  # the same, one well lower
        return (x.square() - 1).square() / 4 + TILT * x + y.square() / 2 - SURFACES["tilted"].lowest
    if params.surface == "beale":  # Beale (1958)
        return (1.5 - x + x * y).square() + (2.25 - x + x * y**2).square() + (2.625 - x + x * y**3).square()
    if params.surface == "himmelblau":  # Himmelblau (1972)
        return (x.square() + y - 11).square() + (x + y.square() - 7).square()
    if params.surface == "plateau":  # the robust error r² / (1 + r²) of Geman and McClure (1985)
        r = x.square() + y.square()
        return r / (1 + r)
    if params.surface == "bumpy":  # Rastrigin (1974)
        return 20 + (weights.square() - 10 * torch.cos(2 * np.pi * weights)).sum(-1)
    h = torch.full_like(x, 0.5)  # "cliff": one recurrent unit h ← x σ(h) + y, whose last output should be 0.7
    for _ in range(UNROLLED):
        h = x * torch.sigmoid(h) + y  # Pascanu, Mikolov and Bengio (2013)
    return (torch.sigmoid(h) - 0.7).square()


def slope(weights: Tensor, params: Params) -> tuple[Tensor, Tensor]:
    """Heights [members] and their gradients [members, 2]."""
    leaf = weights.detach().requires_grad_()
    found = height(leaf, params)
    return found.detach(), torch.autograd.grad(found.sum(), leaf)[0]


def on_surface(params: Params, chunk: int, record: Recording) -> Iterator[Result]:
    """The sweep over rates from the one start, then the paths from it and from all others."""
    steps, contenders = params.steps, params.contenders
    start = torch.tensor([start_of(params)], dtype=torch.float64)
    noise = params.noise * np.stack([shocks(params, i) for i in (0, *range(params.seeds))], 1)  # [step, 1 + seeds, 2]
    added = torch.as_tensor(noise)

    # The sweep
    tried = [member for c in contenders for member in trials(c)]
    weights = start.repeat(len(tried), 1)
    optimizer = Optimizer(weights, tried, steps)
    goal = params.target * height(start, params)
    above = torch.zeros(len(tried), dtype=torch.float64)  # the last place over the goal
    for t in range(steps + 1):
        h, g = slope(weights, params)
        above = torch.where(h <= goal, above, t)
        if t < steps:
            if t % chunk == 0:
                yield record.result(t)
            optimizer.step(g.add_(added[t, 0]))
    counts, ends = stays(above, steps), np.where(h.isfinite(), h, np.inf)
    sweep, chosen = np.zeros((len(contenders), len(RATES))), np.zeros(len(contenders))
    pad, first = np.full((len(contenders), len(MEMORIES), len(PAD_RATES)), np.nan), 0
    for c, contender in enumerate(contenders):
        mine = slice(first, first + len(RATES))
        sweep[c] = counts[mine]
        best = np.lexsort((ends[mine], np.nan_to_num(sweep[c], nan=np.inf)))[0]  # of equal ones the lowest end
        chosen[c] = RATES[best] if params.rates == "best" else contender.lr
        first += len(RATES)
        if contender.rule in MEMORY:
            pad[c] = counts[first : first + pad[c].size].reshape(pad[c].shape)
            first += pad[c].size
    record.set(sweep=sweep, pad=pad, chosen=chosen)

    # The paths: member = contender · (1 + seeds) + start
    starts = torch.cat([start, torch.as_tensor(further_starts(params))])
    n, shape = len(starts), (len(contenders), len(starts))
    weights = starts.repeat(len(contenders), 1)
    racing = [replace(c, lr=float(lr)) for c, lr in zip(contenders, chosen)]
    optimizer = Optimizer(weights, [c for c in racing for _ in range(n)], steps)
    goal = (params.target * height(starts, params)).repeat(len(contenders))
    above = torch.zeros(len(weights), dtype=torch.float64)
    centre = torch.tensor([*SURFACES[params.surface].minima, (0.0, 0.0)][0], dtype=torch.float64)
    extent = torch.zeros_like(weights)
    frames = set(record.arrays["frame"].tolist())
    for t in range(steps + 1):
        h, g = slope(weights, params)
        above = torch.where(h <= goal, above, t)
        extent += (weights - centre).abs() / (steps + 1)
        record.append("place", path=weights.view(*shape, 2)[:, 0], height=h.view(shape)[:, 0])
        swarm = weights.view(*shape, 2)[:, 1:].float()  # torch casts to infinity in silence
        if t == steps:
            break
        g += added[t].repeat(len(contenders), 1)
        gradient = g.view(*shape, 2)[:, 0].numpy().copy()
        before = weights.clone()
        optimizer.step(g)
        step = (weights - before).view(*shape, 2)
        average = in_place_of_gradient(optimizer, gradient, n)
        with np.errstate(divide="ignore", invalid="ignore"):
            record.append("move", gradient=gradient, average=average, scale=-step[:, 0].numpy() / average)
        if t in frames:
            record.append("frame", swarm=swarm, pace=step[:, 1:].norm(dim=-1).float())
        if t % chunk == 0:
            yield record.result(steps + t)
    record.append("frame", swarm=swarm)  # from where no step is made
    counts = stays(above, steps).reshape(shape)
    record.set(reached=counts[:, 0], reached_by=counts[:, 1:], extent=extent.view(*shape, 2)[:, 1:])
    yield record.result(2 * steps)


def trials(contender: Contender) -> list[Contender]:
    """A contender at every rate, and where it has a memory, with every memory at every rate of the pad."""
    found = [replace(contender, lr=float(lr)) for lr in RATES]
    if contender.rule in MEMORY:
        remembering: list[dict[str, Any]] = [{MEMORY[contender.rule]: float(m)} for m in MEMORIES]
        found += [replace(contender, lr=float(lr), **memory) for memory in remembering for lr in PAD_RATES]
    return found


def stays(above: Tensor, steps: int) -> np.ndarray:
    """Steps after which a member stays at or under its goal, from the last place over it: NaN where that is the end."""
    return np.where(above < steps, above + 1.0, np.nan)


def further_starts(params: Params) -> np.ndarray:
    """The starts of the seeds, float64 [seeds, 2]: the middles of a grid of cells, or drawn evenly from the box."""
    left, right, bottom, top = SURFACES[params.surface].box
    if params.layout == "random":
        unit = np.stack([stream("optimizers start", params.weight_seed + i).random(2) for i in range(params.seeds)])
    else:
        columns = int(np.ceil(np.sqrt(params.seeds)))
        rows = -(-params.seeds // columns)
        i = np.arange(params.seeds)
        unit = np.stack([(i % columns + 0.5) / columns, (i // columns + 0.5) / rows], 1)
    return np.array([left, bottom]) + unit * np.array([right - left, top - bottom])


def shocks(params: Params, seed: int) -> np.ndarray:
    """What is added to the gradients of one seed, in units of `noise`: [step, 2], standard normal."""
    return stream("optimizers noise", params.data_seed + seed).standard_normal((params.steps, 2))


def landscape(params: Params) -> dict[str, np.ndarray]:
    """Heights over the box, or as far as the start lies, on GRID columns and rows; nothing where there is no plane."""
    if params.surface == NETWORK:
        return {"column": np.zeros(0), "row": np.zeros(0), "field": np.zeros((0, 0), np.float32)}
    x, y = start_of(params)
    left, right, bottom, top = SURFACES[params.surface].box
    column = np.linspace(min(left, x - 0.3), max(right, x + 0.3), GRID[0])
    row = np.linspace(min(bottom, y - 0.3), max(top, y + 0.3), GRID[1])
    places = torch.as_tensor(np.stack(np.meshgrid(column, row), -1))
    return {"column": column, "row": row, "field": height(places, params).numpy().astype(np.float32)}


def in_place_of_gradient(optimizer: Optimizer, gradient: np.ndarray, n: int) -> np.ndarray:
    """What each contender's first member puts in the gradient's place: b or m̂, else the gradient itself."""
    found = gradient.copy()
    for rule, group in optimizer.groups:
        mine = slice(group.members.start // n, group.members.stop // n)
        if "b" in group.state:
            b = group.state["b"][::n].numpy()
            look_ahead = gradient[mine] + group.settings["momentum"][::n].numpy() * b
            found[mine] = look_ahead if rule == "nesterov" else b
        elif "m" in group.state:
            found[mine] = (group.state["m"] * group.now["rate"] / group.settings["lr"])[::n].numpy()
    return found


# Networks


def on_network(params: Params, chunk: int, record: Recording) -> Iterator[Result]:
    """The sweep over rates on starts of its own, then the networks of every width from every start."""
    steps, contenders = params.steps, params.contenders
    tuning = [
        first_weights(w, "optimizers tuning", params.weight_seed + i) for w in WIDTHS for i in range(TUNED_STARTS)
    ]
    members = [replace(c, lr=float(lr)) for c in contenders for lr in TUNED_RATES]
    chosen = np.array([c.lr for c in contenders])
    if params.rates == "best":
        weights = torch.as_tensor(np.stack(tuning)).repeat(len(members), 1)
        widths = np.tile(np.repeat(WIDTHS, TUNED_STARTS), len(members))
        optimizer = Optimizer(weights, [m for m in members for _ in tuning], steps)
        for t in range(steps):
            if t % chunk == 0:
                yield record.result(t)
            optimizer.step(xor(weights, widths)[2])
        losses, right, _ = xor(weights, widths)
        solved = (right == 4).view(len(contenders), len(TUNED_RATES), -1).double().mean(-1).numpy()
        mean = losses.nan_to_num(1e9).view(*solved.shape, -1).mean(-1).numpy()
        for c in range(len(contenders)):
            chosen[c] = TUNED_RATES[np.lexsort((mean[c], -solved[c]))[0]]
    else:
        yield record.result(0)
    record.set(chosen=chosen)

    starts = [
        first_weights(w, "optimizers network", params.weight_seed + i) for w in WIDTHS for i in range(params.seeds)
    ]
    weights = torch.as_tensor(np.stack(starts)).repeat(len(contenders), 1)
    widths = np.tile(np.repeat(WIDTHS, params.seeds), len(contenders))
    racing = [replace(c, lr=float(lr)) for c, lr in zip(contenders, chosen)]
    optimizer = Optimizer(weights, [c for c in racing for _ in starts], steps)
    shape = (len(contenders), len(WIDTHS), params.seeds)
    for t in range(steps + 1):
        losses, right, g = xor(weights, widths)
        if t % chunk == 0 or t == steps:
            record.set(loss=losses.view(shape), right=right.view(shape))
            yield record.result(steps + t)
        if t < steps:
            optimizer.step(g)


def first_weights(width: int, name: str, seed: int) -> np.ndarray:
    """Weights of a 2-width-1 network, in place for the widest: float64 [4 · widest + 1]. Each is uniform in
    ±1/√fan-in, as torch.nn.Linear draws it."""
    widest, rng = max(WIDTHS), stream(name, seed, width)
    parts = np.zeros((4, widest))  # two inputs, bias and output weight of every hidden unit
    parts[:3, :width] = rng.uniform(-1, 1, (3, width)) / np.sqrt(2)
    parts[3, :width] = rng.uniform(-1, 1, width) / np.sqrt(width)
    return np.append(parts, rng.uniform(-1, 1) / np.sqrt(width))


def xor(weights: Tensor, widths: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Mean cross-entropy on the four points of XOR, how many are right, and the gradient: tanh units, the first
    `widths` [members] of every member's."""
    x = torch.tensor([[-1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, -1.0, 1.0]], dtype=torch.float64)
    y = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64).expand(len(weights), -1)
    widest = max(WIDTHS)
    used = torch.as_tensor(np.arange(widest) < widths[:, None], dtype=torch.float64)[..., None]
    leaf = weights.detach().requires_grad_()
    first, second, bias, out = leaf[:, :-1].view(-1, 4, widest, 1).unbind(1)
    hidden = torch.tanh(first * x[0] + second * x[1] + bias)  # [members, unit, point]
    logits = (used * out * hidden).sum(1) + leaf[:, -1:]
    loss = functional.binary_cross_entropy_with_logits(logits, y, reduction="none").mean(1)
    gradient = torch.autograd.grad(loss.sum(), leaf)[0]
    right = ((logits > 0) == (y > 0.5)) & logits.isfinite()
    return loss.detach(), right.sum(1).double(), gradient
