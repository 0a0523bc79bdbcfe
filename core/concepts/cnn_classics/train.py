"""Five classic networks, built without numbers (on torch's meta device) and counted layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from math import prod

import numpy as np

from core.concepts.cnn_classics.networks import MODELS, counted
from core.concepts.cnn_classics.params import (
    LAYERS,
    VERSIONS,
    Built,
    Params,
    Recipe,
    Result,
    Squeeze,
)
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Impossible,
    Layer,
    Mean,
    Place,
    Pool,
    places,
)
from core.ml.recording import Recording, schedule

INPUTS = {"lenet": (1, 28), "lenet_1998": (1, 32)}  # channels and side of pictures; of all others as it is set
HIDDEN, CLASSES = 256, 10  # of what a reader builds


@cache
def layers_of(version: str, side: int) -> list[dict[str, int]]:
    return counted(MODELS[version], *INPUTS.get(version, (3, side)))


def train(params: Params, device: str = "cpu", chunk: int = 4) -> Iterator[Result]:
    """Results, each with more versions than the last."""
    record = Recording(Result, params, len(VERSIONS), {"version": len(VERSIONS), "layer": LAYERS})
    for moment in schedule(len(VERSIONS), chunk):
        for step in moment.steps:
            rows = layers_of(VERSIONS[step], params.side)
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            empty = {name: -1 if name == "kind" else 0 for name in columns}
            full = {n: np.pad(v, (0, LAYERS - len(v)), constant_values=empty[n]) for n, v in columns.items()}
            record.append("version", **full)
        yield record.result(moment.step)


def recipe(asked: Recipe) -> tuple[Layer, ...]:
    """Blocks of convolutions and poolings; a global mean where no dense layer but the last follows."""
    found: list[Layer] = []
    for block in range(asked.blocks):
        wide = asked.first * 2 ** (block * asked.doubled)
        found += [layer for _ in range(asked.convs) for layer in (Conv(wide, asked.kernel), Act())]
        found += [Pool()] * asked.pools
    found += [Flatten(), *(Dense(HIDDEN), Act()) * asked.dense] if asked.dense else [Mean()]
    return (*found, Dense(CLASSES))


def squeezed(asked: Squeeze) -> list[Place]:
    wide, narrow = Conv(asked.outputs, asked.kernel, bias=False), Conv(asked.between, 1, bias=False)
    return [next(places((wide,), (asked.inputs, asked.size, asked.size))),
            *places((narrow, wide), (asked.inputs, asked.size, asked.size))]  # fmt: skip


def answer(params: Params, result: Result, state: object, question: Recipe | Squeeze) -> Built:
    """The layers with weights of what is asked for, or why there can be none."""
    found: list[Place] = []
    reason, values = "", dict[str, int]()
    try:
        if isinstance(question, Squeeze):
            found = squeezed(question)
        else:
            for place in places(recipe(question), (3, question.size, question.size)):
                found.append(place)
    except Impossible as impossible:
        reason, values = impossible.reason, impossible.values
    kept = [place for place in found if isinstance(place.layer, Conv | Dense)]
    columns: list[list[float]] = [[isinstance(place.layer, Dense) for place in kept], [p.gives[0] for p in kept]]
    columns += [[p.gives[-1] if len(p.gives) > 1 else 1 for p in kept], [p.field for p in kept]]
    columns += [[sum(map(prod, p.parameters.values())) for p in kept], [p.multiply_adds for p in kept]]
    dense, channels, height, view, weights, products = (np.array(column, np.int64) for column in columns)
    return Built(question, 1, 1, reason, values, dense, channels, height, view, weights, products)
