"""Who learns what a cell is worth from the same episodes: from one step, from several, from the result; who plans."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.reinforcement_learning.params import CELLS, HIGH, POLICIES, WAYS, WIDE, Params, Result, ticks
from core.concepts.reinforcement_learning.worlds import (
    by_rule,
    distances,
    greedy,
    neighbours,
    policy_values,
    start_and_goal,
    uniform,
    walker,
    walls_of,
)
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, None]:
    """Results, each some episodes fuller."""
    start, goal = start_and_goal(params)
    to = neighbours(HIGH, WIDE, walls_of(params))
    chance = walker(params, to, goal)
    luck = [stream("walk", params.data_seed + i) for i in range(params.seeds)]
    fixed = policy_values(np.stack([uniform(), by_rule(to, goal)]), to, goal, params.gamma)
    values = np.zeros((len(WAYS), params.seeds, CELLS))
    sizes = {"way": len(WAYS), "seed": params.seeds, "cell": CELLS, "policy": len(WAYS) + len(POLICIES)}
    known = {"truth": policy_values(chance, to, goal, params.gamma), "away": distances(to, goal), "fixed": fixed}
    moments = ticks(params)
    record = Recording(
        Result, params, params.episodes, sizes | {"episode": params.episodes}, tick=moments,
        **{name: array.astype(np.float32) for name, array in known.items()},
    )  # fmt: skip
    for moment in schedule(params.episodes, chunk, tick=moments):
        for _ in moment.steps:
            draws = np.stack([rng.random(params.limit) for rng in luck], 1)
            path, length = episode(chance, to, start, goal, draws)
            arrived = path[length, np.arange(params.seeds)] == goal
            for way, n in (("td", 1), ("n_step", params.n), ("mc", params.limit)):
                learn(values[WAYS.index(way)], path, length, arrived, n, params)
            sweep(values[WAYS.index("planning")], to, goal, params.gamma)
            record.append("episode", length=length, arrived=arrived)
        if moment.due:
            found = policy_values(greedy(values, to, goal), to, goal, params.gamma)[..., start]
            beside = np.repeat(fixed[:, start, None], params.seeds, 1)
            record.append("tick", values=values, returned=np.concatenate([found, beside]))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)


def episode(
    chance: np.ndarray, to: np.ndarray, start: int, goal: int, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The cells that every seed goes through, [moves + 1, seed], and how many moves it takes to the goal or until the
    limit; behind them it stays. draws: uniform, [limit, seed]."""
    at = np.full(draws.shape[1], start)
    path, length = [at], np.zeros(len(at), int)
    reach = chance.cumsum(1)
    for draw in draws:
        going = at != goal
        if not going.any():
            break
        move = np.minimum((draw[:, None] >= reach[at]).sum(1), 3)
        at = np.where(going, to[at, move], at)
        length += going
        path.append(at)
    return np.array(path), length


def learn(
    values: np.ndarray, path: np.ndarray, length: np.ndarray, arrived: np.ndarray, n: int, params: Params
) -> None:
    """V(s) ← V(s) + α (γⁿ V(s') − V(s)) for every cell of the episodes in turn, s' being where they were n moves
    later; where that is behind the goal, the reward 1 stands for it (Sutton and Barto, 2018, section 7.1). With n = 1
    this is one-step TD, with n at the limit it is Monte Carlo.

    An episode cut off by the limit has not ended: the value of its last cell stands for what would have come; that it
    counts as the end, worth 0, is a mistake (Pardo et al., 2018).
    """
    seed = np.arange(len(length))
    for t in range(len(path) - 1):
        end = np.minimum(t + n, length)
        over = end == length
        ahead = params.gamma ** (end - t) * values[seed, path[end, seed]]
        if params.cut == "end":
            ahead = np.where(over, 0, ahead)
        target = np.where(over & arrived, params.gamma ** (length - 1.0 - t), ahead)
        here = path[t]
        values[seed, here] += np.where(t < length, params.rate * (target - values[seed, here]), 0)


def sweep(values: np.ndarray, to: np.ndarray, goal: int, gamma: float) -> None:
    """A sweep of value iteration (Bellman, 1957) over all cells, from their values before it: for who knows the world.
    values: [seed, cell]."""
    ahead = np.where(to == goal, 1, gamma * values[:, to]).max(-1)
    ahead[:, goal] = 0
    values[...] = ahead
