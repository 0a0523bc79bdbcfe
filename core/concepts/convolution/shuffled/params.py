"""Signals with their places shuffled: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.convolution.params import PHOTOGRAPH, POOLED, Params
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Layers,
    Pool,
    Shape,
    activation_bytes,
    parameters,
    training_step,
)
from core.ml.signals import CLASSES, LENGTH
from core.takeaway.weights import cut

ENGINE = "stacked torch"
WITHOUT = ("data", "own", *PHOTOGRAPH, *POOLED)
ORDERS = ("ordered", "shuffled")
BATCH = 50
TICKS = 6  # moments measured, at most, besides the start
BROAD, NARROW, REACH = 16, 8, 5  # channels of the deep network and of those with one layer, and their kernel
PATCHES = LENGTH - REACH + 1
# Networks and the shape of what they are given. "local" has a kernel of its own for every patch: it is given the
# patches side by side, as channels of one place.
NETS: dict[str, tuple[Layers, Shape]] = {
    "mlp": ((Dense(64), Act(), Dense(64), Act(), Dense(CLASSES)), (LENGTH,)),
    "cnn": (
        (Conv(BROAD, REACH), Act(), Pool(), Conv(BROAD, REACH), Act(), Pool(), Conv(BROAD, 3), Act(), Flatten(),
         Dense(CLASSES)),
        (1, LENGTH),
    ),
    "one": ((Conv(NARROW, REACH, padding=0), Act(), Flatten(), Dense(CLASSES)), (1, LENGTH)),
    "local": ((Conv(NARROW * PATCHES, 1, groups=PATCHES), Act(), Flatten(), Dense(CLASSES)), (REACH * PATCHES, 1)),
}  # fmt: skip


@dataclass(frozen=True)
class Result(BaseResult):
    """Every network on signals as they are, and on the same with their places in another order, one for all."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    accuracy: np.ndarray = array("net order seed tick+", dtype="float64")  # on test signals
    parameters: np.ndarray = array("net", dtype="int64")


def moments(epochs: int) -> np.ndarray:
    """At most TICKS + 1 epochs after which something is measured."""
    return np.unique(np.linspace(0, epochs, min(epochs, TICKS) + 1).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every net [orders, seeds, …] by the names of torch.nn: {"cnn.0.weight": …}."""
    parts = {net: cut(rows, parameters(*NETS[net])) for net, rows in state.items()}
    return {f"{net}.{name}": part for net, named in parts.items() for name, part in named.items()}


def cost(params: Params) -> Cost:
    steps, members = params.epochs * -(-params.examples // BATCH), len(ORDERS) * params.seeds
    flops = sum(training_step(layers, shape, BATCH) for layers, shape in NETS.values())
    memory = sum(activation_bytes(layers, shape, 1000) for layers, shape in NETS.values())
    return Cost(steps, members * flops, members * memory, members)
