"""The lab's populations in torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.layered import layered_forward
from core.ml.optimizers import Optimizer
from core.ml.population import Stacked
from core.ml.recurrent import recurrent_forward
from tests.peers.works import Work, data, images, orders, starts, weights

torch.set_num_threads(1)


def prepare(work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    if work.kind == "surface":
        return lambda: surface(work, seeds, epochs)
    if work.kind in ("points", "digits"):
        return perceptrons(Stacked, work, seeds, epochs)
    settings = [c for c in work.contenders for _ in range(seeds)]
    start = torch.as_tensor(weights(work, seeds)).repeat(len(work.contenders), 1)
    x, y = (torch.as_tensor(part).movedim(0, -1).contiguous() for part in data(work))  # examples last
    order = torch.as_tensor(orders(work, seeds, epochs))

    def losses(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Mean loss of every member, [members]: x [seeds or 1, …, n] and y likewise."""
        x, y = (part.repeat(len(w) // len(part), *[1] * (part.dim() - 1)) for part in (x, y))
        if work.kind == "text":
            logits, _ = recurrent_forward(w, x, "lstm", work.sizes)
            each = functional.cross_entropy(logits.flatten(0, 2), y.flatten(), reduction="none")
            return each.view(len(w), -1).mean(1)
        logits = layered_forward(*images(), w, x.movedim(-1, 1))
        return functional.cross_entropy(logits, y, reduction="none").mean(1)

    def run() -> np.ndarray:
        w = start.clone()
        optimizer = Optimizer(w, settings, epochs * work.steps_per_epoch)
        history = np.empty((len(w), epochs + 1))
        for epoch in range(epochs + 1):
            with torch.no_grad():
                history[:, epoch] = losses(w, x[None], y[None]).numpy()
            if epoch < epochs:
                xs, ys = (part[..., order[:, epoch]].movedim((-3, -2), (1, 0)).contiguous() for part in (x, y))
                for x_now, y_now in zip(xs, ys):  # [seeds, …, batch]
                    leaf = w.detach().requires_grad_()
                    loss = losses(leaf, x_now, y_now).sum()
                    optimizer.step(torch.autograd.grad(loss, leaf)[0])
        return history

    return run


def perceptrons(trainer: Any, work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    """The work by `Stacked` or by one with the same face."""
    rules = len(work.contenders)
    settings = [c for c in work.contenders for _ in range(seeds)]
    start, which = np.tile(weights(work, seeds), (rules, 1)), np.tile(np.arange(seeds), rules)
    x, y = (np.stack([part] * seeds) for part in data(work))
    order = orders(work, seeds, epochs).reshape(seeds, epochs, -1).astype(np.int32)
    activation, loss = ("tanh", "squared") if work.kind == "points" else ("relu", "softmax")

    def run() -> np.ndarray:
        population = trainer(work.sizes, activation, loss, start, settings, x, y, which, order, work.batch)
        history = [population.measure([0, work.n])[0]]
        for _ in range(epochs):
            population.advance(work.steps_per_epoch)
            history.append(population.measure([0, work.n])[0])
        return np.concatenate(history, 1)

    return run


def surface(work: Work, seeds: int, epochs: int) -> np.ndarray:
    w = torch.as_tensor(starts(work)[:seeds]).repeat(len(work.contenders), 1)
    optimizer = Optimizer(w, [c for c in work.contenders for _ in range(seeds)], epochs)
    history = np.empty((len(w), epochs + 1))
    for step in range(epochs + 1):
        x, y = w.unbind(1)
        a, b = x * x + y - 11, x + y * y - 7  # Himmelblau (1972): a² + b²
        history[:, step] = (a * a + b * b).numpy()
        if step < epochs:
            optimizer.step(torch.stack([4 * a * x + 2 * b, 2 * a + 4 * b * y], 1))
    return history
