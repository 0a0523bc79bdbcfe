"""How far the layers of a network move away from where they started."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import numpy as np

from core.concepts.initialization.moves.params import Result
from core.concepts.initialization.params import EXAMPLES, Params, layout, ticks
from core.concepts.initialization.starts import data_sets, drawn, trainer
from core.concepts.initialization.train import look
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; in the end the weights [starts, seeds, D].

    population: the class that trains, `Stacked` or one with the same face.
    """
    sizes, moments = layout(params, params.hidden), ticks(params.steps)
    sets = data_sets(params, params.steps)
    start = drawn(params, [start.scheme for start in params.starts], sizes)
    settings = [Settings(params.rule, params.rate)] * len(start)
    net = trainer(sets, sizes, params.activation, start, settings, device, population)
    axes = {"start": len(start), "seed": params.seeds, "layer": params.hidden + 1, "hidden": params.hidden}
    record = Recording(Result, params, params.steps, axes, tick=moments)
    n = min(EXAMPLES, sets.bounds[1])

    for moment in schedule(params.steps, chunk, tick=moments):
        net.advance(len(moment.steps))
        if moment.due:
            rows = net.weights.reshape(start.shape)
            loss, accuracy = net.measure(sets.bounds)
            slopes = [
                look(rows[:, i], sizes, params.activation, sets.x[i, :n], sets.y[i, :n])["slope"][:, 1:]
                for i in range(params.seeds)
            ]
            moved = distances(rows, start, sizes)
            record.append("tick", loss=loss[:, 0], accuracy=accuracy[:, 2], moved=moved, slope=np.stack(slopes, 1))
        yield record.result(moment.step)
    return {"weights": net.weights.reshape(start.shape)}


def distances(rows: np.ndarray, start: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Distance of the weights of every layer from those at the start, over the length of these: [..., layer]."""
    found, at = [], 0
    for i, o in pairwise(sizes):
        own, first = (values[..., at : at + i * o].astype(float) for values in (rows, start))
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.linalg.norm(own - first, axis=-1) / np.linalg.norm(first, axis=-1)
        found.append(np.where(np.isfinite(far), far, np.nan))
        at += (i + 1) * o
    return np.stack(found, -1)
