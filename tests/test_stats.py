"""Intervals against scipy.stats, and the verdicts they give."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from core.concept.parts import Claim
from core.conclusions.stats import Interval, interval, mean_interval, verdict

NAN = float("nan")


@pytest.mark.parametrize("n", [2, 3, 10, 20, 500])
def test_intervals_of_a_mean(n: int) -> None:
    values = np.random.default_rng(n).normal(3, 2, n)
    low, high = stats.t.interval(0.95, n - 1, values.mean(), stats.sem(values))
    found = interval(values)
    assert (found.mean, found.low, found.high, found.n) == pytest.approx((values.mean(), low, high, n), rel=1e-12)


@pytest.mark.parametrize(("ones", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (1, 20), (13, 20), (19, 20), (250, 500)])
def test_intervals_of_a_share(ones: int, n: int) -> None:
    expected = stats.binomtest(ones, n).proportion_ci(0.95, "exact")
    found = interval(np.r_[np.ones(ones), np.zeros(n - ones)], share=True)
    assert (found.mean, found.n) == (ones / n, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_intervals_along_an_axis() -> None:
    values = np.random.default_rng(0).normal(size=(3, 7, 4))
    mean, half = mean_interval(values, axis=1)
    for i in range(3):
        for j in range(4):
            one = interval(values[i, :, j])
            assert (mean[i, j], half[i, j]) == pytest.approx((one.mean, (one.high - one.low) / 2))


def test_the_interval_covers_the_truth_in_95_of_100() -> None:
    samples = np.random.default_rng(3).normal(1, 1, (4000, 6))
    mean, half = mean_interval(samples)
    assert np.mean(np.abs(mean - 1) <= half) == pytest.approx(0.95, abs=0.012)


def test_one_seed_tells_no_spread_and_a_lost_one_nothing() -> None:
    assert interval(np.array([0.4])).mean == 0.4
    assert np.isnan([interval(np.array([0.4])).low, interval(np.array([0.4])).high]).all()
    lost = interval(np.array([0.4, NAN, 0.5]))
    assert np.isnan([lost.mean, lost.low, lost.high]).all()
    equal = interval(np.array([0.4, 0.4, 0.4]))
    assert equal.low == pytest.approx(0.4) == equal.high


@pytest.mark.parametrize(
    ("direction", "low", "high", "expected"),
    [
        ("above", 0.11, 0.30, "holds"),
        ("above", 0.10, 0.30, "undecided"),
        ("above", 0.05, 0.30, "undecided"),
        ("above", -0.30, 0.09, "fails"),
        ("above", -0.30, 0.10, "undecided"),
        ("below", -0.30, 0.09, "holds"),
        ("below", 0.11, 0.30, "fails"),
        ("below", 0.09, 0.11, "undecided"),
        ("within", -0.09, 0.09, "holds"),
        ("within", 0.01, 0.02, "holds"),
        ("within", -0.10, 0.09, "undecided"),
        ("within", 0.11, 0.30, "fails"),
        ("within", -0.30, -0.11, "fails"),
        ("within", -0.30, 0.30, "undecided"),
        ("above", NAN, NAN, "undecided"),
        ("below", NAN, NAN, "undecided"),
        ("within", NAN, NAN, "undecided"),
        ("above", 0.2, float("inf"), "undecided"),
    ],
)
def test_verdicts(direction: str, low: float, high: float, expected: str) -> None:
    claim = Claim("c", lambda result: None, None, smallest=0.1, direction=direction)
    assert verdict(claim, Interval((low + high) / 2, low, high, 20)) == expected


def test_above_and_below_are_opposites() -> None:
    above = Claim("c", lambda result: None, None, smallest=0.1)
    below = dataclasses.replace(above, direction="below")
    swap = {"holds": "fails", "fails": "holds", "undecided": "undecided"}
    for low, high in np.random.default_rng(0).normal(0.1, 0.1, (200, 2)):
        found = Interval(0, min(low, high), max(low, high), 20)
        assert verdict(above, found) == swap[verdict(below, found)]
