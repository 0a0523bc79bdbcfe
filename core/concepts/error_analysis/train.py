"""A game of error analysis: every position of it is trained, all of them as one population."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.error_analysis.data import best_confusion, clouds, pools
from core.concepts.error_analysis.networks import Game, lowest, moments, played, probabilities
from core.concepts.error_analysis.params import (
    COMPARED,
    GRID,
    HINTS,
    QUESTIONS,
    REACH,
    SHOWN,
    Labels,
    Params,
    People,
    Result,
    ends,
    layout,
    on_points,
    setup,
    stages,
)
from core.ml.population import Stacked
from core.ml.recording import Recording


def train(
    params: Params, device: str = "cpu", chunk: int = 100, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, copies, D] of every position.

    population: the class that trains, `Stacked` or one with the same face.
    """
    game, classes = Game(params, stages(params), population, device), ends(params)[1]
    axis = np.linspace(-REACH, REACH, GRID)
    plane = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    pool, shown = game.pools[0], SHOWN if on_points(params) else 0
    known: dict[str, Any] = {"x": pool.x["test"][:shown, :2].astype(np.float32), "y": pool.y["test"][:shown]}
    if on_points(params):
        there = clouds(params, params.shift)
        known["bayes_confusion"] = best_confusion(there).astype(np.float32)
        known["bayes_region"] = there.density(plane).argmax(1).reshape(GRID, GRID).astype(np.uint8)
    else:
        known["bayes_confusion"] = np.full((classes, classes), np.nan, np.float32)
        known["bayes_region"] = np.zeros((0, 0), np.uint8)
    ticks = moments(game.total)
    axes = {"stage": len(game.setups), "seed": params.seeds, "bar": 4, "end": 1, "true": classes, "said": classes}
    record = Recording(Result, params, game.total, axes, tick=ticks, bayes=lowest(params).astype(np.float32), **known)
    yield from played(game, record, chunk, ticks)
    said = np.stack([game.answers(pool.x["test"], s) for s, pool in enumerate(game.pools)], 1)  # [stage, seed, n]
    true = np.stack([pool.y["test"] for pool in game.pools])
    pairs = np.eye(classes)[true].transpose(0, 2, 1) @ np.eye(classes)[said] / true.shape[1]
    region = game.answers(plane, 0).reshape(-1, GRID, GRID) if on_points(params) else np.zeros((len(said), 0, 0))
    record.append("end", confusion=pairs, said=said[:, 0, :shown], region=region)
    yield record.result(game.total)
    return game.state()


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Labels) -> People:
    """What a reader says of test points so far, beside the best rule and the network of the first seed as the game
    stands. Without densities or a plane there is nothing to ask."""
    assert state is not None
    if not on_points(params):
        none = np.zeros((0, 2), np.float32)
        few = np.zeros(0, np.int64)
        return People(question, 1, 1, none, few, np.zeros((len(COMPARED), 0), np.int64), none, few)
    pool = pools(params, params.data_seed)
    x, y = pool.x["test"][-QUESTIONS:], pool.y["test"][-QUESTIONS:]  # of those on the map none
    sizes, rows = layout(params, setup(params, params.moves).width), state[f"{len(params.moves)}"][0]
    given = np.full(len(x), -1)
    given[: len(question.labels)] = [int(label) for label in question.labels]
    best = clouds(params, params.shift).density(x).argmax(1)
    said = np.stack([best, network_says(rows, sizes, x), given])
    known, label = pool.x["dev"][:HINTS], pool.y["dev"][:HINTS]
    return People(question, 1, 1, x.astype(np.float32), y, said, known.astype(np.float32), label)


def network_says(rows: np.ndarray, sizes: tuple[int, int, int], x: np.ndarray) -> np.ndarray:
    """The class of points x [n, inputs] by networks [copies, D], the mean of their probabilities."""
    inputs, width, outputs = sizes
    w, b, v, c = np.split(rows, np.cumsum([inputs * width, width, width * outputs]), 1)
    hidden = np.maximum(w.reshape(-1, width, inputs) @ x.T + b[..., None], 0)
    return probabilities(v.reshape(-1, outputs, width) @ hidden + c[..., None]).mean(0).argmax(0)
