"""What a gradient costs, and what loops cost: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.concept.params import BaseParams, choice
from core.concept.parts import Ask, Cost
from core.concept.result import BaseResult, array
from core.concepts.backpropagation.params import Params

WITHOUT = ("lit", "edited", "updates", "lr", "nudge", "activation", "loss", "steps", "penalty")
LOOPED = (8, 16, 4)  # units of the network that is computed by loops, in NumPy and by torch
WAYS = ("loop", "numpy", "torch")
EXAMPLES = (1, 10, 100, 1000, 10_000)
WIDTHS = (2, 4, 8, 16, 32, 64)  # of two hidden layers, whose gradient is taken
GRADIENTS = ("backward", "nudges")
INPUTS, OUTPUTS, BATCH = 8, 4, 32


@dataclass(frozen=True)
class Result(BaseResult):
    """Processor times, the shortest of some repetitions. Seed i is repetition i, on its own data and weights."""

    examples: np.ndarray = array("size+", "examples", dtype="int64")
    seconds: np.ndarray = array("way seed size+", "seconds", dtype="float64", measured=True)  # of all examples
    output: np.ndarray = array("way seed size+", dtype="float64")  # mean output: the ways agree
    weights: np.ndarray = array("width+", dtype="int64")  # how many
    # How many forward passes a gradient takes: with one backward pass, and by nudging every weight to both sides
    passes: np.ndarray = array("gradient seed width+", dtype="float64", measured=True)
    counted: np.ndarray = array("gradient width+", dtype="float64")  # in multiplications of matrices


SHAPES = ("5", "1", "5x1", "1x5", "3x5", "5x3")


@dataclass(frozen=True)
class Pair(BaseParams):
    """Two arrays of these shapes and what is done with them."""

    left: str = choice("5", SHAPES)
    operation: str = choice("plus", ("plus", "matmul"))
    right: str = choice("5x1", SHAPES)


@dataclass(frozen=True)
class Shape(BaseResult):
    """What NumPy makes of it: the shape, empty where it refuses."""

    refused: bool
    shape: np.ndarray = array("axis", dtype="int64")


ASKS = (Ask("shapes", Pair, Shape),)


def sizes(width: int) -> tuple[int, ...]:
    return INPUTS, width, width, OUTPUTS


def count(width: int) -> int:
    return sum(o * (i + 1) for i, o in pairwise(sizes(width)))


def cost(params: Params) -> Cost:
    steps = len(EXAMPLES) + len(WIDTHS)
    return Cost(steps, 4e8 * params.seeds / steps)
