"""Linear models against scikit-learn, torch and brute force."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize, special
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import PolynomialFeatures
from torch.nn import functional

from core.concept.catalog import LANGUAGES
from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult, arrays, axes
from core.concepts.linear_models import figures
from core.concepts.linear_models.calibration.train import odds_loss
from core.concepts.linear_models.claims import CLAIMS
from core.concepts.linear_models.data import clouds
from core.concepts.linear_models.data import load as loaded
from core.concepts.linear_models.descent.train import Bowl
from core.concepts.linear_models.features.params import SIZES
from core.concepts.linear_models.features.train import gradient_histograms, products
from core.concepts.linear_models.params import (
    FEWEST,
    HEAVY,
    PRESETS,
    SQUARES,
    WRONG,
    Method,
    Params,
    Result,
    weights,
)
from core.concepts.linear_models.three.params import CLASSES, FLOOR
from core.concepts.linear_models.three.train import SHIFT, Twice
from core.concepts.linear_models.train import fewest_mistakes, improved, mistakes_slope, train
from core.conclusions.measures import preset
from core.figures import plot
from core.ml.calibration import calibration_error, reliability
from core.ml.data import digits
from core.ml.linear import Loss, first_rows, with_one
from core.ml.own import CONTENTS
from core.takeaway.export import script

# That the texts repeat: rates of descent, the section of a book, four in five, training digits, the largest shift
CONSTANTS = {0.99, 1.01, 4.2, 80, *SIZES, SHIFT, Params().steps, Params().examples}

SMALL = Params(points=40, clump=10, seeds=2)


@cache
def last(name: str, params: Params) -> BaseResult:
    *_, result = train_module(name).train(params)
    return result


def drawn_set(classes: int, n: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes in three dimensions."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.standard_normal((n, 3)) + 1.2 * rng.standard_normal((classes, 3))[y], y


# The closed form, and Newton's method


@pytest.mark.parametrize("penalty", [1e-6, 0.01, 3.0])
@pytest.mark.parametrize("on_bias", [False, True])
def test_least_squares_is_scikit_learns(penalty: float, on_bias: bool) -> None:
    x, y = drawn_set(3)
    method = Method(rule="least_squares", penalty=penalty, on_bias=on_bias)
    ours = improved(method, np.zeros((3, 4)), with_one(x), y, 1)
    inputs = with_one(x) if on_bias else x
    theirs = Ridge(alpha=len(x) * penalty, fit_intercept=not on_bias).fit(inputs, np.eye(3)[y])
    np.testing.assert_allclose(ours[:, : inputs.shape[1]], theirs.coef_, atol=1e-9)
    if not on_bias:
        np.testing.assert_allclose(ours[:, -1], theirs.intercept_, atol=1e-9)


def test_without_a_penalty_it_is_ordinary_least_squares() -> None:
    x, y = drawn_set(2)
    ours = Loss(with_one(x), y, 2, np.zeros(4), False).newton(np.zeros((2, 4)))
    np.testing.assert_allclose(ours[:, :-1], LinearRegression().fit(x, np.eye(2)[y]).coef_, atol=1e-10)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("penalty", [0.001, 0.1])
def test_newtons_method_ends_where_scikit_learn_does(classes: int, penalty: float) -> None:
    x, y = drawn_set(classes)
    w = first_rows(classes, 4, 3)
    for step in range(25):
        w = improved(Method(penalty=penalty), w, with_one(x), y, step)
    # Two rows that share a penalty are one of half of it
    strength = 1 / (len(x) * penalty) * (2 if classes == 2 else 1)
    theirs = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(special.softmax(with_one(x) @ w.T, 1), theirs.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize("kind", ["squares", "softmax", "twice"])
def test_curvature_and_slopes_are_those_of_automatic_differentiation(kind: str) -> None:
    x, y = drawn_set(3)
    inputs, ridge, w = with_one(x), np.array([0.1, 0.2, 0.3, 0]), first_rows(3, 4, 1)
    ours = (Twice if kind == "twice" else Loss)(inputs, y, 3, ridge, kind != "squares")

    def loss(v: torch.Tensor) -> torch.Tensor:
        z = torch.tensor(inputs) @ v.T
        if kind == "squares":
            error = 0.5 * (z - torch.tensor(np.eye(3)[y])).square().sum(1).mean()
        else:
            error = functional.cross_entropy(z.softmax(1) if kind == "twice" else z, torch.tensor(y))
        return error + 0.5 * (torch.tensor(ridge) * v.square()).sum()

    leaf = torch.tensor(w)
    assert ours(w) == pytest.approx(loss(leaf).item(), rel=1e-12)
    np.testing.assert_allclose(ours.slope(w), torch.autograd.functional.jacobian(loss, leaf), atol=1e-12)
    if kind != "twice":
        whole = torch.autograd.functional.hessian(loss, leaf).reshape(12, 12)
        np.testing.assert_allclose(ours.curvature(w), whole, atol=1e-12)


def lines(x: np.ndarray) -> np.ndarray:
    """Very many lines: all directions in steps of half a degree, through all gaps between points."""
    found = []
    for angle in np.linspace(0, np.pi, 721):
        normal = np.array([np.cos(angle), np.sin(angle)])
        along = np.sort(x @ normal)
        between = np.r_[along[0] - 1, (along[1:] + along[:-1]) / 2, along[-1] + 1]
        found += [np.r_[normal, -cut] for cut in between]
    return np.array(found)


@pytest.mark.parametrize("seed", range(8))
def test_no_line_makes_fewer_mistakes_than_the_best(seed: int) -> None:
    x, y = clouds(16, 3, 2.0, 1.5, np.random.default_rng(seed))
    inputs = with_one(x)
    ours = fewest_mistakes(inputs, y)
    mine = ((inputs @ ours.T).argmax(1) != y).sum()
    wrong = ((inputs @ lines(x).T > 0) != (y == 1)[:, None]).sum(0)
    assert mine <= min(wrong.min(), (len(x) - wrong).min())


def test_mistakes_are_a_staircase_and_its_steps_are_seen() -> None:
    x, y = clouds(40, 0, 0.0, 1.0, np.random.default_rng(0))
    inputs, w = with_one(x), first_rows(2, 3, 0)
    assert not mistakes_slope(w, inputs, y).any()
    assert mistakes_slope(w, inputs, y, by=2.0).any()  # differences over a whole flight are not zero


# The experiment


def test_a_free_bias_does_not_notice_where_the_origin_lies() -> None:
    here, there = (last("linear_models", SMALL.replace(methods=(HEAVY, WRONG), offset=o)) for o in (0.0, 15.0))
    np.testing.assert_allclose(here.accuracy[0, :, -1], there.accuracy[0, :, -1], atol=0.003)
    assert (here.accuracy[1, :, -1, 2] > there.accuracy[1, :, -1, 2] + 0.05).all()


def test_closed_forms_take_one_step() -> None:
    result = last("linear_models", SMALL.replace(methods=(SQUARES, Method(), FEWEST)))
    assert (result.path[[0, 2], 1] == result.path[[0, 2], -1]).all()
    assert (result.path[1, 1] != result.path[1, -1]).any()


def test_the_clump_moves_and_nothing_else_does() -> None:
    near, far = (loaded(Params(distance=distance), 3) for distance in (0.0, 20.0))
    np.testing.assert_array_equal(near.x[0][:100], far.x[0][:100])
    moved = far.x[0][100:] - near.x[0][100:]
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 20)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_table_of_ones_own_is_trained_on(classes: int) -> None:
    x, y = drawn_set(classes)
    rows_ = ["a,b,c,label", *(f"{a:.4f},{b:.4f},{c:.4f},k{label}" for (a, b, c), label in zip(x, y))]
    content = "\n".join(rows_).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:90x3x{classes}"
    CONTENTS[name] = content
    params = Params(own=name, seeds=2)
    *_, result = train(params)
    assert result.accuracy[:, :, -1, 2].mean() > 0.6 and not len(result.x)
    *_, down = train_module("linear_models.descent").train(params.replace(steps=30))
    assert (down.gap[:2, :, -1] < down.gap[:2, :, 0]).all()


def test_weights_go_into_torch_as_they_are() -> None:
    run = train(SMALL)
    state: dict[str, np.ndarray] = {}
    while not state:
        try:
            result = next(run)
        except StopIteration as end:
            state = end.value
    named = weights(result, state)
    layer = torch.nn.Linear(2, 2, dtype=torch.float64)
    layer.load_state_dict({key: torch.tensor(named[f"0.{key}"][1, 0]) for key in ("weight", "bias")})
    z = layer(torch.tensor(result.x)).detach().numpy()
    np.testing.assert_allclose(z, with_one(result.x) @ result.path[1, -1].T, atol=1e-12)


@pytest.mark.parametrize("part", load("linear_models").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


# Descent


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_largest_stable_rate_is_two_over_the_largest_curvature(loss: str) -> None:
    bowl = Bowl(SMALL.replace(loss=loss), 0)
    x, aims, ridge = (torch.tensor(a) for a in (bowl.x, bowl.targets, bowl.ridge))

    def height(w: torch.Tensor) -> torch.Tensor:
        z = x @ w.T
        error = functional.cross_entropy(z, aims) if loss == "logistic" else 0.5 * (z - aims).square().sum(1).mean()
        return error + 0.5 * (ridge * w.square()).sum()

    lowest = torch.tensor(bowl.lowest)
    assert torch.autograd.functional.jacobian(height, lowest).abs().max() < 1e-9
    curved = torch.linalg.eigvalsh(torch.autograd.functional.hessian(height, lowest).reshape(6, 6))
    assert bowl.stable == pytest.approx(2 / curved[-1].item())
    start = first_rows(2, 3, 0)
    np.testing.assert_allclose(bowl.slope(start), torch.autograd.functional.jacobian(height, torch.tensor(start)))
    assert bowl.above(bowl.lowest) == 0 < bowl.above(start)
    steepest = torch.linalg.eigh(torch.autograd.functional.hessian(height, lowest).reshape(6, 6))[1][:, -1]
    for factor, grows in ((0.99, False), (1.01, True)):
        w = bowl.lowest + 1e-6 * steepest.numpy().reshape(2, 3)
        for _ in range(20):
            w = w - factor * bowl.stable * bowl.slope(w)
        assert (np.linalg.norm(w - bowl.lowest) > 1e-6) == grows


# Softmax


def test_the_floor_of_two_softmaxes_is_the_lowest_there_is() -> None:
    found = optimize.minimize(lambda z: -np.log(special.softmax(special.softmax(z))[0]), np.zeros(CLASSES), tol=1e-12)
    assert found.fun == pytest.approx(FLOOR, abs=1e-4) and found.fun >= FLOOR
    assert -np.log(special.softmax(np.eye(CLASSES)[0])[0]) == pytest.approx(FLOOR, rel=1e-12)


def test_squares_as_features_find_what_a_line_hides() -> None:
    result = last("linear_models.three", Params(seeds=3))
    recall = result.recall[:, :, -1, 1].mean(1)
    assert recall[0] < 0.5 < 0.9 < recall[1:].min()
    assert (result.loss[3, :, -1] > FLOOR).all() and np.isnan(result.loss[:2]).all()


# Probabilities


def test_calibration_is_scikit_learns_and_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    odds, y = 2 * rng.standard_normal(400), rng.integers(0, 2, 400)
    count, said, true = reliability(special.expit(odds), y)
    theirs = calibration_curve(y, special.expit(odds), n_bins=10)
    np.testing.assert_allclose([true[count > 0], said[count > 0]], theirs, atol=1e-12)
    error = 0.0
    for k in range(10):
        own = [i for i in range(400) if k / 10 <= special.expit(odds[i]) < (k + 1) / 10]
        error += abs(sum(special.expit(odds[i]) - y[i] for i in own)) / 400
    assert calibration_error(count, said, true) == pytest.approx(error)
    theirs = functional.binary_cross_entropy_with_logits(torch.tensor(odds), torch.tensor(y).double())
    assert odds_loss(odds, y) == pytest.approx(theirs.item())


# Features


def test_products_are_scikit_learns() -> None:
    x = np.random.default_rng(0).standard_normal((6, 5))
    theirs = PolynomialFeatures(2, include_bias=False).fit_transform(x)
    np.testing.assert_allclose(products(x), theirs, atol=1e-12)


def test_gradient_histograms_share_out_all_steepness() -> None:
    x = digits()[0][:7]
    found = gradient_histograms(x).reshape(7, 4, 4, 8) ** 2
    for image, squares in zip(x.reshape(-1, 8, 8), found):
        down, across = np.gradient(image.astype(float))
        steep = np.hypot(down, across)
        for row in range(4):
            for column in range(4):
                here = steep[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].sum()
                assert squares[row, column].sum() == pytest.approx(here, abs=1e-5)
    ramp = np.tile(np.arange(8) / 8, (8, 1)).reshape(1, 64)
    assert (gradient_histograms(ramp).reshape(16, 8)[:, 1:] < 1e-6).all()  # steep to the right only


# Figures and measures


def test_a_line_lies_where_both_outputs_are_equal() -> None:
    w = np.random.default_rng(0).standard_normal((5, 3))
    for line, ends in zip(w, plot.boundary(w)):
        np.testing.assert_allclose([line @ np.r_[point, 1] for point in ends], 0, atol=1e-9)
    assert np.isnan(plot.boundary(np.zeros(3))).all()


def test_every_method_has_its_rings() -> None:
    result = last("linear_models", SMALL)
    drawn = figures.draw_line(result, "en")
    rings = [t for t in drawn.data if t.mode == "markers" and "open" in str(t.marker.symbol)]
    for m, ring in enumerate(rings):
        missed = np.isfinite(np.array(ring.x, float)).sum()
        assert missed == round((1 - result.accuracy[m, 0, -1, 0]) * len(result.x))


@pytest.mark.parametrize("language", LANGUAGES)
def test_equal_methods_are_told_apart(language: str) -> None:
    methods = (HEAVY, WRONG, Method(), Method())
    named = figures.HERE.names(last("linear_models", SMALL.replace(methods=methods)), language)
    assert len(set(named)) == 4 and "λ = 0.1" in named[0]


SEEDS = 40
FIELDS: dict[str, tuple[str, list[Any], list[Any], tuple[Any, ...]]] = {
    # claim: field, a value per row where it holds and where it fails, places of the axes after the seed
    "too_right": ("accuracy", [0.8, 0.95], [0.9, 0.9], (-1, 2)),
    "nothing_far": ("accuracy", [0.9, 0.9], [0.8, 0.9], (-1, 2)),
    "fewest_train": ("accuracy", [0, 0.8, 0.9], [0, 0.9, 0.9], (-1, 0)),
    "fewest": ("accuracy", [0, 0.8, 0.9], [0, 0.9, 0.9], (-1, 2)),
    "staircase": ("moved", [1, 1, 1, 0], [1, 1, 1, 0.1], ()),
    "origin": ("accuracy", [0.9, 0.7], [0.9, 0.9], (-1, 2)),
    "iris": ("accuracy", [0.8, 0.95], [0.9, 0.9], (-1, 2)),
    "breast_cancer": ("accuracy", [0.8, 0.95], [0.9, 0.9], (-1, 2)),
    "digits": ("accuracy", [0.8, 0.95], [0.9, 0.9], (-1, 2)),
    "below": ("gap", [1, 1e-6, 1], [1, 1e6, 1], (-1,)),
    "above": ("gap", [1, 1, 1e6], [1, 1, 1e-6], (-1,)),
    "below_curved": ("gap", [1, 1e-6, 1], [1, 1e6, 1], (-1,)),
    "above_curved": ("gap", [1, 1, 1e6], [1, 1, 1e-6], (-1,)),
    "masked": ("recall", [0.1, 1, 1], [1, 1, 1], (-1, 1)),
    "off_row": ("recall", [1, 1, 1], [0.1, 1, 1], (-1, 1)),
    "curved": ("recall", [0.1, 1], [1, 1], (-1, 1)),
    "once": ("loss", [1, 1, 0.1], [1, 1, 0.9], (-1,)),
    "twice": ("loss", [1, 1, 1, 0.6], [1, 1, 1, 0.1], (-1,)),
    "twice_right": ("recall", [1, 1, 0.9, 0.9], [1, 1, 0.9, 0.8], (-1,)),
    "shift": ("shifted", [0], [0.1], ()),
    "calibrated": ("said", [0.02], [0.3], (-1,)),
    "overconfident": ("said", [0.02, 0.3], [0.1, 0.1], (-1,)),
    "temperature": ("cooled", [0, 0], [0, 1], ()),
    "gradients_few": ("accuracy", [0.8, 0.8, 0.9, 0.8], [0.8] * 4, (1,)),
    "gradients_many": ("accuracy", [0.8, 0.8, 0.9, 0.8], [0.8] * 4, (4,)),
    "products": ("accuracy", [0.8, 0.9, 0.8, 0.8], [0.8] * 4, (4,)),
    "learned": ("accuracy", [0.8, 0.8, 0.8, 0.9], [0.8] * 4, (4,)),
    "by_hand": ("accuracy", [0.8, 0.8, 0.9, 0.8], [0.8] * 4, (4,)),
}


@cache
def many(name: str) -> BaseResult:
    """The tiny run with its seeds over and over, so that there are SEEDS of them."""
    result = last(name, experiment(name).tiny)
    wide = {
        field: np.repeat(values, SEEDS // 2, axes(type(result))[field].index("seed"))
        for field, values in arrays(result).items()
        if "seed" in axes(type(result))[field]
    }
    return replace(result, **wide)


def invented(id: str, positive: bool) -> BaseResult:
    claim = next(c for c in CLAIMS if c.id == id)
    name, good, bad, place = FIELDS[id]
    result = replace(many(load("linear_models").of(claim).name), params=claim.params)
    values = getattr(result, name).astype(float)
    if id == "shift":
        values[:] = (good if positive else bad)[0]
    for row, value in enumerate(good if positive else bad):
        if id != "shift":
            values[(row, slice(None), *place)] = value
    more = {}
    if name == "gap":
        values[:, :, 0] = 1
    if name == "said":
        more = {"true": np.zeros_like(values)}
    return replace(result, **{name: values, **more})


KNOWN = {id: (invented(id, True), invented(id, False)) for id in FIELDS}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("linear_models")
    for claim in CLAIMS:
        name = concept.of(claim).name
        first = next(train_module(name).train(experiment(name).tiny))
        assert claim.measure(first) is None
    elsewhere = replace(many("linear_models"), params=Params(data="diabetes"))
    assert all(claim.measure(elsewhere) is None for claim in CLAIMS if not claim.of and claim.id != "staircase")


def test_presets_say_what_they_show() -> None:
    """The mistakes are made where they are shown, and the controls beside them."""
    for one, other in combinations([preset(Params(), PRESETS, p.id) for p in PRESETS], 2):
        assert one != other
    assert any(m.on_bias for m in preset(Params(), PRESETS, "origin").methods)
    assert isinstance(last("linear_models", SMALL), Result)
