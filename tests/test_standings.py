"""All contenders of some runs of one task, ranked together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.concept.parts import load, train_module
from core.concept.text import words
from core.concepts.optimizer_race.params import TINY, Params, task
from core.conclusions.standings import SHOWN, Entry, ranked, table
from core.ml.rules import Contender

RNG = np.random.default_rng(0)


def entry(lr: float, validation: list[float], test: float = 0.5, loss: float = 1.0, momentum: float = 0.9) -> Entry:
    contender = Contender(rule="sgd", lr=lr, momentum=momentum)
    accuracies = np.array(validation)
    return Entry(
        contender, lambda language: f"{lr:g}", accuracies, np.full(len(accuracies), loss), accuracies * 0 + test
    )


def test_validation_ranks_and_the_loss_decides_between_equals() -> None:
    one, other, third = (
        entry(0.1, [0.8, 0.9], test=0.1),
        entry(0.2, [0.7, 0.9], test=0.99),
        entry(0.3, [0.9, 0.8], loss=0.5),
    )
    assert ranked([[other, one], [third]]) == [third, one, other]


def test_what_diverged_comes_last_and_says_so() -> None:
    lost, poor = entry(9.0, [0.99, 0.99], loss=float("nan")), entry(0.1, [0.1, 0.2])
    order = ranked([[lost, poor]])
    assert order == [poor, lost]
    assert table(order, words("", "en")).iloc[1].tolist()[2:] == ["diverged", "", ""]


def test_a_contender_counts_once_whatever_does_not_apply_to_it() -> None:
    first, again = entry(0.1, [0.8, 0.9], momentum=0.9), entry(0.1, [0.8, 0.9], momentum=0.5)  # SGD has no momentum
    assert ranked([[first], [again]]) == [first]


def test_gaps_are_paired_intervals() -> None:
    best, next_ = 0.9 + 0.01 * RNG.normal(size=8), 0.9 + 0.01 * RNG.normal(size=8)
    order = ranked([[entry(0.1, best.tolist()), entry(0.2, next_.tolist()), entry(0.3, (best - 0.2).tolist())]])
    rows = table(order, words("", "en"))
    behind = 100 * (order[1].validation - order[0].validation)
    interval = stats.ttest_rel(order[1].validation, order[0].validation).confidence_interval(0.95)
    half = 100 * (interval.high - interval.low) / 2
    shown = f"{behind.mean():.1f} ± {half:.1f}".replace("-", "−")
    assert rows.iloc[1, 3].startswith(shown)
    assert ("cannot be told apart" in rows.iloc[1, 3]) == (interval.high >= 0)
    assert rows.iloc[0, 3] == "" and rows.iloc[2, 3] == "−20.0 ± 0.0"


def test_a_long_list_is_cut_and_one_seed_has_no_interval() -> None:
    rows = table(ranked([[entry(0.01 * (i + 1), [i / 100]) for i in range(30)]]), words("", "zh"))
    assert len(rows) == SHOWN and rows.iloc[0, 2] == "29.0"
    assert "±" not in rows.iloc[3, 3] and "分不出" in rows.iloc[3, 3]


@pytest.mark.parametrize("sweep", [0, 1])
def test_entries_of_a_race_are_its_contenders_at_its_rates(sweep: int) -> None:
    params = TINY.replace(sweep=sweep, seeds=2)
    *_, result = train_module("optimizer_race").train(params)
    found = list(load("optimizer_race").entries(result))
    assert len(found) == len(params.contenders) * (2 * sweep + 1)
    mine = [e for e in found if e.contender in params.contenders]
    assert [e.contender for e in mine] == list(params.contenders)
    for c, e in enumerate(mine):
        assert np.array_equal(e.test, result.accuracy[c, :, -1, 2]) and np.array_equal(e.loss, result.loss[c, :, -1, 1])
    if sweep:
        other = next(e.contender for e in found if e.contender not in params.contenders)
        *_, alone = train_module("optimizer_race").train(params.replace(contenders=(other,), sweep=0))
        swept = next(e for e in found if e.contender == other)
        assert np.allclose(swept.loss, alone.loss[0, :, -1, 1], rtol=1e-4), "the same contender in another run"


def test_a_task_is_all_but_the_contenders() -> None:
    one = Params(epochs=7, contenders=(Contender(rule="adam"),), sweep=3, surface=True)
    assert task(one) == task(Params(epochs=7)) != task(Params(epochs=7, data_seed=1))
