"""Backpropagation against differences of the loss, over the size ε of the nudge.

The error of two-sided differences falls as ε², that of one-sided ones as ε, until rounding, which grows as 1/ε, is
larger: the best ε is about the cube root (square root) of the precision.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.backpropagation.check.params import CHECKS, EPSILONS, KINK, SIZES, TRAINED, Result
from core.concepts.backpropagation.layers import backward, differences, error, forward, gradient, parts
from core.concepts.backpropagation.params import Params
from core.ml.networks import initial_weights
from core.ml.random import stream
from core.ml.recording import Recording, schedule

EXAMPLES = 10
KEPT = 0.5  # share of the hidden units that dropout keeps


def train(params: Params, device: str = "cpu", chunk: int = 4) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` nudges; in the end the trained weights [seeds, D]."""
    sets = [(Checked(params, s, 0), Checked(params, s, TRAINED)) for s in range(params.seeds)]
    sizes = {"check": len(CHECKS), "seed": params.seeds, "epsilon": len(EPSILONS)}
    total = len(EPSILONS)
    record = Recording(Result, params, total, sizes)
    for moment in schedule(total, chunk, epsilon=range(1, total + 1)):
        if moment.due:
            by = EPSILONS[moment.step - 1]
            found = [[[one.error(check, by) for one in pair] for pair in sets] for check in CHECKS]
            start, trained = np.moveaxis(np.array(found), -1, 0)
            record.append("epsilon", epsilon=by, start=start, trained=trained)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": np.stack([late.weights for _, late in sets])}


class Checked:
    """A network of one seed after so many updates, on a few examples."""

    def __init__(self, params: Params, s: int, updates: int):
        self.how, rng = (params.activation, params.loss), stream("checked", params.data_seed + s)
        self.x = rng.standard_normal((EXAMPLES, SIZES[0]))
        self.target = np.eye(SIZES[-1])[rng.integers(SIZES[-1], size=EXAMPLES)]
        self.weights = initial_weights(SIZES, params.weight_seed + s).astype(float)
        for _ in range(updates):
            self.weights = self.weights - params.lr * self.slope(self.weights, params.activation)
        self.right, self.noise = self.slope(self.weights, params.activation), rng

    def slope(self, weights: np.ndarray, activation: str) -> np.ndarray:
        values = forward(weights, self.x, SIZES, activation, self.how[1])
        return gradient(backward(weights, values, self.target, SIZES, activation, self.how[1]))

    def error(self, check: str, by: float) -> float:
        """Relative error of this check with a nudge of this size."""
        kind, weights, right, activation = np.float32 if "32" in check else float, self.weights, self.right, self.how[0]
        if check == "kink":
            activation, weights = "relu", self.weights.copy()
            w, b = parts(weights, SIZES)[0]
            b[0, 0] = KINK - w[0] @ self.x[0]  # the first unit on the first example
            right = self.slope(weights, activation)

        def height(moved: np.ndarray) -> np.ndarray:
            masks = None
            if check == "dropout":  # units are left out anew for every loss that is asked for
                masks = [(self.noise.random((len(moved), 1, units)) < KEPT) / KEPT for units in SIZES[1:-1]]
            values = forward(moved, self.x.astype(kind), SIZES, activation, self.how[1], masks)
            return error(values[-1], self.target.astype(kind), self.how[1])

        found = differences(height, weights.astype(kind), by, check != "one" and check != "one_32").astype(float)
        length = float(np.linalg.norm(right)) + float(np.linalg.norm(found))
        return float(np.linalg.norm(right - found)) / max(length, 1e-300)
