"""What trainings of a search have in common: the data, the order of batches, the first weights; and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.concepts.hyperparameter_search.params import BATCH, SPANS, Params, batches, layout
from core.ml.data import batch_orders
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.splits import three_splits

MOMENTUM = 0.9  # where it is not searched


@dataclass(frozen=True)
class Task:
    """Inputs [seeds, n, features] and labels [seeds, n] of all splits, `bounds` between them, orders [seeds, epochs, n
    in training]."""

    x: np.ndarray
    y: np.ndarray
    bounds: np.ndarray
    orders: np.ndarray


def task_of(params: Params) -> Task:
    seeds = range(params.seeds)
    sets = [three_splits(params.data, params.own, params.points, params.noise, params.data_seed + s) for s in seeds]
    bounds = np.cumsum([0, *map(len, sets[0].x)])
    x = np.stack([np.concatenate(each.x) for each in sets]).astype(np.float32)
    y = np.stack([np.concatenate(each.y) for each in sets])
    orders = [batch_orders(int(bounds[1]), params.epochs, params.data_seed + s) for s in seeds]
    return Task(x, y, bounds, np.stack(orders))


def value(params: Params, name: str, place: np.ndarray, linear: bool = False) -> np.ndarray:
    """The hyperparameter at a place from 0 to 1 of its range: equal steps are equal ratios, of momentum those of 1 − μ.
    linear: wrong for what spans decades, equal steps are equal differences."""
    first, last = SPANS.get(name, (np.log10(params.low), np.log10(params.low) + params.decades))
    found = 10**first + (10**last - 10**first) * place if linear else 10 ** (first + (last - first) * place)
    return 1 - found if name == "momentum" else found


def first_rows(params: Params, which: np.ndarray) -> np.ndarray:
    """First weights [members, D] of the seeds `which`."""
    rows = np.stack([initial_weights(layout(params), params.weight_seed + s) for s in range(params.seeds)])
    return rows[which]


def networks(
    params: Params,
    task: Task,
    values: Mapping[str, np.ndarray],
    which: np.ndarray,
    rows: np.ndarray,
    population: Any,
    device: str,
    past: np.ndarray | float = 0.0,
) -> Any:
    """A population: member m is a network with the hyperparameters values[…][m] on the data of seed which[m].

    rows: their weights [members, D], before `gain` multiplies them. past: epochs that they have behind them already.
    The learning rate falls as η / (1 + decay · epoch).
    """
    members = len(which)
    given = {"momentum": np.full(members, MOMENTUM), "l2": np.zeros(members), "decay": np.zeros(members)} | dict(values)
    settings = [
        Settings("momentum" if m else "sgd", lr, momentum=m, l2=l2)
        for lr, m, l2 in zip(*(given[name].tolist() for name in ("rate", "momentum", "l2")))
    ]
    factors = None
    if given["decay"].any():
        epoch = np.arange(params.epochs).repeat(batches(params))
        factors = 1 / (1 + given["decay"][:, None] * (np.reshape(past, (-1, 1)) + epoch))
    weights = (rows * given["gain"][:, None]).astype(np.float32) if "gain" in given else rows
    data = task.x, task.y, which, task.orders, BATCH, factors
    return population(layout(params), "relu", "softmax", weights, settings, *data, device=device)
