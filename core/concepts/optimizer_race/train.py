"""The optimizer race: contenders × seeds train together, from the same weights, on the same batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from core.concepts.optimizer_race.params import Params, Result, on_points, sizes
from core.ml.data import Data, batch_orders, digits, points, split, standardised
from core.ml.networks import initial_weights
from core.ml.own import table
from core.ml.population import Stacked
from core.ml.rules import Contender

GRID = 48  # pixels along a side of a decision region
REACH = 1.5  # the region covers [-REACH, REACH]²
FRAMES = 30  # decision regions recorded, at most


def train(params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked) -> Iterator[Result]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what.

    population: the class that trains, `Stacked` or one with the same face.
    """
    layers = sizes(params)
    sets = [load(params, params.data_seed + i) for i in range(params.seeds)]
    bounds = np.cumsum([0, *map(len, sets[0].x)])  # where the splits begin and end
    n = int(bounds[1])
    steps_per_epoch = -(-n // params.batch)
    total = params.epochs * steps_per_epoch

    x = np.stack([np.concatenate(d.x) for d in sets])  # [seeds, n, features]
    y = np.stack([np.concatenate(d.y) for d in sets])
    orders = np.stack([batch_orders(n, params.epochs, params.data_seed + i) for i in range(params.seeds)])
    start = np.stack([initial_weights(layers, params.weight_seed + i) for i in range(params.seeds)])

    def networks(contenders: tuple[Contender, ...], seeds: int) -> Any:
        """A population of these contenders on the first seeds: member = contender · seeds + seed."""
        times, settings = len(contenders), [c for c in contenders for _ in range(seeds)]
        weights, which = np.tile(start[:seeds], (times, 1)), np.tile(np.arange(seeds), times)
        data = x[:seeds], y[:seeds], which, orders[:seeds], params.batch
        return population(layers, params.activation, "softmax", weights, settings, *data, device=device)

    race = networks(params.contenders, params.seeds)
    shape = (len(params.contenders), params.seeds, params.epochs + 1, 3)
    loss, accuracy = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    frames = np.linspace(0, params.epochs, FRAMES + 1).round().astype(int) if on_points(params) else np.arange(0)
    region_epochs = np.unique(frames)
    region = np.zeros((shape[0], len(region_epochs), GRID, GRID), np.uint8)
    seconds = np.array([step_seconds(networks((c,), 1), total) for c in params.contenders])

    def result(step: int, ticks: int) -> Result:
        shown_frames = int(np.searchsorted(region_epochs, ticks))
        shown = np.r_[: bounds[1], bounds[2] : bounds[3]] if on_points(params) else np.arange(0)
        return Result(
            params,
            step,
            total,
            epoch=np.arange(ticks),
            loss=loss[:, :, :ticks],
            accuracy=accuracy[:, :, :ticks],
            steps_per_epoch=steps_per_epoch,
            parameters=start.shape[1],
            step_seconds=seconds,
            x=x[0][shown],
            y=y[0][shown],
            region_epoch=region_epochs[:shown_frames],
            region=region[:, :shown_frames],
        )

    for epoch in range(params.epochs + 1):
        for values, found in zip((loss, accuracy), race.measure(bounds)):
            values[:, :, epoch] = found.reshape(shape[0], params.seeds, 3)
        if epoch in region_epochs:
            region[:, list(region_epochs).index(epoch)] = probability_grids(race, params.seeds * np.arange(shape[0]))
        yield result(race.step, epoch + 1)
        if epoch == params.epochs:
            return

        end = race.step + steps_per_epoch
        while race.step < end:
            race.advance(min(chunk - race.step % chunk, end - race.step))
            if race.step < end:
                yield result(race.step, epoch + 1)


def load(params: Params, seed: int) -> Data:
    """The three splits of one seed."""
    if params.own:
        return standardised(split(*table(params.own), seed))
    if on_points(params):
        return split(*points(params.data, params.points, params.noise, seed), seed)
    return split(*digits(), seed)


def probability_grids(race: Any, members: np.ndarray) -> np.ndarray:
    """Probability of class 1 over the plane, uint8 [members, GRID, GRID], rows upward; 0.5 of a diverged network."""
    axis = np.linspace(-REACH, REACH, GRID)
    z = race.outputs(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2).astype(np.float32), members)
    with np.errstate(over="ignore", invalid="ignore"):
        p = 1 / (1 + np.exp(z[:, 0] - z[:, 1]))
    return (255 * np.nan_to_num(p, nan=0.5)).round().astype(np.uint8).reshape(-1, GRID, GRID)


def step_seconds(alone: Any, total: int) -> float:
    """Seconds of one training step of a network alone, the median of a trial of about 20 ms at most; `total` is how
    many steps its data reach."""
    at_once, times = max(1, min(4, total // 3)), []
    for _ in range(min(6, total // at_once)):
        begin = time.perf_counter()
        alone.advance(at_once)
        times.append(time.perf_counter() - begin)
        if sum(times) > 0.02:
            break
    return float(np.median(times[1:] or times)) / at_once  # the first warms up
