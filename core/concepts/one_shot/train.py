"""A network that says how far apart two pictures are, asked of identities that it was never trained on."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import torch

from core.concept.params import LEVELS
from core.concepts.one_shot.measuring import (
    best_threshold,
    by_pixels,
    errors,
    gallery,
    pairs,
    plainly,
    precision,
    roc,
)
from core.concepts.one_shot.networks import SEEN, UNSEEN, VALIDATION, Course, Embedders
from core.concepts.one_shot.params import (
    EACH,
    EDGES,
    GALLERY,
    PLACES,
    ROWS,
    SHOWN,
    SIZE,
    Compared,
    Pair,
    Params,
    Result,
    moments,
    trained_on,
)
from core.concepts.one_shot.symbols import sets_of
from core.ml.recording import Recording, schedule, stacked


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, D] of networks and heads."""
    steps, ticks = params.steps, moments(params.steps)
    course = Course(params, device)
    nets = course.start(params.loss, params.margin)
    raw = [by_pixels(s.validation, s.unseen) for s in course.sets]
    sizes = {"seed": params.seeds, "pair": 2, "bin": len(EDGES) - 1, "measure": 2, "who": len(ROWS), "end": 1,
             "place": PLACES, "gallery": len(GALLERY)}  # fmt: skip
    first = course.sets[0].unseen[: SHOWN[0], : SHOWN[1]]
    record = Recording(
        Result, params, steps, sizes,
        tick=ticks,
        picture=first,
        pixels=np.array([plainly(d, course.each, params, s) for s, (_, d) in enumerate(raw)], np.float32),
    )  # fmt: skip
    before: list[np.ndarray] = []
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            course.learn(nets, step)
        if moment.due:
            d = course.apart(nets, VALIDATION, UNSEEN, SEEN)
            before = before or d
            record.append(
                "tick",
                loss=course.loss(nets),
                **stacked(judged(params, each, course.each, s) for s, each in enumerate(zip(*d))),
            )
        if moment.last:
            rows: list[Any] = [*(list(zip(*found[:2])) for found in (d, before)), raw]
            record.append(
                "end",
                **stacked(
                    stacked(ended(others, d, course.each, params, s) for s, (others, d) in enumerate(row))
                    for row in rows
                ),
            )
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"net": nets.state()}


def judged(params: Params, d: tuple[np.ndarray, ...], each: int, seed: int) -> dict[str, Any]:
    """Distances of one seed within all sets, as the test of the Params has them."""
    others, fresh, known = (pairs(one, each) for one in d)
    right = best_threshold(others)
    threshold = {"half": 0.5, "precision": best_threshold(others, precise=True)}.get(params.test, right)
    shown = known if params.test == "seen" else fresh
    taken, refused = errors(shown, threshold)
    honest = 1 - sum(errors(fresh, right)) / 2
    accuracy, oneshot = plainly(d[UNSEEN], each, params, seed)
    accuracy_seen, oneshot_seen = plainly(d[SEEN], each, params, seed)
    return {
        "area": accuracy,
        "oneshot": oneshot,
        "area_seen": accuracy_seen,
        "oneshot_seen": oneshot_seen,
        "apart": [fresh.same.mean(), fresh.different.mean()],
        "threshold": threshold,
        "taken": taken,
        "refused": refused,
        "said": precision(taken, refused) if params.test == "precision" else 1 - (taken + refused) / 2,
        "fair": honest,
        "histogram": [density(part / threshold) for part in shown],
    }


def density(values: np.ndarray) -> np.ndarray:
    """How often values fall between EDGES, the last bin holding all beyond, over the width of a bin."""
    return np.histogram(values.clip(0, EDGES[-1]), EDGES)[0] / len(values) / (EDGES[1] - EDGES[0])


def ended(others: np.ndarray, d: np.ndarray, each: int, params: Params, seed: int) -> dict[str, Any]:
    """What is measured in the end of distances within the set for the threshold, and of strangers."""
    threshold = best_threshold(pairs(others, each))
    found = [gallery(d, each, size, threshold, params.data_seed + seed) for size in GALLERY]
    identified, stranger = zip(*found)
    return {"roc": roc(pairs(d, each)), "identified": identified, "stranger": stranger}


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Pair) -> Compared:
    """How far apart the first seed has two pictures, over the threshold that other identities gave it."""
    assert state is not None
    sets = sets_of(params.replace(identities=4, images=48), params.data_seed)
    given = []
    for drawn, writing in ((question.enrolled, 0), (question.again, 1)):
        levels = [LEVELS.index(level) for level in drawn.ljust(SIZE**2, LEVELS[0])]
        ink = np.reshape(levels, (SIZE, SIZE)).astype(np.float32) / 16
        given.append(ink if ink.any() else sets.unseen[0, writing])
    net = Embedders(params.loss, params.margin, trained_on(params), [params.weight_seed], params.lr, 1, "cpu")
    net.load(state["net"][:1])
    both = torch.as_tensor(np.stack(given)[None])
    held = pairs(by_pixels(sets.validation)[0], EACH[params.data])
    mine, plain = net.apart(both)[0, 0, 1], by_pixels(np.stack(given)[None])[0][0, 1]
    over = float(mine) / float(result.threshold[0, -1]), float(plain) / best_threshold(held)
    numbers = [np.array([value], np.float32) for value in over]
    return Compared(question, 1, 1, np.stack(given), *numbers)
