"""Glyphs: five classes that nobody has seen, from an example or a few of each."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.meta_learning.glyphs.params import (
    CLASSES,
    EACH,
    JUDGED,
    KNOWN,
    LEARNERS,
    SIDE,
    SIZES,
    STEP,
    TASKS,
    UNSEEN,
    Result,
    ticks,
)
from core.concepts.meta_learning.networks import Loss, Lot, meta_gradient, moved_on
from core.concepts.meta_learning.params import MOST, Params
from core.ml.costs import weight_count
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream
from core.ml.recording import Recording, schedule

WIDE = (*SIZES[:-1], KNOWN)  # of the network that tells all known glyphs apart
HEAD = (SIZES[-2] + 1) * CLASSES  # weights of a task's last layer
CORNERS = 4  # of the line that is a glyph
WOBBLE = 0.08  # of a hand, in widths of the paper
PEN = 0.07


class Examples(NamedTuple):
    """x [members, pixel, n] and classes y [members, n]."""

    x: Tensor
    y: Tensor

    def loss(self, sizes: tuple[int, ...] = SIZES) -> Loss:
        """Cross-entropy in nats."""
        return lambda w: functional.cross_entropy(forward(w, self.x, sizes, "tanh"), self.y, reduction="none").mean(1)


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; at the end the starts [learners but the nearest, seeds, D]."""
    seeds, moments, learned = range(params.seeds), ticks(params.steps), LEARNERS[:-1]
    pools = [drawn(KNOWN, stream("known glyphs", params.data_seed + i)) for i in seeds]
    unseen = [drawn(UNSEEN, stream("unseen glyphs", params.data_seed + i)) for i in seeds]
    luck, sights = ([stream(name, params.data_seed + i) for i in seeds] for name in ("glyph tasks", "glyph test"))
    few, test = tasks_of(unseen, sights, TASKS, params.shots)
    starts = {}
    for name in learned:
        sizes = WIDE if name == "joint" else SIZES
        starts[name] = torch.as_tensor(np.stack([initial_weights(sizes, params.weight_seed + i) for i in seeds]))
    updates = {
        name: Optimizer(start, [Settings("adam", params.lr)] * params.seeds, params.steps)
        for name, start in starts.items()
    }
    near = nearest(few, test).view(params.seeds, TASKS).mean(1).numpy()
    axes = {
        "learner": len(LEARNERS),
        "start": len(learned),
        "seed": params.seeds,
        "move": MOST + 1,
        "class": CLASSES,
        "pixel": SIDE**2,
    }
    shown = torch.cat([part.x[0].mT.view(CLASSES, -1, SIDE**2) for part in (few, test)], 1).transpose(0, 1)
    record = Recording(Result, params, params.steps, axes, tick=moments, example=shown.numpy())
    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            support, query = tasks_of(pools, luck, params.tasks, params.shots)
            both = Examples(torch.cat([support.x, query.x], 2), torch.cat([support.y, query.y], 1))
            for name, start in starts.items():
                if name == "joint":
                    known = any_of(pools, luck, params.tasks * CLASSES * (params.shots + JUDGED)).loss(WIDE)
                    change = meta_gradient("joint", start, 1, Lot(known, known, known), STEP, 1)
                elif name != "scratch":
                    lot = Lot(support.loss(), query.loss(), both.loss())
                    change = meta_gradient(name, start, params.tasks, lot, STEP, 1)
                else:
                    continue
                updates[name].step(change)
        if moment.due:
            found = [course(new_head(start), few, test) for start in starts.values()]
            loss, accuracy = (
                np.stack(part).reshape(len(learned), params.seeds, TASKS, -1).mean(2) for part in zip(*found)
            )
            beside = np.broadcast_to(near[None, :, None], (1, *accuracy.shape[1:]))
            record.append("tick", accuracy=np.concatenate([accuracy, beside]), loss=loss)
        yield record.result(moment.step)
    return {"weights": np.stack([new_head(start).numpy() for start in starts.values()])}


def drawn(count: int, rng: np.random.Generator) -> Tensor:
    """So many glyphs, EACH drawings of every one, ink from 0 to 1 less its mean [glyph, drawing, pixel]: a line of
    straight strokes whose corners are never quite at the same place."""
    corners = rng.random((count, 1, CORNERS, 2)) + WOBBLE * rng.standard_normal((count, EACH, 1, 2))
    corners = corners + WOBBLE * rng.standard_normal((count, EACH, CORNERS, 2))
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    strokes = [corners[..., i, None, :] * (1 - t) + corners[..., i + 1, None, :] * t for i in range(CORNERS - 1)]
    line, paper = np.concatenate(strokes, -2), (np.arange(SIDE) + 0.5) / SIDE * 1.4 - 0.2
    across, down = (np.exp(-((paper - line[..., k, None]) ** 2) / (2 * PEN**2)) for k in range(2))
    ink = (down[..., :, None] * across[..., None, :]).max(2).reshape(count, EACH, SIDE**2)
    return torch.as_tensor((ink - ink.mean()).astype(np.float32))


def tasks_of(pools: list[Tensor], luck: list[np.random.Generator], tasks: int, shots: int) -> tuple[Examples, Examples]:
    """For each seed so many tasks of CLASSES glyphs of its pool: `shots` drawings of each, and JUDGED others."""
    found = []
    for pool, rng in zip(pools, luck):
        glyphs = rng.random((tasks, len(pool))).argsort(1)[:, :CLASSES]
        drawings = rng.random((tasks, CLASSES, EACH)).argsort(2)[..., : shots + JUDGED]
        found.append(pool[torch.as_tensor(glyphs)[..., None], torch.as_tensor(drawings)])
    x = torch.cat(found)  # [seeds · tasks, class, drawing, pixel]
    pairs = []
    for part in x.split([shots, JUDGED], 2):
        labels = torch.arange(CLASSES).repeat_interleave(part.shape[2]).expand(len(x), -1)
        pairs.append(Examples(part.flatten(1, 2).mT.contiguous(), labels))
    return pairs[0], pairs[1]


def any_of(pools: list[Tensor], luck: list[np.random.Generator], count: int) -> Examples:
    """For each seed so many drawings of any glyphs of its pool, the glyph being the class."""
    xs, ys = [], []
    for pool, rng in zip(pools, luck):
        y, which = rng.integers(len(pool), size=count), rng.integers(EACH, size=count)
        xs.append(pool[torch.as_tensor(y), torch.as_tensor(which)].mT)
        ys.append(torch.as_tensor(y))
    return Examples(torch.stack(xs), torch.stack(ys))


def new_head(start: Tensor) -> Tensor:
    """A start for CLASSES classes: of a network for all known glyphs, its last layer replaced by zeros."""
    body = weight_count(SIZES) - HEAD
    if start.shape[1] == weight_count(SIZES):
        return start
    return torch.cat([start[:, :body], start.new_zeros(len(start), HEAD)], 1)


@torch.no_grad()
def judged(weights: Tensor, test: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Loss and accuracy [members]."""
    z = forward(weights, test.x, SIZES, "tanh")
    right = (z.max(1).indices == test.y) & z.isfinite().all(1)
    return functional.cross_entropy(z, test.y, reduction="none").mean(1).numpy(), right.float().mean(1).numpy()


def course(start: Tensor, few: Examples, test: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Loss and accuracy [members, move] of starts that adapt to their unseen tasks."""
    weights, found = start.repeat_interleave(TASKS, 0), []
    for move in range(MOST + 1):
        weights = moved_on(weights, few.loss(), STEP, int(move > 0))
        found.append(judged(weights, test))
    loss, accuracy = zip(*found)
    return np.stack(loss, 1), np.stack(accuracy, 1)


def nearest(few: Examples, test: Examples) -> Tensor:
    """Accuracy [members] of giving a drawing the class of the nearest example, pixel by pixel."""
    closest = torch.cdist(test.x.mT, few.x.mT).argmin(2)
    return (few.y.gather(1, closest) == test.y).float().mean(1)
