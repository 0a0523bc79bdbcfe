"""Warm-up: which target rates a network survives, if it begins there, rises to it, or begins at a part of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.learning_rate.networks import raced, racing, sets_of, starts
from core.concepts.learning_rate.params import Params, steps_per_epoch
from core.concepts.learning_rate.warmup.params import (
    DEPTH,
    HELD,
    LENGTHS,
    NAMES,
    PARTS,
    TARGETS,
    Result,
    small,
)
from core.ml.population import Stacked
from core.ml.recording import Recording


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end weights [ways, targets, seeds, D].

    population: the class that trains, `Stacked` or one with the same face.
    """
    inner, seeds = small(params), params.seeds
    sets, per_epoch = sets_of(inner), steps_per_epoch(inner)
    total = inner.epochs * per_epoch
    factors = np.repeat(warmed(total), len(TARGETS), 0)
    rates = np.tile(np.array(TARGETS)[:, None], (len(NAMES), seeds))
    first = starts(inner, DEPTH, params.gain)
    race = racing(inner, sets, rates, factors, first, population, device, "tanh", DEPTH)
    epochs = np.arange(inner.epochs + 1)
    axes = {"name": len(NAMES), "target": len(TARGETS), "seed": seeds, "split": 3}
    record = Recording(Result, params, total, axes, tick=epochs)
    yield from raced(race, record, sets, chunk, epochs * per_epoch)
    return {"weights": record.parted("name target seed", race.weights)}


def warmed(total: int) -> np.ndarray:
    """Factors of the target rate by way and step: none, linear warm-ups (Goyal et al., 2017), and first rates held, as
    He et al. (2016) have it."""
    step = np.arange(total)
    rising = [np.minimum(1, (step + 1) / length) for length in LENGTHS]
    return np.stack([np.ones(total), *rising, *(np.where(step < HELD, part, 1) for part in PARTS)])
