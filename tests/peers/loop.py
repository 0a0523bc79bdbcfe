"""A loop over models in eager PyTorch: torch.nn, torch.optim, everything in memory, no DataLoader."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from core.ml.rules import Contender
from tests.peers.works import CHARACTERS, Work, data, orders, starts, weights

torch.set_num_threads(1)


class Characters(nn.Module):
    def __init__(self, units: int):
        super().__init__()
        self.lstm = nn.LSTM(len(CHARACTERS), units, batch_first=True)
        self.head = nn.Linear(units, len(CHARACTERS))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(functional.one_hot(x, len(CHARACTERS)).float())[0]).mT


def model_of(work: Work, row: Tensor) -> nn.Module:
    model: nn.Module
    if work.kind == "text":
        model = Characters(work.sizes[1])
    elif work.kind == "images":
        first = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        second = [nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        model = nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(64, 10))
    else:
        act = nn.Tanh if work.kind == "points" else nn.ReLU
        layers = [layer for i, o in pairwise(work.sizes) for layer in (nn.Linear(i, o), act())]
        model = nn.Sequential(*layers[:-1])
    nn.utils.vector_to_parameters(row, model.parameters())
    return model


def optimizer_of(c: Contender, parameters: Any) -> optim.Optimizer:
    adam = {"lr": c.lr, "betas": (c.beta1, c.beta2), "eps": c.eps}
    match c.rule:
        case "sgd":
            return optim.SGD(parameters, c.lr)
        case "momentum" | "nesterov":
            return optim.SGD(parameters, c.lr, momentum=c.momentum, nesterov=c.rule == "nesterov")
        case "adagrad":
            return optim.Adagrad(parameters, c.lr)
        case "adadelta":
            return optim.Adadelta(parameters, c.lr, rho=c.rho)
        case "rmsprop":
            return optim.RMSprop(parameters, c.lr, alpha=c.alpha, eps=c.eps)
        case "adamw":
            return optim.AdamW(parameters, **adam, weight_decay=c.weight_decay)
    return {"adam": optim.Adam, "nadam": optim.NAdam, "radam": optim.RAdam}[c.rule](parameters, **adam)


def prepare(work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    if work.kind == "surface":
        return lambda: surface(work, seeds, epochs)
    x, y = (torch.as_tensor(part) for part in data(work))
    order, rows = torch.as_tensor(orders(work, seeds, epochs)), torch.as_tensor(weights(work, seeds))

    def loss_of(outputs: Tensor, y: Tensor) -> Tensor:
        return functional.mse_loss(outputs, y) if work.kind == "points" else functional.cross_entropy(outputs, y)

    def train(c: Contender, seed: int) -> list[float]:
        model = model_of(work, rows[seed].clone())
        optimizer = optimizer_of(c, model.parameters())
        history = []
        for epoch in range(epochs + 1):
            with torch.no_grad():
                history.append(loss_of(model(x), y).item())
            if epoch < epochs:
                for batch in order[seed, epoch]:
                    optimizer.zero_grad()
                    loss_of(model(x[batch]), y[batch]).backward()
                    optimizer.step()
        return history

    return lambda: np.array([train(c, seed) for c in work.contenders for seed in range(seeds)])


def surface(work: Work, seeds: int, epochs: int) -> np.ndarray:
    """All starts of a rule are one tensor: the rules work on numbers one by one."""
    found = []
    for c in work.contenders:
        p = torch.as_tensor(starts(work)[:seeds]).requires_grad_()
        optimizer = optimizer_of(c, [p])
        history = []
        for _ in range(epochs + 1):
            x, y = p.unbind(1)
            f = (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2
            history.append(f.detach().numpy())
            optimizer.zero_grad()
            f.sum().backward()
            optimizer.step()
        found.append(np.stack(history, 1))
    return np.concatenate(found)
