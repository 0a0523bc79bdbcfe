"""How to divide data: networks trained on the training part of each division, judged by its test part and by fresh
points whose densities are known."""

from __future__ import annotations

from collections.abc import Generator
from itertools import product
from typing import Any

import numpy as np

from core.concepts.error_analysis.data import clouds
from core.concepts.error_analysis.divisions.params import (
    BATCH,
    FRESH,
    LONGER,
    RATE,
    SHARES,
    SIZES,
    TOTALS,
    Result,
)
from core.concepts.error_analysis.networks import visits
from core.concepts.error_analysis.params import Params
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(
    params: Params, device: str = "cpu", chunk: int = 100, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, the last with what was measured; in the end the weights [divisions, totals, seeds, D]. A smaller total
    is the beginning of a larger one; its training part comes first, its test part last."""
    seeds, where, steps = range(params.seeds), clouds(params), LONGER * params.steps
    seen = steps * BATCH  # examples; there is no time for more
    drawn = [where.draw(TOTALS[-1], stream("error analysis divisions", params.data_seed + s)) for s in seeds]
    who = list(product(SHARES.values(), TOTALS, seeds))
    x, y = np.zeros((len(who), seen, SIZES[0]), np.float32), np.zeros((len(who), seen), np.int64)
    orders = []
    for i, ((part, _), total, s) in enumerate(who):
        n = min(round(part * total), seen)
        x[i, :n], y[i, :n] = drawn[s][0][:n], drawn[s][1][:n]
        orders.append(visits(n, steps, BATCH, params.data_seed + s))
    first = np.stack([initial_weights(SIZES, params.weight_seed + s) for _, _, s in who])
    settings = [Settings("adam", RATE)] * len(who)
    which = np.arange(len(who))
    race = population(SIZES, "relu", "softmax", first, settings, x, y, which, np.stack(orders), BATCH, device=device)
    shape = (len(SHARES), len(TOTALS), params.seeds)
    axes = {"division": len(SHARES), "size": len(TOTALS), "seed": params.seeds, "end": 1}
    record = Recording(Result, params, steps, axes)
    for moment in schedule(steps, chunk):
        race.advance(len(moment.steps))
        if not moment.last:
            yield record.result(moment.step)
    estimate, truth = np.zeros(len(who)), np.zeros(len(who))
    for i, ((_, part), total, s) in enumerate(who):
        test = slice(total - round(part * total), total)
        said = race.outputs(drawn[s][0][test].astype(np.float32), np.array([i]))[0].argmax(0)
        estimate[i] = (said != drawn[s][1][test]).mean()
    for s in seeds:
        fresh, _ = where.draw(FRESH, stream("error analysis fresh", params.data_seed + s))
        p = where.density(fresh)
        p /= p.sum(1, keepdims=True)
        mine = np.array([i for i, one in enumerate(who) if one[2] == s])
        said = race.outputs(fresh.astype(np.float32), mine).argmax(1)  # [mine, n]
        truth[mine] = [1 - p[np.arange(FRESH), one].mean() for one in said]
    found = {name: v.reshape(shape).swapaxes(1, 2) for name, v in (("estimate", estimate), ("truth", truth))}
    record.append("end", **found)
    yield record.result(steps)
    return {"weights": race.weights.reshape(*shape, -1)}
