"""The same features, the same few labels, the same batches: frozen, trained on, or done without."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.transfer_learning.networks import (
    Course,
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
    body,
    classes,
    learned,
    ticks,
)
from core.ml.recording import Recording, schedule, stacked


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
    by_count = lambda values: values.reshape(len(params.ways), len(LADDER), params.seeds, *values.shape[2:])  # noqa: E731
    axes = {"way": len(params.ways), "seed": params.seeds, "split": 2, "end": 1}
    record = Recording(Result, params, total, axes, labels=labels, tick=moments)
    courses: list[Course] = []
    for moment in schedule(total, chunk, tick=[0, *(first + moments[1:])]):
        for step in moment.steps:
            if step < first:
                source.learn(step)
                continue
            courses = courses or [course_of(params, way, source, sets) for way in params.ways]
            for way, course in zip(params.ways, courses):
                if way.kind == "head_first" and step - first == params.steps // 2:
                    course.start(course.learner.nets(), total - step, frozen=0)
                course.learn(orders[step - first])
        if "tick" in moment.due:
            now = courses or [course_of(params, way, source, sets) for way in params.ways]
            found = stacked(course.measure() for course in now)
            record.append("tick", **{name: by_count(values) for name, values in found.items()})
        if moment.last:
            kept = np.stack([forgotten(params, way, course, source) for way, course in zip(params.ways, courses)])
            record.append("end", source=source.accuracy(), kept=by_count(kept))
        yield record.result(moment.step)
    states = {f"{i}": record.parted("count seed", course.learner.nets().state()) for i, course in enumerate(courses)}
    return {"source": source.learner.nets().state()} | states


def course_of(params: Params, way: Way, source: Source, sets: Sets) -> Course:
    """Networks [counts · seeds] that go one way on the target."""
    if way.kind == "scratch":
        nets = started(params, classes(params)[1])
    else:
        nets = with_new(params, source.random if way.kind == "random" else source.trained())
    frozen = 0 if way.kind in ("scratch", "tuned") else len(body(params))
    given = sets.as_they_came() if way.kind == "unscaled" else sets
    return Course(params, given, nets, len(LADDER), frozen, way.kind == "drift", way.body)


def forgotten(params: Params, way: Way, course: Course, source: Source) -> np.ndarray:
    """Accuracy at the source [counts · seeds] with its head back on; NaN of what never learned it."""
    if not learned(way):
        return np.full(len(course.seeds), np.nan)
    return source.accuracy(source.features(course.learner.nets()))
