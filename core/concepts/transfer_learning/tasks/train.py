"""One set of features, several tasks: only what the source made use of is easy to read from them."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from core.concepts.transfer_learning.networks import Examples, Learner, Nets, Source, batches, sets_of, through
from core.concepts.transfer_learning.params import Params, body, classes, shape_of, ticks
from core.concepts.transfer_learning.tasks.params import FEATURES, PLACES, TASKS, Result, head
from core.ml.layered import layered_weights
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the heads [seeds, D],
    "trained.classes"."""
    sets, moments, first = sets_of(params), ticks(params.steps), params.pretraining
    source, total, seen = Source(params, sets), params.pretraining + params.steps, torch.arange(params.seeds)[:, None]
    n = params.labels * classes(params)[1]
    seeds = range(params.data_seed, params.data_seed + params.seeds)
    orders = np.stack([batches(f"target {n}", n, params.steps, params.batch, seed) for seed in seeds], 1)
    (pool, labels), (test, truth) = (asked(part, params.data_seed) for part in (sets.pool, sets.test))
    often = np.array([[np.bincount(row).max() / len(row) for row in truth[task].numpy()] for task in TASKS])
    axes = {"features": len(FEATURES), "task": len(TASKS), "seed": params.seeds}
    record = Recording(Result, params, total, axes, tick=moments, often=often.astype(np.float32))
    heads: dict[str, Learner] = {}
    known: dict[str, Tensor] = {}
    looked: dict[str, Tensor] = {}

    def begin() -> None:
        for name in FEATURES:
            bodies = source.trained() if name == "trained" else source.random
            known[name], looked[name] = (
                x if name == "raw" else through(body(params), shape_of(params), bodies, x) for x in (pool, test)
            )
            for task in TASKS:
                back, given = head(params, name, task)
                rows = [layered_weights(back, given, params.weight_seed + i, "he") for i in range(params.seeds)]
                nets = Nets(torch.as_tensor(np.stack(rows)), [])
                heads[f"{name}.{task}"] = Learner((), back, given, nets, params.lr, params.steps)

    for moment in schedule(total, chunk, tick=[0, *(first + moments[1:])]):
        for step in moment.steps:
            if step < first:
                source.learn(step)
                continue
            if step == first:
                begin()
            which = torch.as_tensor(orders[step - first])
            for name, learner in heads.items():
                features, task = name.split(".")
                learner.learn(known[features][seen, which], labels[task][seen, which])
        if "tick" in moment.due:
            if not heads:
                begin()
            found = [heads[f"{a}.{b}"].measure(looked[a], truth[b]) for a in FEATURES for b in TASKS]
            loss, accuracy = np.array(found).transpose(1, 0, 2)
            shape = (len(FEATURES), len(TASKS), -1)
            record.append("tick", loss=loss.reshape(shape), accuracy=accuracy.reshape(shape))
        yield record.result(moment.step)
    return {name: learner.rows.numpy() for name, learner in heads.items()}


def asked(examples: Examples, data_seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """The examples, half of them with reversed signs, and what is right in every task [seeds, n]."""
    n, shape = examples.y.shape[1], (*examples.y.shape, *[1] * (examples.x.dim() - 2))
    turned = [stream("half", data_seed + i, n).permutation(n) % 2 for i in range(len(examples.y))]
    sign = torch.as_tensor(np.stack(turned))
    size = examples.x.abs().flatten(2, -2).amax(2)  # [seeds, n, along]
    place = size.argmax(2) * PLACES // size.shape[2]
    return examples.x * (1 - 2 * sign).view(shape), {"classes": examples.y, "sign": sign, "place": place}
