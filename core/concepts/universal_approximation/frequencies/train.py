"""Which frequencies are learned first (Rahaman et al., 2019)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.universal_approximation.frequencies.params import EXAMPLES, FREQUENCIES, Result
from core.concepts.universal_approximation.params import Params, ticks
from core.concepts.universal_approximation.train import fitting
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule

MOMENTS = 60  # measured, at most, besides the start
LOOKED = 256  # places within ±1, a whole number of which make a wave
HEIGHT = 0.5  # of every sine


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the weights [seeds, D].

    population: the class that trains, `Stacked` or one with the same face.
    """
    seeds, moments = params.seeds, ticks(params.steps, MOMENTS)
    rngs = [stream("frequencies", params.data_seed + i) for i in range(seeds)]
    begin = np.array([rng.uniform(0, 2, len(FREQUENCIES)) for rng in rngs])  # phases over π, another per seed
    x = (np.arange(EXAMPLES) + np.array([rng.random(EXAMPLES) for rng in rngs])) * 2 / EXAMPLES - 1
    place = (np.arange(LOOKED) + 0.5) * 2 / LOOKED - 1
    truth = HEIGHT * waves(place, begin)  # [seed, frequency, place]
    y = HEIGHT * np.stack([waves(at, own[None])[0].sum(0) for at, own in zip(x, begin)])
    data = x[..., None].astype(np.float32), y[..., None].astype(np.float32)
    net = fitting(params, (1, params.total, params.total, 1), "relu", *data, device, population)
    inputs, members = place[:, None].astype(np.float32), np.arange(seeds)
    axes = {"frequency": len(FREQUENCIES), "seed": seeds}
    record = Recording(Result, params, params.steps, axes, tick=moments, place=place, truth=truth[0].sum(0))

    for moment in schedule(params.steps, chunk, tick=moments):
        net.advance(len(moment.steps))
        if moment.due:
            outputs = net.outputs(inputs, members)[:, 0].astype(float)
            found = 2 * (outputs[:, None] * truth).mean(-1) / HEIGHT**2  # sines of different frequency add nothing
            record.append("tick", share=found.T, fit=outputs[0])
        yield record.result(moment.step)
    return {"weights": net.weights}


def waves(x: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """Sines at places x [n] with phases [seeds, frequencies] over π: [seeds, frequencies, n]."""
    return np.sin(np.pi * (np.array(FREQUENCIES)[:, None] * x + begin[..., None]))
