"""By how many examples there are: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.data_augmentation.params import Params, Way, architecture, examples, member_cost, reference, used
from core.ml.architecture import parameters
from core.takeaway.weights import cut

WITHOUT = ("count", "judged", "met", "met_strength", "picture")
COUNTS = (25, 50, 100, 200, 400, 800, 1600)


@dataclass(frozen=True)
class Result(BaseResult):
    """Two ways to train, on the first examples of one and the same set."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    count: np.ndarray = array("count", "examples", dtype="int64")
    test: np.ndarray = array("way count seed tick+")  # accuracy


def counts(params: Params) -> tuple[int, ...]:
    """Numbers of training examples, as far as there are as many."""
    there = examples(params)[0]
    return tuple(n for n in COUNTS if n <= there) or (there,)


def pair(params: Params) -> list[int]:
    """Places of the ways that are compared: the reference, and the chain or else the last other one. A chain is made of
    what stands above it, so the whole list stays."""
    ways = used(params)
    first = reference(ways)
    others = [i for i in range(len(ways)) if i != first and ways[i].rule != "fresh"]
    chains = [i for i in others if ways[i].rule == "chain"]
    return [first, *(chains or others)[-1:]]


def compared(params: Params) -> tuple[Way, ...]:
    return tuple(used(params)[i] for i in pair(params))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [ways, counts, seeds, …]."""
    rows = state["weights"].reshape(*result.test.shape[:3], -1)
    return cut(rows, parameters(*architecture(result.params)))


def cost(params: Params) -> Cost:
    members = len(pair(params)) * len(counts(params)) * params.seeds
    flops, memory = member_cost(params, examples(params)[2])
    return Cost(params.steps, members * flops, members * memory, members)
