"""A neuron as a graph of elementary operations, and one in which a value is used three times.

Reverse-mode automatic differentiation: every operation knows its own slopes, and hands back to each of its inputs the
gradient of its result times the slope in that input. Where a value was used several times, what comes back adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping

import numpy as np

from core.concepts.backpropagation.graph.params import MOVES, NEURON, REUSE, Operation, Result, edges, nodes
from core.concepts.backpropagation.params import Params
from core.ml.random import stream
from core.ml.recording import Recording, schedule

# What is done to the inputs, and the slope of the result r in each of them
OPERATIONS: dict[str, tuple[Callable[..., float], Callable[..., tuple[float, ...]]]] = {
    "times": (lambda a, b: a * b, lambda r, a, b: (b, a)),
    "plus": (lambda a, b: a + b, lambda r, a, b: (1.0, 1.0)),
    "minus": (lambda a: -a, lambda r, a: (-1.0,)),
    "exp": (np.exp, lambda r, a: (r,)),
    "one_plus": (lambda a: 1 + a, lambda r, a: (1.0,)),
    "one_over": (lambda a: 1 / a, lambda r, a: (-(r**2),)),
}


def train(params: Params, device: str = "cpu", chunk: int = 6) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` operations; in the end the inputs of both graphs."""
    data, weights = (stream("graph", seed) for seed in (params.data_seed, params.weight_seed))
    x, w, b = data.uniform(-1, 1), *weights.uniform(-2, 2, 2)
    sizes = {"move": MOVES + 1, "node": len(nodes(NEURON)), "edge": len(edges(NEURON))}
    sizes |= {"reused": len(nodes(REUSE)), "way": len(edges(REUSE))}
    record = Recording(Result, params, MOVES, sizes)
    given = {"x": round(x, 2), "w": round(w, 2), "b": round(b, 2)}
    other = {"a": round(w, 2), "b": round(x, 2)}
    for moment in schedule(MOVES, chunk, move=range(MOVES + 1)):
        found = dict(zip(("neuron", "neuron_back", "neuron_along"), passed(NEURON, given, moment.step)))
        found |= zip(("reuse", "reuse_back", "reuse_along"), passed(REUSE, other, moment.step))
        record.append("move", **found, overwritten=passed(REUSE, other, moment.step, adds=False)[1])
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"inputs": np.array([x, w, b])}


def passed(
    program: tuple[Operation, ...], given: Mapping[str, float], move: int, adds: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values and gradients of the nodes, and what goes along the edges, after so many moves: every operation forwards,
    then backwards. Without `adds`, wrong, a gradient that comes later takes the place of an earlier one."""
    values, back, along = dict(given), dict[str, float](), dict[tuple[str, str], float]()
    for name, operation, sources in program[:move]:
        values[name] = OPERATIONS[operation][0](*(values[source] for source in sources))
    if move > len(program):
        back[program[-1][0]] = 1.0
    for name, operation, sources in program[::-1][: max(move - len(program), 0)]:
        slopes = OPERATIONS[operation][1](values[name], *(values[source] for source in sources))
        for source, slope in zip(sources, slopes):
            along[source, name] = back[name] * slope
            back[source] = along[source, name] + (back.get(source, 0.0) if adds else 0.0)
    ends = [[known.get(node, np.nan) for node in nodes(program)] for known in (values, back)]
    return np.array(ends[0]), np.array(ends[1]), np.array([along.get(edge, np.nan) for edge in edges(program)])
