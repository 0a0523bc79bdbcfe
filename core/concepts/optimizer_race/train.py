"""The optimizer race: contenders × rates × seeds train together, from the same weights, on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
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
from core.ml.data import batch_orders
from core.ml.networks import initial_weights
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.rules import Contender
from core.ml.splits import three_splits

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
    sets = [
        three_splits(params.data, params.own, params.points, params.noise, params.data_seed + i)
        for i in range(params.seeds)
    ]
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
    frames = (
        np.unique(np.linspace(0, params.epochs, FRAMES + 1).round().astype(int)) if on_points(params) else epochs[:0]
    )
    kept = moments(params, total) if params.surface else epochs[:0]
    shown = np.r_[: bounds[1], bounds[2] : bounds[3]] if on_points(params) else np.arange(0)
    record = Recording(
        Result,
        params,
        total,
        {"seed": params.seeds, "split": 3, "row": GRID, "column": GRID, "direction": 2},
        steps_per_epoch=steps_per_epoch,
        parameters=start.shape[1],
        epoch=epochs,
        rate=rate,
        step_seconds=np.array([step_seconds(networks((c,), 1), total) for c in params.contenders]),
        x=x[0][shown],
        y=y[0][shown],
        region_epoch=frames,
    )

    walk = []  # the weights of the first seed [contender, D] at the moments kept
    due = {"tick": epochs * steps_per_epoch, "frame": frames * steps_per_epoch, "kept": kept}
    for moment in schedule(total, chunk, **due):
        race.advance(len(moment.steps))
        if "tick" in moment.due:
            loss, accuracy = (record.parted("contender rate seed", found) for found in race.measure(bounds))
            at_given = {"loss": loss[:, given], "accuracy": accuracy[:, given]}
            record.append("tick", sweep_loss=loss, sweep_accuracy=accuracy, **at_given)
        if "frame" in moment.due:
            record.append("frame", region=probability_grids(race, firsts))
        if "kept" in moment.due:
            walk.append(race.weights[firsts])
        if moment.last and params.surface:
            record.set(moment=kept, **surface(np.stack(walk, 1), start[0], training_loss, params))
        if moment.due != {"kept"} or moment.step % chunk == 0:  # what is kept shows at the end only
            yield record.result(moment.step)
    return {"weights": record.parted("contender rate seed", race.weights)[:, given]}


def surface(
    walk: np.ndarray, start: np.ndarray, training_loss: Callable[[np.ndarray], np.ndarray], params: Params
) -> dict[str, np.ndarray]:
    """The slice through the loss surface along the paths `walk` [contender, moment, D] from their start [D]."""
    path, moved, directions = plane(walk - start, params.weight_seed)
    places = around(path, side(params))  # [side, direction]: the coordinates of columns and rows
    grid = np.stack(np.meshgrid(*places.T), -1).reshape(-1, 2)
    blocks = np.array_split(grid, -(-len(grid) * len(start) // AT_ONCE))
    heights = [training_loss((start + block @ directions).astype(np.float32)) for block in blocks]
    on_paths = np.stack([training_loss(weights) for weights in walk])
    field = np.concatenate(heights).reshape(len(places), -1)
    return {"path": path, "path_loss": on_paths, "moved": moved, "slice_at": places, "slice_loss": field}


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
