"""Who should say which object: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.object_detection.params import BOXES, FIRST, Params
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Layers,
    Norm,
    activation_bytes,
    buffers,
    parameters,
    training_step,
)
from core.takeaway.weights import cut

WITHOUT = (*FIRST, *BOXES)
SIDE, CELLS = 24, 6  # pixels of a scene, and cells along a side
SLOTS = 3  # boxes of a network without cells
SAYS = 5  # numbers of a slot, or of an anchor in a cell: is there an object, middle, size
FORMS = ((5.0, 9.0), (9.0, 5.0))  # of anchors: width and height, pixels
OBJECTS = ("1", "7", "disc", "bar")  # their classes are not asked for
SIDES = (6, 10)
BATCH = 32
KINDS = ("one", "two", "three", "together")  # scenes of so many objects apart; of two with one middle
RATE = 0.01  # of Adam, falling as a cosine
# slots, the k-th says the k-th object | slots, each says whom it fits best, anew in every step | the cell of the
# middle, one shape | two | the same, but boxes are trained where there is no object, too (wrong)
NETS = ("order", "matched", "cells", "anchors", "unmasked")
SMALL = (1, SIDE, SIDE)


@dataclass(frozen=True)
class Result(BaseResult):
    """Average precision at IoU 0.5, of all objects as one class, when training is over."""

    loss: np.ndarray = array("net seed tick+")  # of a batch
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    ap: np.ndarray = array("net end+ kind seed")
    off: np.ndarray = array("net end+ kind seed")  # IoU of every object with the best box that is believed, mean


def anchors(net: str) -> int:
    return 1 if net == "cells" else 2


def in_cells(net: str) -> bool:
    return net not in ("order", "matched")


def layers(net: str) -> Layers:
    trunk = (Conv(16, 3, 2), Norm(), Act(), Conv(16, 3, 2), Norm(), Act(), Conv(16), Norm(), Act())
    if in_cells(net):
        return (*trunk, Conv(16), Norm(), Act(), Conv(anchors(net) * SAYS, 1))
    return (*trunk, Flatten(), Dense(64), Act(), Dense(SLOTS * SAYS))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every net by the names of torch.nn: {"cells.0.weight": [seeds, …], …}."""
    parts = {
        net: cut(rows, parameters(layers(net), SMALL) | buffers(layers(net), SMALL)) for net, rows in state.items()
    }
    return {f"{net}.{name}": part for net, named in parts.items() for name, part in named.items()}


def cost(params: Params) -> Cost:
    looks = params.tested / BATCH / params.updates
    flops = sum(training_step(layers(net), SMALL, BATCH) for net in NETS) * (1 + looks)
    memory = sum(activation_bytes(layers(net), SMALL, params.tested) for net in NETS)
    making = 2e9 / params.updates
    return Cost(params.updates, params.seeds * (flops + making), params.seeds * memory, params.seeds)
