"""The same few examples, changed in different ways while a network trains: what is gained, and on which data."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.data_augmentation.networks import Population, batches, by_class, loaded
from core.concepts.data_augmentation.params import COPIES, Params, Result, classes, counted, ticks, used
from core.concepts.data_augmentation.transforms import augmented, changed
from core.ml.recording import Recording, schedule

PICTURED = 5  # the class of the example that is shown, if there is one
VALIDATING, TESTING, SHOWING = 10**6, 10**6 + 1, 10**6 + 2  # draws that are of no step


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end weights [ways, seeds, D]."""
    ways, seeds = used(params), range(params.seeds)
    training, (x, y), test = loaded(params)
    few = training[0][:, : counted(params)], training[1][:, : counted(params)]
    drawn = [params.data_seed + i for i in seeds]
    met = np.stack([changed(test[0][i], params.met, params.met_strength, drawn[i], TESTING) for i in seeds])
    judged = x[None]
    if params.judged == "augmented":  # wrong: every network is judged on examples changed as its own training is
        judged = np.stack([[augmented(x[i], ways, k, drawn[i], VALIDATING) for i in seeds] for k in range(len(ways))])
    nets, moments = Population(params, len(ways), device), ticks(params.steps)
    steps = batches(params, ways, training, counted(params))
    sizes = {"way": len(ways), "seed": params.seeds, "class": classes(params), "tick": len(moments)}
    example, copies = shown(params, few[0][0], few[1][0], training)
    record = Recording(Result, params, params.steps, sizes, tick=moments, example=example, copies=copies)

    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            nets.learn(*next(steps))
        if moment.due:
            right = nets.right(test[0][None], test[1])
            record.append(
                "tick",
                train=nets.right(few[0][None], few[1]).mean(2),
                validation=nets.right(judged, y).mean(2),
                test=right.mean(2),
                met=nets.right(met[None], test[1]).mean(2),
                by_class=by_class(right, test[1], params),
            )
        yield record.result(moment.step)
    return nets.state()


def shown(params: Params, x: np.ndarray, y: np.ndarray, training: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """One of the examples x [n, …], [features], and as every way changes it, [ways, COPIES, features]."""
    ways, at = used(params), int((y == min(PICTURED, classes(params) - 1)).argmax())
    same = np.repeat(x[at][None], COPIES, 0)
    copies = [augmented(same, ways, i, params.data_seed, SHOWING) for i in range(len(ways))]
    for i, way in enumerate(ways):
        if way.rule == "fresh":
            others = training[0][0, len(y) :][training[1][0, len(y) :] == y[at]]
            copies[i] = np.resize(others, same.shape) if len(others) else same
    return x[at].ravel(), np.stack(copies).reshape(len(ways), COPIES, -1)
