"""Which starts train how deep: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.initialization.moves.params import trained
from core.concepts.initialization.params import Params, layout
from core.takeaway.weights import perceptrons

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
APART = True
WITHOUT = ("depth", "starts", "width", "hidden", "rule", "rate")
DEPTHS = (2, 10, 30)  # hidden layers
SCHEMES = ("xavier", "he", "orthogonal", "default")
RATES = {"sgd": (0.01, 0.03, 0.1), "adam": (0.001, 0.003, 0.01)}
RULES = tuple(RATES)


@dataclass(frozen=True)
class Result(BaseResult):
    """Networks of every depth after training, from every start by every optimizer at every rate, on the same batches.
    A network that diverged counts as the loss of equal probabilities, and with no answer right."""

    depth: np.ndarray = array("depth+", "layers", dtype="int64")
    loss: np.ndarray = array("depth+ rule scheme rate seed", "nats")  # of training data
    validation: np.ndarray = array("depth+ rule scheme rate seed", "nats")
    accuracy: np.ndarray = array("depth+ rule scheme rate seed")  # of test data


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [rules, schemes, rates, seeds, …] by depth."""
    return perceptrons(state, [(name, layout(result.params, int(name))) for name in state])


def cost(params: Params) -> Cost:
    """A step of a deep network is as many calls as it has hidden layers."""
    members, calls = sum(map(len, RATES.values())) * len(SCHEMES) * params.seeds, sum(DEPTHS)
    each = [trained(params, depth, members) for depth in DEPTHS]
    flops = sum(one.flops_per_step for one in each) / calls
    return Cost(params.steps * calls, flops, max(one.bytes for one in each), members)


TINY = Params(data="iris", steps=10, seeds=1)  # it has a population of twenty-four at every depth
TRIAL = {"seeds": 1, "steps": 10}
