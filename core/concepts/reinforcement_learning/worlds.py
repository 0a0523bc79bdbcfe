"""The worlds that are acted in: a grid, a cliff, a pole on a cart. Many copies step at once, as arrays."""

from __future__ import annotations

import numpy as np

from core.concepts.reinforcement_learning.params import CELLS, HIGH, LETTERS, WIDE, Params

UP, RIGHT, DOWN, LEFT = range(4)
MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])  # rows, columns
CLIFF_SHAPE, CLIFF_START, CLIFF_GOAL = (4, 12), 36, 47
GRAVITY, CART, POLE, HALF, FORCE, TAU = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
FARTHEST, STEEPEST = 2.4, 12 * 2 * np.pi / 360  # m and rad, where the pole counts as fallen


def neighbours(high: int, wide: int, walls: np.ndarray) -> np.ndarray:
    """Where every move leads from every cell, [cell, move]; the border and walls [cell] keep one where one is."""
    row, column = np.divmod(np.arange(high * wide), wide)
    to_row = np.clip(row[:, None] + MOVES[:, 0], 0, high - 1)
    to_column = np.clip(column[:, None] + MOVES[:, 1], 0, wide - 1)
    to = to_row * wide + to_column
    return np.where(walls[to] | walls[:, None], np.arange(len(to))[:, None], to)


def distances(to: np.ndarray, goal: int) -> np.ndarray:
    """Fewest moves to the goal from every cell, infinite where no way leads there: [cell]."""
    found = np.full(len(to), np.inf)
    found[goal] = 0
    for _ in range(len(to)):
        found = np.minimum(found, found[to].min(1) + 1)
    return found


def start_and_goal(params: Params) -> tuple[int, int]:
    """The start is the lowest cell on the left; the goal lies so many moves away, to the right and up."""
    up = min(HIGH - 1, params.distance // 3)
    return (HIGH - 1) * WIDE, (HIGH - 1 - up) * WIDE + params.distance - up


def walls_of(params: Params) -> np.ndarray:
    """Which cells are walls: bool [cell]. Neither the start nor the goal is one."""
    found = np.isin(np.array(list(LETTERS)), list(params.walls))
    found[list(start_and_goal(params))] = False
    return found


def policy_values(chance: np.ndarray, to: np.ndarray, goal: int, gamma: float) -> np.ndarray:
    """The value of every cell under policies [..., cell, move] of probabilities, where reaching the goal gives 1 and
    ends it: the solution of Bellman's equations, [..., cell]."""
    inside = chance.copy()
    inside[..., goal, :] = 0
    step = np.zeros((*chance.shape[:-1], CELLS))
    for move in range(4):
        step[..., np.arange(CELLS), to[:, move]] += inside[..., move]
    reward = step[..., goal].copy()
    step[..., goal] = 0
    return np.linalg.solve(np.eye(CELLS) - gamma * step, reward[..., None])[..., 0]


def greedy(values: np.ndarray, to: np.ndarray, goal: int) -> np.ndarray:
    """The policy that goes where values [..., cell] are highest, by chance where several are: [..., cell, move]. The
    goal is above all once anything has a value."""
    known = values.copy()
    known[..., goal] = np.where((values > 0).any(-1), values.max(-1) + 1, 0)
    ahead = known[..., to]
    best = ahead >= ahead.max(-1, keepdims=True) - 1e-12
    return best / best.sum(-1, keepdims=True)


def uniform() -> np.ndarray:
    return np.full((CELLS, 4), 0.25)


def by_rule(to: np.ndarray, goal: int) -> np.ndarray:
    """A hand-written policy that knows where the goal is, but no walls: to the right until below it, then up."""
    row, column = np.divmod(np.arange(CELLS), WIDE)
    move = np.select([column < goal % WIDE, column > goal % WIDE, row > goal // WIDE], [RIGHT, LEFT, UP], DOWN)
    return np.eye(4)[move]


def walker(params: Params, to: np.ndarray, goal: int) -> np.ndarray:
    """Whose episodes are watched: by a shortest way, any of them, and with probability `noise` by chance."""
    ahead = distances(to, goal)[to]
    best = ahead == ahead.min(1, keepdims=True)
    return (1 - params.noise) * best / best.sum(1, keepdims=True) + params.noise * uniform()


def cliff_step(state: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Next states, rewards and whether it is over, as gymnasium's CliffWalking-v1 (Sutton and Barto, 2018, example
    6.6): −1 a move, −100 and back to the start for a step over the cliff."""
    high, wide = CLIFF_SHAPE
    row = np.clip(state // wide + MOVES[move, 0], 0, high - 1)
    column = np.clip(state % wide + MOVES[move, 1], 0, wide - 1)
    fell = (row == high - 1) & (column > 0) & (column < wide - 1)
    after = np.where(fell, CLIFF_START, row * wide + column)
    return after, np.where(fell, -100.0, -1.0), after == CLIFF_GOAL


def cliff_rule() -> np.ndarray:
    """A hand-written policy along the cliff: up, along the upper border, down on the right; a move for every cell."""
    row, column = np.divmod(np.arange(np.prod(CLIFF_SHAPE)), CLIFF_SHAPE[1])
    return np.select([column == CLIFF_SHAPE[1] - 1, (row > 0) & (column == 0)], [DOWN, UP], RIGHT)


def pole_step(state: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cart pushed to the right or to the left for one step, and whether the pole has fallen; as gymnasium's
    CartPole-v1 (Barto, Sutton and Anderson, 1983; the equations of Florian, 2007, without friction).

    state: place, speed, angle, its speed, [4, …].
    """
    x, speed, angle, spin = state
    cos, sin = np.cos(angle), np.sin(angle)
    push = (np.where(right, FORCE, -FORCE) + POLE * HALF * np.square(spin) * sin) / (CART + POLE)
    turn = (GRAVITY * sin - cos * push) / (HALF * (4.0 / 3.0 - POLE * np.square(cos) / (CART + POLE)))
    pull = push - POLE * HALF * turn * cos / (CART + POLE)
    after = np.stack([x + TAU * speed, speed + TAU * pull, angle + TAU * spin, spin + TAU * turn])
    return after, (np.abs(after[0]) > FARTHEST) | (np.abs(after[2]) > STEEPEST)
