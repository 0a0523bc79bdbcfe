"""Pieces of the classics in small networks: heads, kernels, branches. What comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.cnn_classics.params import COUNTED, MACHINE, Params
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Layers,
    Mean,
    Pool,
    Residual,
    activation_bytes,
    parameters,
    training_step,
)
from core.ml.mnist import MNIST
from core.takeaway.weights import cut

ENGINE = "stacked torch"
WITHOUT = (*COUNTED, *MACHINE)
EXAMPLES, BATCH = 1000, 32  # of training
GIVEN = (1, 16, 16)
CLASSES = 10
HEAD = 0.3  # what the loss of an auxiliary head counts for (Szegedy et al., 2015)
HALVED: Layers = (Conv(8, 5, 2), Act())
MANY: Layers = (*HALVED, Conv(16), Act(), Pool(), Conv(32), Act())
DENSE: Layers = (*MANY, Flatten(), Dense(64), Act(), Dense(CLASSES))
# The same function with its dense layers as convolutions, whose weights stand in the same order
AS_CONVOLUTIONS: Layers = (*MANY, Conv(64, 4, padding=0), Act(), Conv(CLASSES, 1), Flatten())
LAST: Layers = (Pool(), Flatten(), Dense(CLASSES))
BRANCHES = ("one", "three", "five", "pool")  # of an Inception block; a 1 × 1 convolution behind each adds them up
ADDED = Conv(32, 1, bias=False)
INCEPTION = Residual(
    (Conv(8, 1), Act(), ADDED),
    (Residual(
        (Conv(8, 1), Act(), Conv(8, 3), Act(), ADDED),
        (Residual((Conv(8, 1), Act(), Conv(8, 5), Act(), ADDED), (Pool(3, "max", 1, 1), Conv(8, 1), Act(), ADDED)),),
    ),),
)  # fmt: skip
BLOCK = f"{len(HALVED)}"  # its name
# By which gate a branch is deleted: the name of the sum, and factors of its two parts
DELETED = {
    "one": (BLOCK, (0.0, 1.0)),
    "three": (f"{BLOCK}.shortcut.0", (0.0, 1.0)),
    "five": (f"{BLOCK}.shortcut.0.shortcut.0", (0.0, 1.0)),
    "pool": (f"{BLOCK}.shortcut.0.shortcut.0", (1.0, 0.0)),
}
PLAIN: Layers = (Conv(8), Act()) * 4
# Its output and that of its auxiliary head, which a gate switches on and off
ENDS: dict[str, Layers] = {"body": (*PLAIN, *LAST), "shortcut": LAST}
HEADED: Layers = (*HALVED, *PLAIN, Residual(ENDS["body"], ENDS["shortcut"]))
SPLIT = f"{len(HEADED) - 1}"  # where they part
NETS: dict[str, Layers] = {
    "dense": DENSE,
    "mean": (*MANY, Mean(), Dense(CLASSES)),
    "seven": (*HALVED, Conv(8, 7), Act(), *LAST),
    "stack": (*HALVED, *(Conv(8, 3), Act()) * 3, *LAST),
    "inception": (*HALVED, INCEPTION, Act(), *LAST),
    "alone": HEADED,
    "headed": HEADED,
}


@dataclass(frozen=True)
class Result(BaseResult):
    """Small networks on a thousand digits, before training and when it is over."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    accuracy: np.ndarray = array("net seed tick+ split", dtype="float64")  # training, test; without auxiliary heads
    parameters: np.ndarray = array("net", dtype="int64")  # in use when training is over
    multiply_adds: np.ndarray = array("net", dtype="int64")
    deleted: np.ndarray = array("branch end+ seed", dtype="float64")  # test accuracy without a branch
    gap: np.ndarray = array("end+ seed", dtype="float64")  # of outputs, dense layers or convolutions; share of the size


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every net [seeds, …] by the names of torch.nn: {"mean.0.weight": …}."""
    parts = {net: cut(rows, parameters(NETS[net], GIVEN)) for net, rows in state.items()}
    return {f"{net}.{name}": part for net, named in parts.items() for name, part in named.items()}


def cost(params: Params) -> Cost:
    flops = sum(training_step(layers, GIVEN, BATCH) + 4e6 * len(layers) for layers in NETS.values())
    measured = 1 + 4000 / BATCH / params.updates / 3
    memory = sum(activation_bytes(layers, GIVEN, 250) for layers in NETS.values())
    return Cost(params.updates, params.seeds * flops * measured, params.seeds * (memory + 1e7), params.seeds)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return MNIST
