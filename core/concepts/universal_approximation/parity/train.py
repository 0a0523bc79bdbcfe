"""Parity by circuits of units that say 1 where their weighted sum is above 0, built by hand and tried on all inputs."""

from __future__ import annotations

from collections.abc import Generator
from itertools import product

import numpy as np

from core.concepts.universal_approximation.params import Params
from core.concepts.universal_approximation.parity.params import WAYS, Result
from core.ml.recording import Recording, schedule

Layer = tuple[np.ndarray, np.ndarray]  # weights [out, in], biases [out]


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, None]:
    """Results, each with one size more; nothing is learned."""
    total = params.bits - 1
    record = Recording(Result, params, total, {"way": len(WAYS)}, bits=np.arange(2, params.bits + 1))
    for moment in schedule(total, 1):
        if moment.step:
            x = np.array(list(product((0, 1), repeat=moment.step + 1)))
            circuits = [circuit(way, x.shape[1]) for way in WAYS]
            right = [(signal(layers, x) == x.sum(1) % 2).mean() for layers in circuits]
            units = [sum(used_units(layer) for layer in layers) for layers in circuits]
            record.append("size", units=units, layers=[len(layers) for layers in circuits], right=right)
        if moment.last or not moment.step % chunk:
            yield record.result(moment.step)


def signal(layers: list[Layer], x: np.ndarray) -> np.ndarray:
    """What a circuit says of inputs [n, bits]: [n]."""
    for w, b in layers:
        x = (x @ w.T + b > 0) * 1
    return x[:, 0]


def used_units(layer: Layer) -> int:
    """Those that compute: one that only hands on a single input is a wire."""
    return int(sum(np.abs(row).sum() != 1 or bias != -0.5 for row, bias in zip(*layer)))


def circuit(way: str, n: int) -> list[Layer]:
    """two_layers: an AND for every input with an odd number of ones, and an OR over them; with ANDs and ORs (of inputs
    and their opposites) alone there is no smaller one. tree: parity of pairs, of pairs of pairs, …, each by an OR and a
    NAND under an AND. threshold: a unit for "at least k ones" for every k, and their alternating sum."""
    if way == "two_layers":
        odd = np.array([row for row in product((0, 1), repeat=n) if sum(row) % 2])
        return [(2 * odd - 1, 0.5 - odd.sum(1)), (np.ones((1, len(odd))), np.array([-0.5]))]
    if way == "threshold":
        at_least = np.arange(1, n + 1)
        return [(np.ones((n, n)), 0.5 - at_least), (-((-1.0) ** at_least)[None], np.array([-0.5]))]
    layers: list[Layer] = []
    while n > 1:
        pairs, rest = divmod(n, 2)
        first, second = np.zeros((2 * pairs + rest, n)), np.zeros((pairs + rest, 2 * pairs + rest))
        for k in range(pairs):
            first[2 * k, 2 * k : 2 * k + 2], first[2 * k + 1, 2 * k : 2 * k + 2] = 1, -1
            second[k, 2 * k : 2 * k + 2] = 1
        if rest:
            first[-1, -1] = second[-1, -1] = 1
        wires = [-0.5] * rest
        layers += [(first, np.array([-0.5, 1.5] * pairs + wires)), (second, np.array([-1.5] * pairs + wires))]
        n = pairs + rest
    return layers
