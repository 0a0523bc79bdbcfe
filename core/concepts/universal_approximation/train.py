"""Networks with one hidden layer on a curve: every width of a ladder at once, and one without an activation."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.universal_approximation.curves import (
    curve_points,
    first_weights,
    height,
    matrices,
    straight_pieces,
)
from core.concepts.universal_approximation.params import (
    PLACES,
    POINTS,
    REACH,
    Height,
    Params,
    Place,
    Result,
    ticks,
    widths,
)
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.recording import Recording, schedule

TICKS = 20  # moments measured, at most, besides the start
FADES = 0.03  # what is left of the learning rate in the end; it falls by the same factor every step


def train(
    params: Params, device: str = "cpu", chunk: int = 20, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the weights [seeds, D] by width.

    population: the class that trains, `Stacked` or one with the same face.
    """
    seeds, all_widths, moments = params.seeds, widths(params), ticks(params.steps, TICKS)
    kind = "own" if params.own else params.data
    x, y = curve_points(params, kind, POINTS)
    place = np.linspace(-REACH, REACH, PLACES)
    truth = height(params, place, kind)
    inside = (np.abs(place) <= 1) & np.isfinite(truth)
    sizes = 1, params.units, 1

    def network(width: int, activation: str) -> Any:
        return fitting(params, (1, width, 1), activation, x, y, device, population)

    nets = {width: network(width, params.activation) for width in all_widths}
    straight = network(params.units, "identity")
    members, inputs = np.arange(seeds), place[:, None].astype(np.float32)
    axes = {"seed": seeds, "unit": params.units, "width": len(all_widths)}
    known = {"place": place, "truth": truth, "width": np.array(all_widths), "x": x[0, :, 0], "y": y[0, :, 0]}
    record = Recording(Result, params, params.steps, axes, tick=moments, **known)

    for moment in schedule(params.steps, chunk, tick=moments):
        for net in (*nets.values(), straight):
            net.advance(len(moment.steps))
        if moment.due:
            outputs = np.stack([net.outputs(inputs, members)[:, 0] for net in (*nets.values(), straight)])
            off = np.abs(outputs[..., inside].astype(float) - truth[inside])
            error = np.sqrt((off**2).mean(-1))
            bends = np.full((2, params.units), np.nan)
            if params.activation == "relu":
                ends = np.array(straight_pieces(nets[params.units].weights[0], sizes))[:, 1:-1]
                bends[:, : ends.shape[1]] = ends
            record.append(
                "tick",
                fit=outputs[all_widths.index(params.units)],
                straight=outputs[-1, 0],
                kink=bends[0],
                kink_value=bends[1],
                error=error[:-1],
                worst=off[:-1].max(-1),
                straight_error=error[-1],
            )
        yield record.result(moment.step)
    return {str(width): net.weights for width, net in nets.items()} | {"straight": straight.weights}


def fitting(
    params: Params, sizes: tuple[int, ...], activation: str, x: np.ndarray, y: np.ndarray, device: str, population: Any
) -> Any:
    """A member per seed that makes the squared error on all points x, y [seeds, n, 1] small, by Adam (Kingma and Ba,
    2015) at a falling rate."""
    (seeds, n, _), steps = x.shape, params.steps
    rows = np.stack([first_weights(sizes, params.weight_seed + i) for i in range(seeds)])
    order = np.broadcast_to(np.arange(n, dtype=np.int32), (seeds, steps, n))
    factors = FADES ** (np.arange(steps) / steps)
    settings = [Settings("adam", params.lr)] * seeds
    data = x, y, np.arange(seeds), order, n, factors
    return population(sizes, activation, "squared", rows, settings, *data, device=device)


def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Place) -> Height:
    """What the network of the first seed says at a place."""
    (v, c), (w, b) = matrices(state[str(params.units)][0], (1, params.units, 1))
    z = v * question.x + c
    unit, slope = {
        "relu": (np.maximum(z, 0), (z > 0) * 1.0),
        "tanh": (np.tanh(z), 1 - np.tanh(z) ** 2),
        "sigmoid": (1 / (1 + np.exp(-z)), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2),
        "identity": (z, np.ones_like(z)),
    }[params.activation]
    said, steep = (w @ unit + b)[0, 0], (w @ (slope * v))[0, 0]
    true = height(params, np.array([question.x]), "own" if params.own else params.data)[0]
    return Height(question, 1, 1, np.array(said), np.array(steep), np.array(true))
