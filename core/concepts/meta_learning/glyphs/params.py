"""Glyphs from one example each: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.meta_learning.params import MOST, Params
from core.ml.costs import weight_count
from core.takeaway.weights import perceptron

WITHOUT = ("ways", "points", "rate", "inner", "steepest")
DIVERGES = "loss"
# The last one has no network: the nearest example, pixel by pixel. `joint` learns to tell all classes of meta-training
# apart, and gets a new last layer for a task.
LEARNERS = ("maml", "joint", "fomaml", "reptile", "scratch", "nearest")
SIDE = 8
CLASSES = 5  # of a task
EACH = 12  # drawings of a glyph
KNOWN, UNSEEN = 120, 40  # glyphs of meta-training and of the test
JUDGED = 3  # further drawings of every class, on which an adapted network is judged
TASKS = 40  # unseen ones a seed
STEP = 0.4  # learning rate of adapting
SIZES = (SIDE**2, 64, CLASSES)
TICKS = 4


@dataclass(frozen=True)
class Result(BaseResult):
    """Means over unseen tasks, of glyphs that nobody trained on."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("start seed tick+ move", "nats")  # of all learners but the nearest
    accuracy: np.ndarray = array("learner seed tick+ move")
    example: np.ndarray = array("drawing class pixel")  # of the first seed's first unseen task


def ticks(steps: int) -> np.ndarray:
    return np.unique(np.r_[0, np.geomspace(min(10, steps), steps, TICKS).round().astype(int)])


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Starts [learners but the nearest, seeds, …]."""
    return perceptron(state["weights"], SIZES)


def cost(params: Params) -> Cost:
    members, examples = params.seeds * params.tasks, CLASSES * (params.shots + JUDGED)
    looked = (TICKS + 1) * MOST * 4.0 * params.seeds * TASKS * len(LEARNERS) / params.steps
    operations = weight_count(SIZES) * examples * 4.0 * (14 * members + looked)
    data = 8.0 * params.seeds * (KNOWN + UNSEEN) * EACH * SIDE**2 * 30
    return Cost(params.steps, operations + 4e7, data + 400.0 * weight_count(SIZES) * params.seeds * TASKS)
