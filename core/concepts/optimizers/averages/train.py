"""Exponentially weighted averages of a noisy signal, as momentum and Adam keep them of gradients, value by value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.concepts.optimizers.averages.params import TIMES, Result, length
from core.concepts.optimizers.params import Params
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 25) -> Iterator[Result]:
    """Results, each fuller than the last, every `chunk` values: v ← β v + (1−β) x from v = 0, the same over 1 − βᵗ, and
    the mean of the last 1/(1−β) values."""
    times, beta, last = length(params), params.beta, round(1 / (1 - params.beta))
    truth = signal(params)
    noisy = truth + params.scatter * np.stack([scatter(params, i) for i in range(params.seeds)])
    record = Recording(Result, params, times, {"seed": params.seeds, "kind": 3, "time": times})
    plain = np.zeros(params.seeds)
    for moment in schedule(times, chunk):
        for t in moment.steps:
            plain = beta * plain + (1 - beta) * noisy[:, t]
            corrected = plain / (1 - beta ** (t + 1))
            window = noisy[:, max(t + 1 - last, 0) : t + 1].mean(1)
            record.append("time", truth=truth[t], noisy=noisy[:, t], averaged=[plain, corrected, window])
        yield record.result(moment.step)


def signal(params: Params) -> np.ndarray:
    """What is hidden in the noise: [time]. The reader's own is brought to mean 0 and standard deviation 1."""
    t = np.arange(TIMES)
    if params.own:
        column = table(params.own)[0][:, 0]
        return (column - column.mean()) / column.std()
    return {"wave": np.cos(2 * np.pi * t / TIMES), "ramp": t / TIMES, "constant": np.ones(TIMES)}[params.signal]


def scatter(params: Params, seed: int) -> np.ndarray:
    """What is added to the signal of one seed, in units of `scatter`: [time], standard normal."""
    return stream("optimizers signal", params.data_seed + seed).standard_normal(length(params))
