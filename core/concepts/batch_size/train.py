"""The same network in batches of one, of a few and of all examples: over passes, over steps and over seconds."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.batch_size.params import Params, Result
from core.concepts.batch_size.races import Races
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 500, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps of all contenders together; in the end the weights
    [contenders, seeds, D].

    population: the class that trains, `Stacked` or one with the same face. A step alone is timed in torch, as a reader
    would make it.
    """
    contenders = params.contenders
    races = Races(params, [c.batch for c in contenders], [[c.lr] for c in contenders], population, device)
    total, count = int(races.clock[-1]), len(contenders)
    record = Recording(
        Result,
        params,
        total,
        {"seed": params.seeds, "split": 3},
        examples=races.examples,
        size=races.size,
        taken=races.taken,
        step_seconds=np.array([races.step_seconds(k, Stacked) for k in range(count)]),
    )
    tick = 0
    for moment in schedule(total, chunk, tick=races.clock):
        if "tick" in moment.due:
            loss, accuracy = races.advance(tick)
            record.append("tick", loss=loss, accuracy=accuracy)
            tick += 1
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": record.parted("contender seed", races.weights().reshape(count * params.seeds, -1))}
