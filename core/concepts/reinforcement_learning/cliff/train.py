"""Q-learning, Sarsa and expected Sarsa along the cliff, on the same chance; beside them planning, a hand-written rule
and moves by chance."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from core.concepts.reinforcement_learning.cliff.params import LEARNERS, LONGEST, Result, moments
from core.concepts.reinforcement_learning.params import Params
from core.concepts.reinforcement_learning.worlds import (
    CLIFF_GOAL,
    CLIFF_SHAPE,
    CLIFF_START,
    cliff_rule,
    cliff_step,
)
from core.ml.random import stream
from core.ml.recording import Recording, schedule

SIZE = CLIFF_SHAPE[0] * CLIFF_SHAPE[1]


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, None]:
    """Results, each some trips fuller. All step at once; who is through with a trip begins the next."""
    seeds, ticks = params.seeds, moments(params)
    members = len(LEARNERS) * seeds
    learner, row = np.repeat(np.arange(len(LEARNERS)), seeds), np.arange(members)
    values = np.zeros((members, SIZE, 4))
    kept = np.zeros((len(ticks), members, SIZE, 4), np.float32)
    reward = np.zeros((params.trips, members))
    luck = [stream("cliff", params.data_seed + i) for i in range(seeds)]
    trip, moves, state = np.zeros(members, int), np.zeros(members, int), np.full(members, CLIFF_START)
    move = chosen(values[row, state], params.epsilon, together(luck))
    sizes = {"learner": len(LEARNERS), "seed": seeds, "cell": SIZE, "move": 4, "trip": params.trips}
    record = Recording(Result, params, params.trips, sizes, tick=ticks, beside=beside(params.epsilon))
    for moment in schedule(params.trips, chunk, tick=ticks):
        while trip.min() < moment.step:
            going = trip < params.trips
            after, gained, over = cliff_step(state, move)
            following = chosen(values[row, after], params.epsilon, together(luck))
            ahead = values[row, after]
            soft = (1 - params.epsilon) * ahead.max(1) + params.epsilon * ahead.mean(1)
            worth = np.select([learner == 0, learner == 1], [ahead.max(1), ahead[row, following]], soft)
            target = gained + np.where(over, 0, worth)
            values[row, state, move] += np.where(going, params.alpha * (target - values[row, state, move]), 0)
            moves += 1
            reward[np.minimum(trip, params.trips - 1), row] += np.where(going, gained, 0)
            done = going & (over | (moves == LONGEST))
            trip += done
            state, moves = np.where(done, CLIFF_START, after), np.where(done, 0, moves)
            move = np.where(done, chosen(values[row, state], params.epsilon, together(luck)), following)
            for k in np.flatnonzero(np.isin(ticks, trip[done])):
                fresh = done & (trip == ticks[k])
                kept[k, fresh] = values[fresh]
        for one in reward[moment.step - len(moment.steps) : moment.step]:
            record.append("trip", reward=one)
        if moment.due:
            found = kept[np.searchsorted(ticks, moment.step)]
            record.append("tick", values=found, greedy=without_exploring(found))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)


def together(luck: list[np.random.Generator]) -> np.ndarray:
    """Three uniform numbers of every seed, the same for all learners: [learners × seeds, 3]."""
    return np.tile(np.stack([rng.random(3) for rng in luck]), (len(LEARNERS), 1))


def chosen(values: np.ndarray, epsilon: float, draws: np.ndarray) -> np.ndarray:
    """With probability ε any move, else the best of values [member, move], by chance where several are: [member]."""
    best = values == values.max(1, keepdims=True)
    nth = np.floor(draws[:, 1] * best.sum(1)) + 1
    greedy = (best.cumsum(1) >= nth[:, None]).argmax(1)
    return np.where(draws[:, 0] < epsilon, np.floor(4 * draws[:, 2]).astype(int), greedy)


def without_exploring(values: np.ndarray) -> np.ndarray:
    """Rewards of a trip along the highest values [member, cell, move], the first of several: [member]."""
    state, total, over = np.full(len(values), CLIFF_START), np.zeros(len(values)), np.zeros(len(values), bool)
    best = values.argmax(-1)
    for _ in range(LONGEST):
        state_after, gained, ended = cliff_step(state, best[np.arange(len(values)), state])
        total += np.where(over, 0, gained)
        state, over = np.where(over, state, state_after), over | ended
        if over.all():
            break
    return total


def beside(epsilon: float) -> np.ndarray:
    """Expected rewards of a trip of at most LONGEST moves: of the best policy, of the best of those that make a move by
    chance with probability ε, of moves by chance, and of a rule that goes along the upper border. By dynamic
    programming backwards in time (Bellman, 1957)."""
    cells = np.arange(SIZE)
    after, gained, over = (
        np.stack(found, 1) for found in zip(*(cliff_step(cells, np.full(SIZE, m)) for m in range(4)))
    )
    left = np.zeros((4, SIZE))
    for _ in range(LONGEST):
        ahead = gained + np.where(over, 0, left[:, after])
        soft = (1 - epsilon) * ahead[1].max(1) + epsilon * ahead[1].mean(1)
        left = np.stack([ahead[0].max(1), soft, ahead[2].mean(1), ahead[3][cells, cliff_rule()]])
        left[:, CLIFF_GOAL] = 0
    return left[:, CLIFF_START].astype(np.float32)
