"""Many ways to train on one problem, as one population: whoever is smaller has units that stay zero, whoever is done
earlier has rates that are zero from there on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.concepts.error_analysis.data import Pools, best_confusion, clouds, labelled, pools, turned
from core.concepts.error_analysis.params import (
    BARS,
    BLOCK,
    SEEN,
    TICKS,
    TURN,
    TURNED,
    VIEWS,
    Params,
    Setup,
    layout,
)
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.random import stream
from core.ml.recording import Recording, schedule

ELSE = 100_000  # first weights of the further networks of an ensemble are those of seeds so far away


class Game:
    """Positions of a game in training, for every seed on the same data and batches as far as these are alike."""

    def __init__(self, params: Params, setups: list[Setup], population: Any, device: str):
        self.params, self.setups = params, setups
        self.pools = [pools(params, params.data_seed + s) for s in range(params.seeds)]
        self.who = [(k, s, c) for k, one in enumerate(setups) for s in range(params.seeds) for c in range(one.copies)]
        self.total = max(one.steps for one in setups)
        self.widest = max(one.width for one in setups)
        sets = [examples(params, one, pool, params.data_seed + s)
                for one in setups for s, pool in enumerate(self.pools)]  # fmt: skip
        n, inputs = max(len(y) for _, y in sets), layout(params, 1)[0]
        x, y = np.zeros((len(sets), n, inputs), np.float32), np.zeros((len(sets), n), np.int64)
        for i, (points, labels) in enumerate(sets):
            x[i, : len(labels)], y[i, : len(labels)] = points, labels
        orders = [visits(len(labels), self.total, params.batch, params.data_seed + i % params.seeds)
                  for i, (_, labels) in enumerate(sets)]  # fmt: skip
        weights = np.zeros((len(self.who), len(self.places(self.widest, of=1))), np.float32)
        factors = np.zeros((len(self.who), -(-self.total // BLOCK) * BLOCK))
        for row, factor, (k, s, c) in zip(weights, factors, self.who):
            first = initial_weights(layout(params, setups[k].width), params.weight_seed + s + ELSE * c)
            row[self.places(setups[k].width)] = first
            factor[: setups[k].steps] = 1
        settings = [Settings("adam", params.rate, l2=setups[k].l2) for k, _, _ in self.who]
        which = np.array([k * params.seeds + s for k, s, _ in self.who])
        sizes, drawn = layout(params, self.widest), np.stack(orders)
        self.race = population(
            sizes, "relu", "softmax", weights, settings, x, y, which, drawn, params.batch, factors, device=device
        )

    def places(self, width: int, of: int = 0) -> np.ndarray:
        """Where the weights of so many hidden units stand in a row of the widest."""
        inputs, wide, outputs = layout(self.params, self.widest)
        first, last = inputs * wide, (inputs + 1) * wide
        if of:
            return np.arange(last + (wide + 1) * outputs)
        away = last + np.add.outer(wide * np.arange(outputs), np.arange(width)).ravel()
        return np.r_[: inputs * width, first : first + width, away, last + wide * outputs + np.arange(outputs)]

    def state(self) -> dict[str, np.ndarray]:
        """The weights [seed, copy, D] of every position, without the units that are always zero."""
        rows, found = self.race.weights, {}
        for k, one in enumerate(self.setups):
            own = rows[[i for i, who in enumerate(self.who) if who[0] == k]][:, self.places(one.width)]
            found[f"{k}"] = own.reshape(self.params.seeds, one.copies, -1)
        return found

    def answers(self, x: np.ndarray, seed: int) -> np.ndarray:
        """The class that every position says of points x [n, inputs]: [position, n]. The networks of an ensemble, and
        the views of an input, say the mean of their probabilities."""
        mine = np.array([i for i, who in enumerate(self.who) if who[1] == seed])
        views = any(one.views for one in self.setups)
        angles = np.linspace(-TURN, TURN, VIEWS) if views else np.zeros(1)
        seen = [probabilities(self.race.outputs((turned(x, a) if a else x).astype(np.float32), mine)) for a in angles]
        said, middle = [], len(angles) // 2
        for k, one in enumerate(self.setups):
            own = [j for j, i in enumerate(mine) if self.who[i][0] == k]
            said.append(np.mean([p[own].mean(0) for p in (seen if one.views else [seen[middle]])], 0).argmax(0))
        return np.stack(said)

    def errors(self) -> np.ndarray:
        """Shares of wrong answers [position, seed, bar]; labels are taken as they were given."""
        found = np.full((len(self.setups), self.params.seeds, len(BARS)), np.nan)
        for s, pool in enumerate(self.pools):
            names = ("train", "target", *BARS[1:])
            x = [pool.x[name][: SEEN if name == "train" else None] for name in names]
            ends = np.cumsum([0, *map(len, x)])
            said = np.split(self.answers(np.concatenate(x), s), ends[1:-1], 1)
            for k, one in enumerate(self.setups):
                given = labelled(pool, one.wrong, self.params.data_seed + s)
                wrong = {name: answer[k] != given[name][: answer.shape[1]] for name, answer in zip(names, said)}
                train = [wrong["train"][: one.examples], wrong["target"][: one.target]]
                found[k, s] = [np.concatenate(train).mean(), *(wrong[name].mean() for name in BARS[1:])]
        return found


def played(game: Game, record: Recording, chunk: int, ticks: np.ndarray) -> Iterator[Any]:
    """Train to the end; Results, each fuller than the last, with errors measured at these steps."""
    for moment in schedule(game.total, chunk, tick=ticks):
        game.race.advance(len(moment.steps))
        if moment.due:
            record.append("tick", error=game.errors())
        if not moment.last:
            yield record.result(moment.step)


def moments(total: int) -> np.ndarray:
    """Steps at which errors are measured, closer together at first."""
    return np.unique((total * np.linspace(0, 1, TICKS + 1) ** 2).round().astype(int))


def lowest(params: Params) -> np.ndarray:
    """The lowest error that any rule has, [seed]; NaN of a reader's own table."""
    error = np.nan if params.own else 1 - np.trace(best_confusion(clouds(params)))
    return np.full(params.seeds, error)


def examples(params: Params, one: Setup, pool: Pools, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What a position trains on: x [n, inputs], labels [n]. With augmentation every point stands there several times,
    turned by angles of up to TURN degrees, the first time as it is."""
    given = labelled(pool, one.wrong, seed)
    x = np.concatenate([pool.x["train"][: one.examples], pool.x["target"][: one.target]])
    y = np.concatenate([given["train"][: one.examples], given["target"][: one.target]])
    if not one.turned:
        return x, y
    angles = stream("turned", seed).uniform(-TURN, TURN, (TURNED, len(x)))
    angles[0] = 0
    return turned(x, angles).reshape(-1, 2), np.tile(y, TURNED)


def visits(n: int, steps: int, batch: int, seed: int, chance: np.ndarray | None = None) -> np.ndarray:
    """Which of n examples are in the batches of every step, int32 [blocks, BLOCK · batch]: pass after pass, or by
    `chance` [n]."""
    blocks = -(-steps // BLOCK)
    rng, many = stream("order", seed), blocks * BLOCK * batch
    if chance is not None:
        return rng.choice(n, many, p=chance / chance.sum()).astype(np.int32).reshape(blocks, -1)
    passes = [rng.permutation(n).astype(np.int32) for _ in range(-(-many // n))]
    return np.concatenate(passes)[:many].reshape(blocks, -1)


def probabilities(z: np.ndarray) -> np.ndarray:
    """Softmax of outputs z [members, classes, n]."""
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)
