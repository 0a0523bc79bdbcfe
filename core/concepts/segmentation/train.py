"""A class for every pixel: the same networks without and with shortcuts from a side to the same side."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concept.params import LEVELS
from core.concepts.segmentation.networks import (
    Batches,
    Nets,
    borders,
    class_iou,
    cross_entropy,
    drawn,
    painted,
    scores,
)
from core.concepts.segmentation.params import (
    BASELINES,
    CLASSES,
    COUNT,
    DISTANCES,
    MEASURES,
    NETS,
    SHOWN,
    SIZE,
    Drawn,
    Params,
    Result,
    Segmented,
    moments,
)
from core.ml.recording import Recording, schedule

KINDS = (("learnt", False), ("learnt", True))
DARKEST = 16  # level of a drawing that is ink
GREYS = np.linspace(0, 1, 20)  # borders of the bins of the rule that looks at one pixel alone


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [nets, seeds, D] of the networks."""
    steps, ticks = params.steps, moments(params.steps)
    batches, nets = Batches(params, device), Nets(KINDS, params, device)
    tested = [drawn(params, params.data_seed + s, "test", params.tested) for s in range(params.seeds)]
    x, truth = (np.stack(part) for part in zip(*tested))
    seen, meant = torch.as_tensor(x, device=device), torch.as_tensor(truth, device=device).repeat(len(NETS), 1, 1, 1)
    distinct = [len(np.unique(mask)) for mask in truth[0]]
    full = np.argsort(-np.array(distinct), kind="stable")[:SHOWN]  # scenes with most classes are seen
    axes = {"net": len(NETS), "seed": params.seeds, "measure": len(MEASURES), "baseline": len(BASELINES), "end": 1,
            "scene": SHOWN, "row": SIZE, "column": SIZE, "class": len(CLASSES), "distance": len(DISTANCES)}  # fmt: skip
    record = Recording(
        Result, params, steps, axes, tick=ticks, scene=x[0, full], truth=truth[0, full].astype(np.uint8),
        base=baselines(batches, x, truth),
        pixels=(np.bincount(truth.ravel(), minlength=len(CLASSES)) / truth.size).astype(np.float32),
    )  # fmt: skip
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            nets.learn(*batches.at(step), cross_entropy)
        if moment.due:
            z = nets.outputs(seen)
            said = z.argmax(2).unflatten(0, (len(NETS), -1)).numpy(force=True)  # [net, seed, n, row, column]
            found = [[scores(*pair) for pair in zip(truth, net)] for net in said]
            loss = cross_entropy(z, meant).numpy(force=True)
            record.append("tick", loss=loss, score=np.array(found), said=said[:, 0, full].astype(np.uint8))
        if moment.last:
            by_class = [[class_iou(*pair) for pair in zip(truth, net)] for net in said]
            wrong = [[by_distance(*pair) for pair in zip(truth, net)] for net in said]
            record.append("end", by_class=np.array(by_class), wrong=np.array(wrong))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"nets": nets.state()}


def baselines(batches: Batches, x: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Scores of paper everywhere, and of the commonest class among training pixels of the same grey: [rule, seed,
    measure]."""
    found = []
    for seed, (pictures, masks) in enumerate(zip(x, truth)):
        learnt = np.digitize(batches.x[seed].numpy(force=True), GREYS), batches.y[seed].numpy(force=True)
        count = np.zeros((len(GREYS) + 1, len(CLASSES)))
        np.add.at(count, learnt, 1)
        commonest = count.argmax(1)[np.digitize(pictures, GREYS)]
        found.append([scores(masks, np.zeros_like(masks)), scores(masks, commonest)])
    return np.array(found).swapaxes(0, 1)


def by_distance(truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    """The share of wrong pixels among those that are as far as DISTANCES from a border of the truth: 1 is beside it."""
    left, near, found = np.ones_like(truth, bool), borders(truth), []
    for k in range(len(DISTANCES)):
        here = left & near if k < len(DISTANCES) - 1 else left
        found.append(np.mean(truth[here] != said[here]) if here.any() else np.nan)
        left, near = left & ~here, ~left | near
        near = widened(near)
    return np.array(found)


def widened(where: np.ndarray) -> np.ndarray:
    """What is so of a pixel or of one of its eight neighbours."""
    return where | borders(where.astype(int))


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Drawn) -> Segmented:
    """What the first seed's networks say of a scene of another size, with what was drawn over its corner."""
    assert state is not None
    side = int(question.side)
    count = tuple(n * side**2 // SIZE**2 for n in COUNT)
    picture = painted(1, question.scene, "test", side, params.noise, (count[0], count[1]))[0][0]
    levels = [LEVELS.index(level) for level in question.pixels.ljust(SIZE**2, LEVELS[0])]
    ink = np.reshape(levels, (SIZE, SIZE)).astype(np.float32) / DARKEST
    picture[:SIZE, :SIZE] = np.where(ink > 0, ink, picture[:SIZE, :SIZE])
    nets = Nets(KINDS, params.replace(seeds=1))
    rows = torch.as_tensor(state["nets"][:, 0])
    width = nets.rows.shape[1]
    nets.rows, kept = rows[:, :width], rows[:, width:]
    for stage in nets.statistics.values():
        for name, part in stage.items():
            stage[name], kept = kept[:, : part.shape[1]].contiguous(), kept[:, part.shape[1] :]
    said = nets.outputs(torch.as_tensor(picture)[None, None]).argmax(2)[:, 0]
    return Segmented(question, 1, 1, picture, said.numpy().astype(np.uint8))
