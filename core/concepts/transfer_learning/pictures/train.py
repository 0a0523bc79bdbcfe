"""Features of a network that others trained on photographs, beside the same network untrained, and pixels."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.transfer_learning.networks import Learner, Nets, batches
from core.concepts.transfer_learning.params import Params, ticks
from core.concepts.transfer_learning.pictures.params import (
    ACROSS,
    COUNTS,
    DOWN,
    FEATURES,
    HEAD,
    NAMES,
    SIDE,
    THUMB,
    Result,
)
from core.ml.layered import layered_weights
from core.ml.photographs import photograph
from core.ml.pretrained import DEVIATION, MEAN, Kernel, installed, kernels, taken
from core.ml.random import stream
from core.ml.recording import Recording, schedule

EACH = COUNTS[-1] * len(NAMES)  # labelled patches, and as many for the test
TRUTH = torch.arange(len(NAMES)).repeat(COUNTS[-1])  # those of one place side by side


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the heads [counts, seeds, D] of
    all features that there are."""
    moments, there = ticks(params.steps), [name for name in FEATURES if name == "pixels" or installed()]
    axes = {"features": len(FEATURES), "seed": params.seeds}
    known = {"labels": np.array(COUNTS), "tick": moments, "installed": np.array(int(installed()))}
    record = Recording(Result, params, params.steps, axes, **known)
    yield record.result(0)
    seen = {name: scaled(name, params.weight_seed) for name in there}
    learners = {name: heads(params, name) for name in there}
    orders = drawings(params)
    for moment in schedule(params.steps, chunk, tick=moments):
        for step in moment.steps:
            which = torch.as_tensor(orders[step])
            for name, learner in learners.items():
                learner.learn(seen[name][0][which], TRUTH[which])
        if moment.due:
            found = np.full((2, len(FEATURES), len(COUNTS) * params.seeds), np.nan)
            for row, name in enumerate(FEATURES):
                if name in there:
                    members = found.shape[2]
                    test = seen[name][1].expand(members, -1, -1)
                    found[:, row] = learners[name].measure(test, TRUTH.expand(members, -1))
            loss, accuracy = found.reshape(2, len(FEATURES), len(COUNTS), -1)
            record.append("tick", loss=loss, accuracy=accuracy)
        yield record.result(moment.step)
    return {name: learner.rows.reshape(len(COUNTS), params.seeds, -1).numpy() for name, learner in learners.items()}


def heads(params: Params, name: str) -> Learner:
    """A linear layer for every number of labels and every seed."""
    given = (FEATURES[name],)
    rows = [layered_weights(HEAD, given, params.weight_seed + i, "he") for i in range(params.seeds)]
    nets = Nets(torch.as_tensor(np.stack(rows)), []).repeated(len(COUNTS))
    return Learner((), HEAD, given, nets, params.lr, params.steps)


def drawings(params: Params) -> np.ndarray:
    """Which labelled patches are in a batch: [steps, counts · seeds, batch]. A seed draws in which order those of a
    picture get their labels."""
    found = []
    for count in COUNTS:
        for seed in range(params.data_seed, params.data_seed + params.seeds):
            order = stream("patches", seed).permuted(np.tile(np.arange(COUNTS[-1]), (len(NAMES), 1)), axis=1)
            labelled = (order[:, :count] * len(NAMES) + np.arange(len(NAMES))[:, None]).T.ravel()
            found.append(labelled[batches("target", len(labelled), params.steps, params.batch, seed)])
    return np.stack(found, 1)


@cache
def patches() -> Tensor:
    """Of left halves, then of right halves: [2 · EACH, 3, SIDE, SIDE]."""
    whole = np.stack([photograph(name, DOWN * SIDE, ACROSS * SIDE) for name in NAMES])
    cells = whole.reshape(len(NAMES), DOWN, SIDE, 2, ACROSS // 2, SIDE, 3).transpose(3, 1, 4, 0, 6, 2, 5)
    return torch.as_tensor(cells.reshape(-1, 3, SIDE, SIDE).copy())


@cache
def scaled(name: str, seed: int) -> tuple[Tensor, Tensor]:
    """Features of labelled and of test patches [EACH, features], scaled by mean and deviation of the former."""
    if name == "pixels":
        found = functional.avg_pool2d(patches(), SIDE // THUMB).flatten(1)
    else:
        found = vectors(patches(), kernels() if name == "imagenet" else untrained(seed))
    mean, spread = found[:EACH].mean(0), found[:EACH].std(0)
    found = (found - mean) / torch.where(spread > 0, spread, 1)
    return found[:EACH], found[EACH:]


def untrained(seed: int) -> list[tuple[Kernel, ...]]:
    """The same network with normal numbers of variance 2/fan-in as its weights."""
    rng = stream("untrained", seed)

    def fresh(kernel: Kernel) -> Kernel:
        size = tuple(kernel.weight.shape)
        weight = rng.standard_normal(size) * (2 / np.prod(size[1:])) ** 0.5
        return kernel._replace(weight=torch.as_tensor(weight.astype(np.float32)), bias=torch.zeros(size[0]))

    return [tuple(map(fresh, row)) for row in kernels()]


@torch.no_grad()
def vectors(x: Tensor, rows: Sequence[tuple[Kernel, ...]]) -> Tensor:
    """What the classifier of a network is given: `features` and `vector` of core.ml.pretrained for any weights."""
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (MEAN, DEVIATION))
    x = (x - mean) / deviation
    for row in rows[:-1]:
        z = x
        for kernel in row:
            z = taken(z, kernel)
        x = x + z if len(row) > 1 and z.shape == x.shape else z
    return x.mean((2, 3))
