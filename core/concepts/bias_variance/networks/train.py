"""Networks of every width: several first weights on each of several training sets, so that what the data decide can be
told from what the first weights decide (Neal et al., 2018)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.bias_variance.draws import around, fresh_set, height, nodes, set_stream, training_set, twofold
from core.concepts.bias_variance.networks.params import DRAWS, SETS, WIDTHS, Result, ticks
from core.concepts.bias_variance.params import PLACES, Params
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule

LOOKED = 64  # places of the fresh points, the same for all; their noise is every training set's own
FADES = 0.03  # what is left of the learning rate in the end; it falls by the same factor every step


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; in the end the weights
    [seeds, sets, draws, D] by width.

    population: the class that trains, `Stacked` or one with the same face.
    """
    seeds, n, moments = params.seeds, params.points, ticks(params.steps)
    rngs = [set_stream(params, seed, which) for seed in range(seeds) for which in range(SETS)]
    x, y = np.stack([training_set(params, n, rng) for rng in rngs], 1)
    tested = fresh_set(params, LOOKED, stream("places of a test", params.data_seed))[0]
    targets = np.stack([around(params, tested, rng) for rng in rngs]).reshape(seeds, SETS, 1, LOOKED)
    place, weight = nodes()
    truth, inputs = height(params.data, place), np.concatenate([place, tested])[:, None].astype(np.float32)
    which, members = np.repeat(np.arange(seeds * SETS), DRAWS), np.arange(seeds * SETS * DRAWS)
    order = np.broadcast_to(np.arange(n, dtype=np.int32), (seeds * SETS, params.steps, n))
    settings, fading = [Settings("adam", params.lr)] * len(members), FADES ** (np.arange(params.steps) / params.steps)
    points = x[..., None].astype(np.float32), y[..., None].astype(np.float32)

    def network(width: int) -> Any:
        sizes = 1, width, 1
        rows = [
            initial_weights(sizes, SETS * DRAWS * (params.weight_seed + s) + k)
            for s in range(seeds)
            for k in range(SETS * DRAWS)
        ]
        more = {"factors": fading, "device": device}
        return population(
            sizes, params.activation, "squared", np.stack(rows), settings, *points, which, order, n, **more
        )

    nets = [network(width) for width in WIDTHS]
    record = Recording(Result, params, params.steps, {"width": len(WIDTHS), "seed": seeds}, tick=moments)

    for moment in schedule(params.steps, chunk, tick=moments):
        for net in nets:
            net.advance(len(moment.steps))
        if moment.due:
            outputs = np.stack([net.outputs(inputs, members)[:, 0] for net in nets]).astype(float)
            outputs = outputs.reshape(len(WIDTHS), seeds, SETS, DRAWS, -1)
            parts = twofold(outputs[..., :PLACES], truth, weight)
            test = ((outputs[..., PLACES:] - targets) ** 2).mean((2, 3, 4))
            record.append("tick", test=test, **parts)
        yield record.result(moment.step)
    return {str(w): net.weights.reshape(seeds, SETS, DRAWS, -1) for w, net in zip(WIDTHS, nets)}
