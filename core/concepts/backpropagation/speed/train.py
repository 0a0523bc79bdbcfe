"""One forward pass by loops, in NumPy and by torch; and a gradient by one backward pass or by nudging every weight."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from itertools import pairwise
from time import thread_time
from typing import Any

import numpy as np
import torch

from core.concepts.backpropagation.layers import backward, error, forward, gradient, parts
from core.concepts.backpropagation.params import Params
from core.concepts.backpropagation.speed.params import (
    BATCH,
    EXAMPLES,
    GRADIENTS,
    INPUTS,
    LOOPED,
    OUTPUTS,
    WAYS,
    WIDTHS,
    Pair,
    Result,
    Shape,
    count,
    sizes,
)
from core.ml.networks import initial_weights
from core.ml.random import stream
from core.ml.recording import Recording, schedule

REPEATED = 7  # times that what is short is timed
NUDGED = 100  # weights that are nudged, at most: the time of all is that times as many
FORWARDS = 10  # passes that are timed as one
BRIEF = 0.01  # seconds; what takes longer is timed twice


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, None]:
    """Results, each fuller than the last, every `chunk` measurements: loops by examples, then gradients by width."""
    total, seeds = len(EXAMPLES) + len(WIDTHS), range(params.seeds)
    axes = {"way": len(WAYS), "seed": params.seeds, "size": len(EXAMPLES), "width": len(WIDTHS)}
    record = Recording(Result, params, total, axes | {"gradient": len(GRADIENTS)})
    for moment in schedule(total, chunk, size=range(1, total + 1)):
        if moment.due and moment.step <= len(EXAMPLES):
            n = EXAMPLES[moment.step - 1]
            seconds, output = np.moveaxis(np.array([looped(params, s, n) for s in seeds]), 0, -1)
            record.append("size", examples=n, seconds=seconds, output=output)
        elif moment.due:
            width = WIDTHS[moment.step - len(EXAMPLES) - 1]
            passes = np.transpose([passed(params, s, width) for s in seeds])
            record.append("width", weights=count(width), passes=passes, counted=counted(width))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    """The least processor time that something took, whatever else the machine does, and what came of it."""
    best, found = math.inf, None
    for k in range(REPEATED):
        begin = thread_time()
        found = act()
        best = min(best, thread_time() - begin)
        if k and best > BRIEF:
            break
    return best, found


def looped(params: Params, s: int, n: int) -> tuple[list[float], list[float]]:
    """Seconds and mean output of every way, on n examples."""
    w = initial_weights(LOOPED, params.weight_seed + s).astype(float)
    x = stream("timed", params.data_seed + s).standard_normal((n, LOOPED[0]))
    layers = parts(w, LOOPED)
    lists = [(one.tolist(), two.ravel().tolist()) for one, two in layers]
    tensors = [(torch.tensor(one), torch.tensor(two)) for one, two in layers]
    rows, tensor = x.tolist(), torch.tensor(x)
    ways: dict[str, Callable[[], Any]] = {
        "loop": lambda: [by_loops(lists, row) for row in rows],
        "numpy": lambda: vectorised(layers, x, np.tanh),
        "torch": lambda: vectorised(tensors, tensor, torch.tanh),
    }
    found = [timed(ways[way]) for way in WAYS]
    return [seconds for seconds, _ in found], [float(np.mean(np.asarray(output))) for _, output in found]


def by_loops(layers: list[tuple[list[list[float]], list[float]]], values: list[float]) -> list[float]:
    for w, b in layers:
        sums = []
        for row, bias in zip(w, b):
            total = bias
            for weight, value in zip(row, values):
                total += weight * value
            sums.append(math.tanh(total))
        values = sums
    return values


def vectorised(layers: list[tuple[Any, Any]], x: Any, tanh: Callable[[Any], Any]) -> Any:
    """In NumPy, or in torch."""
    for w, b in layers:
        x = tanh(x @ w.T + b)
    return x


def passed(params: Params, s: int, width: int) -> list[float]:
    """How many forward passes both kinds of gradient take, in processor time."""
    how = sizes(width), "tanh", "cross_entropy"
    rng = stream("passes", params.data_seed + s)
    x, target = rng.standard_normal((BATCH, INPUTS)), np.eye(OUTPUTS)[rng.integers(OUTPUTS, size=BATCH)]
    w = initial_weights(sizes(width), params.weight_seed + s).astype(float)

    def height(weights: np.ndarray) -> float:
        return float(error(forward(weights, x, *how)[-1], target, "cross_entropy"))

    found = np.zeros_like(w)

    def nudge() -> None:
        for k in range(min(NUDGED, w.size)):
            ups = []
            for by in (1e-5, -2e-5):
                w[k] += by
                ups.append(height(w))
            found[k], w[k] = (ups[0] - ups[1]) / 2e-5, w[k] + 1e-5

    one, _ = timed(lambda: [height(w) for _ in range(FORWARDS)])
    both, _ = timed(lambda: [gradient(backward(w, forward(w, x, *how), target, *how)) for _ in range(FORWARDS)])
    nudges, _ = timed(nudge)
    return [both / one, nudges / (one / FORWARDS) * w.size / min(NUDGED, w.size)]


def counted(width: int) -> list[float]:
    """The same in multiplications: of the backward pass every layer has two products of the size of its forward one,
    the first layer one, as nothing need come back to the inputs."""
    products = [i * o for i, o in pairwise(sizes(width))]
    return [1 + (2 * sum(products) - products[0]) / sum(products), 2.0 * count(width)]


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Pair) -> Shape:
    """What NumPy makes of two arrays of these shapes."""
    left, right = (np.zeros([int(n) for n in side.split("x")]) for side in (question.left, question.right))
    try:
        found = left + right if question.operation == "plus" else left @ right
    except ValueError:
        return Shape(question, 1, 1, True, np.zeros(0, np.int64))
    return Shape(question, 1, 1, False, np.array(np.shape(found), np.int64))
