"""A class that must not be missed: one network, one whose loss counts that class ten times, and rules beside them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.error_analysis.data import CENTRES, Clouds
from core.concepts.error_analysis.networks import probabilities, visits
from core.concepts.error_analysis.params import Params
from core.concepts.error_analysis.rare.params import BATCH, LONGER, RATE, ROWS, SIZES, TEST, TRAIN, Result
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 100, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, the last with what became of it; in the end the weights [plain or heavy, seeds, D]."""
    seeds, where, steps = range(params.seeds), problem(params), LONGER * params.steps
    drawn = [where.draw(TRAIN + TEST, stream("error analysis rare", params.data_seed + s)) for s in seeds]
    x, y = (np.stack([pair[i] for pair in drawn]) for i in (0, 1))
    orders, labels = [], y[:, :TRAIN]
    for heavy in (False, True):
        for s in seeds:  # to visit a class ten times as often is to count its loss ten times
            chance = np.where(labels[s] == 1, params.weight if heavy else 1, 1).astype(float)
            orders.append(visits(TRAIN, steps, BATCH, params.data_seed + s, chance))
    first = np.tile([initial_weights(SIZES, params.weight_seed + s) for s in seeds], (2, 1))
    twice = [np.concatenate([a, a]) for a in (x[:, :TRAIN].astype(np.float32), labels)]
    settings = [Settings("adam", RATE)] * len(first)
    race = population(
        SIZES, "relu", "softmax", first, settings, *twice, np.arange(len(first)), np.stack(orders), BATCH, device=device
    )
    axes = {"rule": len(ROWS), "seed": params.seeds, "end": 1, "measure": 5}
    record = Recording(Result, params, steps, axes)
    for moment in schedule(steps, chunk):
        race.advance(len(moment.steps))
        if not moment.last:
            yield record.result(moment.step)
    value = []
    for s in seeds:
        new, true = x[s, TRAIN:], y[s, TRAIN:] == 1
        plain, heavy = probabilities(race.outputs(new.astype(np.float32), np.array([s, s + params.seeds])))[:, 1]
        p = where.density(new)
        best = p[:, 1] / p.sum(1)
        bar = 1 / (1 + params.weight)  # above it, to say "rare" costs less (Elkan, 2001)
        rules = np.zeros(len(new), bool), plain > 0.5, heavy > 0.5, plain > bar, best > 0.5, best > bar
        value.append([measures(said, true, params.weight) for said in rules])
    record.append("end", value=np.array(value).swapaxes(0, 1))
    yield record.result(steps)
    return {"weights": race.weights.reshape(2, len(seeds), -1)}


def problem(params: Params) -> Clouds:
    """The cloud in the middle is rare, class 1; the others are everything else."""
    middle = (CENTRES == 0).all(1)
    chance = np.where(middle, params.share, (1 - params.share) / (len(CENTRES) - 1))
    return Clouds(CENTRES, middle.astype(int), chance, params.spread)


def measures(said: np.ndarray, true: np.ndarray, weight: float) -> list[float]:
    """Accuracy, recall, precision, F1 (van Rijsbergen, 1979), and the weighted error: what mistakes cost, as a share of
    what it costs to be always wrong. Bool [n] each. NaN where nothing was called rare, or nothing is."""
    hit, called, there = int((said & true).sum()), int(said.sum()), int(true.sum())
    missed, alarms = there - hit, called - hit
    cost = (weight * missed + alarms) / (weight * there + len(true) - there)
    precision, recall = hit / called if called else np.nan, hit / there if there else np.nan
    return [float((said == true).mean()), recall, precision, 2 * hit / max(called + there, 1), cost]
