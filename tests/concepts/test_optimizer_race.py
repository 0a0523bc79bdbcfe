"""The optimizer race: its claims on known results, its figures against brute force, and its fairness."""

from __future__ import annotations

import dataclasses
import itertools
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from core.concept.catalog import LANGUAGES
from core.concept.params import applicable
from core.concept.parts import Claim
from core.concept.result import arrays, same
from core.concepts.optimizer_race import train as experiment
from core.concepts.optimizer_race import tuning
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
from core.concepts.optimizer_race.params import (
    PRESETS,
    TINY,
    Params,
    Result,
    cost,
    fresh,
    measured,
    moments,
    rates,
    side,
    sizes,
)
from core.conclusions.measures import preset
from core.ml.costs import weight_count
from core.ml.fused.population import Fused
from core.ml.networks import initial_weights
from core.ml.rules import RULES, Contender
from core.ml.splits import three_splits
from core.runs.store import LARGEST_RESULT
from tests.known import DIGITS, SPLIT

TRAIN, VALIDATION, TEST = range(3)


# Numbers of the code that the texts repeat.
SENSITIVITY = preset(Params(), PRESETS, "sensitivity")
TRIED = 2 * SENSITIVITY.sweep + 1
CONSTANTS = SPLIT | DIGITS | {100 * tuning.GOOD, tuning.RESAMPLES, 19, TRIED, 3}
CONSTANTS |= {len(SENSITIVITY.contenders) * TRIED * SENSITIVITY.seeds, weight_count(sizes(Params()))}
CONSTANTS |= {
    SENSITIVITY.epochs * -(-SENSITIVITY.points * 0.6 // 10),
    weight_count(sizes(preset(Params(), PRESETS, "paths"))),
}


def made(params: Params, accuracy: np.ndarray, loss: np.ndarray | None = None, steps_per_epoch: int = 34) -> Result:
    """A finished race with these accuracies [contender, seed, tick, split], a sweep with [contender, rate, …]."""
    accuracy = accuracy if params.sweep else accuracy[:, None]
    loss = 1 - accuracy if loss is None else loss if params.sweep else loss[:, None]
    ticks, nothing = accuracy.shape[3], np.zeros((len(accuracy), 0), np.float32)
    return Result(
        params,
        step=(ticks - 1) * steps_per_epoch,
        total=(ticks - 1) * steps_per_epoch,
        epoch=np.arange(ticks),
        loss=loss[:, params.sweep].astype(np.float32),
        accuracy=accuracy[:, params.sweep].astype(np.float32),
        rate=rates(params),
        sweep_loss=loss.astype(np.float32),
        sweep_accuracy=accuracy.astype(np.float32),
        step_seconds=np.full(len(accuracy), 1e-4),
        steps_per_epoch=steps_per_epoch,
        parameters=10,
        x=np.zeros((0, 64), np.float32),
        y=np.zeros(0, int),
        region_epoch=np.zeros(0, int),
        region=np.zeros((len(accuracy), 0, 48, 48), np.uint8),
        moment=np.zeros(0, int),
        path=np.zeros((len(accuracy), 0, 2), np.float32),
        path_loss=nothing,
        moved=nothing,
        slice_at=np.zeros((0, 2), np.float32),
        slice_loss=np.zeros((0, 0), np.float32),
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


def swept(claim: Claim, gain: float, decades: float) -> Result:
    """A sweep in which accuracy over log rate is a plateau with slopes: the claim's rule (its first word) is `gain`
    higher on test data and its range of good rates `decades` wider. Test data alone like another rate best."""
    params, rng = claim.params, np.random.default_rng(1)
    rule = claim.id.split("_")[0]
    log = np.log10(rates(params))
    log -= log[:, [params.sweep]]
    accuracy = rng.random((len(log), log.shape[1], params.seeds, 3, 3)) / 2
    for i, contender in enumerate(params.contenders):
        mine = contender.rule == rule
        level = 0.9 - 0.4 * np.maximum(np.abs(log[i]) - (0.5 + decades / 2 * mine), 0)
        accuracy[i, :, :, -1] = level[:, None, None] - 1e-4 * np.abs(log[i])[:, None, None] - 0.01 * rng.random()
        accuracy[i, :, :, -1, TEST] += gain * mine + rng.normal(0, 0.002, (log.shape[1], params.seeds))
        accuracy[i, 0, :, -1, TEST] = 0.99
    return made(params, accuracy)


KNOWN = {claim.id: (with_gain(claim.params, 0.03), with_gain(claim.params, 0.0)) for claim in CLAIMS[:4]}
for _claim in CLAIMS[4:]:
    if _claim.unit == "decades":
        KNOWN[_claim.id] = swept(_claim, 0, 0.6), swept(_claim, 0, 0.0)
    elif _claim.direction == "below":  # not far behind the best
        KNOWN[_claim.id] = swept(_claim, 0.02, 0), swept(_claim, -0.05, 0)
    else:
        KNOWN[_claim.id] = swept(_claim, 0.03, 0), swept(_claim, -0.03, 0)


def test_measures_are_differences_of_the_last_test_accuracies_seed_by_seed() -> None:
    for claim in CLAIMS[:4]:
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
        if claim.params.sweep:
            assert claim.measure(KNOWN["momentum_same_rate"][0]) is None  # no sweep
            continue
        other = result.params.replace(contenders=(Contender(rule="sgd", lr=0.7), Contender(rule="adam", lr=0.6)))
        assert claim.measure(made(other, result.accuracy[:2].astype(float))) is None


# The sweep


def random_sweep(seeds: int, contenders: int = 3, sweep: int = 2, likeness: float = 0.02) -> Result:
    """Accuracies in steps of `likeness`, so that there are ties."""
    rng = np.random.default_rng(seeds)
    params = Params(contenders=tuple(Contender(lr=0.01 * (i + 1)) for i in range(contenders)), seeds=seeds, sweep=sweep)
    shape = (contenders, 2 * sweep + 1, seeds, 3, 3)
    accuracy = np.round(rng.uniform(0.8, 0.9, shape) / likeness) * likeness
    loss = rng.uniform(0.1, 1.0, shape)
    loss[rng.random(shape) < 0.1] = np.nan
    loss[rng.random(shape) < 0.1] = np.inf
    return made(params, accuracy, loss)


def choose(result: Result, seeds: list[int]) -> list[int]:
    """The rate of each contender, by looking at one after the other, on these seeds (some maybe more than once)."""
    picked = []
    for c in range(len(result.rate)):
        best: tuple[float, float] | None = None
        for r in range(result.rate.shape[1]):
            hits = sum(round(float(result.sweep_accuracy[c, r, s, -1, VALIDATION]) * 1e6) for s in seeds)
            losses = [float(result.sweep_loss[c, r, s, -1, VALIDATION]) for s in seeds]
            lost = sum(v if np.isfinite(v) else 1e3 for v in losses)
            if best is None or (hits, -lost) > best:
                best, at = (hits, -lost), r
        picked.append(at)
    return picked


def test_rates_are_chosen_on_validation_and_judged_on_test() -> None:
    for seeds in (1, 3, 6):
        result = random_sweep(seeds)
        expected = choose(result, list(range(seeds)))
        assert tuning.chosen(result).tolist() == expected
        for c, r in enumerate(expected):
            assert np.array_equal(tuning.tuned(result)[c], result.sweep_accuracy[c, r, :, -1, TEST].astype(float))
            assert tuning.at_edge(result)[c] == (r in (0, 4))
            assert tuning.tuned_contenders(result)[c].lr == pytest.approx(0.01 * (c + 1) * 5.0 ** (r - 2), rel=1e-5)
        other = result.sweep_accuracy.copy()
        other[..., TEST] = 0
        blind = dataclasses.replace(result, sweep_accuracy=other)
        assert tuning.chosen(blind).tolist() == expected  # test data have no say


def test_the_chance_of_being_best_over_all_draws_of_the_seeds() -> None:
    result = random_sweep(4)
    exact = np.zeros((2, 3))
    for draw in itertools.product(range(4), repeat=4):
        for which, columns in enumerate(([2, 2, 2], choose(result, list(draw)))):
            means = [
                round(sum(float(result.sweep_accuracy[c, r, s, -1, TEST]) for s in draw), 6)
                for c, r in enumerate(columns)
            ]
            first = [c for c in range(3) if means[c] == max(means)]
            exact[which, first] += 1 / len(first) / 4**4
    found = np.array(tuning.chance_of_best(result))
    assert np.abs(found - exact).max() < 4 * 0.5 / np.sqrt(tuning.RESAMPLES)
    assert found.sum(1) == pytest.approx(1) and exact.std() > 0.1
    one = random_sweep(1)
    assert set(np.concatenate(tuning.chance_of_best(one))) <= {0.0, 1 / 3, 0.5, 1.0}


def test_the_chance_of_being_best_agrees_with_scipys_bootstrap() -> None:
    result = random_race(3, 8, 3)
    last = result.accuracy[:, :, -1, TEST].astype(float)

    def first_is_best(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float(a.mean() > max(b.mean(), c.mean()))

    drawn = stats.bootstrap(
        tuple(last), first_is_best, paired=True, vectorized=False, n_resamples=2000, method="percentile", rng=0
    )
    share = float(drawn.bootstrap_distribution.mean())
    assert tuning.chance_of_best(result)[0][0] == pytest.approx(share, abs=0.06)


def test_the_range_of_good_rates_is_where_the_line_stays_near_its_top() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        rate = np.sort(10 ** rng.uniform(-5, 1, 8))
        value = rng.uniform(0.9, 0.95, 8).astype(np.float32).astype(float)
        low, high = tuning.good_band(rate, value)
        fine = np.linspace(np.log10(rate[0]), np.log10(rate[-1]), 200_001)
        good = np.interp(fine, np.log10(rate), value) >= value.max() - tuning.GOOD
        at = int(np.abs(fine - np.log10(rate[value.argmax()])).argmin())
        left = at - int((~good[: at + 1][::-1]).argmax()) + 1 if not good[: at + 1].all() else 0
        right = at + int((~good[at:]).argmax()) - 1 if not good[at:].all() else len(fine) - 1
        assert np.log10([low, high]) == pytest.approx([fine[left], fine[right]], abs=1e-4)


def test_pairs_are_told_apart_as_a_paired_t_test_does() -> None:
    accuracy = random_race(5, 7, 4).accuracy[:, :, -1, TEST].astype(float)
    found = tuning.told_apart(accuracy)
    for i, j in itertools.permutations(range(5), 2):
        different = stats.ttest_rel(accuracy[i], accuracy[j]).pvalue < 0.05
        assert found[i, j] == (np.sign(accuracy[i].mean() - accuracy[j].mean()) if different else 0)
    assert not tuning.told_apart(accuracy[:, :1]).any()


def test_measures_of_a_sweep() -> None:
    claims = {claim.id: claim for claim in CLAIMS}
    for id in ("momentum_tuned", "adam_digits", "adam_usual"):
        claim, result = claims[id], KNOWN[id][1]
        picked = choose(result, list(range(20)))
        rows = {c.rule: i for i, c in enumerate(result.params.contenders)}
        last = result.sweep_accuracy[..., -1, :].astype(float)
        each = {rule: last[c, picked[c], :, TEST] for rule, c in rows.items()}
        if id == "momentum_tuned":
            expected = each["momentum"] - each["sgd"]
        else:
            named = max((r for r in rows if r != "adam"), key=lambda r: last[rows[r], picked[rows[r]], :, 1].mean())
            adam = last[rows["adam"], 4, :, TEST] if id == "adam_usual" else each["adam"]
            expected = each[named] - adam
        assert claim.measure(result) == pytest.approx(expected, abs=1e-12)
    widths = claims["adam_less_tuning"].measure(KNOWN["adam_less_tuning"][0])
    assert widths == pytest.approx(np.full(20, 0.6), abs=0.02)


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_of_a_sweep_with_lost_networks(language: str) -> None:
    for result in (random_sweep(1), random_sweep(5, contenders=1), random_sweep(3, contenders=12, sweep=12)):
        for figure in (f for f in FIGURES if f.shown(result.params)):
            assert figure.draw(result, language).to_json()
            assert "nan" not in figure.summary(result, language) and len(figure.table(result, language))


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
        assert table.iloc[:, -1].to_list() == [0, 2]
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
        assert sorted(table_ranking(result, language).iloc[:, -1]) == [0] * 4 + [1] * 4
        for figure in (f for f in FIGURES if f.shown(params)):
            assert figure.draw(result, language).to_json() and figure.summary(result, language)


def test_a_run_takes_the_steps_its_cost_says() -> None:
    for changes in ({}, {"batch": 1024}, {"batch": 7, "points": 100}, {"depth": 0, "epochs": 1}, {"depth": 3}):
        params = TINY.replace(**changes)
        *_, result = experiment.train(params)
        assert cost(params).steps == result.step == result.total
        assert result.parameters == sum(i * o + o for i, o in zip(sizes(params), sizes(params)[1:], strict=False))


def test_a_rate_of_a_sweep_is_a_race_of_its_own() -> None:
    swept, plain = last(sweep=2, factor=3.0), last(sweep=0)
    assert swept.rate.shape == (2, 5) and plain.rate.shape == (2, 1)
    assert close(swept.loss, plain.loss) and close(swept.sweep_loss[:, 2], swept.loss)
    for k in (0, 4):
        contenders = tuple(c.replace(lr=c.lr * 3.0 ** (k - 2)) for c in TINY.contenders)
        assert swept.rate[:, k] == pytest.approx([c.lr for c in contenders])
        alone = last(contenders=contenders, sweep=0)
        assert close(swept.sweep_loss[:, k], alone.loss)
    assert rates(Params(contenders=(Contender(lr=50.0),), sweep=12, factor=10.0)).max() == 100.0


def test_a_sweep_is_measured_less_often_and_its_result_stays_small() -> None:
    for epochs in (1, 3, 15, 16, 100, 300):
        found = measured(Params(epochs=epochs, sweep=1))
        assert found[0] == 0 and found[-1] == epochs and len(found) == min(epochs, 15) + 1 == len(set(found))
        assert measured(Params(epochs=epochs)).tolist() == list(range(epochs + 1))
    result = last(epochs=20, seeds=1, sweep=1, surface=False)
    assert result.epoch.tolist() == measured(result.params).tolist() and len(result.epoch) == 16
    steps = effort(result)  # three an epoch
    assert set(steps[np.isfinite(steps)]) <= set(3.0 * result.epoch) and np.nanmax(steps) > 6
    largest = Params(contenders=tuple(Contender(lr=0.01 * (i + 1)) for i in range(12)), seeds=20, sweep=12, epochs=300)
    cells = 12 * 20 * len(measured(largest)) * 3 * 4 * 2 * (25 + 1)
    assert cells + 12 * 31 * 48 * 48 + 12 * 61 * 4 * 4 + 33 * 35 * 4 + 2000 * 3 * 4 < LARGEST_RESULT


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


# The slice of the loss surface


@cache
def sliced(**changes: Any) -> tuple[Result, tuple[np.ndarray, ...], np.ndarray]:
    """A finished race, what `plane` gave, and the walk it was given."""
    seen: list[Any] = []
    plain, experiment.plane = experiment.plane, lambda *a: seen.append((a[0], plain(*a))) or seen[-1][1]
    try:
        *_, result = experiment.train(TINY.replace(**changes))
    finally:
        experiment.plane = plain
    return result, seen[0][1], seen[0][0]


def test_the_loss_on_the_slice_is_that_of_the_real_network() -> None:
    for changes in ({}, {"data": "digits", "epochs": 1, "batch": 200, "depth": 2, "width": 5, "activation": "tanh"}):
        result, (path, _, directions), walk = sliced(**changes)
        params = result.params
        data = three_splits(params.data, params.own, params.points, params.noise, params.data_seed)
        x, y = torch.as_tensor(data.x[0]), torch.as_tensor(data.y[0])
        start = initial_weights(sizes(params), params.weight_seed)

        def loss(weights: np.ndarray, params: Params = params, x: Any = x, y: Any = y) -> float:
            activation = {"relu": torch.relu, "tanh": torch.tanh}[params.activation]
            h, at = x.double(), 0
            for layer, (i, o) in enumerate(itertools.pairwise(sizes(params))):
                h = activation(h) if layer else h
                w, b = np.split(weights[at : at + (i + 1) * o], [i * o])
                h, at = torch.nn.functional.linear(h, torch.tensor(w).view(o, i), torch.tensor(b)), at + (i + 1) * o
            return float(torch.nn.functional.cross_entropy(h, y))

        for row, column in ((0, 0), (3, 30), (16, 16), (32, 7)):
            place = np.array([result.slice_at[column, 0], result.slice_at[row, 1]], float)
            assert result.slice_loss[row, column] == pytest.approx(loss(start + place @ directions), rel=1e-3)
        for c, k in ((0, 0), (0, 3), (1, -1)):
            assert result.path_loss[c, k] == pytest.approx(loss(start + walk[c, k].astype(float)), rel=1e-4)
        assert np.allclose(result.path_loss[:, [0, -1]], result.loss[:, 0, [0, -1], TRAIN], rtol=1e-4)
        assert result.moment[0] == 0 and result.moment[-1] == result.total
        assert np.allclose(result.moved, np.linalg.norm(walk.astype(float), axis=2), rtol=1e-5)
        low, high = result.slice_at[[0, -1]]
        assert (path >= low).all() and (path <= high).all()


def test_the_plane_is_that_of_the_principal_components() -> None:
    rng = np.random.default_rng(5)
    walk = (
        np.cumsum(rng.normal(size=(3, 20, 40)) + rng.normal(size=(3, 1, 40)), axis=1)
        * np.array([1, 9, 0.1])[:, None, None]
    )
    walk = np.concatenate([np.zeros((3, 1, 40)), walk], axis=1).astype(np.float32)
    path, moved, directions = experiment.plane(walk, 0)
    assert directions @ directions.T == pytest.approx(np.eye(2), abs=1e-9)
    scaled = np.concatenate([w / np.linalg.norm(w, axis=1).max() for w in walk.astype(float)])
    _, _, components = np.linalg.svd(scaled)
    assert np.abs(directions @ components[:2].T) == pytest.approx(np.eye(2), abs=1e-5)
    assert path == pytest.approx(walk.astype(float) @ directions.T, abs=1e-3)
    assert moved == pytest.approx(np.linalg.norm(walk, axis=2), rel=1e-5)
    assert path.sum(axis=(0, 1)).min() != 0


def test_a_plane_for_paths_that_span_none_and_for_lost_ones() -> None:
    line = np.zeros((1, 4, 30), np.float32)
    line[0, :, 3] = [0, 1, 2, 3]
    path, _, directions = experiment.plane(line, 0)
    assert directions @ directions.T == pytest.approx(np.eye(2), abs=1e-9)
    assert np.abs(path[0]) == pytest.approx(np.array([[0, 0], [1, 0], [2, 0], [3, 0]]), abs=1e-3)
    lost = np.concatenate([line, np.full((1, 4, 30), np.inf, np.float32), np.full((1, 4, 30), 1e30, np.float32)])
    lost[1:, 0] = 0
    path, _, directions = experiment.plane(lost, 0)
    assert np.isfinite(directions).all() and np.abs(path[0, -1]).max() > 1 and not np.isfinite(path[1, 1:]).any()
    places = experiment.around(path, 9)
    assert np.isfinite(places).all() and np.ptp(places, axis=0) == pytest.approx(np.ptp(places, axis=0)[[1, 0]])
    assert (
        experiment.around(np.full((2, 3, 2), np.nan), 5).tolist() == experiment.around(np.zeros((1, 3, 2)), 5).tolist()
    )


def test_a_race_in_which_all_are_lost_has_a_surface_without_paths() -> None:
    contenders = (Contender(rule="sgd", lr=100.0), Contender(rule="momentum", lr=100.0))
    *_, result = experiment.train(TINY.replace(data="digits", contenders=contenders, epochs=6, width=64, depth=3))
    for language in LANGUAGES:
        for figure in (f for f in FIGURES if f.shown(result.params)):
            assert figure.draw(result, language).to_json()
            assert "nan" not in figure.summary(result, language) and len(figure.table(result, language))


def test_the_slice_is_bounded_for_large_networks() -> None:
    for changes in (
        {},
        {"width": 256, "depth": 6},
        {"own": f"sha256:{'0' * 64}:100000x64x20", "width": 256, "depth": 6},
    ):
        params = Params(contenders=(Contender(),) * 12, surface=True, **changes)
        weights = sum((i + 1) * o for i, o in itertools.pairwise(sizes(params)))
        assert len(moments(params, 5000)) * 12 * weights <= max(10_000_000, 3 * 12 * weights)
        assert 9 <= side(params) <= 33
        assert cost(params).flops_per_step > cost(params.replace(surface=False)).flops_per_step


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
