"""A kernel slides over a picture: at every place nine products and their sum."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from core.concepts.convolution.arithmetic import correlated, load, patches, pooled, turned
from core.concepts.convolution.params import SIDE, Params, Result, Sizes, Stack, margins, output_shape
from core.ml.architecture import Conv, Impossible, Place, places
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 64) -> Iterator[Result]:
    """Results, each fuller than the last, every `chunk` rows of the output."""
    planes = load(params).transpose(2, 0, 1)
    picture, kernel, (down, across) = planes.mean(0), np.array(params.kernel), output_shape(params)
    used, centre = turned(kernel) if params.turned else kernel, (1, 1)
    covered = patches(picture, SIDE, params.stride, margins(params), params.dilation)
    at = np.minimum([params.row, params.column], [down - 1, across - 1])
    halved, back = pooled(picture)
    record = Recording(
        Result,
        params,
        down,
        {"down": down, "across": across, "extreme": 2},
        picture=picture,
        planes=planes,
        answers=np.stack([correlated(plane, used, 1, centre) for plane in planes]),
        used=used,
        at=at,
        patch=covered[at[0], at[1]],
        ways=np.stack([correlated(picture, w, 1, centre) for w in (kernel, turned(kernel))]),
        halved=halved,
        back=back,
    )
    for moment in schedule(down, chunk):
        for step in moment.steps:
            made = (covered[step] * used).sum((-2, -1))
            record.append("down", output=made, extremes=[made.min(), made.max()])
        yield record.result(moment.step)


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Stack) -> Sizes:
    """Sizes, parameters, multiply-adds and receptive field of every layer, or why there can be none."""
    q = question
    conv = Conv(q.outputs, q.window, q.stride, q.padding, q.dilation, q.groups)
    found: list[Place] = []
    reason, values = "", dict[str, int]()
    try:
        for place in places((conv,) * q.depth, (q.inputs, *(q.side,) * q.sides)):
            found.append(place)
    except Impossible as impossible:
        reason, values = impossible.reason, impossible.values | {"layer": len(found) + 1}
    side, view = [place.gives[1] for place in found], [place.field for place in found]
    counted, multiplied = [sum(map(prod, p.parameters.values())) for p in found], [p.multiply_adds for p in found]
    numbers = np.array(side, np.int64), np.array(view, np.int64), np.array(counted, np.int64)
    return Sizes(question, 1, 1, reason, values, *numbers, np.array(multiplied, float))
