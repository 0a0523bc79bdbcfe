"""Sinusoids: starts that adapt to one from a few points, and one network for all."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.concepts.meta_learning.networks import Loss, Lot, meta_gradient, moved_on
from core.concepts.meta_learning.params import (
    COUNTS,
    GRID,
    HIGHEST,
    LOWEST,
    MOST,
    PARTS,
    QUERY,
    RATES,
    REACH,
    SIZES,
    TESTED,
    Fits,
    Own,
    Params,
    Result,
    best_still,
    places,
    ticks,
)
from core.ml.costs import weight_count
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream
from core.ml.recording import Recording, schedule

HEAD = SIZES[-2] + 1  # weights of the last layer, which come last


class Points(NamedTuple):
    """x and y [members, points] of a task each."""

    x: Tensor
    y: Tensor

    def loss(self, divided: float = 1.0) -> Loss:
        """Mean squared error of networks at these points, divided once more where one likes to go wrong."""
        return lambda w: (forward(w, self.x.unsqueeze(1), SIZES, "tanh")[:, 0] - self.y).square().mean(1) / divided

    def first(self, count: int, beyond: int = 0) -> Points:
        return Points(self.x[:, beyond:count], self.y[:, beyond:count])


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; at the end the starts [ways, seeds, D]."""
    seeds, moments = range(params.seeds), ticks(params.steps)
    first = torch.as_tensor(np.stack([initial_weights(SIZES, params.weight_seed + i) for i in seeds]))
    starts = [first.clone() for _ in params.ways]
    updates = [Optimizer(start, [Settings("adam", params.lr)] * params.seeds, params.steps) for start in starts]
    luck = [stream("sinusoids", params.data_seed + i) for i in seeds]
    unseen = [stream("unseen sinusoids", params.data_seed + i) for i in seeds]
    few, all_over = sinusoids(unseen, TESTED, COUNTS[-1], places())
    test = Test(few.first(params.points), all_over, few)
    axes = {"way": len(params.ways), "seed": params.seeds, "move": MOST + 1, "end": 1, "grid": GRID}
    axes |= {"count": len(COUNTS), "rate": len(RATES), "part": len(PARTS), "layer": len(SIZES) - 1}
    still = (torch.as_tensor(best_still(places())) - all_over.y).square().view(params.seeds, -1).mean(1)
    record = Recording(
        Result, params, params.steps, axes, tick=moments, floor=still.numpy().astype(np.float32),
        shown=torch.stack([part[0] for part in test.few], 1).numpy(), truth=all_over.y[0].numpy(),
    )  # fmt: skip
    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            lot, _ = sinusoids(luck, params.tasks, params.points + QUERY)
            support, query = lot.first(params.points), lot.first(params.points + QUERY, params.points)
            for way, start, update in zip(params.ways, starts, updates):
                if way.kind != "scratch":
                    wrong = way.kind == "twice"
                    losses = Lot(support.loss(params.points if wrong else 1), query.loss(), lot.loss())
                    kind = "maml" if wrong else way.kind
                    update.step(meta_gradient(kind, start, params.tasks, losses, params.rate, params.inner))
        if moment.due:
            found = [test.course(start, rate_of(params, i)) for i, start in enumerate(starts)]
            record.append("tick", error=np.stack([e for e, _ in found]), fit=np.stack([f for _, f in found]))
        if moment.last:
            ends = [test.ends(start, rate_of(params, i)) for i, start in enumerate(starts)]
            record.append("end", **{name: np.stack([end[name] for end in ends]) for name in ends[0]})
        yield record.result(moment.step)
    return {"weights": torch.stack(starts).numpy()}


def rate_of(params: Params, way: int) -> float:
    """With which rate a way adapts: who divides its loss once more has as much smaller steps."""
    return params.rate / (params.points if params.ways[way].kind == "twice" else 1)


def sinusoids(
    luck: list[np.random.Generator], tasks: int, count: int, at: np.ndarray | None = None
) -> tuple[Points, Points]:
    """For each of these generators so many tasks y = A sin(x + φ), A in [LOWEST, HIGHEST], φ in [0, π]
    (Finn, Abbeel and Levine, 2017): so many points each, and the values at `at`."""
    found = []
    for rng in luck:
        high, phase = rng.uniform(LOWEST, HIGHEST, (tasks, 1)), rng.uniform(0, np.pi, (tasks, 1))
        x = rng.uniform(-REACH, REACH, (tasks, count))
        there = np.broadcast_to(np.zeros(0) if at is None else at, (tasks, 0 if at is None else len(at)))
        found.append([x, high * np.sin(x + phase), there, high * np.sin(there + phase)])
    tensors = [torch.as_tensor(np.concatenate(part).astype(np.float32)) for part in zip(*found)]
    return Points(*tensors[:2]), Points(*tensors[2:])


class Test(NamedTuple):
    """Unseen tasks [seeds · TESTED]: what is adapted to, the values everywhere, and more points to adapt to."""

    few: Points
    truth: Points
    many: Points

    def error(self, weights: Tensor) -> np.ndarray:
        """Mean over each seed's tasks, [seed]."""
        with torch.no_grad():
            return self.truth.loss()(weights).view(-1, TESTED).mean(1).numpy()

    def course(self, start: Tensor, rate: float) -> tuple[np.ndarray, np.ndarray]:
        """Error [seed, move], and how the first task is fitted [move, grid]."""
        weights, errors, fits = start.repeat_interleave(TESTED, 0), [], []
        for move in range(MOST + 1):
            weights = moved_on(weights, self.few.loss(), rate, int(move > 0))
            errors.append(self.error(weights))
            fits.append(forward(weights[:1], self.truth.x[:1, None], SIZES, "tanh")[0, 0].numpy())
        return np.stack(errors, 1), np.stack(fits)

    def ends(self, start: Tensor, rate: float) -> dict[str, np.ndarray]:
        """What is measured at the end, [seed, …] each."""
        each, loss = start.repeat_interleave(TESTED, 0), self.few.loss()
        body = weight_count(SIZES) - HEAD
        by_points = [moved_on(each, self.many.first(n).loss(), rate, MOST) for n in COUNTS]
        by_rate = [moved_on(each, loss, other, MOST) for other in RATES]
        whole = moved_on(each, loss, rate, MOST)
        head, rest = (moved_on(each, loss, rate, MOST, part) for part in (slice(body, None), slice(body)))
        others = Points(*(part.view(-1, TESTED, part.shape[1]).roll(1, 1).flatten(0, 1) for part in self.few))
        parts = [whole, head, rest, moved_on(each, others.loss(), rate, MOST)]
        far, layer = whole - each, [(i + 1) * o for i, o in pairwise(SIZES)]
        moved = [a.norm(dim=1) / b.norm(dim=1) for a, b in zip(far.split(layer, 1), each.split(layer, 1))]
        return {
            "by_points": np.stack([self.error(found) for found in by_points], 1),
            "by_rate": np.stack([self.error(found) for found in by_rate], 1),
            "parts": np.stack([self.error(found) for found in parts], 1),
            "moved": np.stack([layer.view(-1, TESTED).mean(1).numpy() for layer in moved], 1),
        }


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Own) -> Fits:
    """What the starts of the first seed make of a reader's points."""
    assert state is not None
    x, y = torch.as_tensor(np.array(question.marks, np.float32).T)
    starts = torch.as_tensor(state["weights"][:, 0])
    own, at = Points(*(part.expand(len(starts), -1) for part in (x, y))), torch.as_tensor(places().astype(np.float32))
    wrong = [params.points if way.kind == "twice" else 1.0 for way in params.ways]
    loss = own.loss()
    after = moved_on(starts, lambda w: loss(w) / torch.tensor(wrong), question.rate, question.moves)
    fit = forward(after, at.expand(len(after), 1, -1), SIZES, "tanh")[:, 0]
    return Fits(question, 1, 1, fit=fit.numpy(), error=loss(after).numpy())
