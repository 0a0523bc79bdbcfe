"""Searchers on the same data from the same weights, round by round; each spends as many epochs as the others.

Successive halving (Jamieson and Talwalkar, 2016) trains nine settings for a ninth of the epochs, three of them on to a
third, and one to the end, again and again. Here all nine are trained to the end, since networks of a population do not
disturb each other, and what it would not have seen is not looked at.

The panda is one model that is watched: where a training has lowered its validation loss, it goes on from there at a
larger rate, else it goes back and takes a smaller one (the bold driver of Vogl et al., 1988, with factors of our own).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.hyperparameter_search.params import Params, batches
from core.concepts.hyperparameter_search.race.params import (
    BRACKET,
    KEPT,
    SEARCHED,
    SEARCHERS,
    SEARCHES,
    Result,
    brackets,
    rungs,
    spending,
    trainings,
)
from core.concepts.hyperparameter_search.race.tpe import proposed
from core.concepts.hyperparameter_search.tasks import first_rows, networks, task_of, value
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording

UP, DOWN = 1.5, 1 / 3  # what the panda's rate is multiplied by
RATE = SEARCHED.index("rate")
LINEAR, HALVING, TPE, PANDA, ALONE = map(SEARCHERS.index, ("linear", "halving", "tpe", "panda", "alone"))
TRAINED = [i for i in range(len(SEARCHERS)) if i != HALVING]  # those with one training a round


def train(
    params: Params, device: str = "cpu", chunk: int = 1, population: Any = Stacked
) -> Generator[Result, None, None]:
    """Results, each with more trainings spent than the last, every `chunk` trainings.

    population: the class that trains, `Stacked` or one with the same face.
    """
    count, task, inside = trainings(params), task_of(params), params.epochs * batches(params)
    seeds = np.arange(params.seeds).repeat(SEARCHES)  # of every search
    place, nine = drawn_places(params)
    settings, sorted_out = valued(params, place), valued(params, nine)
    settings[LINEAR, ..., RATE] = value(params, "rate", place[LINEAR, ..., RATE], linear=True)
    settings[[PANDA, ALONE]] = settings[[PANDA, ALONE], :, :1]  # the first draw stays
    start = first_rows(params, seeds)
    rows = np.stack([start] * len(SEARCHERS))
    stands = np.full(len(seeds), np.inf)  # validation loss of the network that the panda goes on from
    every = [np.arange(1, count + 1)] * len(SEARCHERS)  # when a searcher has a network more, in trainings
    every[HALVING] = np.add.outer(np.arange(brackets(params)) * spending(params)[-1], spending(params)).ravel()
    found = [np.full((len(seeds), len(times), 2), np.nan) for times in every]  # its validation and test accuracy
    sizes = {"seed": params.seeds, "search": SEARCHES, "tick": count, "searcher": len(SEARCHERS)}
    record = Recording(Result, params, count, sizes, spent=np.arange(1, count + 1))
    yield record.result(0)

    for t in range(count):
        if t:
            place[TPE, :, t] = proposed(place[TPE, :, :t], found[TPE][:, :t, 0], stream("tpe", params.data_seed, t))
            settings[TPE, :, t] = valued(params, place[TPE, :, t])
        past = np.zeros((len(TRAINED), len(seeds)))
        past[-2:] = t * params.epochs  # panda and alone have been trained before
        tried, which = settings[TRAINED, :, t].reshape(-1, len(SEARCHED)), np.tile(seeds, len(TRAINED))
        before = rows[TRAINED].reshape(len(which), -1)
        nets = networks(params, task, named(tried), which, before, population, device, past.ravel())
        nets.advance(inside)
        loss, right = (part.reshape(len(TRAINED), len(seeds), 2) for part in nets.measure(task.bounds[1:]))
        for i, accuracy in zip(TRAINED, right):
            found[i][:, t] = accuracy
        after = nets.weights.reshape(len(TRAINED), len(seeds), -1)
        better = np.isfinite(loss[-2, :, 0]) & (loss[-2, :, 0] < stands)
        stands = np.where(better, loss[-2, :, 0], stands)
        rows[PANDA], rows[ALONE] = np.where(better[:, None], after[-2], rows[PANDA]), after[-1]
        if t + 1 < count:
            settings[PANDA, :, t + 1, RATE] = settings[PANDA, :, t, RATE] * np.where(better, UP, DOWN)
        if t < brackets(params):
            tried, which = sorted_out[:, t].reshape(-1, len(SEARCHED)), seeds.repeat(BRACKET)
            nets = networks(params, task, named(tried), which, start.repeat(BRACKET, 0), population, device)
            seen = []
            for steps in np.diff([0, *rungs(params)]) * batches(params):
                nets.advance(int(steps))
                seen.append(nets.measure(task.bounds[1:])[1].reshape(len(seeds), BRACKET, 2))
            found[HALVING][:, 3 * t : 3 * t + 3] = survivors(seen)
        best = np.stack([best_of(each[:, times <= t + 1]) for each, times in zip(found, every)])
        best = best.reshape(len(SEARCHERS), params.seeds, SEARCHES, 2)
        record.append("tick", best=best[..., 0], test=best[..., 1])
        if (t + 1) % chunk == 0 or t + 1 == count:
            yield record.result(t + 1)


def drawn_places(params: Params) -> tuple[np.ndarray, np.ndarray]:
    """Places of all settings drawn beforehand, [searcher, search, trial, axis], of which the grid's have a random
    offset and come in a random order, and those of successive halving [search, bracket, 9, axis]."""
    count, axes = trainings(params), len(SEARCHED)
    steps = np.stack(np.meshgrid(*[np.arange(params.levels)] * axes, indexing="ij"), -1).reshape(-1, axes)
    place, nine = [], []
    for s in range(params.seeds):
        rng = stream("race", params.data_seed + s)
        drawn = rng.random((len(SEARCHERS), SEARCHES, count, axes))
        for search in range(SEARCHES):
            drawn[0, search] = rng.permutation(steps + rng.random(axes)) / params.levels
        place.append(drawn)
        nine.append(rng.random((SEARCHES, brackets(params), BRACKET, axes)))
    return np.concatenate(place, 1), np.concatenate(nine)


def valued(params: Params, place: np.ndarray) -> np.ndarray:
    """Hyperparameters [..., axis] at these places."""
    return np.stack([value(params, name, place[..., k]) for k, name in enumerate(SEARCHED)], -1)


def named(settings: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(SEARCHED, settings.T))


def survivors(seen: list[np.ndarray]) -> np.ndarray:
    """Accuracies of the best after each rung, [search, rung, 2]: of all nine, of the three that were best before, of
    the one. seen: validation and test accuracy [search, 9, 2] of all after every rung."""
    alive, chosen = np.ones(seen[0].shape[:2], bool), []
    for found, left in zip(seen, (KEPT, 1, 1)):
        order = (-np.where(alive, found[..., 0], -1)).argsort(1, kind="stable")
        chosen.append(np.take_along_axis(found, order[:, :1, None], 1)[:, 0])
        np.put_along_axis(alive, order[:, left:], False, 1)
    return np.stack(chosen, 1)


def best_of(found: np.ndarray) -> np.ndarray:
    """Of networks [search, k, 2] the first with the highest validation accuracy, [search, 2]; NaN where none is."""
    if not found.shape[1]:
        return np.full((len(found), 2), np.nan)
    return np.take_along_axis(found, found[..., 0].argmax(1)[:, None, None], 1)[:, 0]
