"""Batch norm at test: running averages or the examples at hand, by how many are normalised together in training."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.batch_norm.networks import KEPT, Normed
from core.concepts.batch_norm.params import TICKS, Params, ticks
from core.concepts.batch_norm.serving.params import PASSES, WAYS, Result, groups_of, steps_in_groups
from core.concepts.batch_norm.train import Split, data_of, population
from core.ml.recording import Recording, schedule, stacked


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end states [seeds, …] by group."""
    training, _, test = data_of(params)
    groups, total, rates = groups_of(params), steps_in_groups(params), [params.lr] * params.seeds
    nets = [population(params, "before", training, rates, groups[-1], group, device) for group in groups]
    moments = ticks(total, TICKS)
    axes = {"way": len(WAYS), "seed": params.seeds, "group": len(groups), "drift": 4, "pass": PASSES + 1}
    record = Recording(Result, params, total, axes, tick=moments, passed=np.arange(PASSES + 1), group=np.array(groups))

    for moment in schedule(total, chunk, tick=moments):
        for net in nets:
            net.advance(len(moment.steps))
        if moment.due:
            found = stacked({"test": judged(net, test), "fitted": net.measure(*training)[1].mean(1)} for net in nets)
            record.append("tick", **{name: np.moveaxis(values, 0, -1) for name, values in found.items()})
        if moment.last:
            drift(record, nets[-1], params.other, test)
        yield record.result(moment.step)
    return {str(group): net.state() for group, net in zip(groups, nets)}


def judged(net: Normed, test: Split) -> np.ndarray:
    """Test accuracy in every way, [way, seeds]. The first examples fill up the last group."""
    (x, y), group = test, net.group
    n = x.shape[1]
    filled = np.arange(-(-n // group) * group) % n
    by_class = np.argsort(y, 1, kind="stable")[:, filled]
    in_class = np.take_along_axis(x, by_class[..., None], 1), np.take_along_axis(y, by_class, 1)
    ways = {
        "running": net.measure(x, y),
        "biased": net.measure(x, y, "biased"),
        "exact": exactly(net, x, y),
        "own": net.measure(x[:, filled], y[:, filled], "own"),
        "sorted": net.measure(*in_class, "own"),
    }
    return np.stack([ways[way][1].mean(1) for way in WAYS])


def exactly(net: Normed, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `measure`, with mean and variance of all training examples in place of running averages."""
    before, group = net.averages, net.group
    net.averages, net.kept, net.group = [layer.clone() for layer in before], 1.0, 0
    net.pass_on(net.x[net.which])
    found = net.measure(x, y)
    net.averages, net.kept, net.group = before, KEPT, group
    return found


def others(x: np.ndarray, kind: str) -> np.ndarray:
    """The same examples, inverted (what was highest is lowest), or half the range brighter."""
    low, high = x.min(), x.max()
    return {"same": x, "inverted": low + high - x, "brighter": x + (high - low) / 2}[kind].astype(np.float32)


def drift(record: Recording, net: Normed, kind: str, test: Split) -> None:
    """What becomes of a frozen network whose averages still move, while other data pass."""
    x, y = test
    other, inputs = others(x, kind), net.x
    net.x = net.x.new_tensor(others(inputs.numpy(force=True), kind))
    kept = [net.measure(data, y)[1].mean(1) for data in (x, other)]
    before = net.averages
    net.averages = [layer.clone() for layer in before]
    for k in range(PASSES + 1):
        moved = [net.measure(data, y)[1].mean(1) for data in (x, other)]
        record.append("pass", drift=np.stack([kept[0], moved[0], kept[1], moved[1]]))
        net.step = k % (net.per_epoch * net.orders.shape[1])
        net.pass_on(net.next_batch()[0])
    net.x, net.averages = inputs, before
