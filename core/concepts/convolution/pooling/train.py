"""Does pooling help, and by how much with few examples? And does max pooling do what an activation does?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.convolution.params import Params
from core.concepts.convolution.pooling.params import BATCH, COUNTS, GIVEN, NETS, Result
from core.ml.architecture import parameter_count
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.signal_nets import Race, both_splits


def train(params: Params, device: str = "cpu", chunk: int = 60) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [counts, seeds, D] of every net.

    One number of examples after another: the first ones of the same signals, in batches drawn with replacement."""
    seeds, updates = range(params.seeds), params.updates
    data = [both_splits(COUNTS[-1], params.data_seed + s) for s in seeds]
    start = [params.weight_seed + s for s in seeds]
    total = updates * len(COUNTS)
    kept: dict[str, list[np.ndarray]] = {name: [] for name in NETS}
    record = Recording(
        Result,
        params,
        total,
        {"count": len(COUNTS), "seed": params.seeds, "split": 2},
        parameters=np.array([parameter_count(layers, GIVEN) for layers in NETS.values()]),
    )
    races: list[Race] = []
    drawn = np.zeros((len(data), 0, BATCH), np.int64)
    for moment in schedule(total, chunk, begin=range(0, total, updates), count=range(updates, total + 1, updates)):
        for step in moment.steps:
            for race in races:
                race.step(drawn[:, step % updates])
        if "count" in moment.due:
            record.append("count", accuracy=np.stack([np.stack([r.trained(), r.tested()], -1) for r in races]))
            for name, race in zip(NETS, races):
                kept[name].append(race.weights.numpy())
        if "begin" in moment.due:
            n = COUNTS[moment.step // updates]
            rows = np.r_[:n, COUNTS[-1] : len(data[0][0])]
            x, y = (np.stack([one[part][rows] for one in data]) for part in (0, 1))
            races = [Race(layers, GIVEN, start, x, y, updates) for layers in NETS.values()]
            drawn = np.stack([batches(n, updates, params.data_seed + s) for s in seeds])
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {name: np.stack(found) for name, found in kept.items()}


def batches(n: int, updates: int, seed: int) -> np.ndarray:
    """Which examples every step sees: [updates, BATCH]."""
    return stream("batches", seed).integers(n, size=(updates, BATCH))
