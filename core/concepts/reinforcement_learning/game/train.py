"""Noughts and crosses by self-play: players that are told nothing but the result of a game, and see the board in
different ways."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.reinforcement_learning.game.board import (
    CELLS,
    FULL,
    POWERS,
    SWAPPED,
    WON,
    moved,
    pooled,
    rule_values,
    strength,
    symmetric,
)
from core.concepts.reinforcement_learning.game.params import PLAYERS, TOGETHER, VIEWS, Board, Moves, Result, moments
from core.concepts.reinforcement_learning.params import Params
from core.ml.random import stream
from core.ml.recording import Recording, schedule

RATE = 0.2  # by which a value moves towards the result of a game


def train(params: Params, device: str = "cpu", chunk: int = 640) -> Generator[Result, None, dict]:
    """Results, each some games fuller; in the end the values [view, seed, board]."""
    seeds, views = params.seeds, views_of_boards()
    values = np.zeros((len(VIEWS), seeds, len(CELLS)), np.float32)
    luck = [stream("game", params.data_seed + i) for i in range(seeds)]
    fixed = np.repeat(strength(np.stack([np.zeros(len(CELLS)), rule_values()])), seeds, 0)
    ticks = moments(params)
    axes = {"player": len(PLAYERS), "seed": seeds, "against": 2, "outcome": 2}
    record = Recording(Result, params, params.games, axes, tick=ticks)
    chunk = TOGETHER * max(1, chunk // TOGETHER)
    for moment in schedule(params.games, chunk, tick=ticks):
        for _ in range(len(moment.steps) // TOGETHER):
            play(values, views, params.explore, luck)
        if moment.due:
            seen = np.take_along_axis(values, views[:, None], 2).reshape(-1, len(CELLS))
            record.append("tick", chance=np.concatenate([strength(seen), fixed]))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"values": values}


def views_of_boards() -> np.ndarray:
    """Which of its values a player of every view looks up for a board: [view, board]."""
    whole = np.arange(len(CELLS))
    return np.stack([whole, symmetric(), pooled(), whole])


def play(values: np.ndarray, views: np.ndarray, explore: float, luck: list[np.random.Generator]) -> None:
    """TOGETHER games of every view and seed against itself; then every board that a side has moved to moves towards
    the result for that side: 1 won, 0 drawn, −1 lost. Nothing else is ever told (the mean, where several games met)."""
    kinds, seeds, _ = values.shape
    draws = np.stack([rng.random((9, 2, TOGETHER, 9)) for rng in luck], 2)  # ply, use, seed, game, cell
    board = np.zeros((kinds, seeds, TOGETHER), int)
    result = np.zeros(board.shape)  # of the side that moved first
    going, path = np.ones(board.shape, bool), []
    view, seed = np.ogrid[:kinds, :seeds]
    view, seed = view[..., None], seed[..., None]
    for ply in range(9):
        after, free = moved(board)
        worth = values[view[..., None], seed[..., None], views[view[..., None], after]]
        by_chance = draws[ply, 1, :, :, :1] < explore
        worth = np.where(by_chance, draws[ply, 0], worth + 1e-6 * draws[ply, 0])
        move = np.where(free, worth, -np.inf).argmax(-1)
        after = np.take_along_axis(after, move[..., None], -1)[..., 0]
        path.append((after, going))
        won = going & WON[after]
        result[won] = 1 if ply % 2 == 0 else -1
        going = going & ~won
        board = np.where(going, SWAPPED[after], 0)
    told = result.copy()
    told[VIEWS.index("shuffled")] = np.roll(result[VIEWS.index("shuffled")], 1, -1)
    total, count = np.zeros_like(values), np.zeros_like(values)
    for ply, (after, was) in enumerate(path):
        at = np.broadcast_to(view, was.shape)[was], np.broadcast_to(seed, was.shape)[was], views[view, after][was]
        np.add.at(total, at, told[was] * (1 if ply % 2 == 0 else -1))
        np.add.at(count, at, 1)
    met = count > 0
    values[met] += RATE * (total[met] / count[met] - values[met])


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Moves) -> Board:
    """The game so far, with the machine's answer."""
    assert state is not None
    view = VIEWS.index(question.view)
    known = state["values"][view, 0][views_of_boards()[view]]
    cells, moves, last = np.zeros(9, int), [], np.full(9, np.nan)
    turn, given = (1 if question.begins else 2), [int(c) for c in question.moves]
    while not finished(cells):
        if turn == 1:
            if not given or cells[given[0]]:
                break
            move = given.pop(0)
        else:
            last = considered(cells, known)
            move = int(np.nanargmax(last))
        cells[move], turn = turn, 3 - turn
        moves.append(move)
    over = -1
    if finished(cells):
        over = next((side for side in (1, 2) if WON[np.where(cells == side, 1, 0) @ POWERS]), 0)
    found: dict[str, Any] = {"cells": cells, "values": last.astype(np.float32), "moves": np.array(moves, int)}
    return Board(question, 1, 1, over=over, **found)


def considered(cells: np.ndarray, known: np.ndarray) -> np.ndarray:
    """What the machine thinks of each of its moves, NaN where it cannot go."""
    after, free = moved(np.array([0, 2, 1])[cells] @ POWERS)
    return np.where(free, known[after], np.nan)


def finished(cells: np.ndarray) -> bool:
    board = cells @ POWERS
    return bool(WON[board] or WON[SWAPPED[board]] or FULL[board])
