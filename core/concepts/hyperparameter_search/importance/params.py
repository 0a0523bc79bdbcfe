"""Which hyperparameter matters how much: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.hyperparameter_search.params import Params, table_shape
from core.ml.costs import order_bytes, stepping, weight_count

WITHOUT = ("second", "side", "searches", "levels", "width", "low", "decades")
# In the order of the notes, and a number that nothing reads
FACTORS = ("rate", "momentum", "batch", "decay", "epochs", "depth", "width", "activation", "loss", "nothing")
CHOICES: dict[str, tuple[Any, ...]] = {
    "batch": (8, 32),
    "depth": (1, 3),
    "width": (4, 16),
    "activation": ("relu", "tanh", "sigmoid"),
    "loss": ("softmax", "squared"),
}
THIRDS = (1, 2, 3)  # of the epochs
RATES = {"wide": (1e-4, 10.0), "narrow": (0.03, 0.3)}  # ranges of the learning rate
CASES = 4  # two data sets, in each range
BINS = 10  # of what is drawn from a range


@dataclass(frozen=True)
class Result(BaseResult):
    """Settings drawn at random, of both data sets in both ranges of the learning rate, their accuracies, and the share
    of the variance of accuracy that each hyperparameter explains alone."""

    place: np.ndarray = array("case seed draw factor", dtype="float64")  # from 0 to 1, or which choice
    accuracy: np.ndarray = array("case seed draw", fill=np.nan)  # validation
    share: np.ndarray = array("case seed factor", dtype="float64", fill=np.nan)
    best: np.ndarray = array("case seed", fill=np.nan)  # accuracy of the best setting


def tasks(params: Params) -> tuple[Params, Params]:
    """The data chosen, and others to compare: moons, or where those are chosen, the spiral."""
    other = "moons" if params.own or params.data != "moons" else "spiral"
    return params, params.replace(data=other, own="", noise=0.2 if other == "moons" else 0.05)


def groups() -> int:
    """Networks of one shape, loss and batch size are a population."""
    return prod(len(options) for options in CHOICES.values())


def cost(params: Params) -> Cost:
    """Steps of populations, one after another, each as large as the mean."""
    steps = flops = memory = 0.0
    members = 2 * params.seeds * params.draws / groups()
    for each in tasks(params):
        n, inputs, classes = table_shape(each)
        for batch in CHOICES["batch"]:
            inside = params.epochs * -(-round(0.6 * n) // batch)
            own = inside * groups() / len(CHOICES["batch"])
            count = weight_count((inputs, 8, 8, classes))
            steps, flops = steps + own, flops + own * members * (stepping(count, batch) + 6.0 * count * n / inside)
            memory = max(memory, members * (10.0 * count + inside + 60 * n) + 12.0 * n * inputs * params.seeds)
    orders = order_bytes(params.seeds, n, params.epochs)
    return Cost(int(steps), flops / steps, 4.0 * memory + orders, max(1, round(members)))
