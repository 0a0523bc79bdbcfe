"""The optimizer race: its claims on known results, its figures against brute force, and its fairness."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.catalog import LANGUAGES
from core.concepts.optimizer_race import train as experiment
from core.concepts.optimizer_race.claims import CLAIMS
from core.concepts.optimizer_race.figures import (
    FIGURES,
    TARGETS,
    diverged_at,
    effort,
    names,
    standing,
    table_ranking,
    tied,
)
from core.concepts.optimizer_race.params import TINY, Params, Result, cost, fresh, sizes
from core.ml.fused.population import Fused
from core.ml.rules import RULES, Contender
from core.params import applicable
from core.result import arrays, same

TRAIN, VALIDATION, TEST = range(3)


def made(params: Params, accuracy: np.ndarray, loss: np.ndarray | None = None, steps_per_epoch: int = 34) -> Result:
    """A finished race with these accuracies [contender, seed, tick, split]."""
    ticks = accuracy.shape[2]
    return Result(
        params,
        step=(ticks - 1) * steps_per_epoch,
        total=(ticks - 1) * steps_per_epoch,
        epoch=np.arange(ticks),
        loss=(1 - accuracy if loss is None else loss).astype(np.float32),
        accuracy=accuracy.astype(np.float32),
        step_seconds=np.full(len(accuracy), 1e-4),
        steps_per_epoch=steps_per_epoch,
        parameters=10,
        x=np.zeros((0, 64), np.float32),
        y=np.zeros(0, int),
        region_epoch=np.zeros(0, int),
        region=np.zeros((len(accuracy), 0, 48, 48), np.uint8),
    )


def random_race(contenders: int, seeds: int, ticks: int) -> Result:
    rng = np.random.default_rng(contenders)
    params = Params(contenders=tuple(Contender(lr=0.001 * (i + 1)) for i in range(contenders)), seeds=seeds)
    gain = 0.15 * np.log2(1 + np.arange(ticks))[:, None]
    return made(params, np.clip(0.4 + gain + 0.1 * rng.standard_normal((contenders, seeds, ticks, 3)), 0, 1))


def with_gain(params: Params, gain: float) -> Result:
    """A race in which the second of the claim's two rules ends `gain` above SGD, and the last tick alone tells."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0.9, 0.02, (1, params.seeds, 3, 1))  # the luck of a seed, which the difference cancels
    accuracy = shared + rng.normal(0, 0.002, (len(params.contenders), params.seeds, 3, 3))
    accuracy[:, :, :2] = rng.random((len(params.contenders), params.seeds, 2, 3))
    for i, contender in enumerate(params.contenders):
        if contender.rule != "sgd":
            accuracy[i, :, -1, TEST] += gain
    return made(params, accuracy)


KNOWN = {claim.id: (with_gain(claim.params, 0.03), with_gain(claim.params, 0.0)) for claim in CLAIMS}


def test_measures_are_differences_of_the_last_test_accuracies_seed_by_seed() -> None:
    for claim in CLAIMS:
        result = KNOWN[claim.id][0]
        rule = claim.id.split("_")[0]
        rows = {c.rule: i for i, c in enumerate(result.params.contenders)}
        expected = [
            float(result.accuracy[rows[rule], s, 2, TEST]) - float(result.accuracy[rows["sgd"], s, 2, TEST])
            for s in range(20)
        ]
        assert np.array_equal(claim.measure(result), expected)


def test_a_race_without_the_pair_cannot_speak_to_a_claim() -> None:
    for claim in CLAIMS:
        result = KNOWN[claim.id][0]
        assert claim.measure(dataclasses.replace(result, step=1)) is None  # not finished
        other = result.params.replace(contenders=(Contender(rule="sgd", lr=0.7), Contender(rule="adam", lr=0.6)))
        assert claim.measure(made(other, result.accuracy[:2].astype(float))) is None


# Figures


def test_effort_is_the_first_tick_at_the_target_in_the_median_seed() -> None:
    for seeds in (1, 4, 5):
        result = random_race(3, seeds, 7)
        found = effort(result)
        for c in range(3):
            for k, target in enumerate(TARGETS):
                steps = []
                for s in range(seeds):
                    reached = [t for t in range(7) if result.accuracy[c, s, t, VALIDATION] >= np.float32(target)]
                    steps.append(reached[0] * 34 if reached else float("inf"))
                steps.sort()
                median = (steps[(seeds - 1) // 2] + steps[seeds // 2]) / 2
                assert found[c, k] == median if np.isfinite(median) else np.isnan(found[c, k])
    assert np.isnan(effort(random_race(3, 4, 2))).any() and np.isfinite(found).any()


def test_standing_is_a_paired_interval_against_the_leader() -> None:
    result = random_race(4, 6, 5)
    found = standing(result)
    for tick in range(5):
        accuracy = result.accuracy[:, :, tick, TEST].astype(float)
        leader = int(np.argmax([row.mean() for row in accuracy]))
        for c in range(4):
            for name, values in (("accuracy", accuracy[c]), ("behind", accuracy[c] - accuracy[leader])):
                assert found[f"{name} mean"][tick, c] == pytest.approx(values.mean(), abs=1e-12)
                half = stats.sem(values) * stats.t.ppf(0.975, 5)
                assert found[f"{name} half"][tick, c] == pytest.approx(half, abs=1e-12)
        now = {name: values[tick] for name, values in found.items()}
        for c in range(4):
            p = stats.ttest_rel(accuracy[c], accuracy[leader]).pvalue if c != leader else 1.0
            assert tied(now)[c] == (p >= 0.05)


def test_one_seed_tells_nobody_apart() -> None:
    now = {name: values[-1] for name, values in standing(random_race(4, 1, 3)).items()}
    assert tied(now).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_contender_has_a_name_of_its_own(language: str) -> None:
    twins = (Contender(lr=0.1), Contender(lr=0.2), Contender(rule="sgd"), Contender(rule="sgd"), Contender(beta1=0.5))
    result = made(Params(contenders=twins), np.zeros((5, 5, 2, 3)))
    found = names(result, language)
    assert len(set(found)) == 5
    assert "0.1" in found[0] and "0.2" in found[1] and "0.5" in found[4]


# The experiment


@cache
def last(**changes: Any) -> Result:
    *_, result = experiment.train(TINY.replace(**changes))
    return result


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return np.allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_contender_runs_as_it_would_alone() -> None:
    contenders = (Contender(rule="sgd", lr=0.1), Contender(rule="radam", lr=0.01), Contender(rule="nesterov", lr=0.1))
    together = last(contenders=contenders)
    for i, contender in enumerate(contenders):
        alone = last(contenders=(contender,))
        assert close(together.loss[i], alone.loss[0])
        assert np.abs(together.accuracy[i] - alone.accuracy[0]).max() <= 1 / 16 + 1e-6  # a point on the line, at most
    assert not close(together.loss[0], together.loss[1])
    assert len({row[:, 0].tobytes() for row in together.loss}) == 1  # all start from the same weights


def test_seed_i_is_a_race_of_its_own() -> None:
    race = last(seeds=3, data_seed=4, weight_seed=9)
    for i in range(3):
        alone = last(seeds=1, data_seed=4 + i, weight_seed=9 + i)
        assert close(race.loss[:, i], alone.loss[:, 0])


def test_data_and_weights_have_seeds_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, list[np.ndarray]] = {"initial_weights": [], "batch_orders": []}
    for name, kept in drawn.items():
        plain = getattr(experiment, name)
        monkeypatch.setattr(experiment, name, lambda *a, plain=plain, kept=kept: kept.append(plain(*a)) or kept[-1])

    def bits(**changes: int) -> tuple[bytes, bytes, bytes]:
        for kept in drawn.values():
            kept.clear()
        *_, result = experiment.train(TINY.replace(epochs=1, **changes))
        return (
            b"".join(a.tobytes() for a in drawn["initial_weights"]),
            b"".join(a.tobytes() for a in drawn["batch_orders"]),
            result.x.tobytes() + result.y.tobytes(),
        )

    weights, order, points = bits()
    assert bits() == (weights, order, points)
    other = bits(weight_seed=1)
    assert other[0] != weights and other[1:] == (order, points)
    other = bits(data_seed=1)
    assert other[0] == weights and other[1] != order and other[2] != points


def test_a_network_that_diverges_is_shown_and_harms_nothing() -> None:
    contenders = (Contender(rule="sgd", lr=100.0), Contender(rule="adam", lr=0.01))
    params = Params(contenders=contenders, epochs=3, seeds=2)
    *_, result = experiment.train(params)
    loss, accuracy = result.loss[0, :, -1], result.accuracy[0, :, -1]
    assert (~np.isfinite(loss) | (accuracy < 0.2)).all()
    assert (result.accuracy[1, :, -1] > 0.8).all()
    for language in LANGUAGES:
        table = table_ranking(result, language)
        assert table.iloc[:, -1].to_list() == ["0/2", "2/2"]
        for figure in (f for f in FIGURES if f.shown(params)):
            assert figure.draw(result, language).to_json()
            assert figure.summary(result, language)
            assert len(figure.table(result, language))


def test_when_a_member_has_diverged() -> None:
    nan, inf = float("nan"), float("inf")
    courses = {  # training loss tick by tick → the tick from which it is lost
        (2.0, 1.0, 0.5, 0.1): 4,
        (2.0, 19.0, 19.9, 20.0): 4,
        (2.0, 1.0, 20.1, 30.0): 2,
        (2.0, 30.0, 1.0, 0.5): 4,  # it came back
        (2.0, 30.0, 1.0, 40.0): 3,
        (2.0, nan, nan, nan): 1,
        (2.0, 1.0, 30.0, inf): 2,
        (2.0, 1.0, inf, 1.0): 4,
    }
    loss = np.ones((len(courses), 1, 4, 3))
    loss[:, 0, :, TRAIN] = list(courses)
    params = Params(contenders=tuple(Contender(lr=0.001 * (i + 1)) for i in range(len(courses))), seeds=1)
    result = made(params, np.full(loss.shape, 0.5), loss)
    assert diverged_at(result)[:, 0].tolist() == list(courses.values())
    for language in LANGUAGES:
        assert sorted(table_ranking(result, language).iloc[:, -1]) == ["0/1"] * 4 + ["1/1"] * 4
        for figure in (f for f in FIGURES if f.shown(params)):
            assert figure.draw(result, language).to_json() and figure.summary(result, language)


def test_a_run_takes_the_steps_its_cost_says() -> None:
    for changes in ({}, {"batch": 1024}, {"batch": 7, "points": 100}, {"depth": 0, "epochs": 1}, {"depth": 3}):
        params = TINY.replace(**changes)
        *_, result = experiment.train(params)
        assert cost(params).steps == result.step == result.total
        assert result.parameters == sum(i * o + o for i, o in zip(sizes(params), sizes(params)[1:], strict=False))


def test_regions_are_the_probabilities_on_the_plane() -> None:
    result = last(data="blobs", epochs=10, contenders=(Contender(rule="adam", lr=0.05),))
    assert result.accuracy[0, 0, -1].min() > 0.9
    axis = np.linspace(-1.5, 1.5, 48)
    column, row = (np.abs(axis[:, None] - result.x[:, k]).argmin(0) for k in (0, 1))
    predicted = result.region[0, -1][row, column] > 127
    assert (predicted == result.y).mean() > 0.9  # rows upward, columns to the right
    middle = result.region[0, -1]
    assert middle[np.abs(axis + 0.5).argmin(), np.abs(axis + 0.5).argmin()] < 60  # class 0 is at (−0.5, −0.5)
    assert middle[np.abs(axis - 0.5).argmin(), np.abs(axis - 0.5).argmin()] > 195


def test_a_new_contender_has_a_rate_that_suits_its_rule() -> None:
    for rule in ("sgd", "adam", "nadam", "radam", "amsgrad"):
        made_new = fresh(rule, None)
        assert made_new.rule == rule and "lr" in applicable(made_new)
    assert fresh("sgd", None).lr == 0.3 and fresh("radam", None).lr == 0.001


def test_equal_runs_are_equal() -> None:
    *_, again = experiment.train(TINY)
    assert same(last(), again) and arrays(again).keys() == arrays(last()).keys()


# The fused kernel


@pytest.mark.parametrize("changes", [{"depth": 2, "activation": "tanh"}, {"data": "digits", "epochs": 2, "batch": 50}])
def test_both_engines_run_the_same_race(changes: dict[str, Any]) -> None:
    params = TINY.replace(contenders=tuple(Contender(rule=rule, lr=0.01) for rule in RULES), **changes)
    *_, stacked = experiment.train(params)
    *_, fused = experiment.train(params, population=Fused)
    assert np.abs(fused.loss - stacked.loss).max() < 1e-4
    assert np.abs(fused.accuracy - stacked.accuracy).max() <= 1 / 16 + 1e-6  # a point on the line, at most
    assert np.abs(fused.accuracy - stacked.accuracy).mean() < 1e-3
    assert np.abs(fused.region.astype(int) - stacked.region).max(initial=0) <= 1
    for name, values in arrays(fused).items():
        assert values.dtype == arrays(stacked)[name].dtype and values.shape == arrays(stacked)[name].shape


def test_the_fused_race_has_the_same_bits_for_any_chunk() -> None:
    for chunk in (1, 3, 1000):
        *_, result = experiment.train(TINY, population=Fused, chunk=chunk)
        *_, expected = experiment.train(TINY, population=Fused)
        assert same(result, expected)


def test_a_fused_network_that_diverges_is_shown_and_harms_nothing() -> None:
    contenders = (Contender(rule="sgd", lr=100.0), Contender(rule="adam", lr=0.01))
    *_, result = experiment.train(Params(contenders=contenders, epochs=3, seeds=2), population=Fused)
    assert (~np.isfinite(result.loss[0, :, -1]) | (result.accuracy[0, :, -1] < 0.2)).all()
    assert (result.accuracy[1, :, -1] > 0.8).all()
