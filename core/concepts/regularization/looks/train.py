"""Features of pure noise, kept or dropped by what validation data say (after Dwork et al., 2015)."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.regularization.looks.params import SETS, Result
from core.concepts.regularization.params import Params
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` looks; in the end the votes [seeds, sets, examples]."""
    seeds, shape = params.seeds, (len(SETS), params.held)
    rng = [stream("nothing to learn", params.data_seed + s) for s in range(seeds)]
    labels = np.stack([own.choice([-1.0, 1.0], shape) for own in rng])  # [seed, set, example]
    votes, kept = np.zeros_like(labels), np.zeros(seeds, int)
    record = Recording(
        Result, params, params.looks, {"set": len(SETS), "seed": seeds}, look=np.arange(params.looks + 1)
    )
    for moment in schedule(params.looks, chunk, look=range(params.looks + 1)):
        for _ in moment.steps:
            feature = np.stack([own.standard_normal(shape) for own in rng])
            agreed = (feature * labels).sum(-1)  # [seed, set]
            feature *= np.sign(agreed[:, :1, None])  # its sign is learned on the training set
            keep = agreed[:, 0] * agreed[:, 1] > 0  # the look
            votes += feature * keep[:, None, None]
            kept += keep
        right = (votes * labels > 0) + 0.5 * (votes == 0)
        record.append("look", accuracy=right.mean(-1).T, kept=kept)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"votes": votes}
