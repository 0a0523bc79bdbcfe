"""Grid and random search: every training of a map and of all searches, one population."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.hyperparameter_search.params import (
    COLUMNS,
    MOMENTS,
    ROWS,
    Guess,
    Guessed,
    Params,
    Result,
    batches,
)
from core.concepts.hyperparameter_search.tasks import first_rows, networks, task_of, value
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end the weights [ways, seeds, D] of the networks
    that the first searches chose.

    population: the class that trains, `Stacked` or one with the same face.
    """
    seeds, task = np.arange(params.seeds), task_of(params)
    across, up = np.linspace(0, 1, COLUMNS), np.linspace(0, 1, ROWS)
    place = np.stack([searched(params, params.data_seed + s) for s in range(params.seeds)], 1)
    on_map = np.tile(np.stack(np.meshgrid(across, up), -1).reshape(-1, 2), (params.seeds, 1))
    all_places = np.concatenate([place.reshape(-1, 2), on_map])
    of_searches = np.broadcast_to(seeds[:, None, None], place.shape[:-1])
    which = np.concatenate([of_searches.ravel(), seeds.repeat(COLUMNS * ROWS)])
    values = {name: value(params, name, all_places[:, k]) for k, name in enumerate(("rate", params.second))}
    nets = networks(params, task, values, which, first_rows(params, which), population, device)

    total, epochs = params.epochs * batches(params), np.linspace(0, params.epochs, MOMENTS + 1).round().astype(int)
    known = {"rate": value(params, "rate", across), "setting": value(params, params.second, up)}
    record = Recording(Result, params, total, {}, epoch=epochs, place=place, **known)
    for moment in schedule(total, chunk, tick=epochs * batches(params)):
        nets.advance(len(moment.steps))
        if moment.due:
            right = nets.measure(task.bounds[1:])[1]
            found = right[: place[..., 0].size].reshape(*place.shape[:-1], 2)
            heights = right[place[..., 0].size :, 0].reshape(params.seeds, ROWS, COLUMNS)
            record.append("tick", validation=found[..., 0], test=found[..., 1], height=heights)
        yield record.result(moment.step)
    firsts = found[:, :, 0, :, 0]  # validation accuracy of the first searches [way, seed, trial]
    member = np.arange(place[..., 0].size).reshape(place.shape[:-1])[:, :, 0]
    chosen = np.take_along_axis(member, firsts.argmax(-1)[..., None], -1)[..., 0]
    return {"weights": nets.weights[chosen]}


def searched(params: Params, seed: int) -> np.ndarray:
    """Places [way, search, trial, 2] of all searches: a grid of side × side with a random offset, random ones, and
    random ones with the learning rate on a linear scale."""
    rng, side = stream("search", seed), params.side
    steps = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    grid = (steps + rng.random((params.searches, 1, 2))) / side
    free, linear = rng.random((2, *grid.shape))
    taken = value(params, "rate", linear[..., 0], linear=True)
    linear[..., 0] = np.log10(taken / params.low) / params.decades
    return np.stack([grid, free, linear])


def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Guess) -> Guessed:
    """The reader's own trainings, on the first seed."""
    first, places = params.replace(seeds=1), np.array(question.places)
    task, which = task_of(first), np.zeros(len(places), int)
    values = {name: value(params, name, places[:, k]) for k, name in enumerate(("rate", params.second))}
    nets = networks(first, task, values, which, first_rows(first, which), Stacked, "cpu")
    nets.advance(params.epochs * batches(params))
    right = nets.measure(task.bounds[1:])[1]
    theirs = np.random.default_rng(0).permuted(result.validation[:2, 0, :, -1], axis=-1)  # a grid in any order
    bests = np.maximum.accumulate(theirs, -1).mean(1)  # [way, trial]
    others = bests[:, len(places) - 1] if len(places) <= bests.shape[1] else np.full(2, np.nan)
    seen = right[:, 0], right[:, 1], others.astype(np.float32), bests[:, -1].astype(np.float32), result.height[0, -1]
    return Guessed(question, 1, 1, *seen)
