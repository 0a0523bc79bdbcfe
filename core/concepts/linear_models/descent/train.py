"""Gradient descent on the loss of a linear model, at rates around the largest that is stable.

Near its lowest place a loss is a bowl. Along a direction of curvature κ a step multiplies the distance to the lowest
place by 1 − η κ, which shrinks it as long as η < 2/κ: the largest curvature decides (LeCun et al., 1991).
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.descent.params import FACTORS, GRID, RIDGE, Result, ticks
from core.concepts.linear_models.models import (
    curvature,
    first_rows,
    least_squares,
    load,
    newton,
    one_hot,
    penalised,
    softmax_of,
    squared_error,
    with_one,
)
from core.concepts.linear_models.params import NEWTON, Params, in_plane, table_shape
from core.ml.recording import Recording, schedule

FAR = 1e12  # a loss above this is no longer followed


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [rates, seeds, classes, inputs]."""
    seeds, (_, features, classes) = params.seeds, table_shape(params)
    bowls = [Bowl(params, params.data_seed + s) for s in range(seeds)]
    start = np.stack([first_rows(classes, features + 1, params.weight_seed + s) for s in range(seeds)])
    w = np.tile(start, (len(FACTORS), 1, 1, 1))
    plane, moments = 2 * in_plane(params), ticks(params)
    axis, surface = bowls[0].around(2 * np.abs(tilt(start[0]) - tilt(bowls[0].lowest)).max() if plane else 0.0)
    known = {name: np.array([getattr(bowl, name) for bowl in bowls]) for name in ("stable", "condition")}
    known |= {
        "tick": moments,
        "lowest": tilt(bowls[0].lowest)[:plane],
        "axis": axis,
        "surface": surface.astype(np.float32),
    }
    record = Recording(Result, params, params.steps, {"rate": len(FACTORS)}, **known)

    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            for s, bowl in enumerate(bowls):
                for f, factor in enumerate(FACTORS):
                    if np.abs(w[f, s]).max() < FAR:  # else it would end in infinities
                        w[f, s] = w[f, s] - factor * bowl.stable * bowl.slope(w[f, s])
        if moment.due:
            gap = [[bowl.above(w[f, s]) for s, bowl in enumerate(bowls)] for f in range(len(FACTORS))]
            record.append("tick", gap=gap, path=[tilt(rows[0])[:plane] for rows in w])
        yield record.result(moment.step)
    return {"weights": w}


def tilt(w: np.ndarray) -> np.ndarray:
    """How class 1's output, less that of class 0, depends on every feature."""
    return (w[1] - w[0])[:-1]


class Bowl:
    """The penalised training loss of one seed, its lowest place and its curvature there. Features are centred, which
    parts them from the bias."""

    def __init__(self, params: Params, seed: int):
        data = load(params, seed)
        self.x = with_one(data.x[0] - data.x[0].mean(0))
        self.targets = one_hot(data.y[0], table_shape(params)[2])
        self.logistic, (n, inputs) = params.loss == "logistic", self.x.shape
        self.ridge = RIDGE * np.r_[np.ones(inputs - 1), 0]
        if self.logistic:
            self.lowest = np.zeros((self.targets.shape[1], inputs))
            for _ in range(2 * NEWTON):
                self.lowest = newton(self.lowest, self.x, self.targets, self.ridge)
            found = curvature(self.lowest, self.x) + np.diag(np.tile(self.ridge, self.targets.shape[1]))
        else:
            self.lowest = least_squares(self.x, self.targets, self.ridge)
            found = self.x.T @ self.x / n + np.diag(self.ridge)
        curved = np.linalg.eigvalsh(found)
        self.stable, self.condition = 2 / curved[-1], curved[-1] / curved[curved > 1e-9 * curved[-1]][0]
        self.least = self.loss(self.lowest)

    def loss(self, w: np.ndarray) -> float:
        if self.logistic:
            return penalised(w, self.x, self.targets, self.ridge)
        return squared_error(self.x @ w.T, self.targets) + 0.5 * float((self.ridge * w**2).sum())

    def above(self, w: np.ndarray) -> float:
        """How far the loss at w is above the lowest."""
        return max(self.loss(w) - self.least, 0.0)

    def slope(self, w: np.ndarray) -> np.ndarray:
        """The gradient at w, [classes, inputs]."""
        z = self.x @ w.T
        wrong = (softmax_of(z) if self.logistic else z) - self.targets
        return wrong.T @ self.x / len(self.x) + self.ridge * w

    def around(self, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """The loss over two features' weights within ±reach of the lowest place, all else as it is there."""
        if not reach:
            return np.zeros((0, 0)), np.zeros((0, 0))
        steps = np.linspace(-reach, reach, GRID)
        surface = np.empty((GRID, GRID))
        for row, column in np.ndindex(surface.shape):
            move = np.array([steps[column], steps[row], 0.0]) / 2
            surface[row, column] = self.above(self.lowest + np.stack([-move, move]))
        return tilt(self.lowest)[:, None] + steps, surface
