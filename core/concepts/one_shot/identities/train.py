"""As many pictures and steps, of more and more training identities."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.one_shot.identities.params import LADDER, ROWS, Result
from core.concepts.one_shot.measuring import by_pixels, plainly
from core.concepts.one_shot.networks import SEEN, UNSEEN, Course
from core.concepts.one_shot.params import Params
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, D] by how many identities they know."""
    steps, ticks = params.updates, np.array([0, params.updates])
    courses = [Course(params.replace(steps=steps, identities=count), device) for count in LADDER]
    nets = [course.start(params.loss, params.margin) for course in courses]
    plain = [by_pixels(each.unseen)[0] for each in courses[0].sets]
    sizes = {"count": len(LADDER), "row": len(ROWS), "seed": params.seeds}
    record = Recording(Result, params, steps, sizes, tick=ticks)
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            for course, net in zip(courses, nets):
                course.learn(net, step)
        if moment.due:
            found = [course.apart(net, UNSEEN, SEEN) for course, net in zip(courses, nets)]
            rows: list[Any] = [*zip(*found), [plain] * len(LADDER)]
            each = courses[0].each
            worth = np.array(
                [[[plainly(d, each, params, s) for s, d in enumerate(one)] for one in row] for row in rows]
            )
            loss = np.array([course.loss(net) for course, net in zip(courses, nets)])
            record.append("tick", loss=loss, area=worth[..., 0], oneshot=worth[..., 1])
        yield record.result(moment.step)
    return {str(count): net.state() for count, net in zip(LADDER, nets)}
