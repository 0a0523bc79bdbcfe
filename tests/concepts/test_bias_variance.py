"""Bias and variance against numpy, scikit-learn, torch and the formulas of the books."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult, arrays, axes
from core.concepts.bias_variance import figures
from core.concepts.bias_variance.claims import CLAIMS, FLEXIBLE, MISTAKES, RIGHT, RIGID, off, whole
from core.concepts.bias_variance.descent.params import INPUTS
from core.concepts.bias_variance.descent.train import minimum_norm
from core.concepts.bias_variance.draws import (
    Sums,
    fits_of_all,
    height,
    least_squares,
    legendre,
    nodes,
    set_stream,
    training_set,
    twofold,
)
from core.concepts.bias_variance.networks.params import DRAWS, SETS, WIDTHS
from core.concepts.bias_variance.networks.train import FADES
from core.concepts.bias_variance.params import MOST, TINY, Params, weights
from core.concepts.bias_variance.train import train
from core.ml.fused.population import Fused
from core.ml.networks import initial_weights
from core.ml.own import CONTENTS
from core.takeaway.export import script

# That the texts repeat: degrees and sizes compared, what networks are drawn, multiples of examples, units, the tenth
CONSTANTS = {RIGID, RIGHT, FLEXIBLE, 20, 200, 15, 3, SETS, DRAWS, INPUTS, 100 * FADES, 0.4, 1.5, 64, 16, 95}


@cache
def last(name: str, params: Params) -> BaseResult:
    *_, result = train_module(name).train(params)
    return result


def ended(params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    run = train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


# Least squares


def test_all_degrees_at_once_are_numpys_one_by_one() -> None:
    rng = np.random.default_rng(0)
    x, y, at = rng.uniform(-1, 1, (2, 30)), rng.standard_normal((2, 30)), rng.uniform(-1, 1, (2, 7))
    _, r, z = least_squares(x, y)
    for seed, found in enumerate(fits_of_all(at, r, z)):
        for degree in range(MOST + 1):
            theirs = np.polynomial.Polynomial.fit(x[seed], y[seed], degree)(at[seed])
            np.testing.assert_allclose(found[:, degree], theirs, atol=1e-6)


def test_places_that_do_not_suffice_leave_the_lower_degree() -> None:
    x, y = np.tile([-1.0, 0.0, 1.0], 6)[None], np.random.default_rng(0).standard_normal((1, 18))
    _, r, z = least_squares(x, y)
    found = fits_of_all(np.array([[-1.0, 0.0, 1.0]]), r, z)[0]
    np.testing.assert_allclose(found[:, 2:], found[:, 2:3] + np.zeros((3, MOST - 1)), atol=1e-9)
    np.testing.assert_allclose(found[:, 2], y.reshape(6, 3).mean(0), atol=1e-9)


def test_the_variance_of_polynomials_is_that_of_the_books() -> None:
    """σ² (d + 1) / n in the mean over the training points, over 4,000 sets at the same places; bias² from the fit to
    the curve itself."""
    params, sets = Params(places="even", points=20), 4000
    x, y = np.stack([training_set(params, 20, set_stream(params, 0, k)) for k in range(sets)], 1)
    q, _, z = least_squares(x, y)
    fits = np.cumsum(q * z[:, None], -1)
    variance = fits.var(0, ddof=1).mean(0)
    formula, count = params.noise**2 * np.arange(1, MOST + 2) / 20, np.arange(1, MOST + 2)
    assert (np.abs(variance / formula - 1) < 4 * np.sqrt(2 / (sets * count))).all()  # four standard errors
    truth = height("wave", x[0])
    for degree in (1, 5):
        theirs = np.polynomial.Polynomial.fit(x[0], truth, degree)(x[0])
        ours = ((fits[..., degree].mean(0) - truth) ** 2).mean() - variance[degree] / sets
        assert ours == pytest.approx(((theirs - truth) ** 2).mean(), abs=1e-3)


def test_nodes_have_the_mean_of_polynomials() -> None:
    place, weight = nodes()
    for degree in range(2 * MOST + 1):
        assert weight @ place**degree == pytest.approx((1 + (-1) ** degree) / 2 / (degree + 1), abs=1e-12)


def test_sums_are_numpys_mean_and_variance() -> None:
    fits = np.random.default_rng(0).standard_normal((9, 2, 5, 3))
    sums, part = Sums(2, 5, 3), Sums(2, 5, 3)
    for k, each in enumerate(fits):
        sums.add(each)
        part.add(each, np.full((2, 5, 1), float(k % 3 == 0)))
    np.testing.assert_allclose(sums.mean, fits.mean(0))
    np.testing.assert_allclose(sums.variance, fits.var(0, ddof=1))
    np.testing.assert_allclose(part.variance, fits[::3].var(0, ddof=1))


# The parts of the error


def test_the_error_on_fresh_points_is_the_sum_of_its_parts() -> None:
    """Within four standard errors over seeds, at every degree; and in the wrong forms it is not."""
    params = Params(sets=200, seeds=10, data_seed=300)
    gap = off(last("bias_variance", params))[..., -1]  # type: ignore[arg-type]
    error = gap.std(1, ddof=1) / len(gap[0]) ** 0.5
    assert (np.abs(gap.mean(1)) < 4 * error).all() and error[RIGHT] < 0.01
    wrong: Any = last("bias_variance", params.replace(fresh=False))
    np.testing.assert_allclose(wrong.test, wrong.train)
    assert off(wrong)[FLEXIBLE, :, -1].max() < -0.4


def test_what_is_not_corrected_is_too_large_by_the_variance_of_the_mean() -> None:
    params = Params(sets=5, seeds=2)
    right, wrong = (last("bias_variance", params.replace(corrected=c)) for c in (True, False))
    np.testing.assert_allclose(wrong.bias - right.bias, right.variance / right.tick, rtol=1e-9)  # type: ignore[attr-defined]


def test_both_variances_are_found_again() -> None:
    """Of numbers drawn with known variances over sets and over draws, around a known distance to the truth."""
    rng = np.random.default_rng(0)
    sets, draws, places = 40, 3, 500
    found = 0.5 + 0.7 * rng.standard_normal((sets, 1, places)) + 0.4 * rng.standard_normal((sets, draws, places))
    parts = twofold(found, np.zeros(places), 1 / places)
    assert parts["over_data"] == pytest.approx(0.49, abs=0.02)
    assert parts["over_weights"] == pytest.approx(0.16, abs=0.01)
    assert parts["bias"] == pytest.approx(0.25, abs=0.02)
    alone = found[:, :1]
    both = twofold(np.repeat(alone, 3, 1), np.zeros(places), 1 / places)
    assert both["over_data"] == pytest.approx(alone[:, 0].var(0, ddof=1).mean()) and both["over_weights"] < 1e-12


def test_coefficients_go_into_torch_as_they_are() -> None:
    result, state = ended(TINY.replace(degree=5))
    named = weights(result, state)
    layer = torch.nn.Linear(5, 1, dtype=torch.float64)
    layer.load_state_dict({key: torch.tensor(named[f"0.{key}"][0, 2]) for key in ("weight", "bias")})
    said = layer(torch.tensor(legendre(result.place)[:, 1:6])).detach()[:, 0]
    np.testing.assert_allclose(said, result.fit[2], atol=1e-6)


def uploaded(rows: np.ndarray) -> str:
    content = ("x,y\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in rows)).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:{len(rows)}x2x0"
    CONTENTS[name] = content
    return name


def test_points_of_ones_own_are_left_out_in_turn() -> None:
    """Bias² and noise together are as large as on a curve that is known; places that come again do no harm."""
    rng = np.random.default_rng(0)
    x = rng.uniform(3, 7, 200)
    rows = np.c_[x, np.sin(3 * x) + 0.2 * rng.standard_normal(200)]
    result: Any = last("bias_variance", Params(own=uploaded(rows), points=100))
    assert result.test[9, :, -1].mean() < 0.5 * result.test[1, :, -1].mean()
    np.testing.assert_allclose(whole(result), result.test)
    few: Any = last("bias_variance", Params(own=uploaded(np.c_[np.arange(60) % 5, rng.standard_normal(60)]), sets=10))
    assert np.isfinite(few.test).all() and np.isnan(few.truth).all()
    assert figures.FITS.summary(few, "en").count("bias² + noise") == 1 and not figures.GAP.shown(few.params)


# Networks, double descent


def test_networks_are_those_of_torch() -> None:
    params = Params(steps=30, seeds=1, points=15)
    run, state = train_module("bias_variance.networks").train(params), {}
    while not state:
        try:
            result: Any = next(run)
        except StopIteration as end:
            state = end.value
    named = experiment("bias_variance.networks").weights(result, state)  # type: ignore[misc]
    net = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    at = 0, 1, 2  # seed, set, draw
    net.load_state_dict(
        {f"{k}.{n}": torch.tensor(named[f"2.{k // 2}.{n}"][at]) for k in (0, 2) for n in ("weight", "bias")}
    )
    x, y = training_set(params, 15, set_stream(params, 0, 1))
    twin = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    parts = iter(torch.tensor(initial_weights((1, 2, 1), DRAWS + 2)).split([2, 2, 2, 1]))
    for parameter in twin.parameters():
        parameter.data = next(parts).view_as(parameter).clone()
    optimizer = torch.optim.Adam(twin.parameters(), lr=params.lr)
    for step in range(30):
        optimizer.param_groups[0]["lr"] = params.lr * FADES ** (step / 30)
        optimizer.zero_grad()
        (twin(torch.tensor(x[:, None]).float()) - torch.tensor(y[:, None]).float()).square().mean().backward()
        optimizer.step()
    at_places = torch.tensor(nodes()[0][:, None]).float()
    torch.testing.assert_close(net(at_places), twin(at_places), atol=1e-4, rtol=0)
    *_, fused = train_module("bias_variance.networks").train(params, population=Fused)
    np.testing.assert_allclose(fused.test, result.test, atol=2e-3)


@pytest.mark.parametrize("count", [5, 12, 40])
def test_weights_of_smallest_norm_are_numpys_and_scikit_learns(count: int) -> None:
    rng = np.random.default_rng(0)
    phi, y, at = rng.standard_normal((12, count)), rng.standard_normal((12, 2)), rng.standard_normal((6, count))
    plain, ridge = minimum_norm(*map(torch.tensor, (phi, y, at)), (0.0, 0.3))
    np.testing.assert_allclose(plain, at @ np.linalg.pinv(phi) @ y, rtol=1e-6, atol=1e-8)
    theirs = Ridge(alpha=0.3, fit_intercept=False, solver="svd").fit(phi, y).predict(at)
    np.testing.assert_allclose(ridge, theirs, atol=1e-9)


def test_double_descent_adds_up_away_from_the_peak() -> None:
    params = Params(examples=20, seeds=8)
    result: Any = last("bias_variance.descent", params)
    noise = np.array([0.0, *2 * [1 - (1 - 2 * params.wrong) ** 2]])[:, None, None]
    whole_ = result.bias + result.over_data + result.over_weights + noise
    far = np.r_[0:2, -2:0]
    np.testing.assert_allclose(result.test[..., far].mean(1), whole_[..., far].mean(1), rtol=0.12)
    clean: Any = last("bias_variance.descent", params.replace(wrong=0.0, seeds=1))
    np.testing.assert_array_equal(clean.test[0], clean.test[1])


@pytest.mark.parametrize("part", load("bias_variance").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


# Claims

SEEDS = 40
Filled = dict[str, dict[Any, float]]  # field → place of its first and last axis → value

FIELDS: dict[str, tuple[Filled, Filled]] = {
    # claim: what is known where it holds, and where it fails
    "sum": ({"test": {RIGHT: 1.09}}, {"test": {RIGHT: 1.5}}),
    "rigid": ({"bias": {RIGID: 1, RIGHT: 0}}, {"bias": {RIGID: 0, RIGHT: 0}}),
    "flexible": ({"variance": {FLEXIBLE: 4, RIGHT: 1}}, {"variance": {FLEXIBLE: 1, RIGHT: 1}}),
    "too_much": ({"test": {FLEXIBLE: 2, RIGHT: 1}}, {"test": {FLEXIBLE: 1, RIGHT: 1}}),
    "train_falls": ({"train": {RIGHT: 1, FLEXIBLE: 0.5}}, {"train": {RIGHT: 1, FLEXIBLE: 1}}),
    "floor": ({"test": {RIGHT: 0.2}}, {"test": {RIGHT: 0.05}}),
    "no_bias": ({"bias": {RIGID: 0}}, {"bias": {RIGID: 0.1}}),
    "formula": ({"variance": {3: 0.09 * 4 / 25}}, {"variance": {3: 0.09}}),
    "less_variance": ({"variance": {(1, 1): 8, (1, 5): 1}}, {"variance": {(1, 1): 1, (1, 5): 1}}),
    "same_bias": ({"bias": {(0, 1): 1, (0, 5): 1}}, {"bias": {(0, 1): 1, (0, 5): 0}}),
    "train_rises": ({"error": {(1, 0, 0): 0, (1, 5, 0): 1}}, {"error": {(1, 0, 0): 1, (1, 5, 0): 1}}),
    "net_bias": ({"bias": {0: 1, 6: 0}}, {"bias": {0: 1, 6: 1}}),
    "net_variance": ({"over_data": {4: 1, 6: 0.5}}, {"over_data": {4: 1, 6: 2}}),
    "narrow": ({"over_weights": {3: 1}, "over_data": {3: 0.5}}, {"over_weights": {3: 0.5}, "over_data": {3: 1}}),
    "wide": ({"over_data": {6: 1}, "over_weights": {6: 0.5}}, {"over_data": {6: 0.5}, "over_weights": {6: 1}}),
    "peak": ({"test": {(1, 6): 100, (1, 2): 1}}, {"test": {(1, 6): 1, (1, 2): 1}}),
    "second": ({"test": {(1, 6): 100, (1, -1): 1}}, {"test": {(1, 6): 1, (1, -1): 1}}),
    "is_variance": ({"over_weights": {(1, 6): 0.9}}, {"over_weights": {(1, 6): 0.1}}),
    "clean": ({"test": {(0, -1): 1}}, {"test": {(0, -1): 2}}),
    "wrong": ({"test": {(1, -1): 2}}, {"test": {(1, -1): 1}}),
    "averaged": ({"over_weights": {(1, 9): 8, (1, -1): 1}}, {"over_weights": {(1, 9): 1, (1, -1): 1}}),
    "ridge": ({"test": {(2, 6): 0.9, (2, 2): 1}}, {"test": {(2, 6): 9, (2, 2): 1}}),
    "hurts": ({"by_amount": {(1, 3): 9, (1, 1): 1}}, {"by_amount": {(1, 3): 1, (1, 1): 1}}),
    "helps": ({"by_amount": {(2, 3): 0.9, (2, 1): 1}}, {"by_amount": {(2, 3): 1, (2, 1): 1}}),
    "uncorrected": ({"bias": {8: 0.5}, "variance": {8: 1}}, {"bias": {8: 0.0}, "variance": {8: 1}}),
    "not_fresh": ({"test": {FLEXIBLE: 0.05}}, {"test": {FLEXIBLE: 1.09}}),
}


def invented(id: str, positive: bool) -> BaseResult:
    """The tiny run with its seeds over and over; parts of errors are 0 but for one that is 1; then what is known."""
    concept = load("bias_variance")
    said = {thing.id: thing for thing in (*MISTAKES, *CLAIMS)}[id]
    part = concept.figure(said.figure).of if hasattr(said, "figure") else said.of
    name = f"bias_variance.{part}" if part else "bias_variance"
    result, kinds = last(name, TINY), axes(experiment(name).Result)
    filled: dict[str, np.ndarray] = {}
    for field, values in arrays(result).items():
        if "seed" in kinds[field]:
            wide = np.repeat(values, SEEDS // 2, kinds[field].index("seed"))
            filled[field] = np.full(wide.shape, float(field in ("variance", "test", "train", "error", "by_amount")))
    for field, known in FIELDS[id][not positive].items():
        for at, value in known.items():
            place = at if isinstance(at, tuple) else (at, slice(None))
            filled[field][(place[0], slice(None), *place[1:])] = value
    return replace(result, params=said.params.replace(seeds=SEEDS), **filled)


KNOWN = {id: (invented(id, True), invented(id, False)) for id in FIELDS}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("bias_variance")
    for claim in CLAIMS:
        name = concept.of(claim).name
        assert claim.measure(next(train_module(name).train(TINY))) is None
    elsewhere = replace(last("bias_variance", TINY), params=TINY.replace(data="jump"))
    assert all(claim.measure(elsewhere) is None for claim in CLAIMS if not claim.of)
    assert WIDTHS[4] == 16 and WIDTHS[6] == 64
