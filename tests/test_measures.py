"""Kinds of measures against plain loops over seeds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from known import known

from core.concept.params import BaseParams, integer, number, rows
from core.concept.parts import UNSEEN, Mistake, Preset
from core.concept.result import BaseResult, array
from core.conclusions.measures import Contenders, difference, final, finished, more_or_less, preset, unseen


@dataclass(frozen=True)
class Rule(BaseParams):
    power: int = integer(1, 1, 9)
    lr: float = number(0.1, 0.0, 1.0)


@dataclass(frozen=True)
class Params(BaseParams):
    contenders: tuple[Rule, ...] = rows((Rule(),), Rule, 1, 9)
    depth: int = integer(1, 1, 9)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    accuracy: np.ndarray = array("contender seed tick+ split")
    loss: np.ndarray = array("contender seed tick+")


LISTED = (Rule(2, 0.1), Rule(1, 0.3), Rule(2, 0.3), Rule(3, 0.7))
RACE = Contenders(lambda params: params.contenders)
RNG = np.random.default_rng(0)
RUN = known(
    Result,
    Params(contenders=LISTED),
    accuracy=RNG.random((4, 5, 3, 2)).astype(np.float32),
    loss=RNG.random((4, 5, 3)).astype(np.float32),
)


def second(rule: Rule) -> bool:
    return rule.power == 2


def test_final_values_are_those_of_the_last_tick() -> None:
    for c in range(4):
        for s in range(5):
            assert final("accuracy", 1)(RUN)[c, s] == RUN.accuracy[c, s, 2, 1]
            assert final("loss")(RUN)[c, s] == RUN.loss[c, s, 2]


def test_one_is_found_by_what_it_equals_and_by_what_is_true_of_it() -> None:
    assert RACE.all(RUN, second) == [0, 2] and RACE.all(RUN, Rule(2, 0.3)) == [2] and RACE.all(RUN, Rule(9)) == []
    expected = [float(RUN.accuracy[2, s, 2, 1]) for s in range(5)]
    assert RACE.alone(final("accuracy", 1), Rule(2, 0.3))(RUN).tolist() == expected
    assert RACE.alone(final("loss"), second)(RUN).tolist() == [float(RUN.loss[0, s, 2]) for s in range(5)]
    assert RACE.alone(final("loss"), Rule(9))(RUN) is None


def test_a_pair_is_taken_seed_by_seed_in_double_precision() -> None:
    found = RACE.more(final("loss"), Rule(3, 0.7), second)(RUN)
    assert found.dtype == float
    assert found.tolist() == [float(RUN.loss[3, s, 2]) - float(RUN.loss[0, s, 2]) for s in range(5)]
    over = RACE.more(final("accuracy", 0), second, second, over=final("accuracy", 1))(RUN)
    assert over.tolist() == [float(RUN.accuracy[0, s, 2, 0]) - float(RUN.accuracy[0, s, 2, 1]) for s in range(5)]
    assert RACE.more(final("loss"), second, Rule(9))(RUN) is None


def test_a_pair_at_an_equal_setting_is_the_first_that_is_alike() -> None:
    same_rate = RACE.more(final("loss"), second, lambda rule: rule.power == 1, alike=lambda a, b: a.lr == b.lr)
    assert same_rate(RUN).tolist() == [float(RUN.loss[2, s, 2]) - float(RUN.loss[1, s, 2]) for s in range(5)]
    assert RACE.more(final("loss"), second, Rule(3, 0.7), alike=lambda a, b: a.lr == b.lr)(RUN) is None


def test_what_is_so_of_a_seed_becomes_one_or_zero_and_some_seeds_may_say_nothing() -> None:
    high = RACE.alone(lambda r: r.loss[:, :, -1] > 0.5, second)(RUN)
    assert high.tolist() == [float(RUN.loss[0, s, 2] > 0.5) for s in range(5)]
    some = RACE.alone(lambda r: [loss[loss > 0.5] for loss in r.loss[:, :, -1]], second)(RUN)
    assert some.tolist() == [float(v) for v in RUN.loss[0, :, 2] if v > 0.5]
    assert RACE.alone(lambda r: [loss[loss > 2] for loss in r.loss[:, :, -1]], second)(RUN) is None


@pytest.mark.parametrize("changes", [{"step": 0}, {"step": 0, "total": 0}, {"params": Params(depth=2)}])
def test_a_measure_is_silent_on_a_run_that_is_not_over_or_does_not_fit(changes: dict[str, Any]) -> None:
    measure = finished(lambda result: result.loss[0, :, -1], lambda params: params.depth == 1)
    assert measure(RUN) is not None and measure(dataclasses.replace(RUN, **changes)) is None
    deep = Contenders(lambda params: params.contenders, lambda params: params.depth == 1)
    assert deep.alone(final("loss"), lambda rule: True)(dataclasses.replace(RUN, **changes)) is None


def test_a_seed_that_diverged_silences_those_it_belongs_to() -> None:
    loss = RUN.loss.copy()
    loss[1, 3, -1] = np.nan
    lost = dataclasses.replace(RUN, loss=loss)
    assert RACE.alone(final("loss"), Rule(1, 0.3))(lost) is None
    assert RACE.more(final("loss"), second, Rule(1, 0.3))(lost) is None
    assert RACE.alone(final("loss"), second)(lost) is not None
    assert difference(lambda r: r.loss[0, :, 0], lambda r: None)(lost) is None


def test_unseen_seeds_and_presets() -> None:
    assert unseen(Params(), 20, depth=3) == Params(seeds=20, data_seed=UNSEEN, weight_seed=UNSEEN, depth=3)
    assert unseen(Params(), 20, 60_000).weight_seed == 60_000 > UNSEEN
    assert preset(Params(), (Preset("a", {"depth": 2}), Preset("b", {"depth": 7})), "b").depth == 7


def test_a_prediction_leans_to_the_side_on_which_the_interval_lies() -> None:
    at = {name: lambda r, c=c: r.loss[c, :, -1] for c, name in enumerate(("one", "other"))}
    asked = more_or_less("who", at, "{:.2f}".format, depth=lambda params: params.depth)
    luck = np.linspace(0.1, 0.5, 5)
    for gap, option in ((0.2, "more"), (0.0, "even"), (-0.2, "less")):
        loss = np.stack([luck + gap + 0.01 * np.arange(-2, 3), luck])[:, :, None]
        found, said = asked.answer(known(Result, Params(contenders=LISTED[:2]), loss=loss))
        assert found == option and option in asked.options
        assert said == {"one": f"{0.3 + gap:.2f}", "other": "0.30", "depth": 1, "seeds": 5}


def test_a_mistake_shows_where_the_mean_of_its_measure_is_beyond_its_symptom() -> None:
    mistake = Mistake("high", "worse", Params(), finished(lambda result: result.loss[0, :, -1]), 0.3, "loss")
    for level, shows in ((0.31, True), (0.29, False)):
        assert mistake.shows(known(Result, Params(), loss=np.full((1, 5, 2), level))) is shows
    assert mistake.shows(dataclasses.replace(RUN, step=0)) is None


def test_a_known_result_has_the_axes_that_are_declared() -> None:
    assert known(Result, Params(), sizes={"tick": 4}, loss=np.zeros((2, 5, 4))).accuracy.shape == (2, 5, 4, 0)
    empty = known(Result, Params(seeds=3), fill=0.0, sizes={"contender": 2, "tick": 1, "split": 3})
    assert empty.accuracy.shape == (2, 3, 1, 3) and not empty.accuracy.any() and empty.complete
