"""Word vectors as the input of a recurrent network: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.word_embeddings.corpora import LENGTH, VERBS, grammar
from core.concepts.word_embeddings.params import PAIRED, SHARED, Params
from core.takeaway.weights import recurrent

WITHOUT = ("methods", "data", "own")
# random vectors that stay | learnt with the network | skip-gram vectors that stay | skip-gram vectors, learnt on
NETS = ("random", "learnt", "fixed", "tuned")
LABELLED = (16, 64, 256)  # sentences of which is said what they are about
EXAMPLES = 500  # test sentences
UNITS, CELL = 16, "gru"
DIMENSION, WINDOW = 16, 4  # of the skip-gram vectors
STEPS, AT_ONCE, LOOKS = 80, 32, 4  # at most; sentences of a step; moments recorded besides the start


@dataclass(frozen=True)
class Result(BaseResult):
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    accuracy: np.ndarray = array("net size seed tick+")  # test


def steps_of(params: Params) -> int:
    """Steps in which it learns to read, after `steps` of skip-gram."""
    return min(STEPS, params.steps)


def layers() -> tuple[int, int, int]:
    """Words, units, classes."""
    return len(grammar()[0]), UNITS, len(VERBS)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [net, seed, …] by how many sentences they learned from: {"16.embedding.weight": …, …}."""
    found: dict[str, np.ndarray] = {}
    for size, rows in state.items():
        parts = recurrent(rows, CELL, layers(), DIMENSION)
        found |= {f"{size}.{name}": part for name, part in parts.items()}
    return found


def cost(params: Params) -> Cost:
    members = len(NETS) * params.seeds
    step = len(LABELLED) * (2e7 + members * AT_ONCE * LENGTH * 3 * UNITS * (DIMENSION + UNITS) * 6.0)
    before = params.steps * params.seeds * 6.0 * PAIRED * (SHARED + 2) * DIMENSION
    return Cost(steps_of(params), step + before / steps_of(params), 40.0 * members * EXAMPLES * LENGTH * UNITS, members)
