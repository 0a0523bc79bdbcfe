"""Whose mean and variance at test: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.batch_norm.params import Params, every, member_cost, sizes, table_shape

WITHOUT = ("nets", "batch")
GROUPS = (1, 2, 4, 8, 16, 32, 64, 128)  # examples that are normalised together
# At test: running averages | the same with the variance over n (wrong) | mean and variance of all training examples |
# those of the test examples at hand (wrong), in groups as large, as they come or sorted by class
WAYS = ("running", "biased", "exact", "own", "sorted")
PASSES = 40  # batches of other data that go through the finished network in training mode
DRIFTS = ("kept", "drifting", "other_kept", "other_drifting")  # data | other data, averages kept or not


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with batch norm whose steps are of equal batches, normalised in groups of GROUPS."""

    group: np.ndarray = array("group", "examples", dtype="int64")
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    test: np.ndarray = array("way seed tick+ group")  # accuracy
    fitted: np.ndarray = array("seed tick+ group")  # accuracy on training data, running averages
    passed: np.ndarray = array("pass+", "batches", dtype="int64")
    drift: np.ndarray = array("drift seed pass+")  # accuracy of the largest group; other data pass in training mode


def groups_of(params: Params) -> tuple[int, ...]:
    """Those of GROUPS for which there are examples; a step has as many as the largest."""
    return tuple(group for group in GROUPS if group <= table_shape(params)[0])


def steps_in_groups(params: Params) -> int:
    return params.epochs * (table_shape(params)[0] // groups_of(params)[-1])


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …] by the size of their groups."""
    return every(state, sizes(result.params))


def cost(params: Params) -> Cost:
    flops, memory = member_cost(params, groups_of(params)[-1])
    flops *= 2.5 * len(groups_of(params)) * params.seeds  # small groups cost more, and so does measuring in five ways
    return Cost(steps_in_groups(params), flops, 12 * params.seeds * memory, params.seeds)
