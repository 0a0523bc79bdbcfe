"""One set of features, several tasks: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.transfer_learning.params import CHANNELS, Params, classes, shape_of, source_cost
from core.ml.architecture import Dense, Flatten, Layers, Shape, parameters
from core.takeaway.weights import cut

WITHOUT = ("ways",)
FEATURES = ("trained", "random", "raw")  # those of the source, those it began with, the numbers themselves
TASKS = ("classes", "sign", "place")
PLACES = 4


@dataclass(frozen=True)
class Result(BaseResult):
    """Heads on frozen features, a task each, on the same examples, half of which have their signs reversed: the
    target's classes; whether the sign is reversed; in which quarter the number farthest from 0 is."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("features task seed tick+", "nats")  # on test examples
    accuracy: np.ndarray = array("features task seed tick+")
    often: np.ndarray = array("task seed")  # accuracy of always saying the commonest


def units(params: Params) -> dict[str, int]:
    """Outputs of every task's head."""
    return {"classes": classes(params)[1], "sign": 2, "place": PLACES}


def head(params: Params, features: str, task: str) -> tuple[Layers, Shape]:
    dense = Dense(units(params)[task])
    return ((Flatten(), dense), shape_of(params)) if features == "raw" else ((dense,), CHANNELS[-1:])


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Heads [seeds, …]: {"trained.classes.0.weight": …}."""
    found: dict[str, np.ndarray] = {}
    for name, rows in state.items():
        parts = cut(rows, parameters(*head(result.params, *name.split("."))))
        found |= {f"{name}.{key}": part for key, part in parts.items()}
    return found


def cost(params: Params) -> Cost:
    before, memory = source_cost(params)
    steps = params.pretraining + params.steps
    return Cost(steps, (before + params.steps * len(FEATURES) * len(TASKS) * 1e7) / steps, memory, params.seeds)
