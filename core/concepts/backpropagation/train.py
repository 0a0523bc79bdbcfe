"""Backpropagation on a network so small that every number can be seen.

The gradient of a weight is the input that it multiplies, times the slope of the unit it leads to, times what comes back
to that unit from the loss. The backward pass does no more than to share work between weights: each unit's number is
computed once, from those of the layer above.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concepts.backpropagation.layers import backward, differences, error, forward, gradient
from core.concepts.backpropagation.params import NODES, SIZES, TARGETS, WEIGHTS, Params, Result, moves
from core.ml.networks import initial_weights, weighted_sums
from core.ml.random import stream
from core.ml.recording import Recording, schedule

PLACES = 41  # at which the loss is drawn along one weight
REACH = 2.0  # how far to either side


def train(params: Params, device: str = "cpu", chunk: int = 3) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, every `chunk` moves; in the end the weights of the first seed."""
    total, how = moves(params), (SIZES, params.activation, params.loss)
    drawn = [draw(params, s) for s in range(params.seeds)]
    ahead = [forward(w, x, *how) for w, x, _ in drawn]
    own = [gradient(backward(w, v, t, *how)) for (w, _, t), v in zip(drawn, ahead)]
    theirs = [by_autograd(w, x, t, *how) for w, x, t in drawn]
    apart = [np.abs(a - b).max() / max(np.abs(b).max(), 1e-300) for a, b in zip(own, theirs)]
    by_hand = {edit.which: edit.value for edit in params.edited}
    w, x, target = (
        np.array([by_hand.get(name, value) for name, value in zip(names, numbers.ravel())])
        for names, numbers in zip((WEIGHTS, NODES[:2], TARGETS), drawn[0])
    )
    x, target = x[None], target[None]
    known = {"target": target[0], "apart": np.array(apart), "output": np.array([v[-1][0] for v in ahead])}
    sizes = {"move": total + 1, "weight": len(WEIGHTS), "node": len(NODES), "place": PLACES}
    record = Recording(Result, params, total, sizes, **known)

    def height(weights: np.ndarray) -> np.ndarray:
        return error(forward(weights, x, *how)[-1], target, params.loss)

    found = dict[str, np.ndarray]()
    for moment in schedule(total, chunk, move=range(total + 1)):
        move = moment.step % 3
        if moment.step and move == 0:  # update
            w, found = w - params.lr * found["gradient"], {}
        if move == 1:  # forward
            values = forward(w, x, *how)
            found = {"value": np.concatenate(values, 1)[0], "loss": error(values[-1], target, params.loss)}
        if move == 2:  # backward
            ways, blank = backward(w, values, target, *how), np.full(2, np.nan)
            found["gradient"] = gradient(ways)
            found["back"] = np.concatenate([blank, *(way.back[0] for way in ways)])
            found["slope"] = np.concatenate([blank, *(way.slope[0] for way in ways)])
            found["autograd"] = by_autograd(w, x, target, *how)
            found["nudged"] = differences(height, w, params.nudge)
            one = np.eye(len(WEIGHTS))[WEIGHTS.index(params.lit)]
            away = np.linspace(-REACH, REACH, PLACES)
            found |= {"place": one @ w + away, "along": height(w + away[:, None] * one)}
        record.append("move", weight=w, **found)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"weights": w}


def draw(params: Params, s: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights [D], one example [1, in] and its one-hot target [1, out]."""
    w = initial_weights(SIZES, params.weight_seed + s).astype(float)
    rng = stream("backpropagation inputs", params.data_seed + s)
    x = rng.uniform(-1, 1, (1, SIZES[0]))
    return w, x.round(2), np.eye(SIZES[-1])[[rng.integers(SIZES[-1])]]


def by_autograd(
    weights: np.ndarray, x: np.ndarray, target: np.ndarray, sizes: tuple[int, ...], activation: str, loss: str
) -> np.ndarray:
    """The gradient at weights [D] by torch's automatic differentiation."""
    row, t = torch.tensor(weights, requires_grad=True), torch.tensor(target)
    z = weighted_sums(row[None], torch.tensor(x.T)[None], sizes, activation)[-1][0].T
    if loss == "cross_entropy":
        height = -(t * z.log_softmax(1)).sum(1).mean()
    else:
        height = 0.5 * (z.sigmoid() - t).square().sum(1).mean()
    (found,) = torch.autograd.grad(height, row)
    return found.numpy()
