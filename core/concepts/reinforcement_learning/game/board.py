"""Noughts and crosses as tables over all boards: a board is a number in base three, its digits 0 nobody's, 1 mine, 2
the opponent's."""

from __future__ import annotations

import numpy as np

POWERS = 3 ** np.arange(9)
CELLS = np.arange(3**9)[:, None] // POWERS % 3  # [board, cell]
LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
WON: np.ndarray = np.logical_or.reduce([(CELLS[:, line] == 1).all(1) for line in LINES])  # [board], by me
SWAPPED = np.array([0, 2, 1])[CELLS] @ POWERS  # the board as the opponent sees it
FULL: np.ndarray = np.logical_and.reduce(CELLS > 0, 1)


def symmetric() -> np.ndarray:
    """The same number for boards that are equal up to turning and mirroring: [board]."""
    place, found = np.arange(9).reshape(3, 3), []
    for side in (place, place.T):
        found += [CELLS[:, np.rot90(side, k).ravel()] @ POWERS for k in range(4)]
    return np.min(found, 0)


def pooled() -> np.ndarray:
    """Max pooling, 2×2 with stride 1, of my cells and of the opponent's: [board]."""
    planes = np.stack([CELLS == 1, CELLS == 2], 1).reshape(-1, 2, 3, 3)
    most = planes[..., :2, :2] | planes[..., 1:, :2] | planes[..., :2, 1:] | planes[..., 1:, 1:]
    return most.reshape(-1, 8) @ 2 ** np.arange(8)


def rule_values() -> np.ndarray:
    """What a hand-written player thinks of boards that it has moved to: three in a row; else that the opponent cannot
    have them next; else the centre; else a corner: [board]."""
    twos = np.sum([((CELLS[:, line] == 2).sum(1) == 2) & ((CELLS[:, line] == 0).sum(1) == 1) for line in LINES], 0)
    mine = CELLS == 1
    return 100.0 * WON - 10.0 * (twos > 0) + 1.0 * mine[:, 4] + 0.2 * mine[:, [0, 2, 6, 8]].sum(1)


def by_stones() -> list[np.ndarray]:
    """Boards that nobody has won, on which it is my turn, by the number of stones: nine arrays."""
    mine, theirs = (CELLS == 1).sum(1), (CELLS == 2).sum(1)
    open_ = ~WON & ~WON[SWAPPED] & ((mine == theirs) | (mine == theirs - 1))
    return [np.flatnonzero(open_ & (mine + theirs == k)) for k in range(9)]


def moved(boards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boards after each of nine moves of mine, and whether it can be made: [..., 9] each."""
    free = CELLS[boards] == 0
    return np.where(free, boards[..., None] + POWERS, 0), free


def strength(values: np.ndarray) -> np.ndarray:
    """How likely players that go where values [player, board] are highest, by chance where several are, win and lose
    against moves by chance, and against an opponent that makes them lose if it can, else keeps them from winning:
    [player, against, outcome]. Half of the games begun by them."""
    players = len(values)
    mine = np.zeros((players, 2, 2, len(CELLS)))  # against, outcome, my turn
    theirs = np.zeros_like(mine)  # their turn, boards as they see them
    for boards in reversed(by_stones()):
        after, free = moved(boards)
        over, draw = WON[after], FULL[after]
        seen = np.where(free, values[:, after], -np.inf)
        best = seen >= seen.max(-1, keepdims=True) - 1e-12
        share = best / best.sum(-1, keepdims=True)
        ahead = np.where(over | draw, 0, theirs[..., SWAPPED[after]])
        ahead[:, :, 0] += over
        mine[..., boards] = (share[:, None, None] * ahead).sum(-1)
        back = np.where(over | draw, 0, mine[..., SWAPPED[after]])
        back[:, :, 1] += over
        theirs[:, 0, :, boards] = ((back[:, 0] * free).sum(-1) / free.sum(-1)).transpose(2, 0, 1)
        worst = np.where(free, 2 * back[:, 1, 1] - back[:, 1, 0], -np.inf).argmax(-1)
        theirs[:, 1, :, boards] = np.take_along_axis(back[:, 1], worst[:, None, :, None], -1)[..., 0].transpose(2, 0, 1)
    return (mine[..., 0] + theirs[..., 0]) / 2
