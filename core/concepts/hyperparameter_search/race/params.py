"""Searchers against each other: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.hyperparameter_search.params import BATCH, Params, batches, layout, table_shape
from core.ml.costs import order_bytes, stepping, weight_count

WITHOUT = ("second", "side", "searches", "draws")
SEARCHERS = ("grid", "random", "linear", "halving", "tpe", "panda", "alone")
SEARCHED = ("rate", "momentum", "l2", "decay")
SEARCHES = 6  # of every searcher on every seed
BRACKET, KEPT = 9, 3  # settings that successive halving begins with; one in three goes on


@dataclass(frozen=True)
class Result(BaseResult):
    """The best validation accuracy so far, and the test accuracy of that network, after so many trainings' worth of
    epochs. NaN: none is trained yet."""

    spent: np.ndarray = array("tick+", "trainings", dtype="int64")
    best: np.ndarray = array("searcher seed search tick+")
    test: np.ndarray = array("searcher seed search tick+")


def trainings(params: Params) -> int:
    """That every searcher may spend."""
    return params.levels ** len(SEARCHED)


def rungs(params: Params) -> tuple[int, ...]:
    """Epochs after which successive halving sorts out."""
    return params.epochs // BRACKET, params.epochs // KEPT, params.epochs


def spending(params: Params) -> np.ndarray:
    """Trainings' worth of epochs that a bracket has taken after each rung."""
    each = np.diff([0, *rungs(params)]) * [BRACKET, KEPT, 1]
    return np.cumsum(each) / params.epochs


def brackets(params: Params) -> int:
    """Of successive halving, as far as the trainings reach."""
    return int(np.ceil(trainings(params) / spending(params)[-1]))


def cost(params: Params) -> Cost:
    """A round, of which a Result counts one, is a training of every searcher in every search, and of a bracket."""
    inside, count, n = params.epochs * batches(params), weight_count(layout(params)), table_shape(params)[0]
    members = (len(SEARCHERS) + BRACKET // 2) * SEARCHES * params.seeds
    numbers = members * (10.0 * count + 3 * sum(layout(params)) * BATCH + 2 * inside) + 12.0 * n * sum(layout(params))
    step = members * (stepping(count, BATCH) + 2.0 * count * n / inside)
    memory = 4.0 * numbers + order_bytes(params.seeds, n, params.epochs)
    return Cost(trainings(params) * inside, step, memory, members)
