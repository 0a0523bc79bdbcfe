"""Asked to copy: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.residual_networks.params import CHANNELS, Params, body
from core.ml.architecture import Act, Layers, Residual, Shape, parameters
from core.takeaway.weights import cut

WITHOUT = ("deepest", "nets", "data", "own", "batch")
DIVERGES = "error"
STARTED = ("plain", "random")  # without a shortcut, and with one; both start at random
CHAINS = (1, 4)  # blocks in a row
BATCH = 32
COPIED: Shape = (CHANNELS, 20)  # what a block of the page gets of a signal
CLOSE = 0.01  # of the variance: copied


@dataclass(frozen=True)
class Result(BaseResult):
    """Chains of blocks that shall give what comes in, on fresh examples in training mode."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    error: np.ndarray = array("net chain seed tick+")  # mean square over the variance of what comes in


def chain(params: Params, kind: str, count: int) -> Layers:
    return (Residual(body(params.norm, kind), added=kind != "plain"), Act()) * count


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The chains [seeds, …]: {"plain.4.0.body.0.weight": …}."""
    found: dict[str, np.ndarray] = {}
    for name, rows in state.items():
        kind, count = name.split(".")
        parts = cut(rows, parameters(chain(result.params, kind, int(count)), COPIED))
        found |= {f"{name}.{key}": part for key, part in parts.items()}
    return found


def cost(params: Params) -> Cost:
    per_block = 2e7 + params.seeds * 1e7
    numbers = params.seeds * BATCH * CHANNELS * COPIED[1]
    return Cost(params.steps, len(STARTED) * sum(CHAINS) * per_block, 4.0 * 20 * max(CHAINS) * numbers, params.seeds)
