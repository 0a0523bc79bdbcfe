"""The optimizer race: contenders × rates × seeds train together, from the same weights, on the same batches."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from core.concepts.optimizer_race.params import (
    AT_ONCE,
    Params,
    Result,
    measured,
    moments,
    on_points,
    rates,
    side,
    sizes,
)
from core.ml.data import Data, batch_orders, digits, points, split, standardised
from core.ml.networks import initial_weights
from core.ml.own import table
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.rules import Contender

GRID = 48  # pixels along a side of a decision region
REACH = 1.5  # the region covers [-REACH, REACH]²
FRAMES = 30  # decision regions recorded, at most
FAR = 4  # a path that goes so many times farther than the middle one may leave the slice


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what; at the end the
    weights [contenders, seeds, D] at the rates given.

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

    def training_loss(weights: np.ndarray) -> np.ndarray:
        """The loss of the networks `weights` [networks, D] on the training examples of the first seed."""
        at_rest, which = [params.contenders[0]] * len(weights), np.zeros(len(weights), int)
        data = x[:1], y[:1], which, orders[:1, :1], params.batch
        there = population(layers, params.activation, "softmax", weights, at_rest, *data, device=device)
        return there.measure(bounds[:2])[0][:, 0]

    rate = rates(params)
    given = params.sweep  # the column of the rates given
    tried = tuple(replace(c, lr=float(lr)) for c, row in zip(params.contenders, rate) for lr in row)
    race = networks(tried, params.seeds)
    firsts = (np.arange(len(rate)) * rate.shape[1] + given) * params.seeds  # members of the first seed, rates as given
    epochs = measured(params)
    shape = (*rate.shape, params.seeds, len(epochs), 3)
    loss, accuracy = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    frames = np.linspace(0, params.epochs, FRAMES + 1).round().astype(int) if on_points(params) else np.arange(0)
    region_epochs = np.unique(frames)
    region = np.zeros((len(rate), len(region_epochs), GRID, GRID), np.uint8)
    kept = moments(params, total) if params.surface else np.arange(0)
    walk = np.zeros((len(kept), len(rate), start.shape[1]), np.float32)
    surface = [np.zeros(s, np.float32) for s in ((len(rate), 0, 2), (len(rate), 0), (len(rate), 0), (0, 2), (0, 0))]
    seconds = np.array([step_seconds(networks((c,), 1), total) for c in params.contenders])

    def result() -> Result:
        ticks, shown_frames = (
            int(np.searchsorted(e, race.step // steps_per_epoch + 1)) for e in (epochs, region_epochs)
        )
        shown = np.r_[: bounds[1], bounds[2] : bounds[3]] if on_points(params) else np.arange(0)
        path, path_loss, moved, slice_at, slice_loss = surface
        return Result(
            params,
            race.step,
            total,
            epoch=epochs[:ticks],
            loss=loss[:, given, :, :ticks],
            accuracy=accuracy[:, given, :, :ticks],
            rate=rate,
            sweep_loss=loss[:, :, :, :ticks],
            sweep_accuracy=accuracy[:, :, :, :ticks],
            steps_per_epoch=steps_per_epoch,
            parameters=start.shape[1],
            step_seconds=seconds,
            x=x[0][shown],
            y=y[0][shown],
            region_epoch=region_epochs[:shown_frames],
            region=region[:, :shown_frames],
            moment=kept[: path.shape[1]],
            path=path,
            path_loss=path_loss,
            moved=moved,
            slice_at=slice_at,
            slice_loss=slice_loss,
        )

    while True:
        epoch, within = divmod(race.step, steps_per_epoch)
        if not within and epoch in epochs:
            for values, found in zip((loss, accuracy), race.measure(bounds)):
                values[..., list(epochs).index(epoch), :] = found.reshape(*rate.shape, params.seeds, 3)
        if not within and epoch in region_epochs:
            region[:, list(region_epochs).index(epoch)] = probability_grids(race, firsts)
        if race.step in kept:
            walk[list(kept).index(race.step)] = race.weights[firsts]
        if race.step == total:
            break
        if not within or race.step % chunk == 0:
            yield result()
        until = kept[kept > race.step][:1] - race.step
        race.advance(min([chunk - race.step % chunk, steps_per_epoch - within, *until.tolist()]))

    if params.surface:
        walk = walk.swapaxes(0, 1)
        path, moved, directions = plane(walk - start[0], params.weight_seed)
        places = around(path, side(params))  # [side, direction]: the coordinates of columns and rows
        grid = np.stack(np.meshgrid(*places.T), -1).reshape(-1, 2)
        blocks = -(-grid.shape[0] * start.shape[1] // AT_ONCE)
        heights = [
            training_loss((start[0] + block @ directions).astype(np.float32)) for block in np.array_split(grid, blocks)
        ]
        on_paths = np.stack([training_loss(steps) for steps in walk])
        surface = [path, on_paths, moved, places, np.concatenate(heights).reshape(len(places), -1)]
    yield result()
    return {"weights": race.weights.reshape(*rate.shape, params.seeds, -1)[:, given]}


def plane(walk: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A plane through the start that holds as much of the paths as a plane can: their first two principal components
    (Li et al., 2018, section 7), every path scaled to the same reach, so that none decides alone.

    walk: every contender's weights less the start [contender, moment, D], not finite where it diverged.
    Returns the paths in the plane [contender, moment, 2], their distances from the start in all dimensions
    [contender, moment], both float32, and the two directions [2, D].
    """
    walk = walk.astype(float)
    moved = np.linalg.norm(walk, axis=2)
    reach = np.nanmax(np.where(np.isfinite(moved), moved, 0), axis=1)
    steps = (walk / np.where(reach > 0, reach, 1)[:, None, None])[np.isfinite(moved)]
    spare = stream("slice", seed).standard_normal((2, walk.shape[2]))  # hardly felt, unless the paths span no plane
    steps = np.concatenate([steps, 1e-4 * spare / np.linalg.norm(spare)])
    _, vectors = np.linalg.eigh(steps @ steps.T)  # by rising eigenvalue
    directions = np.linalg.qr((vectors[:, :-3:-1].T @ steps).T)[0].T
    directions *= np.where((steps @ directions.T).sum(0) < 0, -1, 1)[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        return (walk @ directions.T).astype(np.float32), moved.astype(np.float32), directions


def around(path: np.ndarray, count: int) -> np.ndarray:
    """Coordinates [count, 2] of the columns and rows of a square around the paths [contender, moment, 2], but for those
    that were lost or went FAR times farther than the middle one."""
    reach = np.abs(path).max((1, 2))
    far = FAR * np.median(reach[np.isfinite(reach)]) if np.isfinite(reach).any() else 0.0
    near = np.concatenate([np.zeros((1, 2)), *path[reach <= far]])
    middle, half = (near.max(0) + near.min(0)) / 2, 0.6 * (np.ptp(near, axis=0).max() or 1.0)
    return (middle + half * np.linspace(-1, 1, count)[:, None]).astype(np.float32)


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
