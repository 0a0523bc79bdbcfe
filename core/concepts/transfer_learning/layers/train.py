"""Which layers carry over? The first k blocks are frozen or trained on, and those behind are kept or begin anew
(Yosinski et al., 2014)."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concepts.transfer_learning.layers.params import DEPTHS, ROWS, Result
from core.concepts.transfer_learning.networks import Course, Nets, Sets, Source, batches, sets_of, started, with_new
from core.concepts.transfer_learning.params import Params, blocks, classes, shape_of, ticks
from core.ml.architecture import buffers, parameter_count
from core.ml.recording import Recording, schedule, stacked


def train(params: Params, device: str = "cpu", chunk: int = 50) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the states [seeds, …] of every
    network, "cut.2"."""
    sets, moments, first = sets_of(params), ticks(params.steps), params.pretraining
    source, total = Source(params, sets), params.pretraining + params.steps
    n = params.labels * classes(params)[1]
    seeds = range(params.data_seed, params.data_seed + params.seeds)
    orders = np.stack([batches(f"target {n}", n, params.steps, params.batch, seed) for seed in seeds], 1)
    axes = {"row": len(ROWS), "depth": len(DEPTHS), "seed": params.seeds, "split": 2}
    record = Recording(Result, params, total, axes, tick=moments)
    names = [[met(row, depth) for depth in DEPTHS] for row in ROWS]
    courses: dict[tuple[str, int], Course] = {}
    for moment in schedule(total, chunk, tick=[0, *(first + moments[1:])]):
        for step in moment.steps:
            if step < first:
                source.learn(step)
                continue
            courses = courses or {name: course_cut(params, *name, source, sets) for row in names for name in row}
            for course in courses.values():
                course.learn(orders[step - first])
        if "tick" in moment.due:
            now = courses or {name: course_cut(params, *name, source, sets) for row in names for name in row}
            found = {name: course.measure() for name, course in now.items()}
            record.append("tick", **stacked(stacked(found[name] for name in row) for row in names))
        yield record.result(moment.step)
    return {f"{row}.{depth}": course.learner.nets().state() for (row, depth), course in courses.items()}


def met(row: str, depth: int) -> tuple[str, int]:
    """The row that stands for this one: all meet where no block is of the source, or every one."""
    alike = row != "rest" if depth == 0 else row == "rest" and depth == DEPTHS[-1]
    return ("cut" if alike else row), depth


def course_cut(params: Params, row: str, depth: int, source: Source, sets: Sets) -> Course:
    """The networks of a row, one a seed, whose first blocks are as it wants them."""
    given, example = tuple(layer for block in blocks(params)[:depth] for layer in block), shape_of(params)
    nets = with_new(params, source.random if row == "random" else source.trained())
    new = started(params, classes(params)[1])
    if row != "rest":
        weights, norms = parameter_count(given, example), len(buffers(given, example))
        rows = torch.cat([nets.rows[:, :weights], new.rows[:, weights:]], 1)
        nets = Nets(rows, [*nets.kept[:norms], *new.kept[norms:]])
    return Course(params, sets, nets, 1, 0 if row == "open" else len(given))
