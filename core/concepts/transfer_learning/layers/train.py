"""Which layers carry over? The first k blocks are frozen or trained on, and those behind are kept or begin anew
(Yosinski et al., 2014)."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from core.concepts.transfer_learning.layers.params import DEPTHS, ROWS, Result
from core.concepts.transfer_learning.networks import Learner, Nets, Source, batches, sets_of, started, with_new
from core.concepts.transfer_learning.params import Params, blocks, classes, network, shape_of, ticks
from core.ml.architecture import Layers, buffers, parameter_count
from core.ml.recording import Recording, schedule, stacked


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the states [seeds, …] of every
    network, "cut.2"."""
    sets, moments, first = sets_of(params), ticks(params.steps), params.pretraining
    source, total = Source(params, sets), params.pretraining + params.steps
    n, seen = params.labels * classes(params)[1], torch.arange(params.seeds)
    seeds = range(params.data_seed, params.data_seed + params.seeds)
    orders = np.stack([batches(f"target {n}", n, params.steps, params.batch, seed) for seed in seeds], 1)
    axes = {"row": len(ROWS), "depth": len(DEPTHS), "seed": params.seeds, "split": 2}
    record = Recording(Result, params, total, axes, tick=moments)
    tests = (sets.test.x, -sets.test.x)
    learners: list[list[Learner]] = []
    for moment in schedule(total, chunk, tick=[0, *(first + moments[1:])]):
        for step in moment.steps:
            if step < first:
                source.learn(step)
                continue
            learners = learners or [[built(params, row, depth, source) for depth in DEPTHS] for row in ROWS]
            batch = sets.pool.at(seen, orders[step - first])
            for row in learners:
                for learner in row:
                    learner.learn(learner.seen(batch.x), batch.y)
        if "tick" in moment.due:
            now = learners or [[built(params, row, depth, source) for depth in DEPTHS] for row in ROWS]
            record.append("tick", **stacked(looked(row, tests, sets.test.y) for row in now))
        yield record.result(moment.step)
    return {
        f"{name}.{k}": learner.nets().state() for name, row in zip(ROWS, learners) for k, learner in zip(DEPTHS, row)
    }


def first_blocks(params: Params, depth: int) -> Layers:
    return tuple(layer for block in blocks(params)[:depth] for layer in block)


def built(params: Params, row: str, depth: int, source: Source) -> Learner:
    """The networks of a row, one a seed, whose first blocks are as it wants them."""
    net, example, given = network(params, classes(params)[1]), shape_of(params), first_blocks(params, depth)
    features = with_new(params, source.random if row == "random" else source.trained())
    new, weights, norms = started(params, classes(params)[1]), 0, 0
    if given:
        weights, norms = parameter_count(given, example), len(buffers(given, example))
    if row != "rest":
        rows = torch.cat([features.rows[:, :weights], new.rows[:, weights:]], 1)
        features = Nets(rows, [*features.kept[:norms], *new.kept[norms:]])
    frozen = len(given) if row != "open" else 0
    return Learner(net[:frozen], net[frozen:], example, features, params.lr, params.steps)


def looked(row: list[Learner], tests: tuple[Tensor, ...], y: Tensor) -> dict[str, np.ndarray]:
    """Of one row at all depths: loss and accuracy [depth, seed, split]."""
    found = np.array([[learner.measure(learner.seen(x), y) for x in tests] for learner in row])
    loss, accuracy = found.transpose(2, 0, 3, 1)
    return {"loss": loss, "accuracy": accuracy}
