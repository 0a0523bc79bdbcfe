"""The same features, the same few labels, the same batches: frozen, trained on, or done without."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from core.concepts.transfer_learning.networks import (
    Examples,
    Learner,
    Nets,
    Sets,
    Source,
    batches,
    sets_of,
    started,
    with_new,
)
from core.concepts.transfer_learning.params import (
    LADDER,
    Params,
    Result,
    Way,
    classes,
    learned,
    network,
    shape_of,
    ticks,
)
from core.ml.recording import Recording, schedule, stacked


class Course:
    """Networks [counts · seeds] that go one way on the target."""

    def __init__(self, params: Params, way: Way, source: Source, sets: Sets):
        self.params, self.way, self.seeds = params, way, torch.arange(params.seeds).repeat(len(LADDER))
        scale = way.kind == "unscaled"
        pool, test = (x * sets.spread + sets.centre if scale else x for x in (sets.pool.x, sets.test.x))
        turned = -sets.test.x * sets.spread + sets.centre if scale else -sets.test.x
        self.pool, self.tests, self.y = pool, (test, turned), sets.test.y
        if way.kind == "scratch":
            nets = started(params, classes(params)[1])
        else:
            nets = with_new(params, source.random if way.kind == "random" else source.trained())
        self.start(nets.repeated(len(LADDER)), params.steps, frozen=way.kind not in ("scratch", "tuned"))

    def start(self, nets: Nets, steps: int, frozen: bool) -> None:
        net = network(self.params, classes(self.params)[1])
        front, back = (net[:-1], net[-1:]) if frozen else ((), net)
        drifting = self.way.kind == "drift"
        self.learner = Learner(front, back, shape_of(self.params), nets, self.params.lr, steps, drifting, self.way.body)
        self.seen = self.pool if drifting else self.features(self.pool)
        self.looked = [] if drifting else [self.features(x) for x in self.tests]  # of what stays they are the same

    def features(self, x: Tensor) -> Tensor:
        """Of what every seed is given, for every network: [counts · seeds, n, …]."""
        return self.learner.seen(x.repeat(len(LADDER), *[1] * (x.dim() - 1)))

    def learn(self, step: int, which: np.ndarray, y: Tensor) -> None:
        """One step on the examples which [counts · seeds, batch]."""
        if self.way.kind == "head_first" and step == self.params.steps // 2:
            self.start(self.learner.nets(), self.params.steps - step, frozen=False)
        places, own = torch.as_tensor(which, dtype=torch.int64), torch.arange(len(which))[:, None]
        members = self.seeds[:, None] if self.way.kind == "drift" else own
        batch = Examples(self.seen[members, places], y[self.seeds[:, None], places])
        self.learner.learn(*batch)

    def measure(self) -> dict[str, np.ndarray]:
        y = self.y.repeat(len(LADDER), 1)
        found = [self.learner.measure(h, y) for h in self.looked or map(self.features, self.tests)]
        loss, accuracy = np.array(found).transpose(1, 2, 0).reshape(2, len(LADDER), -1, len(self.tests))
        return {"loss": loss, "accuracy": accuracy}

    def kept(self, source: Source) -> np.ndarray:
        """Accuracy at the source [counts, seeds] with its head back on."""
        if not learned(self.way):
            return np.full((len(LADDER), self.params.seeds), np.nan)
        return source.accuracy(source.features(self.learner.nets())).reshape(len(LADDER), -1)


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps: first the source, then the target; at the
    end the states of the source's network [seeds, …] and of every way [counts, seeds, …]."""
    sets, moments = sets_of(params), ticks(params.steps)
    source = Source(params, sets)
    first, total = params.pretraining, params.pretraining + params.steps
    labels = np.array(LADDER)
    counts, seeds = labels * classes(params)[1], range(params.seeds)
    orders = np.stack(
        [batches(f"target {n}", n, params.steps, params.batch, params.data_seed + i) for n in counts for i in seeds], 1
    )
    axes = {"way": len(params.ways), "seed": params.seeds, "split": 2, "end": 1}
    record = Recording(Result, params, total, axes, labels=labels, tick=moments)
    courses: list[Course] = []
    for moment in schedule(
        total,
        chunk,
        tick=[0, *(first + moments[1:])],
    ):
        for step in moment.steps:
            if step < first:
                source.learn(step)
                continue
            courses = courses or [Course(params, way, source, sets) for way in params.ways]
            for course in courses:
                course.learn(step - first, orders[step - first], sets.pool.y)
        if "tick" in moment.due:
            shown = courses or [Course(params, way, source, sets) for way in params.ways]
            record.append("tick", **stacked(course.measure() for course in shown))
        if moment.last:
            kept = np.stack([course.kept(source) for course in courses])
            record.append("end", source=source.accuracy(), kept=kept)
        yield record.result(moment.step)
    states = {f"{i}": record.parted("count seed", course.learner.nets().state()) for i, course in enumerate(courses)}
    return {"source": source.learner.nets().state()} | states
