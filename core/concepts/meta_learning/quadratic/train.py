"""Quadratics: the gradient of MAML has a formula there, and so has the best start."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concepts.meta_learning.networks import Loss, Lot, meta_gradient
from core.concepts.meta_learning.params import Params
from core.concepts.meta_learning.quadratic.params import (
    BEGIN,
    FINDERS,
    PULL,
    STEP,
    TASKS,
    UPDATES,
    Result,
    places,
)
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, None]:
    """Results, each some steps of meta-training fuller."""
    found = [quadratics(params.steepest, stream("quadratics", params.data_seed + i)) for i in range(params.seeds)]
    task = np.stack(found, 1)  # [task, seed, two]
    curvature, middle = task[..., 0], task[..., 1]
    rest = curvature * (1 - STEP * curvature) ** (2 * params.inner)  # by how much a start far off still counts
    best = (rest * middle).sum(0) / rest.sum(0)
    loss = quadratic(curvature.T.ravel(), middle.T.ravel())
    lot = Lot(loss, loss, loss)
    starts = np.full((len(FINDERS), params.seeds), BEGIN)

    def gradients() -> np.ndarray:
        """What all finders are given, [finder, seed]."""
        kinds = ["fomaml" if name == "dropped" else name for name in FINDERS]
        rows = [torch.as_tensor(start)[:, None] for start in starts]
        return np.stack(
            [meta_gradient(k, w, TASKS, lot, STEP, params.inner)[:, 0].numpy() for k, w in zip(kinds, rows)]
        )

    formula = closed_form(starts[0], task, params.inner)
    moments = np.arange(0, UPDATES + 1, 5)
    record = Recording(
        Result, params, UPDATES, {"finder": len(FINDERS), "seed": params.seeds}, tick=moments,
        **{name: array.astype(np.float32) for name, array in {
            "best": best, "lowest": after(best, task, params.inner), "task": task,
            "off": np.abs(gradients() - formula) / np.abs(formula),
            "curve": after(places()[:, None], task[:, None, :1], params.inner)[:, 0],
        }.items()},
    )  # fmt: skip
    for moment in schedule(UPDATES, chunk, tick=moments):
        for _ in moment.steps:
            starts = starts - PULL * gradients()
        if moment.due:
            record.append("tick", start=starts, after=after(starts, task, params.inner))
        yield record.result(moment.step)


def quadratics(steepest: float, rng: np.random.Generator) -> np.ndarray:
    """Tasks L(w) = a (w − c)² / 2 as rows a, c: from flat ones on the right, a = 1, to steep ones on the left."""
    u = rng.random(TASKS)
    return np.stack([steepest**u, 1 - 2 * u + 0.3 * rng.standard_normal(TASKS)], 1)


def quadratic(curvature: np.ndarray, middle: np.ndarray) -> Loss:
    """The losses of weights [members, 1] on their tasks."""
    a, c = torch.as_tensor(curvature), torch.as_tensor(middle)
    return lambda w: a * (w[:, 0] - c).square() / 2


def after(start: np.ndarray, task: np.ndarray, inner: int) -> np.ndarray:
    """Mean loss after `inner` steps from starts [..., seed]: each multiplies w − c by 1 − αa. task: [task, …, two]."""
    a, c = task[..., 0], task[..., 1]
    shape = (len(task), *(1,) * (start.ndim - 1), -1)
    a, c = a.reshape(shape), c.reshape(shape)
    return (a * ((1 - STEP * a) ** inner * (start - c)) ** 2 / 2).mean(0)


def closed_form(start: np.ndarray, task: np.ndarray, inner: int) -> np.ndarray:
    """MAML's gradient at starts [seed]: the mean of (1 − αa)ᵏ a (1 − αa)ᵏ (w − c). Without second derivatives the first
    factor is missing."""
    a, c = task[..., 0], task[..., 1]
    return ((1 - STEP * a) ** (2 * inner) * a * (start - c)).mean(0)
