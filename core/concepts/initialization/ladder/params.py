"""A start put right rung by rung: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.initialization.moves.params import trained
from core.concepts.initialization.params import Params, layout
from core.takeaway.weights import perceptrons

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
DIVERGES = "loss"
WITHOUT = ("depth", "activation", "starts", "width", "hidden", "rule")
RUNGS = ("plain", "unsure", "open", "kaiming", "norm")
DEPTHS = (1, 5)  # hidden layers


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks of tanh units in training, from a start that is put right rung by rung."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("rung depth seed tick+", "nats")  # of validation data
    accuracy: np.ndarray = array("rung depth seed tick+")  # of test data


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [rungs, seeds, …] by depth: {"1.0.weight": …}, and γ, β of what batch norm puts in between,
    {"1.norm": [seeds, hidden layer, 2, unit]}."""
    nets = [(str(depth), layout(result.params, depth)) for depth in DEPTHS]
    return perceptrons(state, nets) | {f"{depth}.norm": state[f"{depth}.norm"] for depth in DEPTHS}


def cost(params: Params) -> Cost:
    each = [trained(params, depth, len(RUNGS) * params.seeds) for depth in DEPTHS]
    flops = 2 * sum(one.flops_per_step for one in each)
    return Cost(params.steps, flops, sum(one.bytes for one in each))
