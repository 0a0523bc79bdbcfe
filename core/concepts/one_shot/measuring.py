"""What distances are worth: pairs told apart, one found among those enrolled, strangers taken for one of them. No
torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.concepts.one_shot.params import PLACES, TRIALS, Params, ways
from core.ml.random import stream


class Pairs(NamedTuple):
    """Distances of two pictures of the same identity, and of two different ones."""

    same: np.ndarray
    different: np.ndarray


def pairs(d: np.ndarray, each: int) -> Pairs:
    """Of distances [n, n], pictures of an identity side by side; every pair once."""
    who, first = np.arange(len(d)) // each, np.triu(np.ones(d.shape, bool), 1)
    same = who[:, None] == who[None]
    return Pairs(np.sort(d[same & first]), np.sort(d[~same & first]))


def errors(found: Pairs, threshold: float) -> tuple[float, float]:
    """Shares of different pairs taken for the same, being at most so far apart, and of same ones refused."""
    taken = np.searchsorted(found.different, threshold, "right") / len(found.different)
    return float(taken), float(1 - np.searchsorted(found.same, threshold, "right") / len(found.same))


def area(found: Pairs) -> float:
    """How often two of the same are nearer than two different ones, ties half: the area under the ROC curve."""
    below, upto = (np.searchsorted(found.same, found.different, side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(found.same))


def best_threshold(found: Pairs, precise: bool = False) -> float:
    """Where both errors together are smallest, or, `precise`, the largest distance below all different pairs."""
    if precise:
        below = found.same[found.same < found.different[0]]
        return float(below[-1] if len(below) else found.same[0])
    taken = np.searchsorted(found.different, found.same, "right") / len(found.different)
    kept = np.arange(1, len(found.same) + 1) / len(found.same)
    return float(found.same[np.argmin(taken - kept)])


def precision(taken: float, refused: float) -> float:
    """Of as many same as different pairs: how many of those taken for the same are."""
    kept = 1 - refused
    return kept / (kept + taken) if kept + taken > 0 else np.nan


def roc(found: Pairs) -> np.ndarray:
    """Share of same pairs kept at every share of different ones taken, PLACES of them from 0 to 1."""
    at = np.linspace(0, 1, PLACES)
    taken = np.searchsorted(found.different, found.same, "right") / len(found.different)
    kept = np.arange(1, len(found.same) + 1) / len(found.same)
    return np.where(at < 1, np.r_[0, kept][np.searchsorted(taken, at, "right")], 1.0)


def enrolling(d: np.ndarray, each: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """TRIALS galleries of `size` identities with one writing of each [trial, size]; other writings, of one of them
    [trial] who stands at place 0, and of a stranger [trial] to it (of nobody, −1, where all are enrolled)."""
    rng, many = stream("galleries", seed, size), len(d) // each
    who = np.stack([rng.permutation(many) for _ in range(TRIALS)])
    writing = rng.integers(each, size=who.shape)
    other = (writing[:, 0] + rng.integers(1, each, TRIALS)) % each
    rows = who * each + writing
    return rows[:, :size], who[:, 0] * each + other, rows[:, size] if many > size else np.full(TRIALS, -1)


def gallery(d: np.ndarray, each: int, size: int, threshold: float, seed: int) -> tuple[float, float]:
    """How often the nearest of `size` enrolled is the right one, and how often a stranger is at most `threshold` from
    one of them; NaN where there are too few identities."""
    if size > len(d) // each:
        return np.nan, np.nan
    rows, query, strange = enrolling(d, each, size, seed)
    near = d[query[:, None], rows]
    right = (near[:, :1] < near[:, 1:]).all(1).mean()
    inside = (d[strange[:, None], rows].min(1) <= threshold).mean() if strange[0] >= 0 else np.nan
    return float(right), float(inside)


def by_pixels(*sets: np.ndarray) -> list[np.ndarray]:
    """Euclidean distances of pictures within each set [identity, writing, …]: [n, n]."""
    found = []
    for one in sets:
        x = one.reshape(one.shape[0] * one.shape[1], -1).astype(float)
        square = (x * x).sum(1)
        found.append(np.sqrt((square[:, None] + square[None] - 2 * x @ x.T).clip(0)))
    return found


def plainly(d: np.ndarray, each: int, params: Params, seed: int) -> tuple[float, float]:
    """Area under the ROC curve, and accuracy of the nearest of so many enrolled."""
    return area(pairs(d, each)), gallery(d, each, ways(params), 0.0, params.data_seed + seed)[0]
