"""Three classes in a row, of equal size and spacing: least squares hides the one in the middle (Hastie, Tibshirani and
Friedman, 2009, section 4.2), softmax regression does not."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.linear_models.models import (
    cross_entropy,
    first_rows,
    least_squares,
    one_hot,
    right,
    softmax_of,
    with_one,
)
from core.concepts.linear_models.params import Params
from core.concepts.linear_models.three.params import CLASSES, GRID, REACH, RULES, SHIFTS, Result, ticks
from core.ml.random import stream
from core.ml.recording import Recording, schedule

SIZES = 50, 500  # examples per class, in training and test
GAP, SPREAD = 3.0, 0.6  # between neighbouring centres, and within a class
RATE = 0.5  # of gradient descent
DESCENDING = "softmax", "twice"


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` steps; in the end weights [methods, seeds, classes, inputs],
    0 for inputs that a method does not have."""
    seeds, moments = params.seeds, ticks(params)
    sets = [[in_a_row(params, params.data_seed + s, part) for part in range(2)] for s in range(seeds)]
    axis = np.linspace(-REACH, REACH, GRID)
    grid = widened(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))
    x = [[widened(points) for points, _ in parts] for parts in sets]
    y = [[labels for _, labels in parts] for parts in sets]
    targets = [one_hot(labels[0], CLASSES) for labels in y]
    inputs = grid.shape[1]
    uses = np.array([[rule == "curved" or k < 2 or k == inputs - 1 for k in range(inputs)] for rule in RULES])
    start = np.stack([first_rows(CLASSES, inputs, params.weight_seed + s) for s in range(seeds)])
    w = np.stack([start * used_inputs for used_inputs in uses])

    sizes = {"method": len(RULES), "seed": seeds, "class": CLASSES, "shift": len(SHIFTS), "row": GRID, "column": GRID}
    record = Recording(Result, params, params.steps, sizes, tick=moments, x=sets[0][0][0], y=sets[0][0][1])

    for moment in schedule(params.steps, chunk, tick=moments):
        for step in moment.steps:
            for m, rule in enumerate(RULES):
                for s in range(seeds):
                    if rule in DESCENDING:
                        w[m, s] -= RATE * slope(w[m, s], x[s][0], targets[s], rule == "twice") * uses[m]
                    elif not step:  # the closed form takes one step
                        w[m, s][:, uses[m]] = least_squares(x[s][0][:, uses[m]], targets[s], np.zeros(uses[m].sum()))
        if moment.due:
            record.append(
                "tick",
                loss=[
                    [loss_of(rule, x[s][0] @ w[m, s].T, targets[s]) for s in range(seeds)]
                    for m, rule in enumerate(RULES)
                ],
                accuracy=[[right(rows[s], x[s][1], y[s][1]) for s in range(seeds)] for rows in w],
                recall=[[recall_of(rows[s], x[s][1], y[s][1]) for s in range(seeds)] for rows in w],
                region=[(grid @ rows[0].T).argmax(1).reshape(GRID, GRID) for rows in w],
            )
        if moment.last:
            softmax = w[RULES.index("softmax")]
            shifted, plain = zip(*(moved_by_shifts(x[s][1] @ softmax[s].T) for s in range(seeds)))
            record.set(shifted=shifted, plain=plain)
        yield record.result(moment.step)
    return {"weights": w}


def loss_of(rule: str, z: np.ndarray, targets: np.ndarray) -> float:
    """Cross-entropy of outputs; NaN of least squares, whose outputs are no log probabilities."""
    return cross_entropy(softmax_of(z) if rule == "twice" else z, targets) if rule in DESCENDING else np.nan


def recall_of(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> list[float]:
    """The share of every class's examples that is found."""
    return [right(w, x[y == c], np.array(c)) for c in range(CLASSES)]


def in_a_row(params: Params, seed: int, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, 2] and classes [n]; the middle class lies `middle` off the line through the others."""
    y = np.arange(CLASSES * SIZES[part]) % CLASSES
    centres = np.array([[-GAP, 0], [0, params.middle], [GAP, 0]])
    return centres[y] + SPREAD * stream("three in a row", seed, part).standard_normal((len(y), 2)), y


def widened(x: np.ndarray) -> np.ndarray:
    """x₁, x₂, their squares and their product, and 1."""
    return with_one(np.c_[x, x**2, x[:, :1] * x[:, 1:]])


def slope(w: np.ndarray, x: np.ndarray, targets: np.ndarray, twice: bool) -> np.ndarray:
    """The gradient of the cross-entropy of the softmax of x wᵀ, or of the softmax of that softmax."""
    p = softmax_of(x @ w.T)
    back = (softmax_of(p) if twice else p) - targets
    if twice:  # through the first softmax: p ⊙ (g − p·g)
        back = p * (back - (p * back).sum(1, keepdims=True))
    return back.T @ x / len(x)


def moved_by_shifts(z: np.ndarray) -> tuple[list[float], list[float]]:
    """The largest change of a probability when a number is added to all outputs z: stable form, and plain form."""
    before, stable, plain = softmax_of(z), [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for shift in SHIFTS:
            stable.append(float(np.abs(softmax_of(z + shift) - before).max()))
            e = np.exp(z + shift)  # wrong: e⁷¹⁰ is more than a double can hold
            plain.append(float(np.abs(e / e.sum(1, keepdims=True) - before).max()))
    return stable, plain
