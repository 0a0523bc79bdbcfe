"""Weights by the names and in the shapes of torch.nn, cut out of the rows in which a population keeps them. No torch.

The leading axes are those of the population (contender, seed …): `weights["0.weight"][2, 0]` is the first layer of seed
0 of contender 2, and goes into a torch.nn.Linear as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from core.ml.architecture import GATES


def perceptron(rows: np.ndarray, sizes: tuple[int, ...], activation: str = "") -> dict[str, np.ndarray]:
    """Rows [..., D] of `core.ml.networks` as {"0.weight": [..., out, in], "0.bias": [..., out], "1.weight": …}.

    PReLU has "1.slope" [..., in] of what comes into a layer; a hidden Maxout layer two rows per unit.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (i, o) in enumerate(pairwise(sizes)):
        pieces = 2 if activation == "maxout" and layer < len(sizes) - 2 else 1
        shapes |= {f"{layer}.weight": (pieces * o, i), f"{layer}.bias": (pieces * o,)}
        if activation == "prelu" and layer:
            shapes[f"{layer}.slope"] = (i,)
    return cut(rows, shapes)


def perceptrons(state: Mapping[str, np.ndarray], nets: Iterable[tuple[Any, ...]]) -> dict[str, np.ndarray]:
    """The parts of a model, (name, sizes) or (name, sizes, activation) each, whose rows are `state[name]`: an encoder
    and a decoder become {"encoder.0.weight": [..., out, in], …, "decoder.0.weight": …}."""
    return {f"{name}.{part}": rows for name, *net in nets for part, rows in perceptron(state[name], *net).items()}


def recurrent(rows: np.ndarray, cell: str, sizes: tuple[int, ...], embedding: int) -> dict[str, np.ndarray]:
    """Rows [..., D] of `core.ml.recurrent` by the names of torch.nn.Embedding, RNN, GRU or LSTM, and Linear; the
    peepholes of gates i, f, o, which torch has not, are [..., 3, units]."""
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (sizes[0], embedding)} if embedding else {}
    for layer, (i, o) in enumerate(pairwise((embedding or sizes[0], *sizes[1:-1]))):
        gates = GATES[cell] * o
        named = {"weight_ih": (gates, i), "weight_hh": (gates, o), "bias_ih": (gates,), "bias_hh": (gates,)}
        named |= {"peephole": (3, o)} if cell == "peephole" else {}
        shapes |= {f"recurrent.{name}_l{layer}": shape for name, shape in named.items()}
    return cut(rows, shapes | {"linear.weight": (sizes[-1], sizes[-2]), "linear.bias": (sizes[-1],)})


def cut(rows: np.ndarray, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Rows [..., D] in parts of these shapes, in this order; D must be all of them together."""
    ends = np.cumsum([prod(shape) for shape in shapes.values()])
    if rows.shape[-1] != ends[-1]:
        raise ValueError(f"a row has {rows.shape[-1]} weights, these shapes have {ends[-1]}")
    parts = np.split(rows, ends[:-1], -1)
    return {name: part.reshape(*rows.shape[:-1], *shapes[name]) for name, part in zip(shapes, parts)}
