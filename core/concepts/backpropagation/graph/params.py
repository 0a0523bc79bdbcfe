"""Elementary graphs, operation by operation: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.backpropagation.params import Params

WITHOUT = ("lit", "edited", "updates", "lr", "nudge", "activation", "loss", "steps", "penalty", "seeds")
Operation = tuple[str, str, tuple[str, ...]]  # a name, what is done, to what
NEURON: tuple[Operation, ...] = (
    ("h₁", "times", ("w", "x")),
    ("h₂", "plus", ("h₁", "b")),
    ("h₃", "minus", ("h₂",)),
    ("h₄", "exp", ("h₃",)),
    ("h₅", "one_plus", ("h₄",)),
    ("h₆", "one_over", ("h₅",)),
)
REUSE: tuple[Operation, ...] = (
    ("c", "times", ("a", "b")),
    ("d", "plus", ("c", "a")),
    ("e", "times", ("d", "a")),
)
MOVES = 2 * len(NEURON)  # every operation forwards, then backwards


@dataclass(frozen=True)
class Result(BaseResult):
    """Values and gradients of every node, and what goes back along every edge; NaN is not yet known. On REUSE a
    gradient is also overwritten where it must be added, which is wrong."""

    neuron: np.ndarray = array("move+ node", dtype="float64")
    neuron_back: np.ndarray = array("move+ node", dtype="float64")
    neuron_along: np.ndarray = array("move+ edge", dtype="float64")
    reuse: np.ndarray = array("move+ reused", dtype="float64")
    reuse_back: np.ndarray = array("move+ reused", dtype="float64")
    reuse_along: np.ndarray = array("move+ way", dtype="float64")
    overwritten: np.ndarray = array("move+ reused", dtype="float64")


def nodes(program: tuple[Operation, ...]) -> list[str]:
    """Inputs in the order in which they are used, then results."""
    results = [name for name, _, _ in program]
    used = dict.fromkeys(node for _, _, sources in program for node in sources)
    return [*(node for node in used if node not in results), *results]


def edges(program: tuple[Operation, ...]) -> list[tuple[str, str]]:
    return [(source, name) for name, _, sources in program for source in sources]


def cost(params: Params) -> Cost:
    return Cost(MOVES, 1e6)
