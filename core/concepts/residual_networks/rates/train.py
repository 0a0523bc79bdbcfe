"""Is it the rate? Two depths with and without shortcuts, at every rate, on the same batches."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concepts.residual_networks.networks import Examples, Population, batches, data_of
from core.concepts.residual_networks.params import PROBED, Params, batch_of, ticks
from core.concepts.residual_networks.rates.params import NETS, RATES, Result, compared
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end states [rates, seeds, …],
    "0.20" for the plain network of depth 20."""
    training, test = data_of(params, device)
    probe = Examples(training.x[:, :PROBED], training.y[:, :PROBED])
    orders = batches(params, training.x.shape[1], batch_of(params))
    rows = [Population(params, net, depth, RATES, device) for net, depth in compared(params)]
    seen, moments = torch.arange(params.seeds, device=device)[:, None], ticks(params.steps)
    axes = {"row": len(rows), "rate": len(RATES), "seed": params.seeds, "split": 2}
    record = Recording(Result, params, params.steps, axes, tick=moments)

    for moment in schedule(params.steps, chunk, tick=moments):
        for step in moment.steps:
            chosen = torch.as_tensor(orders[step].astype(np.int64), device=device)
            batch = Examples(training.x[seen, chosen], training.y[seen, chosen])
            for population in rows:
                population.learn(batch)
        if moment.due:
            found = np.array([[population.measure(split) for split in (probe, test)] for population in rows])
            loss, accuracy = found.transpose(2, 0, 3, 1)  # [row, rate · seed, split] each
            each = (len(rows), len(RATES), params.seeds, 2)
            record.append("tick", loss=loss.reshape(each), accuracy=accuracy.reshape(each))
        yield record.result(moment.step)
    states = [population.state().reshape(len(RATES), params.seeds, -1) for population in rows]
    return {f"{NETS.index(net)}.{depth}": state for (net, depth), state in zip(compared(params), states)}
