"""Ways to halve the sides, by how many examples there are: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.convolution.params import PHOTOGRAPH, TRAINED, Params
from core.ml.architecture import Act, Conv, Dense, Flatten, Layers, Pool, activation_bytes, parameters, training_step
from core.ml.signals import CLASSES, LENGTH
from core.takeaway.weights import cut

ENGINE = "stacked torch"
WITHOUT = ("data", "own", *PHOTOGRAPH, *TRAINED)
COUNTS = (100, 300, 1000)  # training examples
BATCH = 50
GIVEN = (1, LENGTH)


def net(pool: str, active: bool = True, stride: int = 1) -> Layers:
    """Two convolutions, each with what comes behind it, then a dense layer."""
    after = ((Act(),) if active else ()) + ((Pool(2, pool),) if pool else ())
    block = (Conv(8, 5, stride), *after)
    return (*block, *block, Flatten(), Dense(CLASSES))


# The last two have no activation but what the pooling is.
NETS = {
    "none": net(""),
    "stride": net("", stride=2),
    "max": net("max"),
    "mean": net("mean"),
    "max_alone": net("max", False),
    "mean_alone": net("mean", False),
}


@dataclass(frozen=True)
class Result(BaseResult):
    """Accuracies when training is over, after equally many steps for every number of examples."""

    accuracy: np.ndarray = array("net count+ seed split", dtype="float64")  # training and test
    parameters: np.ndarray = array("net", dtype="int64")


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every net [counts, seeds, …] by the names of torch.nn: {"max.0.weight": …}."""
    parts = {net: cut(rows, parameters(NETS[net], GIVEN)) for net, rows in state.items()}
    return {f"{net}.{name}": part for net, named in parts.items() for name, part in named.items()}


def cost(params: Params) -> Cost:
    flops = sum(training_step(layers, GIVEN, BATCH) for layers in NETS.values())
    memory = sum(activation_bytes(layers, GIVEN, 1000) for layers in NETS.values())
    return Cost(params.updates * len(COUNTS), params.seeds * flops, params.seeds * memory, params.seeds)
