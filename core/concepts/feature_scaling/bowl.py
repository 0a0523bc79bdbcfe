"""The squared error of a linear model as what it is: a bowl of the same curvature everywhere."""

from __future__ import annotations

import numpy as np

from core.concepts.feature_scaling.data import Affine
from core.ml.linear import with_one


class Bowl:
    """Half the mean squared error of w · (u, 1) on targets y, w [3]: its curvature is the second moment of (u, 1).

    start: the weights that make of u the model that `raw` [3] makes of x.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, scaling: Affine, raw: np.ndarray):
        u = with_one(scaling(x))
        self.curvature, self.pull = u.T @ u / len(u), u.T @ y / len(u)
        self.lowest = np.linalg.lstsq(u, y, rcond=None)[0]
        slopes = np.linalg.solve(scaling.matrix, raw[:-1])
        self.start = np.r_[slopes, raw[-1] + scaling.shift @ raw[:-1]]
        curved = np.linalg.eigvalsh(self.curvature)
        self.flattest, self.steepest = curved[curved > 1e-13 * curved[-1]][[0, -1]]
        self.condition = self.steepest / self.flattest

    @property
    def rate(self) -> float:
        """The rate of gradient descent that is best wherever one starts: the flattest and the steepest direction
        shrink alike, by (κ − 1) / (κ + 1) a step (Polyak, 1987, section 1.4)."""
        return 2 / (self.flattest + self.steepest)

    @property
    def with_momentum(self) -> tuple[float, float]:
        """Best rate and momentum (Polyak, 1964)."""
        low, high = np.sqrt([self.flattest, self.steepest])
        return 4 / (low + high) ** 2, ((high - low) / (high + low)) ** 2

    def angle(self) -> float:
        """From the way downhill to the way to the lowest place, at the start, in degrees."""
        way = self.lowest - self.start
        down = self.curvature @ way
        return float(np.degrees(np.arccos(np.clip(way @ down / np.linalg.norm(way) / np.linalg.norm(down), -1, 1))))

    def around(self, places: int, tall: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Both weights along a window that has the start in it, `tall` times as high as wide, and the loss above the
        lowest there with the best bias: [columns], [rows], [rows, columns]."""
        away = np.abs(self.start - self.lowest)[:2]
        reach = 1.25 * (max(away[0], away[1] / tall) or 1.0) * np.linspace(-1, 1, places)
        dx, dy = np.meshgrid(reach, tall * reach)
        (a, b, c), (_, d, e), _ = self.curvature
        height = 0.5 * ((a - c * c) * dx**2 + 2 * (b - c * e) * dx * dy + (d - e * e) * dy**2)
        return self.lowest[0] + reach, self.lowest[1] + tall * reach, height
