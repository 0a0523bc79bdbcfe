"""Gradient descent on the loss of a linear model, at rates around the largest that is stable.

Near its lowest place a loss is a bowl. Along a direction of curvature κ a step multiplies the distance to the lowest
place by 1 − η κ, which shrinks it as long as η < 2/κ: the largest curvature decides (LeCun et al., 1991).
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.data import load
from core.concepts.linear_models.descent.params import FACTORS, Result
from core.concepts.linear_models.params import NEWTON, Params, in_plane, table_shape, ticks
from core.ml.linear import Loss, first_rows, with_one
from core.ml.recording import Recording, schedule

TICKS = 100  # moments measured, at most
GRID = 41  # places along a side of the loss surface
RIDGE = 0.001  # the penalty λ, so that there is one lowest place
FAR = 1e12  # weights beyond this are no longer followed


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [rates, seeds, classes, inputs]."""
    seeds, (_, features, classes) = params.seeds, table_shape(params)
    bowls = [Bowl(params, params.data_seed + s) for s in range(seeds)]
    start = np.stack([first_rows(classes, features + 1, params.weight_seed + s) for s in range(seeds)])
    w = np.tile(start, (len(FACTORS), 1, 1, 1))
    plane, moments, lowest = 2 * in_plane(params), ticks(params.steps, TICKS), tilt(bowls[0].lowest)
    known = {name: np.array([getattr(bowl, name) for bowl in bowls]) for name in ("stable", "condition")}
    known |= {"tick": moments, "lowest": lowest[:plane], "axis": np.zeros((0, 0)), "surface": np.zeros((0, 0))}
    if plane:
        away = 2 * np.abs(tilt(start[0]) - lowest).max() * np.linspace(-1, 1, GRID)
        moves = np.stack([*np.meshgrid(away, away), np.zeros((GRID, GRID))], -1)  # [row, column, input]
        heights = [[bowls[0].above(bowls[0].lowest + np.stack([-move, move]) / 2) for move in row] for row in moves]
        known |= {"axis": lowest[:, None] + away, "surface": np.array(heights, np.float32)}
    record = Recording(Result, params, params.steps, {"rate": len(FACTORS)}, **known)

    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            for f, s in np.ndindex(w.shape[:2]):
                if np.abs(w[f, s]).max() < FAR:  # else it would end in infinities
                    w[f, s] -= FACTORS[f] * bowls[s].stable * bowls[s].slope(w[f, s])
        if moment.due:
            gap = [[bowl.above(w_s) for bowl, w_s in zip(bowls, rows)] for rows in w]
            record.append("tick", gap=gap, path=[tilt(rows[0])[:plane] for rows in w])
        yield record.result(moment.step)
    return {"weights": w}


def tilt(w: np.ndarray) -> np.ndarray:
    """How class 1's output, less that of class 0, depends on every feature."""
    return (w[1] - w[0])[:-1]


class Bowl(Loss):
    """The penalised training loss of one seed, its lowest place and its curvature there. Features are centred, which
    parts them from the bias."""

    def __init__(self, params: Params, seed: int):
        data, logistic = load(params, seed), params.loss == "logistic"
        x = with_one(data.x[0] - data.x[0].mean(0))
        super().__init__(x, data.y[0], data.classes, RIDGE * np.r_[np.ones(x.shape[1] - 1), 0], logistic)
        self.lowest = np.zeros((data.classes, x.shape[1]))
        for _ in range(2 * NEWTON if logistic else 1):
            self.lowest = self.newton(self.lowest)
        curved = np.linalg.eigvalsh(self.curvature(self.lowest))
        self.stable, self.condition = 2 / curved[-1], curved[-1] / curved[curved > 1e-9 * curved[-1]][0]

    def above(self, w: np.ndarray) -> float:
        """How far the loss at w is above the lowest."""
        return max(self(w) - self(self.lowest), 0.0)
