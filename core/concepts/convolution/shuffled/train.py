"""What a convolution assumes: that neighbours belong together, and that a pattern may be anywhere. In signals whose
places are shuffled neither is so, and a perceptron cannot tell the difference."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.convolution.params import Params
from core.concepts.convolution.shuffled.params import BATCH, NETS, ORDERS, REACH, Result, moments
from core.ml.architecture import parameter_count
from core.ml.data import batch_orders
from core.ml.recording import Recording, schedule
from core.ml.signal_nets import Race, both_splits
from core.ml.signals import shuffled


def train(params: Params, device: str = "cpu", chunk: int = 60) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [orders, seeds, D] of every net."""
    n, seeds = params.examples, range(params.seeds)
    per_epoch, ticks = -(-n // BATCH), moments(params.epochs)
    total = params.epochs * per_epoch
    data = [both_splits(n, params.data_seed + s) for s in seeds]
    x = np.stack([order(x) for order in (np.array, shuffled) for x, _ in data])  # [order · seed, n, length]
    y = np.stack([y for _ in ORDERS for _, y in data])
    start = [params.weight_seed + s for _ in ORDERS for s in seeds]
    races = [Race(*net, start, given(name, x), y, total) for name, net in NETS.items()]
    orders = np.stack([batch_orders(n, params.epochs, params.data_seed + s) for s in seeds])
    orders = np.tile(orders, (len(ORDERS), 1, 1))  # the same in both
    record = Recording(
        Result,
        params,
        total,
        {"order": len(ORDERS), "seed": params.seeds},
        tick=ticks,
        parameters=np.array([parameter_count(*net) for net in NETS.values()]),
    )
    for moment in schedule(total, chunk, tick=ticks * per_epoch):
        for step in moment.steps:
            epoch, k = divmod(step, per_epoch)
            for race in races:
                race.step(orders[:, epoch, k * BATCH : (k + 1) * BATCH])
        if moment.due:
            found = [record.parted("order seed", race.tested()) for race in races]
            record.append("tick", accuracy=np.stack(found))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {name: record.parted("order seed", race.weights.numpy()) for name, race in zip(NETS, races)}


def given(net: str, x: np.ndarray) -> np.ndarray:
    """What a network is given of signals [members, n, length]: "local" their patches, place by place."""
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(x, REACH, -1)) if net == "local" else x
