"""Every loss from the same weights, on the same pictures in the same batches."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.one_shot.losses.params import NETS, ROWS, Result
from core.concepts.one_shot.measuring import by_pixels, pairs, plainly
from core.concepts.one_shot.networks import UNSEEN, Course
from core.concepts.one_shot.params import Params
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, D] of every net."""
    steps, ticks = params.updates, np.array([0, params.updates])
    course = Course(params.replace(steps=steps), device)
    nets = {name: course.start(name.removesuffix("_0"), 0.0 if name.endswith("_0") else params.margin) for name in NETS}
    plain = [by_pixels(each.unseen)[0] for each in course.sets]
    sizes = {"net": len(NETS), "row": len(ROWS), "seed": params.seeds, "pair": 2}
    record = Recording(Result, params, steps, sizes, tick=ticks)
    untrained: list[np.ndarray] = []
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            for net in nets.values():
                course.learn(net, step)
        if moment.due:
            found = [course.apart(net, UNSEEN)[0] for net in nets.values()]
            untrained = untrained or list(found[NETS.index("contrastive")])
            rows: list[Any] = [*found, untrained, plain]
            worth = np.array([[plainly(d, course.each, params, s) for s, d in enumerate(row)] for row in rows])
            apart = [[[part.mean() for part in pairs(d, course.each)] for d in row] for row in found]
            loss = np.array([course.loss(net) for net in nets.values()])
            record.append("tick", loss=loss, area=worth[..., 0], oneshot=worth[..., 1], apart=np.array(apart))
        yield record.result(moment.step)
    return {name: net.state() for name, net in nets.items()}
