"""Every batch size at every learning rate: how many steps it takes to the target, and what it knows in the end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.batch_size.params import Params
from core.concepts.batch_size.races import Races
from core.concepts.batch_size.tuning.params import RATES, TRIED, Result
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 2000, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps of all sizes together; in the end the weights
    [batches, rates, seeds, D]. population: the class that trains, `Stacked` or one with the same face."""
    races = Races(params, TRIED, [RATES] * len(TRIED), population, device)
    total, shape, tick = int(races.clock[-1]), (len(TRIED), len(RATES), params.seeds), 0
    sizes = dict(zip(("batch", "rate", "seed"), shape))
    record = Recording(Result, params, total, sizes, examples=races.examples, size=races.size)
    reached, passed = np.full(shape, np.nan), np.full(shape, np.nan)
    for moment in schedule(total, chunk, tick=races.clock):
        if "tick" in moment.due:
            _, validation, test = np.moveaxis(races.advance(tick)[1].reshape(*shape, 3), -1, 0)
            first = np.isnan(reached) & (validation > params.target - 1e-6)  # shares are of single precision
            reached[first] = np.broadcast_to(races.taken[:, tick, None, None], shape)[first]
            passed[races.passed == tick] = test[races.passed == tick]
            record.set(reached=reached, validation=validation, test=test, passed=passed)
            tick += 1
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": races.weights().reshape(*shape, -1)}
