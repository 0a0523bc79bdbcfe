"""The noise of a batch's gradient: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.batch_size.params import Params, per_epoch, sizes, table_shape
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import perceptron

WITHOUT = ("contenders", "target", "steps", "rate", "scaling")
DEVICES = ("cpu",)
WAYS = ("with", "without")
BATCH, RATE = 32, 0.1  # by which the network trains
DRAWS = 200  # batches of every size
SHARES = (0.0, 0.1, 0.3, 1.0)  # of the passes, after which the noise is measured


@dataclass(frozen=True)
class Result(BaseResult):
    """E‖g_B − g‖² of the gradient of a batch around that of all examples: drawn with and without replacement, the mean
    over DRAWS batches and as the formula has it."""

    epoch: np.ndarray = array("tick+", "epochs", dtype="int64")
    size: np.ndarray = array("batch", "examples", dtype="int64")
    measured: np.ndarray = array("way seed tick+ batch", dtype="float64")
    exact: np.ndarray = array("way seed tick+ batch", dtype="float64")
    signal: np.ndarray = array("seed tick+", dtype="float64")  # ‖g‖²


def tried(examples: int) -> np.ndarray:
    """Batch sizes up to all examples, half of them too."""
    return np.unique([k for k in (1, 4, 16, 64, 256, examples // 2, examples) if 1 <= k <= examples])


def epochs_of(params: Params) -> np.ndarray:
    return np.unique(np.ceil(params.epochs * np.array(SHARES)).astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …] by the names of torch.nn."""
    return perceptron(state["weights"], sizes(result.params))


def cost(params: Params) -> Cost:
    examples, layers = round(0.6 * table_shape(params)[0]), sizes(params)
    steps = params.epochs * int(per_epoch(np.array(BATCH), examples))
    draws = 2.0 * DRAWS * len(WAYS) * len(tried(examples))
    looks = len(epochs_of(params)) * params.seeds * (draws + 2 * sum(layers)) * examples**2
    work = looks / steps + params.seeds * stepping(weight_count(layers), BATCH)
    return Cost(steps, work, 8.0 * examples * (4 * examples + 2 * DRAWS), params.seeds)
