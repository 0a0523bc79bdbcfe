"""How much data to keep for testing: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.error_analysis.params import AGAIN, CLASSES, Params
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import perceptron

WITHOUT = tuple(f.name for f in fields(Params) if f.name not in ("spread", *AGAIN))
SHARES = {"60/20/20": (0.6, 0.2), "80/10/10": (0.8, 0.1), "98/1/1": (0.98, 0.01)}  # of training, of testing
TOTALS = (100, 1000, 10_000, 100_000)
FRESH = 4000  # points on which the error of a network is known nearly exactly, by the densities
SIZES = (2, 16, CLASSES)
LONGER, BATCH, RATE = 4, 16, 0.01  # trained for so many times the steps of the game


@dataclass(frozen=True)
class Result(BaseResult):
    """What a test set says of a network, and how wrong the network is."""

    estimate: np.ndarray = array("division seed end+ size")
    truth: np.ndarray = array("division seed end+ size")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """[divisions, totals, seeds, …] by layer."""
    return perceptron(state["weights"], SIZES)


def cost(params: Params) -> Cost:
    members, count = len(SHARES) * len(TOTALS) * params.seeds, weight_count(SIZES)
    steps = LONGER * params.steps
    tests = sum(share[1] * total + FRESH for share in SHARES.values() for total in TOTALS) * params.seeds
    row = 2 * (SIZES[0] + SIZES[-1]) + 2  # of every example: inputs, its label in two forms, its places in the order
    memory = 4.0 * members * (12 * count + row * steps * BATCH)
    flops = members * stepping(count, BATCH) + 2.0 * count * tests / steps
    return Cost(steps, flops, memory + 600.0 * TOTALS[-1], members)
