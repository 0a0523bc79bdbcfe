"""Hyperparameter search against scipy, torch, brute force and searches that are really done step by step."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.nn import functional

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.hyperparameter_search import figures
from core.concepts.hyperparameter_search.claims import CLAIMS, MANY, alike, chance_to_win, chosen, ranks, winners
from core.concepts.hyperparameter_search.importance.params import CHOICES, FACTORS, RATES
from core.concepts.hyperparameter_search.importance.train import explained, share
from core.concepts.hyperparameter_search.params import BATCH, COLUMNS, ROWS, WAYS, Guess, Params, trained, weights
from core.concepts.hyperparameter_search.race.params import (
    BRACKET,
    SEARCHERS,
    SEARCHES,
    brackets,
    rungs,
    spending,
    trainings,
)
from core.concepts.hyperparameter_search.race.tpe import STARTUP, log_density, proposed, widths, windows
from core.concepts.hyperparameter_search.race.train import best_of, drawn_places, survivors
from core.concepts.hyperparameter_search.tasks import first_rows, networks, task_of, value
from core.concepts.hyperparameter_search.train import answer, searched
from core.ml.fused.population import Fused
from core.ml.networks import initial_weights
from core.ml.own import CONTENTS
from core.ml.population import Stacked
from tests.known import SPLIT, known

# That the texts repeat: splits, the confidence's searches, steps of rates and momentum, random settings at first, MANY;
# validation examples of the smallest set; trainings of a grid and of the race
CONSTANTS = {*SPLIT, SEARCHES, STARTUP, 10, 0.001, 0.01, 0.1, 0.9, 0.99, MANY, 9, 81, 20, 36, *RATES["narrow"]}
TINY = experiment("hyperparameter_search").tiny
SMALL = Params(points=50, width=4, epochs=9, searches=3, seeds=2)


@cache
def last(name: str, params: Params = TINY) -> Any:
    *_, result = train_module(f"hyperparameter_search{name}").train(params)
    return result


# The space


def test_equal_steps_are_equal_ratios() -> None:
    params, place = Params(low=1e-3, decades=4.0), np.linspace(0, 1, 5)
    np.testing.assert_allclose(value(params, "rate", place), [1e-3, 1e-2, 0.1, 1, 10])
    np.testing.assert_allclose(1 - value(params, "momentum", np.array([0, 1 / 3, 2 / 3, 1])), [1, 0.1, 0.01, 1e-3])
    np.testing.assert_allclose(np.diff(value(params, "rate", place, linear=True)), (10 - 1e-3) / 4)


def test_a_grid_is_a_grid_and_random_is_random() -> None:
    grid, free, linear = searched(Params(side=4, searches=50), 3)
    for search in grid:
        assert [len(np.unique(search[:, k].round(9))) for k in (0, 1)] == [4, 4]
        np.testing.assert_allclose(np.diff(np.unique(search[:, 0].round(9))), 0.25)
    assert all(len(np.unique(search[:, 0])) == 16 for search in free)
    assert stats.kstest(free.ravel(), "uniform").pvalue > 0.001
    taken = value(Params(), "rate", linear[..., 0])
    assert stats.kstest((taken.ravel() - 1e-4) / (10 - 1e-4), "uniform").pvalue > 0.001
    assert (linear[..., 0] > 0.8).mean() == pytest.approx(0.9, abs=0.03)  # in the highest of five decades


def test_a_training_is_the_one_that_torch_does() -> None:
    """With momentum, L2 and a rate that falls, from larger weights; and the kernel's."""
    params, which = SMALL, np.array([1])
    task, values = task_of(params), {"rate": [0.3], "momentum": [0.8], "l2": [0.01], "decay": [0.5], "gain": [2.0]}
    found = {name: np.array(v) for name, v in values.items()}
    rows = first_rows(params, which)
    both = [networks(params, task, found, which, rows, each, "cpu", past=2.0) for each in (Stacked, Fused)]
    n, w = int(task.bounds[1]), 2 * rows[0]
    net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    torch.nn.utils.vector_to_parameters(torch.tensor(w), net.parameters())
    rule = torch.optim.SGD(net.parameters(), 0.3, momentum=0.8, weight_decay=0.01)
    x, y = torch.tensor(task.x[1]), torch.tensor(task.y[1])
    for epoch in range(3):
        rule.param_groups[0]["lr"] = 0.3 / (1 + 0.5 * (2 + epoch))
        for at in range(0, n, BATCH):
            rows_of = torch.tensor(task.orders[1, epoch, at : at + BATCH].astype(int))
            rule.zero_grad()
            functional.cross_entropy(net(x[rows_of]), y[rows_of]).backward()
            rule.step()
    expected = torch.nn.utils.parameters_to_vector(net.parameters()).detach()
    for nets in both:
        nets.advance(3 * -(-n // BATCH))
        np.testing.assert_allclose(nets.weights[0], expected, rtol=1e-3, atol=1e-5)


def test_the_default_is_thousands_of_trainings() -> None:
    assert trained(Params()) >= 5000
    result = last("")
    assert result.height.shape == (2, 6, ROWS, COLUMNS) and result.place.shape == (3, 2, 1, 4, 2)


@pytest.mark.parametrize("name", ["rate", "momentum", "l2"])
def test_figures_name_the_settings_that_were_trained(name: str) -> None:
    params, place = Params(second=name if name != "rate" else "l2"), np.random.default_rng(0).random(20)
    marks = value(params, name, np.linspace(0, 1, ROWS))
    np.testing.assert_allclose(figures.between(marks, place, name == "momentum"), value(params, name, place), rtol=1e-9)


# What is made of them


def test_a_search_chooses_by_validation() -> None:
    result = last("", SMALL)
    for way, seed in np.ndindex(3, 2):
        picks = [int(v.argmax()) for v in result.validation[way, seed, :, -1]]
        tests = [t[i] for t, i in zip(result.test[way, seed, :, -1], picks)]
        assert chosen(result)[way, seed, 1] == pytest.approx(np.mean(tests))


def test_the_winner_of_n_is_counted_rightly() -> None:
    """Against all ways to draw n of 7."""
    rng = np.random.default_rng(0)
    validation, test = rng.permuted(np.tile(np.arange(7.0), (2, 1)), axis=1), rng.random((2, 7))
    arrays = {"validation": validation, "test": test}
    given = {name: np.broadcast_to(v[None, :, None, None], (3, 2, 1, 1, 7)) for name, v in arrays.items()}
    found = winners(known(experiment("hyperparameter_search").Result, Params(seeds=2), **given))  # type: ignore[arg-type]
    for n in range(1, 4):
        draws = [list(draw) for draw in combinations(range(7), n)]
        for seed in range(2):
            best = [draw[int(validation[seed, draw].argmax())] for draw in draws]
            assert found[0, seed, n - 1] == pytest.approx(validation[seed, best].mean())
            assert found[1, seed, n - 1] == pytest.approx(test[seed, best].mean())
    assert chance_to_win(9, 9)[0] == 1 and chance_to_win(9, 4).sum() == pytest.approx(1)


# The race


def test_windows_are_densities() -> None:
    rng = np.random.default_rng(0)
    centres, sigma = windows(rng.random((2, 5, 3)))
    for k in range(3):
        total, _ = integrate.quad(
            lambda v, k=k: np.exp(log_density(np.full((2, 1, 3), v), centres, sigma))[1, 0, k], 0, 1
        )
        assert total == pytest.approx(1, abs=1e-6)
    at = rng.random((2, 4, 3))
    c, s = centres[0, :, 0], sigma[0, :, 0]
    truth = [stats.truncnorm.pdf(v, -c / s, (1 - c) / s, c, s).mean() for v in at[0, :, 0]]
    np.testing.assert_allclose(np.exp(log_density(at, centres, sigma))[0, :, 0], truth)
    np.testing.assert_allclose(widths(np.array([[[0.5], [0.1], [0.7]]]))[0, :, 0], [0.4, 0.4, 0.3])


def test_the_estimator_comes_closer_than_chance() -> None:
    rng, places = np.random.default_rng(0), np.zeros((30, 0, 2))
    for _ in range(40):
        scores = -np.abs(places - [0.3, 0.8]).sum(-1)
        places = np.concatenate([places, proposed(places, scores, rng)[:, None]], 1)
    off = np.abs(places - [0.3, 0.8]).sum(-1)
    assert ((places >= 0) & (places <= 1)).all()
    assert off[:, -10:].mean() < 0.4 * off[:, :STARTUP].mean()


def test_halving_keeps_the_best_by_then() -> None:
    rng = np.random.default_rng(0)
    seen = [rng.random((4, BRACKET, 2)) for _ in range(3)]
    found = survivors(seen)
    for s in range(4):
        first = list(np.argsort(-seen[0][s, :, 0]))
        three = sorted(first[:3], key=lambda i: -seen[1][s, i, 0])
        for rung, i in enumerate((first[0], three[0], three[0])):
            np.testing.assert_array_equal(found[s, rung], seen[rung][s, i])


def test_all_spend_the_same() -> None:
    params = Params(epochs=27, levels=2)
    assert rungs(params) == (3, 9, 27) and trainings(params) == 16
    np.testing.assert_allclose(spending(params) * 27, [27, 27 + 18, 27 + 18 + 18])
    assert spending(params)[-1] * (brackets(params) - 1) < 16 <= spending(params)[-1] * brackets(params)
    place, nine = drawn_places(params.replace(seeds=2))
    assert place.shape == (len(SEARCHERS), 2 * SEARCHES, 16, 4) and nine.shape[2] == BRACKET
    grid = place[SEARCHERS.index("grid"), 0]
    assert [len(np.unique(grid[:, k].round(9))) for k in range(4)] == [2] * 4


def test_the_best_so_far_never_falls_and_has_its_own_test_accuracy() -> None:
    result = last(".race")
    assert (np.diff(result.best, axis=-1) >= 0).all() and result.best.shape[-1] == 16
    stays = np.diff(result.best, axis=-1) == 0
    assert (np.diff(result.test, axis=-1)[stays] == 0).all()  # the first of equals
    found = best_of(np.array([[[0.5, 0.1], [0.7, 0.2], [0.7, 0.9]]]))
    np.testing.assert_array_equal(found, [[0.7, 0.2]])


# Importance


def test_a_share_is_what_scipy_says() -> None:
    """ε² = (F − 1) · (k − 1) / (F · (k − 1) + n − k), by the F of an analysis of variance."""
    rng = np.random.default_rng(0)
    group = rng.integers(4, size=200)
    y = rng.standard_normal(200) + 0.5 * group
    f = stats.f_oneway(*(y[group == k] for k in range(4))).statistic
    assert share(group, y) == pytest.approx((f - 1) * 3 / (f * 3 + 196))
    assert np.isnan(share(group, np.ones(200)))


def test_shares_of_a_known_function() -> None:
    """Two independent parts of variances 1/12 and 4/12, and a rest that is no one's."""
    place = np.random.default_rng(0).random((1, 3, 20_000, len(FACTORS)))
    for name, count in {"epochs": 3, **{name: len(options) for name, options in CHOICES.items()}}.items():
        place[..., FACTORS.index(name)] = np.floor(count * place[..., FACTORS.index(name)])
    y = place[..., 0] + 2 * place[..., 1]
    found = explained(place, y)["share"].mean((0, 1))
    np.testing.assert_allclose(found, [0.2, 0.8, *np.zeros(8)], atol=0.02)


def test_orders_are_compared_as_scipy_does() -> None:
    shares = np.random.default_rng(0).random((4, 3, len(FACTORS)))
    found = ranks(known(experiment("hyperparameter_search.importance").Result, Params(seeds=3), share=shares))
    truth = stats.spearmanr(shares[0, 1, :-1], shares[1, 2, :-1]).statistic
    assert alike(found[0, 1], found[1, 2]) == pytest.approx(truth)


def test_a_setting_has_the_accuracy_of_its_own_training() -> None:
    """The first drawn setting, trained by torch alone."""
    params = TINY
    result, task = last(".importance"), task_of(params)
    chosen_of = dict(zip(FACTORS, result.place[0, 1, 0]))
    named = {name: options[int(chosen_of[name])] for name, options in CHOICES.items()}
    rate = 1e-4 * 1e5 ** chosen_of["rate"]
    momentum, decay = (value(params, name, np.array(chosen_of[name])) for name in ("momentum", "decay"))
    epochs, n = params.epochs * (1 + int(chosen_of["epochs"])) // 3, int(task.bounds[1])
    sizes = [2, *[named["width"]] * named["depth"], 2]
    units = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}[named["activation"]]
    layers = [part for i, o in pairwise(sizes) for part in (torch.nn.Linear(i, o), units())][:-1]
    net = torch.nn.Sequential(*layers)
    torch.nn.utils.vector_to_parameters(torch.tensor(initial_weights(tuple(sizes), 1)), net.parameters())
    rule = torch.optim.SGD(net.parameters(), rate, momentum=float(momentum))
    x, y = torch.tensor(task.x[1]), torch.tensor(task.y[1])
    for epoch in range(epochs):
        rule.param_groups[0]["lr"] = rate / (1 + float(decay) * epoch)
        for at in range(0, n, named["batch"]):
            rows = torch.tensor(task.orders[1, epoch, at : at + named["batch"]].astype(int))
            z, target = net(x[rows]), functional.one_hot(y[rows], 2)
            squared = (z - (2.0 * target - 1)).square().mean()
            rule.zero_grad()
            (squared if named["loss"] == "squared" else functional.cross_entropy(z, y[rows])).backward()
            rule.step()
    a, b = task.bounds[1:3]
    right = (net(x[a:b]).argmax(1) == y[a:b]).double().mean().item()
    assert result.accuracy[0, 1, 0] == pytest.approx(right, abs=1e-6)


# The reader


def test_a_readers_search_is_trained_as_the_others_are() -> None:
    result = last("", SMALL)
    places = tuple(map(tuple, result.place[1, 0, 0].round(6)))
    found = answer(SMALL, result, {}, Guess(places=places))
    np.testing.assert_allclose(found.validation, result.validation[1, 0, 0, -1], atol=0.11)  # one example, by rounding
    assert np.isfinite(found.others).all() and found.others[1] == pytest.approx(
        result.validation[1, 0, :, -1].max(-1).mean(), abs=1e-6
    )
    more = answer(SMALL, result, {}, Guess(places=places + places))
    assert np.isnan(more.others).all() and "fewer" in figures.summary_guess(more, "en")
    assert figures.draw_guess(found, "zh").data and "0." in figures.summary_guess(found, "zh")


OWN = ("a,b,c,label\n" + "".join(f"{i},{1000 * (i * i % 7)},{i % 3},{'xyz'[i % 3]}\n" for i in range(60))).encode()
NAME = f"sha256:{hashlib.sha256(OWN).hexdigest()}:60x3x3"


@pytest.mark.parametrize("part", ["", ".race", ".importance"])
def test_a_readers_table_is_searched_on(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENTS, NAME, OWN)
    result = last(part, TINY.replace(own=NAME, seeds=1))
    assert result.complete
    for figure in load("hyperparameter_search").figures:
        if figure.of == part[1:]:
            assert "nan" not in figure.summary(result, "en") and len(figure.table(result, "zh"))


def test_weights_are_those_of_the_networks_chosen() -> None:
    run = train_module("hyperparameter_search").train(SMALL)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            state = end.value
            break
    named = weights(result, state)
    assert named["0.weight"].shape == (3, 2, 4, 2)
    task = task_of(SMALL)
    a, b = task.bounds[1:3]
    for way, seed in np.ndindex(3, 2):
        w, c, v, d = (named[f"{k}.{part}"][way, seed] for k in (0, 1) for part in ("weight", "bias"))
        z = np.maximum(task.x[seed, a:b] @ w.T + c, 0) @ v.T + d
        right = (z.argmax(1) == task.y[seed, a:b]).mean()
        assert right == pytest.approx(result.validation[way, seed, 0, -1].max(), abs=1e-6)


# Measures


def asked(id: str) -> Params:
    return next(c for c in CLAIMS if c.id == id).params


def searches(id: str, validation: float = 0.9, **test: float) -> BaseResult:
    """All trainings of a way with the same accuracies."""
    shape = (len(WAYS), 20, 12, 1, 9)
    tests = np.full(shape, 0.9)
    for way, accuracy in test.items():
        tests[WAYS.index(way)] = accuracy
    kind = experiment("hyperparameter_search").Result
    return known(kind, asked(id), validation=np.full(shape, validation), test=tests)


def lucky(luck: float) -> BaseResult:
    """Validation accuracy is chance."""
    noise = np.random.default_rng(0).uniform(-luck, luck, (len(WAYS), 20, 12, 1, 9))
    kind = experiment("hyperparameter_search").Result
    return known(kind, asked("optimism"), validation=0.7 + noise, test=np.full(noise.shape, 0.7))


def race(id: str, **test: float) -> BaseResult:
    tests = np.full((len(SEARCHERS), 20, SEARCHES, 2), 0.8)
    for name, accuracy in test.items():
        tests[SEARCHERS.index(name)] = accuracy
    return known(experiment("hyperparameter_search.race").Result, asked(id), test=tests)


def shared(*rows: list[int]) -> BaseResult:
    """Shares of the first cases, as these orders have them, the last is the most important; the others as the first."""
    values = np.tile(np.array([*rows, *[rows[0]] * (4 - len(rows))])[:, None] / 100, (1, 20, 1))
    return known(experiment("hyperparameter_search.importance").Result, asked("rate"), share=values)


FIRST, LAST = [90, 80, 70, 60, 50, 40, 30, 20, 10, 0], [10, 20, 30, 40, 50, 60, 70, 80, 90, 30]
KNOWN = {
    "random": (searches("random", grid=0.8), searches("random", grid=0.95)),
    "both": (searches("both", grid=0.95), searches("both", grid=0.8)),
    "broad": (searches("broad"), searches("broad", grid=0.8)),
    "log": (searches("log", linear=0.5), searches("log")),
    "decade": (searches("decade"), searches("decade", linear=0.5)),
    "optimism_one": (searches("optimism_one"), searches("optimism_one", random=0.7)),
    "optimism": (lucky(0.2), lucky(0.0)),
    "grid_four": (race("grid_four", grid=0.7), race("grid_four", grid=0.9)),
    "tpe": (race("tpe", tpe=0.9), race("tpe", tpe=0.7)),
    "halving": (race("halving", halving=0.9), race("halving", halving=0.7)),
    "caviar": (race("caviar", panda=0.7), race("caviar", panda=0.9)),
    "watched": (race("watched", alone=0.7), race("watched", alone=0.9)),
    "rate": (shared(FIRST), shared(LAST)),
    "rate_narrow": (shared(FIRST, LAST), shared(FIRST, FIRST)),
    "noted": (shared(FIRST), shared(LAST)),
    "by_range": (shared(FIRST, LAST), shared(FIRST, FIRST)),
    "by_data": (shared(FIRST, FIRST, LAST), shared(FIRST, LAST, FIRST)),
    "nothing": (shared(FIRST), shared(LAST)),
    "linear": (searches("log", linear=0.5), searches("log")),
    "reported": (lucky(0.2), lucky(0.0)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("hyperparameter_search")
    for claim in CLAIMS:
        first = next(train_module(concept.of(claim).name).train(TINY))
        assert claim.measure(first) is None
    elsewhere = last("", TINY.replace(data="rings", decades=2.0))
    silent = {claim.id for claim in CLAIMS if not claim.of and claim.measure(elsewhere) is None}
    assert silent == {"random", "both", "broad", "log", "decade", "optimism"}
    one = shared(FIRST)
    measure = next(c for c in CLAIMS if c.id == "by_range").measure
    assert measure(known(type(one), Params(seeds=1), share=np.zeros((4, 1, len(FACTORS))))) is None


def test_the_question_is_answered() -> None:
    (question,) = load("hyperparameter_search").predictions
    answer_of, found = question.answer(searches("random", grid=0.8))  # type: ignore[misc]
    assert answer_of == "more" and found["trials"] == 9
    assert question.answer(searches("random"))[0] == "even"  # type: ignore[index]
