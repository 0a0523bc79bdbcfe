"""Width or depth at equal size: straight pieces and errors of networks that are trained, drawn and built by hand."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.universal_approximation.curves import (
    curve_points,
    height,
    matrices,
    straight_pieces,
    zigzag_network,
)
from core.concepts.universal_approximation.depth.params import (
    DEPTHS,
    EXAMPLES,
    Result,
    layouts,
    tent_pieces,
    widest_fold,
)
from core.concepts.universal_approximation.params import Params, ticks
from core.concepts.universal_approximation.train import TICKS, fitting
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule

LOOKED = 257  # places within ±1 where errors are taken: every kink of a tent is one of them


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the weights [seeds, D] by depth.

    population: the class that trains, `Stacked` or one with the same face.
    """
    seeds, moments, all_sizes = params.seeds, ticks(params.steps, TICKS), layouts(params)
    kind = "tent" if params.target == "tent" else "own" if params.own else params.data
    x, y = curve_points(params, kind, EXAMPLES)
    place = np.linspace(-1, 1, LOOKED)
    truth = height(params, place, kind)
    nets = [fitting(params, sizes, "relu", x, y, device, population) for sizes in all_sizes]
    inputs, members = place[:, None].astype(np.float32), np.arange(seeds)
    count = [sum(w.size + b.size for w, b in matrices(net.weights[0], s)) for net, s in zip(nets, all_sizes)]
    built = [most_pieces(sizes) for sizes in all_sizes]
    axes = {"depth": len(DEPTHS), "seed": seeds}
    known = {"width": np.array([s[1] for s in all_sizes]), "parameters": np.array(count), "built": np.array(built)}
    by_hand = np.array([built_error(params, depth, sizes, kind) for depth, sizes in zip(DEPTHS, all_sizes)])
    record = Recording(
        Result, params, params.steps, axes, tick=moments, place=place, truth=truth, built_error=by_hand, **known
    )

    for moment in schedule(params.steps, chunk, tick=moments):
        for net in nets:
            net.advance(len(moment.steps))
        if moment.due:
            outputs = np.stack([net.outputs(inputs, members)[:, 0] for net in nets])  # [depth, seed, place]
            error = np.sqrt(((outputs.astype(float) - truth) ** 2).mean(-1))
            pieces = [[len(straight_pieces(row, s)[0]) - 1 for row in net.weights] for net, s in zip(nets, all_sizes)]
            record.append("tick", error=error, pieces=np.array(pieces), fit=outputs[:, 0])
        yield record.result(moment.step)
    return {str(depth): net.weights for depth, net in zip(DEPTHS, nets)}


def most_pieces(sizes: tuple[int, ...]) -> int:
    """Straight pieces of the network of this shape that is built by hand, a zigzag over all units in every layer."""
    _, *hidden, _ = sizes
    return len(straight_pieces(zigzag_network(tuple(hidden), hidden[0]), sizes)[0]) - 1


def built_error(params: Params, depth: int, sizes: tuple[int, ...], kind: str) -> float:
    """Root mean square error on the tent of a network built by hand, NaN where none of this shape can be."""
    if kind != "tent" or widest_fold(params, depth) > sizes[1]:
        return np.nan
    x, y = straight_pieces(zigzag_network(tent_pieces(params, depth), sizes[1]), sizes)
    place = np.linspace(-1, 1, LOOKED)
    return float(np.sqrt(((np.interp(place, x, y) - height(params, place, kind)) ** 2).mean()))
