"""Gradient descent on one problem in several units.

Along a direction of curvature κ a step multiplies the distance to the lowest place by 1 − η κ. No rate suits all
directions where curvatures differ, and features in different units make them differ (LeCun et al., 1998, section 4.3).
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.feature_scaling.bowl import Bowl
from core.concepts.feature_scaling.data import first_model, points_of, scaling_of
from core.concepts.feature_scaling.params import Params, Result, ticks
from core.ml.recording import Recording, schedule

GRID = 61  # places along a side of the loss surface
TALL = 1.4  # height of its window over its width


def train(params: Params, device: str = "cpu", chunk: int = 2000) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [scalings, seeds, 3], bias last."""
    seeds, moments = range(params.seeds), ticks(params.steps)
    sets = [points_of(params, params.stretch, params.data_seed + s) for s in seeds]
    raw = [first_model(*sets[s], params.weight_seed + s) for s in seeds]
    bowls = [[Bowl(*sets[s], scaling_of(each.rule, sets[s][0]), raw[s]) for s in seeds] for each in params.scalings]
    every = lambda name: np.array([[getattr(bowl, name) for bowl in row] for row in bowls])  # noqa: E731
    w, lowest, curvature, pull, rate = map(every, ("start", "lowest", "curvature", "pull", "rate"))
    if params.rates == "equal":
        rate = np.broadcast_to(rate.min(0), rate.shape)  # the largest that suits all
    across, up, surface = map(np.stack, zip(*(row[0].around(GRID, TALL) for row in bowls)))
    known = {"condition": every("condition"), "rate": rate, "lowest": lowest[:, 0, :2]}
    known |= {"across": across, "up": up, "surface": surface.astype(np.float32)}
    angle = np.array([[bowl.angle() for bowl in row] for row in bowls])
    record = Recording(Result, params, params.steps, {"tick": len(moments) + 1, "weight": 2}, angle=angle, **known)
    reached, slope = np.full(rate.shape, np.nan), slopes(w, curvature, pull)
    begin = above(w, lowest, slope)

    for moment in schedule(params.steps, chunk, tick=moments):
        step, ws, many = moment.step, [w], [slope]
        for _ in moment.steps:
            w = w - rate[..., None] * slope
            slope = slopes(w, curvature, pull)
            ws.append(w)
            many.append(slope)
        # Of so small models a look takes longer than a step: all steps since the last moment are looked at together.
        gaps = above(np.stack(ws), lowest, np.stack(many))
        hit = gaps[1:] <= params.target * begin
        first = step - len(hit) + 1 + (hit.argmax(0) if len(hit) else 0)
        reached = np.where(np.isnan(reached) & hit.any(0), first, reached)
        if not np.isnan(reached).any():
            step = int(reached.max())
        w, gap = ws[step - moment.step - 1], gaps[step - moment.step - 1]
        done = moment.last or not np.isnan(reached).any()
        if moment.due or done:
            record.append("tick", tick=step, gap=gap / begin, path=w[:, 0, :2])
        record.set(reached=reached)
        if done or step % chunk == 0:
            yield record.result(step, step if done else None)
        if done:
            break
    return {"weights": w}


def slopes(w: np.ndarray, curvature: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """The gradients [..., 3] of bowls at w."""
    return (curvature @ w[..., None])[..., 0] - pull


def above(w: np.ndarray, lowest: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """How far the losses at w are above the lowest, [...]."""
    return (0.5 * ((w - lowest) * slope).sum(-1)).clip(0)
