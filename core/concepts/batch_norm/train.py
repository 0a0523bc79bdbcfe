"""With and without normalisation: networks at every rate, all from the same weights and on the same batches."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.batch_norm.networks import Normed, first_weights
from core.concepts.batch_norm.params import (
    NOISE,
    POINTS,
    RATES,
    TICKS,
    Params,
    Result,
    batch_of,
    sizes,
    steps_of,
    ticks,
)
from core.ml.data import batch_orders
from core.ml.optimizers import Settings
from core.ml.recording import Recording, schedule
from core.ml.splits import three_splits

Split = tuple[np.ndarray, np.ndarray]  # x [seeds, n, features], y [seeds, n]


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the states [rates, seeds, …] of
    every network (`Normed.state`)."""
    training, validation, test = data_of(params)
    rates = [rate for rate in RATES for _ in range(params.seeds)]
    nets = [population(params, net.norm, training, rates, batch_of(params), device=device) for net in params.nets]
    total, moments = steps_of(params), ticks(steps_of(params), TICKS)
    axes = {"net": len(nets), "rate": len(RATES), "seed": params.seeds}
    record = Recording(Result, params, total, axes, tick=moments)

    for moment in schedule(total, chunk, tick=moments):
        for net in nets:
            net.advance(len(moment.steps))
        if moment.due:
            right = np.stack([look(net, validation, test) for net in nets], 1)
            record.append("tick", validation=right[0].ravel(), test=right[1].ravel())
        yield record.result(moment.step)
    return {f"{i}": net.state().reshape(len(RATES), params.seeds, -1) for i, net in enumerate(nets)}


def data_of(params: Params) -> list[Split]:
    """Training, validation and test data of every seed."""
    seeds = range(params.data_seed, params.data_seed + params.seeds)
    sets = [three_splits(params.data, params.own, POINTS, NOISE, seed) for seed in seeds]
    return [(np.stack([d.x[k] for d in sets]).astype(np.float32), np.stack([d.y[k] for d in sets])) for k in range(3)]


def population(
    params: Params, kind: str, training: Split, rates: list[float], batch: int, group: int = 0, device: str = "cpu"
) -> Normed:
    """A member of this kind per rate, whose seed is its place counted round and round."""
    seeds, (x, y) = params.seeds, training
    start = [first_weights(sizes(params), params.weight_seed + i) for i in range(seeds)]
    orders = np.stack([batch_orders(x.shape[1], params.epochs, params.data_seed + i) for i in range(seeds)])
    which = np.arange(len(rates)) % seeds
    settings = [Settings(params.rule, rate) for rate in rates]
    noisy = [params.data_seed + i for i in range(seeds)]
    return Normed(
        kind, sizes(params), np.stack(start)[which], settings, x, y, which, orders, batch, noisy, group, device
    )


def look(net: Normed, *splits: Split) -> list[np.ndarray]:
    """Accuracy of every member on each of them."""
    x, y = (np.concatenate(both, 1) for both in zip(*splits))
    ends = np.cumsum([split[1].shape[1] for split in splits])[:-1]
    return [right.mean(1) for right in np.split(net.measure(x, y)[1], ends, 1)]
