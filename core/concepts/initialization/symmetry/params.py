"""Units that start equal: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.initialization.moves.params import trained
from core.concepts.initialization.params import Params, layout
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
DIVERGES = "loss"
WITHOUT = ("depth", "starts", "width", "hidden", "rule")
# Share of the weights that is noise; the rest is the same for all units of a layer. Beside them all weights zero, and
# one unit, whose network's other weights are zero.
NOISES = {"equal": 0.0, "millionth": 1e-6, "thousandth": 1e-3, "tenth": 0.1, "random": 1.0}
WAYS = ("zeros", "one_unit", *NOISES)


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks with one hidden layer in training."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("way seed tick+", "nats")  # of training data
    accuracy: np.ndarray = array("way seed tick+")  # of test data
    # How many different units there are: the effective rank of the weights into the hidden layer (Roy and Vetterli,
    # 2007), e to the entropy of its singular values; 0 where all are zero.
    rank: np.ndarray = array("way seed tick+")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [ways, seeds, …] by layer."""
    return perceptron(state["weights"], layout(result.params, 1))


def cost(params: Params) -> Cost:
    return trained(params, 1, len(WAYS) * params.seeds)
