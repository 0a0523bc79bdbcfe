"""Error analysis against scipy, scikit-learn, torch.optim and brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm
from sklearn import metrics
from torch import nn
from torch.nn import functional

from core.concept.parts import load
from core.concepts.error_analysis import claims, data, networks
from core.concepts.error_analysis import params as about
from core.concepts.error_analysis.data import CENTRES, OWNER, Clouds, best_confusion, clouds, pools, turned
from core.concepts.error_analysis.divisions.params import SHARES, TOTALS
from core.concepts.error_analysis.networks import Game, visits
from core.concepts.error_analysis.params import BARS, MOVES, PRESETS, Params, layout, open_moves, setup, stages
from core.concepts.error_analysis.rare.params import MEASURES, ROWS
from core.concepts.error_analysis.rare.train import measures, problem
from core.concepts.error_analysis.train import network_says
from core.conclusions.measures import preset
from core.ml.networks import initial_weights
from core.ml.population import Stacked
from tests.known import known

CONSTANTS = {
    *(100 * part for pair in SHARES.values() for part in pair), *TOTALS, about.TARGETED, about.TARGETS, about.TURN,
    about.WIDEST, about.QUESTIONS, Params().weight, 100 * Params().share, Params().weight + 1,
}  # fmt: skip


# Densities


def test_densities_are_those_of_scipy_and_points_follow_them() -> None:
    where, x = clouds(Params(), 25), np.random.default_rng(0).uniform(-1.5, 1.5, (50, 2))
    turn = np.array([[np.cos(np.pi * 25 / 180), -np.sin(np.pi * 25 / 180)], [np.sin(np.pi * 25 / 180), 0.90630779]])
    found = np.zeros((50, 3))
    for centre, owner in zip(CENTRES, OWNER):
        found[:, owner] += multivariate_normal(turn @ centre, 0.2**2 * np.eye(2)).pdf(x) / 9
    np.testing.assert_allclose(where.density(x), found, rtol=1e-6, atol=1e-12)
    points, y = where.draw(60_000, np.random.default_rng(1))
    wrong = (where.density(points).argmax(1) != y).mean()
    error = 1 - np.trace(best_confusion(where))
    assert wrong == pytest.approx(error, abs=4 * np.sqrt(error * (1 - error) / 60_000))
    assert error == pytest.approx(1 - np.trace(best_confusion(clouds(Params()))), abs=1e-4)  # turned it is the same


def test_the_lowest_error_of_two_clouds_is_known_in_closed_form() -> None:
    for far, spread in ((1.0, 0.3), (0.5, 0.4)):
        two = Clouds(np.array([[0.0, 0.0], [far, 0.0]]), np.array([0, 1]), np.array([0.5, 0.5]), spread)
        assert 1 - np.trace(best_confusion(two)) == pytest.approx(norm.cdf(-far / 2 / spread), abs=1e-4)


def test_no_threshold_costs_less_than_that_of_the_weights() -> None:
    params = Params(weight=10)
    where = problem(params)
    best = best_confusion(where, np.array([1.0, 10.0]))
    x = np.random.default_rng(0).uniform(-1.6, 1.6, (40_000, 2))
    p = where.density(x)
    share = p[:, 1] / p.sum(1)
    costs = {bar: np.where(share > bar, p[:, 0], 10 * p[:, 1]).mean() * 3.2**2 for bar in np.linspace(0.01, 0.9, 90)}
    assert min(costs, key=lambda bar: costs[bar]) == pytest.approx(1 / 11, abs=0.03)
    assert costs[min(costs, key=lambda bar: abs(bar - 1 / 11))] == pytest.approx(best[0, 1] + 10 * best[1, 0], rel=0.1)


def test_sets_come_from_their_places() -> None:
    for dev, straight in (("target", False), ("source", True)):
        params = Params(shift=30, spread=0.05, dev=dev)
        pool = pools(params, 3)
        for name, here in (("train", True), ("train_dev", True), ("target", False), ("dev", straight), ("test", False)):
            right = clouds(params, 0 if here else 30).density(pool.x[name]).argmax(1) == pool.y[name]
            assert right.mean() > 0.99, name
    one = pools(Params(wrong=0.4), 0)
    some, few = (data.labelled(one, share, 0) for share in (0.4, 0.1))
    wrong = {name: (some[name] != one.y[name]) for name in one.y}
    assert not any(wrong[name].any() for name in ("target", "dev", "test"))
    assert wrong["train"].mean() == pytest.approx(0.4, abs=0.03) and wrong["train_dev"].mean() == pytest.approx(
        0.4, abs=0.08
    )
    assert not ((few["train"] != one.y["train"]) & ~wrong["train"]).any()  # who cleans up makes no new mistakes


# Training


def test_every_position_trains_as_if_it_were_alone_with_torch() -> None:
    """Units that are not there and steps that are not taken leave no trace, in weights and in answers."""
    params = Params(moves="nlrev", width=2, steps=20, examples=40, seeds=2, batch=20, shift=20)
    game = Game(params, stages(params), Stacked, "cpu")
    game.race.advance(game.total)
    state, seed = game.state(), 1
    x = game.pools[seed].x["test"][:200]
    said = game.answers(x, seed)
    for k, one in enumerate(game.setups):
        pool, probability = game.pools[seed], []
        views = [torch.tensor(turned(x, a)).float() for a in (np.linspace(-15, 15, 5) if one.views else [0.0])]
        for c in range(one.copies):
            net = network(
                initial_weights(layout(params, one.width), seed + c * networks.ELSE), layout(params, one.width)
            )
            optimizer = torch.optim.Adam(net.parameters(), lr=params.rate, weight_decay=one.l2)
            order = visits(40, game.total, 20, seed).reshape(-1, 20)
            for step in range(one.steps):
                batch = order[step]
                optimizer.zero_grad()
                given = torch.tensor(pool.x["train"][batch]).float(), torch.tensor(pool.y["train"][batch])
                functional.cross_entropy(net(given[0]), given[1]).backward()
                optimizer.step()
            row = torch.cat([p.detach().ravel() for p in net.parameters()]).numpy()
            np.testing.assert_allclose(state[f"{k}"][seed, c], row, atol=2e-4)
            probability += [functional.softmax(net(view), 1).detach().numpy() for view in views]
        assert (np.mean(probability, 0).argmax(1) == said[k]).mean() > 0.99
        if not one.views:
            alone = network_says(state[f"{k}"][seed], layout(params, one.width), x)
            assert (alone == said[k]).mean() > 0.99


def network(row: np.ndarray, sizes: tuple[int, int, int]) -> nn.Module:
    i, h, o = sizes
    net = nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, o))
    parts = np.split(row, np.cumsum([i * h, h, h * o]))
    for parameter, part in zip(net.parameters(), parts):
        parameter.data = torch.tensor(part).reshape(parameter.shape)
    return net


def test_errors_are_counted_on_what_a_position_has_seen() -> None:
    params = Params(moves="tc", wrong=0.4, seeds=1, steps=10, width=4, examples=40)
    game = Game(params, stages(params), Stacked, "cpu")
    pool, found = game.pools[0], game.errors()
    for k, one in enumerate(game.setups):
        given = data.labelled(pool, one.wrong, 0)
        seen = np.concatenate([pool.x["train"][:40], pool.x["target"][: one.target]])
        labels = np.concatenate([given["train"][:40], given["target"][: one.target]])
        assert found[k, 0, 0] == pytest.approx((game.answers(seen, 0)[k] != labels).mean())
        for i, name in enumerate(BARS[1:], 1):
            assert found[k, 0, i] == pytest.approx((game.answers(pool.x[name], 0)[k] != given[name]).mean())
    assert [one.wrong for one in game.setups] == [0.4, 0.4, 0.1] and game.setups[1].target == about.TARGETED


def test_turned_examples_keep_their_labels_and_lengths() -> None:
    params = Params(moves="a", examples=40)
    pool = pools(params, 0)
    x, y = networks.examples(params, setup(params, "a"), pool, 0)
    assert len(x) == 8 * 40 and (y.reshape(8, 40) == pool.y["train"][:40]).all()
    np.testing.assert_allclose(x[:40], pool.x["train"][:40])
    np.testing.assert_allclose(np.hypot(*x.T).reshape(8, 40), np.tile(np.hypot(*pool.x["train"][:40].T), (8, 1)))
    was, now = (np.arctan2(*points.reshape(-1, 40, 2).T[::-1]) for points in (pool.x["train"][:40], x))
    turn = np.angle(np.exp(1j * (now - was)), deg=True)
    assert np.abs(turn).max() <= about.TURN and turn.std() > 5


def test_batches_go_through_all_examples_or_follow_their_chances() -> None:
    order = visits(30, 100, 10, 0).ravel()
    assert all(sorted(part) == list(range(30)) for part in order[:990].reshape(-1, 30))
    often = visits(4, 400, 20, 0, np.array([1.0, 1.0, 8.0, 0.0])).ravel()
    np.testing.assert_allclose(np.bincount(often, minlength=4) / len(often), [0.1, 0.1, 0.8, 0], atol=0.02)


def test_a_game_ends_and_moves_that_change_nothing_are_closed() -> None:
    params = Params()
    assert open_moves(params, "") == "ndlretav" and open_moves(params.replace(wrong=0.1), "") == MOVES
    assert set(open_moves(params, "eatv")) == set("ndlrt") and open_moves(params, "dddddddd") == ""
    assert setup(params, "nnnn").width == 64 and setup(params, "dddd").examples == 4096
    assert setup(params.replace(width=64), "n").width == 64 and setup(params, "llll").steps == 3600
    assert [setup(params, "r" * k).l2 for k in range(3)] == pytest.approx([0, about.L2, 3 * about.L2])
    own = params.replace(own="sha256:" + "0" * 64 + ":200x4x3")
    assert setup(own, "dddd").examples == 100 and set(open_moves(own, "")) <= set("nlre")


# One number


def test_measures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    true, said = rng.random(400) < 0.1, rng.random(400) < 0.2
    accuracy, recall, precision, f1, weighted = measures(said, true, 10)
    assert accuracy == pytest.approx(metrics.accuracy_score(true, said))
    assert [recall, precision, f1] == pytest.approx(
        [score(true, said) for score in (metrics.recall_score, metrics.precision_score, metrics.f1_score)]
    )
    assert weighted == pytest.approx(metrics.zero_one_loss(true, said, sample_weight=np.where(true, 10, 1)))
    assert np.isnan(measures(np.zeros(400, bool), true, 10)[2]) and measures(np.zeros(400, bool), true, 10)[3] == 0


# Measures

SEEDS = 20


def game(at: str, of: str, rows: int, changed: dict[int, dict[str, float]], **more: Any) -> Any:
    """Errors of 20 % in all bars over a Bayes error of 10 %, but for those of some rows."""
    error = np.full((rows, SEEDS, 2, len(BARS)), 0.2)
    for row, bars in changed.items():
        for name, value in bars.items():
            error[row, :, :, BARS.index(name)] = value
    kind = next(one for one in load("error_analysis").experiments if one.part == of).Result
    params = preset(Params(), PRESETS, at).replace(seeds=SEEDS, **more)
    return known(kind, params, error=error, bayes=np.full(SEEDS, 0.1), tick=np.arange(2))


def knobs(at: str, **moved: dict[str, float]) -> Any:
    return game(at, "knobs", 1 + len(MOVES), {1 + MOVES.index(move): bars for move, bars in moved.items()})


def one(move: str, at: str, bar: str, holds: float, fails: float) -> tuple[Any, Any]:
    return knobs(at, **{move: {bar: holds}}), knobs(at, **{move: {bar: fails}})


def rare(**values: dict[str, float]) -> Any:
    value = np.full((len(ROWS), SEEDS, 1, len(MEASURES)), 0.5)
    for row, named in values.items():
        for name, number in named.items():
            value[ROWS.index(row), ..., MEASURES.index(name)] = number
    return known(load("error_analysis").experiments[2].Result, Params(seeds=SEEDS), value=value)


def two(measure: str, row: str, holds: float, fails: float) -> tuple[Any, Any]:
    return rare(**{row: {measure: holds}}), rare(**{row: {measure: fails}})


def divided(off: float = 0.0, even: float = 0.0) -> Any:
    """All test errors off by so much; networks of 60/20/20 worse by so much."""
    truth = np.full((len(SHARES), SEEDS, 1, len(TOTALS)), 0.1)
    truth[0] += even
    return known(load("error_analysis").experiments[3].Result, Params(seeds=SEEDS), truth=truth, estimate=truth + off)


KNOWN: dict[str, tuple[Any, Any]] = {
    "bias_data": one("d", "bias", "dev", 0.19, 0.1),
    "bias_net": one("n", "bias", "dev", 0.05, 0.2),
    "variance_data": one("d", "variance", "dev", 0.1, 0.2),
    "variance_net": one("n", "variance", "dev", 0.25, 0.2),
    "decay_gap": one("r", "variance", "train_dev", 0.15, 0.25),
    "decay_train": one("r", "variance", "train", 0.25, 0.2),
    "longer_train": one("l", "variance", "train", 0.1, 0.2),
    "longer_gap": one("l", "variance", "train", 0.1, 0.2),
    "mismatch_data": one("d", "mismatch", "dev", 0.2, 0.1),
    "mismatch_target": one("t", "mismatch", "dev", 0.1, 0.2),
    "turned": one("a", "mismatch", "dev", 0.1, 0.2),
    "labels_clean": one("c", "labels", "dev", 0.1, 0.2),
    "ensemble": one("e", "variance", "test", 0.1, 0.2),
    "ensemble_cost": one("n", "variance", "test", 0.1, 0.2),
    "views": one("v", "variance", "test", 0.1, 0.2),
    "hides": two("accuracy", "plain", 0.5, 0.9),
    "heavy_recall": two("recall", "heavy", 0.9, 0.5),
    "heavy_accuracy": two("accuracy", "heavy", 0.4, 0.5),
    "heavy_weighted": two("weighted", "heavy", 0.4, 0.5),
    "threshold": two("weighted", "heavy", 0.5, 0.6),
    "f1": two("f1", "heavy", 0.5, 0.6),
    "tiny_test": (divided(0.2), divided()),
    "small_even": (divided(even=0.1), divided()),
    "eighty": (divided(0.01), divided(0.1)),
    "large_test": (divided(0.01), divided(0.1)),
    "elsewhere": (
        game("elsewhere", "", 1, {0: {"test": 0.5}}), game("elsewhere", "", 1, {}),
    ),
    "accuracy": (
        rare(never={"accuracy": 0.9, "recall": 0.0}, heavy={"weighted": 0.1}),
        rare(heavy={"accuracy": 0.9, "weighted": 0.1}),
    ),
}  # fmt: skip


def test_what_is_said_of_a_game() -> None:
    result = game("bias", "", 4, {0: {"train": 0.5, "train_dev": 0.5, "dev": 0.5, "test": 0.5},
                                  2: {"dev": 0.3, "test": 0.3}}, moves="ndt", guesses="bb")  # fmt: skip
    assert claims.outcomes(result) == "bom" and claims.widest(result) == "bias"
    own = game("bias", "", 1, {0: {"dev": 0.3}})
    assert claims.widest(known(type(own), own.params, error=own.error, bayes=np.full(SEEDS, np.nan))) == "mismatch"
    assert claims.PREDICTIONS[0].answer(own)[0] in ("bias", "mismatch")  # a tie of 10 points
