"""Each at its best rate: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.residual_networks.params import Net, Params, depths, named, net_cost, of

WITHOUT = ("nets", "lr")
DIVERGES = "loss"
RATES = (0.003, 0.01, 0.03)
NETS = of("plain", "residual")


@dataclass(frozen=True)
class Result(BaseResult):
    """Plain and residual, as deep as 8 and the deepest, at every rate: rows in this order."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("row rate seed tick+ split", "nats")  # training, test
    accuracy: np.ndarray = array("row rate seed tick+ split")


def compared(params: Params) -> list[tuple[Net, int]]:
    """A network and a depth for every row: what is next to the deepest is what it is compared with."""
    return [(net, depth) for net in NETS for depth in depths(params)[-2:]]


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [rates, seeds, …]: {"0.20.0.weight": …}, 0 plain, 1 residual."""
    return named(result.params.replace(nets=NETS), state)


def cost(params: Params) -> Cost:
    members = len(RATES) * params.seeds
    found = [net_cost(params, net, depth, members) for net, depth in compared(params)]
    held = max(held for _, held in found) + 40.0 * params.seeds * params.steps * params.batch
    return Cost(params.steps, sum(step for step, _ in found), held, members)
