"""Regularisation against scikit-learn, torch, gradient descent written out, and curves whose turns are known."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.metrics import log_loss

from core.concept.parts import experiment, load, train_module
from core.concepts.regularization import claims, figures
from core.concepts.regularization import train as boundary
from core.concepts.regularization.looks.params import SETS as LOOKED
from core.concepts.regularization.nets import train as nets
from core.concepts.regularization.nets.params import GRID, KINDS, SETS, layout
from core.concepts.regularization.nets.params import PENALTIES as DECAYS
from core.concepts.regularization.nets.params import WAYS as DECAY_WAYS
from core.concepts.regularization.params import GRID as BOUNDARY_GRID
from core.concepts.regularization.params import PIXELS, Params, Result
from core.concepts.regularization.table import train as on_table
from core.concepts.regularization.table.params import METHODS, PENALTIES, WAYS
from core.ml.data import points
from core.ml.linear import Loss, with_one
from core.ml.networks import initial_weights
from core.ml.own import CONTENTS
from tests.known import known

# That the texts repeat: penalties of claims and of the prediction, of zeros; ρ, η and steps of the default
CONSTANTS = {claims.LITTLE, claims.GOOD, claims.MUCH, claims.AT, Params().lr, float(Params().steps), 400.0}

FEW = Params(seeds=2, examples=40)


def state_of(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    run, result = train_module(name).train(params, chunk=1000), None
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


@cache
def table() -> Any:
    return state_of("regularization.table", Params(seeds=2))[0]


# The boundary


@pytest.mark.parametrize("penalty", [1e-4, 1.0])
def test_weights_are_those_of_scikit_learn(penalty: float) -> None:
    params = FEW.replace(exponent=np.log10(penalty))
    result, state = state_of("regularization", params)
    x, y = points("moons", 40 + boundary.FRESH, params.noise, 1)
    seen = boundary.bumps(x)
    theirs = LogisticRegression(C=1 / (40 * penalty), tol=1e-10, max_iter=10_000).fit(seen[:40], y[:40])
    w = state["weights"][1]
    np.testing.assert_allclose(w[:-1], theirs.coef_[0], atol=1e-3 * np.abs(w).max())
    place = int(np.abs(np.log(result.penalty / penalty)).argmin())
    assert result.error[1, place, 1] == pytest.approx(1 - theirs.score(seen[40:], y[40:]), abs=0.004)
    assert result.size[1, place] == pytest.approx(np.linalg.norm(theirs.coef_), rel=1e-3)


def test_newton_ends_at_the_lowest_place_at_every_penalty_and_the_loss_is_the_one_of_linear_models() -> None:
    """Two rows of core/ml/linear.py, ± half the weights, have the same softmax and half the sum of squares."""
    x, y = points("moons", 40, 0.3, 0)
    inputs, w = with_one(boundary.bumps(x)), np.zeros((1, boundary.SIDE**2 + 1))
    for penalty in BOUNDARY_GRID:
        w = boundary.lowest_weights(w, inputs[None], y[None], penalty)
        ridge = 2 * penalty * np.r_[np.ones(inputs.shape[1] - 1), 0]
        pair = np.stack([-w[0], w[0]]) / 2
        loss = Loss(inputs, y, 2, ridge, True)
        assert np.abs(loss.slope(pair)).max() < 1e-7
        z = (inputs @ w[0])[:, None] * [[-0.5, 0.5]]
        whole = log_loss(y, np.exp(z) / np.exp(z).sum(1, keepdims=True)) + penalty / 2 * (w[0, :-1] ** 2).sum()
        assert loss(pair) == pytest.approx(whole)


def test_a_penalty_summed_over_examples_is_so_many_times_as_large() -> None:
    params = FEW.replace(examples=100)
    right, wrong = (state_of("regularization", params.replace(over=over))[0] for over in ("weights", "examples"))
    np.testing.assert_allclose(wrong.size[:, 4:], right.size[:, :-4], rtol=1e-5)  # 100 times is four places


def test_a_circle_turns_once_and_a_straight_line_never() -> None:
    plane = np.stack(np.meshgrid(boundary.AXIS, boundary.AXIS), -1).reshape(-1, 2)
    bumps = with_one(boundary.bumps(plane))
    middle = np.zeros(boundary.SIDE**2 + 1)
    middle[boundary.SIDE**2 // 2], middle[-1] = 1, -0.3  # one bump, cut at a third of its height
    circle = boundary.turned(middle, (bumps @ middle).reshape(PIXELS, PIXELS))
    assert circle == pytest.approx(1, abs=0.05)
    two = np.zeros_like(middle)
    two[[0 + 2 * 9 + 2, 6 * 9 + 6]], two[-1] = 1, -0.5
    assert boundary.turned(two, (bumps @ two).reshape(PIXELS, PIXELS)) == pytest.approx(2, abs=0.1)
    side = np.repeat(np.sign(np.arange(9) - 4.0)[None], 9, 0)
    tilt = np.r_[side.ravel(), 0]  # left against right: the boundary is x₁ = 0, but at the rim
    assert boundary.turned(tilt, (bumps @ tilt).reshape(PIXELS, PIXELS)) < 0.01
    assert boundary.turned(0 * tilt, np.full((PIXELS, PIXELS), -1.0)) == 0


# The table


def test_paths_are_those_of_scikit_learn() -> None:
    result = table()
    for seed in range(2):
        (x, *_), (y, *_) = on_table.load(Params(seeds=2), seed)
        for k in range(0, len(PENALTIES), 3):
            penalty = PENALTIES[k]
            exact = {"fit_intercept": False, "tol": 1e-12, "max_iter": 100_000}
            theirs = {
                "ridge": Ridge(len(x) * penalty, fit_intercept=False),
                "lasso": Lasso(penalty, **exact),
                "elastic": ElasticNet(penalty, l1_ratio=0.5, **exact),
            }
            for name, model in theirs.items():
                mine = result.coefficient[METHODS.index(name), seed, -1, k]
                np.testing.assert_allclose(mine, model.fit(x, y).coef_, atol=1e-6, err_msg=f"{name} {penalty}")
                np.testing.assert_array_equal(mine == 0, model.coef_ == 0)


def test_plain_steps_are_those_of_torch() -> None:
    """Gradient descent and Adam on the lasso's loss, one penalty, by automatic differentiation."""
    params = Params(table_steps=200, seeds=2)
    result = state_of("regularization.table", params)[0]
    (x, *_), (y, *_) = on_table.load(params, 1)
    inputs, target, place = torch.tensor(x), torch.tensor(y), PENALTIES.index(0.1)
    top = np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    for name, make in (
        ("gradient", lambda w: torch.optim.SGD([w], lr=1 / top)),
        ("adam", lambda w: torch.optim.Adam([w], lr=on_table.ADAM)),
    ):
        w = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
        optimizer = make(w)
        for _ in range(params.table_steps):
            optimizer.zero_grad()
            (0.5 * (inputs @ w - target).square().mean() + 0.1 * w.abs().sum()).backward()
            optimizer.step()
        mine = result.coefficient[METHODS.index(name), 1, -1, place]
        np.testing.assert_allclose(mine, w.detach(), atol=2e-3)
        assert (mine != 0).all()


def test_filters_are_those_of_ridge_and_of_so_many_steps() -> None:
    (x, *_), (y, *_) = on_table.load(Params(), 0)
    value, vector = np.linalg.eigh(x.T @ x / len(x))
    ridge, stopped = (kept[PENALTIES.index(0.1)] for kept in on_table.filters(value))
    least = vector.T @ np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(vector @ (ridge * least), Ridge(len(x) / 10, fit_intercept=False).fit(x, y).coef_)
    w = np.zeros(x.shape[1])
    for _ in range(round(value[-1] / 0.1)):
        w -= x.T @ (x @ w - y) / len(x) / value[-1]
    np.testing.assert_allclose(vector @ (stopped * least), w, atol=1e-9)
    ratio = table().kept[1] / table().kept[0]
    assert (np.diff(table().kept, axis=-1) <= 0).all() and ratio.min() > 0.9 and ratio.max() < 3


def test_folds_use_every_row_once_and_fresh_rows_choose_best() -> None:
    result = table()
    assert (result.reached[WAYS.index("fresh"), :, -1] <= result.reached[:, :, -1]).all()
    (x, others, _), (y, targets, _) = on_table.load(Params(seeds=2), 0)
    both, all_y, total = np.r_[x, others], np.r_[y, targets], np.zeros(len(PENALTIES))
    for part in np.array_split(np.arange(len(both)), 5):
        rest = np.ones(len(both), bool)
        rest[part] = False
        for k, penalty in enumerate(PENALTIES):
            model = Ridge(rest.sum() * penalty, fit_intercept=False).fit(both[rest], all_y[rest])
            total[k] += ((model.predict(both[part]) - all_y[part]) ** 2).sum()
    assert result.chosen[WAYS.index("folds"), 0, -1] == pytest.approx(PENALTIES[int(total.argmin())])


def test_a_table_of_ones_own_is_fitted() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 3))
    y = 2 * x[:, 0] + 0.1 * rng.standard_normal(90)
    content = "\n".join(["a,b,c,y", *(",".join(f"{v:.5f}" for v in row) for row in np.c_[x, y])]).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:90x4x0"
    CONTENTS[name] = content
    result, _ = state_of("regularization.table", Params(own=name, noise_columns=4, seeds=1))
    found = result.coefficient[METHODS.index("lasso"), 0, -1, PENALTIES.index(0.1)]
    assert found.shape == (7,) and found[0] > 0.8 and (found[1:] == 0).sum() >= 4
    assert all(claim.measure(result) is None for claim in claims.CLAIMS if claim.of == "table" and "noise" in claim.id)


# Looks


def test_nothing_can_be_learned_and_validation_says_otherwise() -> None:
    """With k features kept of n examples the vote is right on the data that chose in a share of Φ(√(2k/πn)) or so."""
    result, _ = state_of("regularization.looks", Params(looks=200, held=400, seeds=20))
    train, validation, fresh = result.accuracy[:, :, -1].mean(1)
    expected = 0.5 * (1 + float(torch.erf(torch.tensor((result.kept[:, -1].mean() / (np.pi * 400)) ** 0.5))))
    assert abs(fresh - 0.5) < 0.015 and min(train, validation) > 0.6
    assert validation == pytest.approx(expected, abs=0.03)
    assert (result.accuracy[:, :, 0] == 0.5).all() and 0.4 < result.kept[:, -1].mean() / 200 < 0.6


# Networks


@pytest.mark.parametrize(("way", "place"), [("l2", 3), ("biases", 4), ("decoupled", 5)])
def test_networks_take_the_path_of_torch_optim(way: str, place: int) -> None:
    params = Params(width=5, steps=20, examples=20, seeds=2, lr=0.01)
    w = NETS[1]["weights"][KINDS.index("relu"), DECAY_WAYS.index(way), place, 1]
    x, y = points("moons", 60 + nets.FRESH, params.noise, 1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
    start, begin = torch.tensor(initial_weights(layout(params), 1)), 0
    for p in model.parameters():
        p.data = start[begin : begin + p.numel()].view(p.shape).clone()
        begin += p.numel()
    decay = DECAYS[DECAY_WAYS.index(way)][place]
    bare = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": bare, "weight_decay": decay}, {"params": biases, "weight_decay": decay * (way == "biases")}]
    rule = torch.optim.AdamW if way == "decoupled" else torch.optim.Adam
    optimizer = rule(groups, lr=params.lr)
    for _ in range(params.steps):
        optimizer.zero_grad()
        z = model(torch.tensor(x[:20]))[:, 0]
        torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(y[:20], dtype=torch.float32)).backward()
        optimizer.step()
    mine = torch.cat([p.data.ravel() for p in model.parameters()])
    np.testing.assert_allclose(w, mine, atol=2e-4)
    wrong = ((model(torch.tensor(x[60:]))[:, 0] > 0).numpy() != y[60:]).mean()
    assert NETS[0].error[KINDS.index("relu"), DECAY_WAYS.index(way), place, 1, -1, -1] == pytest.approx(
        wrong, abs=0.003
    )


NETS = state_of("regularization.nets", Params(width=5, steps=20, examples=20, seeds=2, lr=0.01))


def test_a_straight_network_is_straight_and_a_relu_does_not_care_about_scale() -> None:
    sizes, rng = (2, 6, 1), np.random.default_rng(0)
    x = torch.tensor(rng.standard_normal((1, 2, 400)))
    w = rng.standard_normal((1, 25))
    w[:, 12:18] = 0  # without biases
    found = {s: [nets.straight(torch.tensor(s * w), x, sizes, kind) for kind in KINDS] for s in (0.01, 1.0, 10.0)}
    tanh, relu = KINDS.index("tanh"), KINDS.index("relu")
    assert found[0.01][tanh]["unit"] > 0.999 and found[0.01][tanh]["whole"] > 0.999
    assert found[0.01][tanh]["unit"] > found[1.0][tanh]["unit"] > found[10.0][tanh]["unit"]
    np.testing.assert_allclose(found[0.01][relu]["unit"], found[10.0][relu]["unit"], rtol=1e-9)
    np.testing.assert_allclose(found[0.01][relu]["whole"], found[10.0][relu]["whole"], rtol=1e-9)
    assert found[1.0][relu]["unit"] < 0.9


# Measures

SEEDS = 40


def made(id: str, cls: Any = None, **given: np.ndarray) -> Any:
    """A Result of the experiment and at the settings of a claim or mistake."""
    concept = load("regularization")
    found: Any = next(m for m in (*claims.CLAIMS, *claims.MISTAKES) if m.id == id)
    of = concept.of(found) if hasattr(found, "of") else concept.of(concept.figure(found.figure))
    return known(of.Result, found.params.replace(seeds=SEEDS), sizes={"set": 2}, **given)


def at_penalties(id: str, name: str, **values: float) -> Result:
    """A field of the boundary's Result: at λ = LITTLE, LESS, GOOD and MUCH."""
    penalty = np.array(BOUNDARY_GRID)
    array = np.ones((SEEDS, len(penalty), 2)) if name == "error" else np.ones((SEEDS, len(penalty)))
    for which, value in values.items():
        array[:, int(np.abs(np.log(penalty / getattr(claims, which.upper()))).argmin())] = value
    return made(id, penalty=penalty, **{name: array})


def methods(id: str, **values: tuple[int, float]) -> Any:
    """Of the table's methods how many coefficients are zero, and their errors; columns of noise go first."""
    params = made(id).params
    count = 10 + params.noise_columns
    coefficient = np.ones((len(METHODS), SEEDS, 1, len(PENALTIES), count))
    error = np.ones((len(METHODS), SEEDS, 1, len(PENALTIES)))
    for name, (gone, lowest) in values.items():
        coefficient[METHODS.index(name), ..., count - gone :] = 0
        error[METHODS.index(name)] = lowest
    return made(id, coefficient=coefficient, error=error)


def ways(id: str, **values: float) -> Any:
    array = np.ones((len(WAYS), SEEDS, 1))
    chosen = np.ones((len(WAYS), SEEDS, 1))
    for name, value in values.items():
        array[WAYS.index(name)] = value
        chosen[WAYS.index(name), ::2] = 10**value
    return made(id, reached=array, chosen=chosen)


def looked(id: str, validation: float, fresh: float) -> Any:
    looks = made(id).params.looks
    accuracy = np.full((len(LOOKED), SEEDS, looks + 1), 0.5)
    accuracy[1, :, -1], accuracy[2, :, -1] = validation, fresh
    return made(id, look=np.arange(looks + 1), accuracy=accuracy)


def trained(id: str, name: str, rest: float = 0.3, **places: float) -> Any:
    """A field of the networks: `rest` everywhere, and other values at places of (activation, way, penalty, tick)."""
    shape = (len(KINDS), len(DECAY_WAYS), len(GRID), SEEDS, 3)
    values = np.full((*shape, len(SETS)) if name == "error" else (*shape[:-1], 1), rest)
    for place, value in places.items():
        kind, way, penalty, tick, which = PLACES[place]
        values[(kind, way, penalty, slice(None), tick, *((which,) if name == "error" else ()))] = value
    return made(id, penalty=np.array(DECAYS), **{name: values})


ALL = slice(None)
AT = {name: int(np.abs(np.array(DECAYS[0]) - value).argmin()) for name, value in (("strong", claims.STRONG),)}
L2, BIASES, DECOUPLED = range(len(DECAY_WAYS))
PLACES: dict[str, tuple[Any, ...]] = {
    "stopped_validation": (0, L2, 0, 1, 1),  # the step that validation data choose
    "stopped_test": (0, L2, 0, 1, 2),
    "stopped_fresh": (0, L2, 0, 1, 3),
    "last_fresh": (0, L2, 0, 2, 3),
    "l2_fresh": (0, L2, ALL, -1, 3),
    "l2_validation": (0, L2, ALL, -1, 1),
    "decay_fresh": (0, DECOUPLED, ALL, -1, 3),
    "biases_fresh": (0, BIASES, ALL, -1, 3),
    "tanh_strong": (0, L2, AT["strong"], 0, 0),
    "relu_strong": (1, L2, AT["strong"], 0, 0),
    "tanh_decay": (0, DECOUPLED, ALL, 0, 0),
}


def stopped(id: str, fresh: float, last: float) -> Any:
    return trained(id, "error", stopped_validation=0.1, stopped_fresh=fresh, last_fresh=last)


KNOWN: dict[str, tuple[Any, Any]] = {
    "smoother": tuple(at_penalties("smoother", "turns", little=v) for v in (3.0, 1.0)),
    "shrinks": tuple(at_penalties("shrinks", "size", little=v) for v in (100.0, 1.0)),
    "helps": tuple(at_penalties("helps", "error", little=v, good=0.2) for v in (0.3, 0.2)),
    "too_much": tuple(at_penalties("too_much", "error", much=v, good=0.2) for v in (0.3, 0.2)),
    "no_cure": tuple(at_penalties("no_cure", "error", good=v, little=0.2) for v in (0.3, 0.2)),
    "summed": tuple(at_penalties("summed", "error", good=v, less=0.2) for v in (0.3, 0.1)),
    "lasso_zeros": tuple(methods("lasso_zeros", lasso=(n, 1.0)) for n in (10, 1)),
    "ridge_zeros": tuple(methods("ridge_zeros", ridge=(n, 1.0)) for n in (0, 3)),
    "sgd_zeros": tuple(methods("sgd_zeros", sgd=(n, 1.0)) for n in (0, 3)),
    "adam_zeros": tuple(methods("adam_zeros", adam=(n, 1.0)) for n in (0, 3)),
    "plain_steps": tuple(methods("plain_steps", lasso=(8, 1.0), sgd=(n, 1.0)) for n in (0, 8)),
    "noise_first": tuple(methods("noise_first", lasso=(n, 1.0)) for n in (8, 20)),
    "sparse": tuple(methods("sparse", ridge=(0, v), lasso=(9, 0.6)) for v in (0.7, 0.6)),
    "dense": tuple(methods("dense", ridge=(0, v), lasso=(1, 0.6)) for v in (0.6, 0.7)),
    "stopping_is_l2": tuple(
        made("stopping_is_l2", stopped=np.full((2, SEEDS, 1, len(PENALTIES)), [[[[1.0]]], [[[v]]]])) for v in (1.0, 1.1)
    ),
    "steadier": (ways("steadier", validation=2.0, folds=0.5), ways("steadier", validation=0.5, folds=0.5)),
    "folds_error": (ways("folds_error", validation=2.0), ways("folds_error", validation=1.0)),
    "optimistic": (looked("optimistic", 0.65, 0.5), looked("optimistic", 0.5, 0.5)),
    "fresh_half": (looked("fresh_half", 0.65, 0.5), looked("fresh_half", 0.65, 0.65)),
    "grows": (looked("grows", 0.65, 0.5), looked("grows", 0.5, 0.5)),
    "near_minimum": (stopped("near_minimum", 0.2, 0.2), stopped("near_minimum", 0.2, 0.1)),
    "stopping_or_l2": tuple(
        trained("stopping_or_l2", "error", stopped_validation=0.1, stopped_fresh=0.2, l2_fresh=v) for v in (0.2, 0.1)
    ),
    "epoch_on_test": tuple(trained("epoch_on_test", "error", stopped_test=v, stopped_fresh=0.25) for v in (0.1, 0.25)),
    "penalty_reported": tuple(trained("penalty_reported", "error", l2_validation=v, l2_fresh=0.2) for v in (0.1, 0.2)),
    "decay_tuned": tuple(trained("decay_tuned", "error", decay_fresh=v) for v in (0.3, 0.4)),
    "decay_equal": tuple(trained("decay_equal", "size", tanh_decay=v) for v in (3.0, 0.3)),
    "tanh_units": tuple(trained("tanh_units", "unit", tanh_strong=v) for v in (0.9, 0.3)),
    "relu_units": tuple(trained("relu_units", "unit", relu_strong=v) for v in (0.9, 0.3)),
    "tanh_whole": tuple(trained("tanh_whole", "whole", tanh_strong=v) for v in (0.9, 0.3)),
    "relu_whole": tuple(trained("relu_whole", "whole", relu_strong=v) for v in (0.9, 0.3)),
    "biases": tuple(trained("biases", "error", biases_fresh=v) for v in (0.3, 0.4)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("regularization")
    for claim in claims.CLAIMS:
        name = concept.of(claim).name
        assert claim.measure(next(train_module(name).train(experiment(name).tiny))) is None
    aside = at_penalties("helps", "error", little=0.3)
    for changes in ({"noise": 0.0}, {"over": "examples"}, {"data": "rings"}):
        other = replace(aside, params=aside.params.replace(**changes))
        assert all(claim.measure(other) is None for claim in claims.CLAIMS if claim.id in ("helps", "no_cure"))
    assert figures.plain(1e-5) == "0.00001" and figures.plain(30.0) == "30"
