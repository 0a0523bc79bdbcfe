"""Intervals over seeds, and the verdict they give on a claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, stdtrit

from core.concept.parts import Claim

CONFIDENCE = 0.95
ROUNDING = 1e-6  # of a share kept in single precision; shares of so few examples that differ do so by more


@dataclass(frozen=True)
class Interval:
    """A mean over `n` seeds with its confidence interval; NaN bounds where one seed tells no spread."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: np.ndarray, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Mean along `axis` and half the width of its 95 % interval (Student's t; Gosset, 1908)."""
    n = values.shape[axis]
    mean = values.mean(axis)
    if n < 2:
        return mean, np.full_like(mean, np.nan, dtype=float)
    spread = values.std(axis, ddof=1) / np.sqrt(n)
    return mean, stdtrit(n - 1, (1 + CONFIDENCE) / 2) * spread


def interval(effects: np.ndarray, share: bool = False) -> Interval:
    """The 95 % interval of the mean of `effects` [seeds]; of a share of ones by Clopper and Pearson (1934)."""
    n, mean = len(effects), float(np.mean(effects))
    if share:
        ones, rest = float(np.sum(effects)), (1 - CONFIDENCE) / 2
        low = float(betaincinv(ones, n - ones + 1, rest)) if ones else 0.0
        high = float(betaincinv(ones + 1, n - ones, 1 - rest)) if ones < n else 1.0
        return Interval(mean, low, high, n)
    centre, half = mean_interval(np.asarray(effects, float))
    return Interval(mean, float(centre - half), float(centre + half), n)


def near_border(claim: Claim, found: Interval) -> bool:
    """Whether an interval ends near the smallest effect that matters: widened by half its width on either side, it
    holds the border. Farther away a wrong verdict comes once in a thousand times or less (Student's t, 20 seeds), so
    that looking first and deciding on fresh seeds (`Claim.extends`) adds next to nothing to what chance gets wrong."""
    half = (found.high - found.low) / 2
    borders = (claim.smallest, -claim.smallest) if claim.direction == "within" else (claim.smallest,)
    return any(found.low - half <= border <= found.high + half for border in borders)


def wrong_by_chance(verdicts: int) -> float:
    """Of so many verdicts that say holds or does not hold, those that chance alone gets wrong, at most: an interval
    misses on one side with half the probability that it misses with."""
    return (1 - CONFIDENCE) / 2 * verdicts


def leaning(effects: np.ndarray) -> str:
    """more or less: where the whole 95 % interval of the mean of `effects` [seeds] lies above or below zero; else
    even, which is also too close to call on so few seeds."""
    found = interval(effects)
    return "more" if found.low > 0 else "less" if found.high < 0 else "even"


def ends(values: np.ndarray, shown: Callable[[float], str]) -> tuple[list[int], list[int]]:
    """Who has the most of `values` [contender] and who the least: all whose number reads the same as `shown`. NaN and
    infinity are no number; nobody has the least where all read the same."""
    read = {i: shown(value) for i, value in enumerate(values.tolist()) if np.isfinite(value)}
    if not read:
        return [], []
    most, least = (read[pick(read, key=lambda i: values[i])] for pick in (max, min))
    first, last = ([i for i, said in read.items() if said == end] for end in (most, least))
    return first, last if most != least else []


def verdict(claim: Claim, found: Interval) -> str:
    """holds, fails or undecided: whether the whole interval lies on one side of the smallest effect that matters."""
    if not np.isfinite([found.low, found.high]).all():
        return "undecided"
    if claim.direction == "within":
        inside = -claim.smallest < found.low and found.high < claim.smallest
        outside = found.low > claim.smallest or found.high < -claim.smallest
    elif claim.direction == "above":
        inside, outside = found.low > claim.smallest, found.high < claim.smallest
    else:
        inside, outside = found.high < claim.smallest, found.low > claim.smallest
    return "holds" if inside else "fails" if outside else "undecided"
