"""Schedules of the learning rate: the same networks, weights and batches, and a rate that changes or does not."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.learning_rate.networks import factors_of, raced, racing, sets_of, starts
from core.concepts.learning_rate.params import MOMENTS, Params, Result, steps_per_epoch
from core.ml.population import Stacked
from core.ml.recording import Recording


def train(
    params: Params, device: str = "cpu", chunk: int = 200, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; in the end weights [schedules, seeds, D].

    population: the class that trains, `Stacked` or one with the same face.
    """
    sets, seeds, nets = sets_of(params), params.seeds, len(params.schedules)
    factors = np.stack([factors_of(each.rule, params) for each in params.schedules])
    race = racing(params, sets, np.full((nets, seeds), params.rate), factors, starts(params), population, device)
    epochs = np.unique(np.linspace(0, params.epochs, MOMENTS + 1).round().astype(int))
    steps = epochs * steps_per_epoch(params)
    rate = params.rate * factors[:, steps.clip(max=factors.shape[1] - 1)]
    axes = {"contender": nets, "seed": seeds, "split": 3}
    record = Recording(Result, params, factors.shape[1], axes, tick=epochs, rate=rate)
    yield from raced(race, record, sets, chunk, steps)
    return {"weights": record.parted("contender seed", race.weights)}
