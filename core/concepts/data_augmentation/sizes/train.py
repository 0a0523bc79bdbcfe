"""Two ways to train on few examples and on many, all for the same number of steps."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.data_augmentation.networks import Population, batches, loaded
from core.concepts.data_augmentation.params import Params, ticks, used
from core.concepts.data_augmentation.sizes.params import Result, counts, pair
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end weights [ways · counts, seeds,
    D]."""
    training, _, (x, y) = loaded(params)
    few, which = counts(params), pair(params)
    nets, moments = Population(params, len(which) * len(few), device), ticks(params.steps)
    steps = zip(*(batches(params, used(params), training, n, which) for n in few))
    sizes = {"way": len(which), "seed": params.seeds}
    record = Recording(Result, params, params.steps, sizes, tick=moments, count=np.array(few))

    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            examples, labels = (np.stack(parts, 1) for parts in zip(*next(steps)))  # [ways, counts, seeds, …]
            nets.learn(*(each.reshape(-1, *each.shape[2:]) for each in (examples, labels)))
        if moment.due:
            record.append("tick", test=nets.right(x[None], y).mean(2).ravel())
        yield record.result(moment.step)
    return nets.state()
