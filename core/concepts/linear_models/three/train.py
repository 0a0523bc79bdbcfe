"""Three classes in a row, of equal size and spacing: least squares hides the one in the middle (Hastie, Tibshirani and
Friedman, 2009, section 4.2), softmax regression does not."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from scipy.special import softmax

from core.concepts.linear_models.params import Params, ticks
from core.concepts.linear_models.three.params import CLASSES, REACH, RULES, Result
from core.ml.linear import Loss, first_rows, with_one
from core.ml.random import stream
from core.ml.recording import Recording, schedule

SIZES = 50, 500  # examples per class, in training and test
GAP, SPREAD = 3.0, 0.6  # between neighbouring centres, and within a class
RATE = 0.5  # of gradient descent
SHIFT = 1000.0  # what is added to all outputs
TICKS = 20  # moments measured, at most
GRID = 60  # places along a side of the map
INPUTS = 6  # x₁, x₂, their squares, their product, 1


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [methods, seeds, classes, inputs],
    0 for inputs that a method does not have."""
    seeds, moments = params.seeds, ticks(params.steps, TICKS)
    sets = [in_a_row(params, params.data_seed + s, 0) for s in range(seeds)]
    tests = np.stack([widened(in_a_row(params, params.data_seed + s, 1)[0]) for s in range(seeds)])
    places = widened(np.stack(np.meshgrid(*2 * [np.linspace(-REACH, REACH, GRID)]), -1).reshape(-1, 2))
    has = np.array([[rule == "curved" or k in (0, 1, INPUTS - 1) for k in range(INPUTS)] for rule in RULES])
    losses = [[loss_of(rule, widened(x) * own, y) for x, y in sets] for rule, own in zip(RULES, has)]
    start = np.stack([first_rows(CLASSES, INPUTS, params.weight_seed + s) for s in range(seeds)])
    w = start * has[:, None, None]

    sizes = {"method": len(RULES), "seed": seeds, "class": CLASSES, "row": GRID, "column": GRID}
    record = Recording(Result, params, params.steps, sizes, tick=moments, x=sets[0][0], y=sets[0][1])

    for moment in schedule(params.steps, chunk, tick=moments):
        for step in moment.steps:
            for m, s in np.ndindex(w.shape[:2]):
                if losses[m][s].logistic:
                    w[m, s] -= RATE * losses[m][s].slope(w[m, s])
                elif not step:  # the closed form takes one step
                    w[m, s] = losses[m][s].newton(w[m, s])
        outputs = tests @ w.swapaxes(-1, -2)  # [method, seed, example, class]
        if moment.due:
            found = outputs.argmax(-1).reshape(len(RULES), seeds, -1, CLASSES) == np.arange(CLASSES)
            loss = [[of(w_s) if of.logistic else np.nan for of, w_s in zip(*pair)] for pair in zip(losses, w)]
            region = (places @ w[:, 0].swapaxes(-1, -2)).argmax(-1).reshape(-1, GRID, GRID)
            record.append("tick", loss=loss, recall=found.mean(2), region=region)
        if moment.last:
            z = outputs[RULES.index("softmax")]
            record.set(shifted=np.abs(softmax(z + SHIFT, -1) - softmax(z, -1)).max((1, 2)))
        yield record.result(moment.step)
    return {"weights": w}


def in_a_row(params: Params, seed: int, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, 2] and classes [n], which take turns; the middle one lies `middle` off the line through the others."""
    y = np.arange(CLASSES * SIZES[part]) % CLASSES
    centres = np.array([[-GAP, 0], [0, params.middle], [GAP, 0]])
    return centres[y] + SPREAD * stream("three in a row", seed, part).standard_normal((len(y), 2)), y


def widened(x: np.ndarray) -> np.ndarray:
    """x₁, x₂, their squares and their product, and 1."""
    return with_one(np.c_[x, x**2, x[:, :1] * x[:, 1:]])


def loss_of(rule: str, x: np.ndarray, y: np.ndarray) -> Loss:
    kind = Twice if rule == "twice" else Loss
    return kind(x, y, CLASSES, np.full(INPUTS, 1e-9), rule in ("softmax", "twice"))


class Twice(Loss):
    """Wrong: the outputs go through a softmax before a loss that applies it."""

    def errors(self, z: np.ndarray) -> np.ndarray:
        return super().errors(softmax(z, 1))

    def back(self, z: np.ndarray) -> np.ndarray:
        p = softmax(z, 1)
        g = super().back(p)
        return p * (g - (p * g).sum(1, keepdims=True))
