"""All schedules, each at every peak rate, in one population."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.learning_rate.networks import factors_of, raced, racing, sets_of, starts
from core.concepts.learning_rate.params import Params, steps_per_epoch
from core.concepts.learning_rate.rates.params import DRAWN, LOOKS, NAMES, PEAKS, Result
from core.ml.population import Stacked
from core.ml.recording import Recording


def train(
    params: Params, device: str = "cpu", chunk: int = 100, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end weights [schedules, peaks, seeds, D].

    population: the class that trains, `Stacked` or one with the same face.
    """
    sets, seeds, per_epoch = sets_of(params), params.seeds, steps_per_epoch(params)
    each = np.stack([factors_of(name, params) for name in NAMES])
    factors = np.repeat(each, len(PEAKS), 0)
    rates = np.tile(np.array(PEAKS)[:, None], (len(NAMES), seeds))
    race = racing(params, sets, rates, factors, starts(params), population, device)
    total = factors.shape[1]
    epochs = np.unique(np.linspace(0, params.epochs, LOOKS + 1).round().astype(int))
    place = np.unique(np.linspace(0, total - 1, DRAWN).round().astype(int))
    axes = {"name": len(NAMES), "peak": len(PEAKS), "seed": seeds, "split": 3}
    drawn = {"place": place / per_epoch, "factor": each[:, place]}
    record = Recording(Result, params, total, axes, tick=epochs, **drawn)
    yield from raced(race, record, sets, chunk, epochs * per_epoch)
    return {"weights": record.parted("name peak seed", race.weights)}
