"""Which starts train how deep a network: every start, optimizer and rate at once, depth by depth."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.initialization.depth.params import DEPTHS, RATES, RULES, SCHEMES, Result
from core.concepts.initialization.params import Params, layout, table_shape
from core.concepts.initialization.starts import data_sets, drawn, trainer
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each with more depths, at least one every `chunk` steps; in the end the weights [rules, schemes, rates,
    seeds, D] by depth.

    population: the class that trains, `Stacked` or one with the same face.
    """
    sets, steps, rates = data_sets(params, params.steps), params.steps, len(RATES[RULES[0]])
    kinds = [Settings(rule, rate) for rule in RULES for _ in SCHEMES for rate in RATES[rule]]
    shape = len(RULES), len(SCHEMES), rates, params.seeds
    axes = dict(zip(("rule", "scheme", "rate", "seed"), shape))
    record = Recording(Result, params, steps * len(DEPTHS), axes, depth=np.array(DEPTHS))
    chance, state = float(np.log(table_shape(params)[2])), dict[str, np.ndarray]()
    ends = range(steps, steps * len(DEPTHS) + 1, steps)

    def network(depth: int) -> Any:
        sizes = layout(params, depth)
        rows = np.tile(np.repeat(drawn(params, list(SCHEMES), sizes), rates, 0), (len(RULES), 1, 1))
        return trainer(sets, sizes, params.activation, rows, kinds, device, population)

    net = network(DEPTHS[0])
    for moment in schedule(steps * len(DEPTHS), chunk, end=ends):
        net.advance(len(moment.steps))
        if moment.due:
            k = moment.step // steps - 1
            loss, accuracy = net.measure(sets.bounds)
            loss = np.where(np.isfinite(loss), loss, chance)
            found = {"loss": loss[:, 0], "validation": loss[:, 1], "accuracy": accuracy[:, 2]}
            record.append("depth", **{name: values.reshape(shape) for name, values in found.items()})
            state[str(DEPTHS[k])] = net.weights.reshape(*shape, -1)
            net = network(DEPTHS[k + 1]) if k + 1 < len(DEPTHS) else net
        yield record.result(moment.step)
    return state
