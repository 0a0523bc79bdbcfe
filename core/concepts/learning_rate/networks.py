"""Schedules as factors of the peak rate, and networks that train under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from core.concepts.learning_rate.params import NOISE, POINTS, Params, layout, steps_per_epoch
from core.ml.data import batch_orders
from core.ml.labels import mistaught
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.recording import Recording, schedule
from core.ml.splits import three_splits

WARM = 0.1  # of a run is warm-up before a cosine (linear, Goyal et al., 2017)
RISE, FROM, TO = 0.3, 25.0, 1e4  # one-cycle: its rise, peak over first rate, first over last (Smith and Topin, 2018)


def factors_of(rule: str, params: Params) -> np.ndarray:
    """By what the peak rate is multiplied at every step, [steps]. Staircase, inverse and exponential decay have the
    same rate when the first stair comes."""
    per_epoch = steps_per_epoch(params)
    step = np.arange(params.epochs * per_epoch)
    epoch, part = step // per_epoch, step / len(step)
    every, drop = params.every, params.drop
    if rule == "staircase":
        return drop ** (epoch // every)
    if rule == "per_batch":  # wrong: the stairs are counted in batches
        return drop ** (step // every).astype(float)
    if rule == "inverse":
        return 1 / (1 + (1 / drop - 1) / every * epoch)
    if rule == "exponential":
        return drop ** (epoch / every)
    if rule == "cosine":  # Loshchilov and Hutter, 2017, without restarts
        return falling(part)
    if rule == "warm_cosine":
        warm = max(1, round(WARM * len(step)))
        return np.where(step < warm, (step + 1) / warm, falling((step - warm) / max(1, len(step) - warm)))
    if rule == "one_cycle":
        top, last = RISE * len(step) - 1, len(step) - 1
        up = 1 - (1 - 1 / FROM) * falling(step / max(top, 1e-9))
        low = 1 / FROM / TO
        down = low + (1 - low) * falling((step - top) / max(last - top, 1e-9))
        return np.where(step <= top, up, down)
    return np.ones(len(step))


def falling(part: np.ndarray) -> np.ndarray:
    """From 1 to 0 along half a cosine while `part` goes from 0 to 1."""
    return (1 + np.cos(np.pi * part.clip(0, 1))) / 2


@dataclass(frozen=True)
class Sets:
    """The data of every seed: x [seeds, n, features], labels y [seeds, n] (of training some wrong), where the splits
    begin and end, and the orders of visits."""

    x: np.ndarray
    y: np.ndarray
    bounds: np.ndarray
    orders: np.ndarray


def sets_of(params: Params) -> Sets:
    seeds = range(params.data_seed, params.data_seed + params.seeds)
    found = [three_splits(params.data, params.own, POINTS, NOISE, seed) for seed in seeds]
    bounds = np.cumsum([0, *map(len, found[0].x)])
    labels = [
        np.concatenate([mistaught(data.y[0], data.classes, params.wrong_labels, seed), *data.y[1:]])
        for data, seed in zip(found, seeds)
    ]
    orders = np.stack([batch_orders(int(bounds[1]), params.epochs, seed) for seed in seeds])
    x = np.stack([np.concatenate(data.x) for data in found]).astype(np.float32)
    return Sets(x, np.stack(labels), bounds, orders)


def starts(params: Params, depth: int = 1, gain: float = 1.0) -> np.ndarray:
    """First weights [seeds, D]: those of torch.nn.Linear, without its biases where a gain multiplies them."""
    sizes, found = layout(params, depth), []
    for seed in range(params.weight_seed, params.weight_seed + params.seeds):
        row, at = initial_weights(sizes, seed), 0
        for i, o in pairwise(sizes):
            row[at : at + i * o] *= np.float32(gain)
            at += (i + 1) * o
        found.append(row)
    return np.stack(found)


def racing(
    params: Params, sets: Sets, rates: np.ndarray, factors: np.ndarray, weights: np.ndarray, population: Any,
    device: str, activation: str = "relu", depth: int = 1,
) -> Any:  # fmt: skip
    """Networks [nets, seeds] as one population of SGD: peak rates [nets, seeds], factors [nets, steps] or [nets, seeds,
    steps], first weights [seeds, D] or [nets, seeds, D]."""
    nets, seeds = rates.shape
    steps = factors.shape[-1]
    factors = factors[:, None] if factors.ndim == 2 else factors
    factors = np.broadcast_to(factors, (nets, seeds, steps)).reshape(-1, steps)
    first = np.array(np.broadcast_to(weights, (nets, *weights.shape[-2:]))).reshape(nets * seeds, -1)
    settings, which = [Settings("sgd", float(rate)) for rate in rates.ravel()], np.tile(np.arange(seeds), nets)
    data = sets.x, sets.y, which, sets.orders, params.batch, factors
    return population(layout(params, depth), activation, "softmax", first, settings, *data, device=device)


def raced(race: Any, record: Recording, sets: Sets, chunk: int, moments: np.ndarray) -> Iterator[Any]:
    """Train to the end; Results, each fuller than the last, with all splits measured after these steps."""
    for moment in schedule(record.total, chunk, tick=moments):
        race.advance(len(moment.steps))
        if moment.due:
            loss, accuracy = race.measure(sets.bounds)
            record.append("tick", loss=loss, accuracy=accuracy)
        yield record.result(moment.step)
