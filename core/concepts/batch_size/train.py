"""The same network in batches of one, of a few and of all examples: over passes, over steps and over seconds."""

from __future__ import annotations

import time
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
        step_seconds=np.array([[step_seconds(races, k) for k in range(count)] for _ in range(params.seeds)]).T,
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


def step_seconds(races: Races, k: int) -> float:
    """Seconds of one step of one network of size k alone in torch: the fastest of eight, as whatever else the machine
    does only adds to it."""
    alone, times = races.network(k, 1, Stacked), []
    for _ in range(min(9, int(races.taken[k, -1]))):
        begin = time.perf_counter()
        alone.advance(1)
        times.append(time.perf_counter() - begin)
    return min(times[1:] or times)  # the first warms up
