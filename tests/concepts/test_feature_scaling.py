"""Feature scaling against scikit-learn, torch and steps that are really taken."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch.nn import functional

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.feature_scaling import figures
from core.concepts.feature_scaling.adam import Adam
from core.concepts.feature_scaling.bowl import Bowl
from core.concepts.feature_scaling.claims import CLAIMS, MISTAKES, best
from core.concepts.feature_scaling.data import first_model, in_units, points_of, scaling_of, table_of
from core.concepts.feature_scaling.lighting.params import KINDS as LIT
from core.concepts.feature_scaling.lighting.params import STRENGTHS
from core.concepts.feature_scaling.lighting.train import in_other_light, per_image
from core.concepts.feature_scaling.params import RAW, STANDARDISED, Params, Scaling, weights
from core.concepts.feature_scaling.rules.params import RATES as TRIED
from core.concepts.feature_scaling.rules.params import RULES, SCALINGS, STRETCHES
from core.concepts.feature_scaling.tables.params import BATCH, FACTORS, GROUPS, HANDLINGS, KINDS, RATES, WAYS
from core.concepts.feature_scaling.tables.train import Norm, by_own, outputs, right, slope
from core.ml.data import batch_orders, bundled, digits, split
from core.ml.linear import first_rows
from core.ml.own import CONTENTS
from tests.known import known

# That the texts repeat: rates tried, batch, groups, factors; the answers' tenfold and hundredfold; the largest exponent
# of e in single precision; a thousand, its square; decades of units; the factor of contrast
CONSTANTS = {len(TRIED), BATCH, *GROUPS, *FACTORS, 10, 88, 1000, 4, max(STRETCHES), 20, 200}
EVERY = ("raw", "standardised", "whitened", "min_max", "plus")


@cache
def last(name: str, params: Params) -> BaseResult:
    *_, result = train_module(name).train(params)
    return result


def ended(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    """The last Result of a run, and the state it returns."""
    run, result = train_module(name).train(params), None
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


def some(n: int = 60, features: int = 4, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((n, features)) @ rng.standard_normal((features, features))
    return 10.0 ** np.arange(features) * (mixed + rng.standard_normal(features))


# Scalings


def test_scalings_are_scikit_learns() -> None:
    x, new = some(), some(seed=1)
    for rule, theirs in (("standardised", StandardScaler()), ("min_max", MinMaxScaler())):
        np.testing.assert_allclose(scaling_of(rule, x)(new), theirs.fit(x).transform(new), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(scaling_of("raw", x)(new), new)


def test_whitened_features_have_no_correlation() -> None:
    u = scaling_of("whitened", some(2000))(some(2000))
    np.testing.assert_allclose(u.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(u.T, bias=True), np.eye(4), atol=0.1)
    close = np.corrcoef(np.c_[u, some(2000)].T)[:4, 4:]
    assert (np.diag(close) > 0.3).all()  # each stays most of what it was


def test_plus_doubles_the_mean() -> None:
    x = some()
    np.testing.assert_allclose(scaling_of("plus", x)(x).mean(0), 2 * x.mean(0) / x.std(0))


@pytest.mark.parametrize("rule", EVERY)
def test_what_does_not_vary_is_left_finite(rule: str) -> None:
    x = np.c_[some(), np.full(60, 3.0)]
    assert np.isfinite(scaling_of(rule, x)(x)).all()


@pytest.mark.parametrize("rule", EVERY)
def test_every_scaling_begins_with_the_same_model(rule: str) -> None:
    x, y = points_of(Params(offset=2.0), 30.0, 0)
    raw, scaling = first_model(x, y, 3), scaling_of(rule, x)
    w = Bowl(x, y, scaling, raw).start
    np.testing.assert_allclose(scaling(x) @ w[:2] + w[2], x @ raw[:2] + raw[2], rtol=1e-6, atol=1e-9)


def test_stretch_changes_units_alone() -> None:
    """The same problem: the best model says the same, and stretches turn up in the deviations only."""
    (x, _), (wide, _) = (points_of(Params(), k, 0) for k in (1.0, 50.0))
    np.testing.assert_allclose(wide, x * [50, 1])
    assert np.corrcoef(x.T)[0, 1] == pytest.approx(0.9, abs=0.05)
    assert in_units(np.array([9.0, 1.0]))[1] / in_units(np.array([9.0, 1.0]))[0] == pytest.approx(3)


# The bowl


def bowl_of(rule: str, stretch: float = 5.0) -> tuple[Bowl, np.ndarray, np.ndarray]:
    x, y = points_of(Params(offset=1.0, points=40), stretch, 1)
    return Bowl(x, y, scaling_of(rule, x), first_model(x, y, 1)), scaling_of(rule, x)(x), y


@pytest.mark.parametrize("rule", EVERY)
def test_curvature_is_that_of_automatic_differentiation(rule: str) -> None:
    bowl, u, y = bowl_of(rule)
    inputs = torch.tensor(np.c_[u, np.ones(len(u))])

    def loss(w: torch.Tensor) -> torch.Tensor:
        return 0.5 * (inputs @ w - torch.tensor(y)).square().mean()

    start = torch.tensor(bowl.start)
    np.testing.assert_allclose(bowl.curvature, torch.autograd.functional.hessian(loss, start), rtol=1e-9, atol=1e-12)
    gradient = torch.autograd.functional.jacobian(loss, start).numpy()
    np.testing.assert_allclose(bowl.curvature @ bowl.start - bowl.pull, gradient, rtol=1e-6, atol=1e-9)
    way = bowl.lowest - bowl.start
    cosine = -gradient @ way / np.linalg.norm(gradient) / np.linalg.norm(way)
    assert bowl.angle() == pytest.approx(np.degrees(np.arccos(cosine)), abs=1e-4)
    assert bowl.condition == pytest.approx(np.linalg.cond(bowl.curvature), rel=1e-6)
    across, up, height = bowl.around(7, 1.5)
    for row, column in ((0, 0), (2, 5), (6, 3)):
        there = np.array([across[column], up[row]])
        bias = (y - u @ there).mean()
        above = loss(torch.tensor([*there, bias])) - loss(torch.tensor(bowl.lowest))
        assert height[row, column] == pytest.approx(above.item(), rel=1e-6, abs=1e-9)


def taken(bowl: Bowl, rate: float, momentum: float = 0.0, target: float = 1e-4, most: int = 5000) -> float:
    """Steps that torch.optim.SGD takes to the target."""
    w = torch.tensor(bowl.start, requires_grad=True)
    rule = torch.optim.SGD([w], rate, momentum)
    h, c, low = (torch.tensor(v) for v in (bowl.curvature, bowl.pull, bowl.lowest))
    begin = None
    for step in range(most):
        g = h @ w.detach() - c
        gap = 0.5 * ((w.detach() - low) @ g).item()
        begin = begin or gap
        if gap <= target * begin:
            return step
        w.grad = g
        rule.step()
    return np.inf


def test_the_best_rates_are_best_wherever_one_starts() -> None:
    """No others shrink the slowest direction faster, by the roots of z² − (1 + μ − η κ) z + μ (Polyak, 1964)."""
    bowl, *_ = bowl_of("raw", 2.0)
    curved = np.linalg.eigvalsh(bowl.curvature)

    def slowest(rate: float, momentum: float = 0.0) -> float:
        return max(np.abs(np.roots([1, rate * k - 1 - momentum, momentum])).max() for k in curved)

    rate, keep = bowl.with_momentum
    low, high = np.sqrt([bowl.flattest, bowl.steepest])
    assert slowest(bowl.rate) == pytest.approx((bowl.condition - 1) / (bowl.condition + 1))
    assert slowest(rate, keep) == pytest.approx((high - low) / (high + low), abs=1e-6)
    for factor in np.linspace(0.3, 1.7, 29):
        assert slowest(bowl.rate) <= slowest(factor * bowl.rate) + 1e-9
        for other in np.linspace(0, 0.99, 34):
            assert slowest(rate, keep) <= slowest(factor * rate, other) + 1e-6


@pytest.mark.parametrize("rule", ["raw", "standardised", "min_max"])
def test_steps_are_those_that_torch_takes(rule: str) -> None:
    params = Params(stretch=5.0, offset=1.0, points=40, seeds=2, scalings=(Scaling(rule=rule),), target=0.01)
    result: Any = last("feature_scaling", params)
    for s in range(2):
        x, y = points_of(params, 5.0, s)
        bowl = Bowl(x, y, scaling_of(rule, x), first_model(x, y, s))
        assert result.reached[0, s] == taken(bowl, bowl.rate, target=0.01)
    assert result.step == result.total == np.max(result.reached)
    assert (np.diff(result.gap[0], axis=-1) <= 1e-12).all()


def test_at_one_rate_all_have_the_smallest() -> None:
    result: Any = last("feature_scaling", Params(rates="equal", steps=100, seeds=2))
    assert (result.rate == result.rate[:1]).all()
    best_of_each: Any = last("feature_scaling", Params(steps=100, seeds=2))
    np.testing.assert_array_equal(result.rate[0], best_of_each.rate.min(0))


# Rules


def test_adam_is_torchs() -> None:
    rng = np.random.default_rng(0)
    w, theirs = rng.standard_normal((2, 3)), torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    theirs.data[:] = torch.tensor(w)
    ours, rule = Adam(w), torch.optim.Adam([theirs], 0.01)
    for _ in range(20):
        g = rng.standard_normal((2, 3))
        w = w - 0.01 * ours.way(g)
        theirs.grad = torch.tensor(g)
        rule.step()
        np.testing.assert_allclose(w, theirs.detach(), atol=1e-12)


def test_rules_take_the_steps_of_torch() -> None:
    params = Params(correlation=0.5, target=0.01, steps=5000, seeds=1, points=60)
    result: Any = last("feature_scaling.rules", params)
    for k in (0, 2):
        x, y = points_of(params, STRETCHES[k], 0)
        for i, rule in enumerate(SCALINGS):
            bowl = Bowl(x, y, scaling_of(rule, x), first_model(x, y, 0))
            assert result.reached[0, i, 0, k] == taken(bowl, bowl.rate, target=0.01)
            assert result.reached[1, i, 0, k] == taken(bowl, *bowl.with_momentum, target=0.01)
            w = torch.tensor(bowl.start, requires_grad=True)
            adam, gaps = torch.optim.Adam([w], float(result.best[i, 0, k])), []
            for _ in range(int(result.reached[2, i, 0, k]) + 1):
                w.grad = torch.tensor(bowl.curvature) @ w.detach() - torch.tensor(bowl.pull)
                gaps.append(0.5 * ((w.detach().numpy() - bowl.lowest) @ w.grad.numpy()))
                adam.step()
            assert gaps[-1] <= 0.01 * gaps[0] < min(gaps[:-1])


# Tables


def test_the_gradient_is_torchs() -> None:
    rng = np.random.default_rng(0)
    w, x, y = rng.standard_normal((2, 3, 5, 2, 4)), rng.standard_normal((2, 3, 7, 5)), rng.integers(0, 4, (3, 7))
    theirs = torch.tensor(w, requires_grad=True)
    z = torch.einsum("ksni,ksirc->ksnrc", torch.tensor(x), theirs)
    labels = torch.tensor(y)[None, :, :, None].expand(2, 3, 7, 2)
    functional.cross_entropy(z.movedim(-1, 1), labels, reduction="sum").div(7).backward()
    np.testing.assert_allclose(slope(w, x, np.eye(4)[y]), theirs.grad, atol=1e-12)
    np.testing.assert_allclose(outputs(w, x), z.detach(), atol=1e-12)
    np.testing.assert_array_equal(right(w, x, y), z.detach().argmax(-1) == labels)
    w[0, 0, 0, 0, 0] = np.inf
    assert not right(w, x, y)[0, 0, :, 0].any()  # who has diverged


def test_batch_norm_is_torchs() -> None:
    ours, theirs = Norm(1, 3), torch.nn.BatchNorm1d(3, affine=False).double()
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = 3 * rng.standard_normal((8, 3)) + 5
        said = ours.training(np.c_[x, np.ones(8)][None])[0]
        np.testing.assert_allclose(said[:, :-1], theirs(torch.tensor(x)), atol=1e-9)
        assert (said[:, -1] == 1).all()
    theirs.eval()
    np.testing.assert_allclose(ours.at_test(np.c_[x, np.ones(8)][None])[0, :, :-1], theirs(torch.tensor(x)), atol=1e-9)


def test_random_units_multiply_columns() -> None:
    x, y = table_of(Params(), 5)
    plain, labels = digits()
    varied = plain.std(0) > 0
    factors = (x[:, varied] / np.where(plain[:, varied], plain[:, varied], np.nan)).T
    np.testing.assert_allclose(np.nanstd(factors, 1) / np.nanmean(factors, 1), 0, atol=1e-6)
    assert 0.01 <= np.nanmin(factors) < 0.1 and 10 < np.nanmax(factors) <= 100 and (y == labels).all()


def test_one_example_alone_becomes_zero() -> None:
    x = some(6)
    assert (by_own(x, 1) == 0).all()
    np.testing.assert_allclose(by_own(x, 3)[:3], StandardScaler().fit_transform(x[:3]), atol=1e-9)


def test_tables_train_as_torch_does() -> None:
    """One epoch of standardised iris, member by member."""
    params = Params(data="iris", epochs=1, seeds=1)
    result, state = ended("feature_scaling.tables", params)
    named = experiment("feature_scaling.tables").weights(result, state)  # type: ignore[misc]
    data = split(*bundled("iris"), 0)
    x = torch.tensor(StandardScaler().fit(data.x[0]).transform(data.x[0]))
    for r in (3, 5):
        layer, w = torch.nn.Linear(4, 3).double(), torch.tensor(first_rows(3, 5, 0))
        layer.weight.data, layer.bias.data = w[:, :-1].clone(), w[:, -1].clone()
        rule = torch.optim.SGD(layer.parameters(), RATES[r])
        for at in range(0, len(x), BATCH):
            rows = batch_orders(len(x), 1, 0)[0, at : at + BATCH]
            rule.zero_grad()
            functional.cross_entropy(layer(x[rows]), torch.tensor(data.y[0][rows])).backward()
            rule.step()
        k = KINDS.index("standardised")
        np.testing.assert_allclose(named["0.weight"][k, 0, r], layer.weight.detach(), atol=1e-5)
        np.testing.assert_allclose(named["0.bias"][k, 0, r], layer.bias.detach(), atol=1e-5)


def test_overflow_is_where_the_exponential_ends() -> None:
    result: Any = last("feature_scaling.tables", Params(data="iris", epochs=1, seeds=2))
    raw, scaled, safe = (result.overflow[HANDLINGS.index(name)] for name in HANDLINGS)
    assert (raw[:, -1] == 1).all() and (scaled[:, 0] == 0).all() and (safe == 0).all()
    assert (np.diff(raw) >= 0).all() and np.exp(np.float32(88)) < np.inf
    with np.errstate(over="ignore"):
        assert np.exp(np.float32(89)) == np.inf


# Light


def test_scaled_image_by_image_light_and_contrast_are_gone() -> None:
    x = digits()[0][:20].astype(float)
    for tried in in_other_light(x, 0):
        np.testing.assert_allclose(per_image(tried), per_image(x), atol=1e-9)
    lights = in_other_light(x, 0)
    assert (lights[0] == x).all() and len(lights) == 2 * len(STRENGTHS)
    assert np.abs(lights[len(STRENGTHS) - 1] - x).max() <= 1


# Own data, exports, figures


OWN = ("a,b,c,label\n" + "".join(f"{i},{1000 * (i * i % 7)},{i % 3},{'xy'[i % 2]}\n" for i in range(30))).encode()
NAME = f"sha256:{hashlib.sha256(OWN).hexdigest()}:30x3x2"


@pytest.mark.parametrize("name", ["feature_scaling", "feature_scaling.tables"])
def test_a_readers_table_is_learned(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENTS, NAME, OWN)
    *_, result = train_module(name).train(Params(own=NAME, seeds=2, epochs=2))
    assert result.complete
    for figure in load("feature_scaling").figures:
        if figure.of == name.partition(".")[2]:
            assert figure.summary(result, "en") and len(figure.table(result, "zh"))


def test_a_column_that_is_constant_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ("a,b,label\n" + "".join(f"5,{i},{'xy'[i % 2]}\n" for i in range(30))).encode()
    name = f"sha256:{hashlib.sha256(text).hexdigest()}:30x2x2"
    monkeypatch.setitem(CONTENTS, name, text)
    *_, result = train_module("feature_scaling").train(Params(own=name, seeds=2, steps=100))
    assert np.isfinite(result.gap).all() and figures.PATHS.draw(result, "en").data


def test_weights_are_those_of_a_linear_layer() -> None:
    result, state = ended("feature_scaling", Params(steps=100, seeds=2))
    named = weights(result, state)
    assert named["0.weight"].shape == (3, 2, 1, 2) and named["0.bias"].shape == (3, 2, 1)
    np.testing.assert_allclose(named["0.weight"][:, 0, 0], result.path[:, -1])


def test_what_does_not_arrive_is_more_than_the_run_has() -> None:
    result: Any = last("feature_scaling", Params(stretch=1000.0, steps=100, seeds=2))
    raw, standardised, _ = figures.steps(result, result.reached)
    assert raw == "> 100" and int(standardised) < 100
    assert "> 100" in figures.PATHS.summary(result, "en")


# Measures


def steps_of(*rows: float) -> np.ndarray:
    return np.tile(np.array(rows)[:, None], 20)


def plane(id: str, *rows: float, **more: Any) -> BaseResult:
    params = next(c for c in CLAIMS if c.id == id).params
    count = len(params.scalings)
    given = {"reached": steps_of(*rows), "condition": steps_of(*[1000.0, 10.0, 1.0][:count])} | more
    return known(load("feature_scaling").experiments[0].Result, params, **given)


def ruled(id: str, power: float, of: str = "sgd") -> BaseResult:
    kappa = np.broadcast_to(4.0 ** np.arange(len(STRETCHES)), (3, 20, len(STRETCHES)))
    reached = np.ones((3, 3, 20, len(STRETCHES)))
    reached[RULES.index(of)] = kappa**power
    if of == "adam":
        reached[RULES.index("adam"), 0] = 10**power
        reached[RULES.index("adam"), 1] = 10 ** (power if id == "adam_whitened" else 0)
        reached[RULES.index("adam"), 2] = 1
    params = next(c for c in CLAIMS if c.id == id).params
    return known(experiment("feature_scaling.rules").Result, params, reached=reached, condition=kappa)


def tabled(id: str, **accuracy: float) -> BaseResult:
    params = next(c for c in CLAIMS if c.id == id).params
    test = np.full((len(KINDS), 20, len(RATES), 2), 0.9)
    for kind, value in accuracy.items():
        test[KINDS.index(kind)] = value
    return known(experiment("feature_scaling.tables").Result, params, validation=test, test=test.copy())


def handled(id: str, field: str, rows: tuple[str, ...], **values: float) -> BaseResult:
    params = next(c for c in CLAIMS if c.id == id).params
    last_axis = len(GROUPS) if field == "own" else len(FACTORS)
    array = np.zeros((len(rows), 20, last_axis)) + 0.9 * (field == "own")
    for row, value in values.items():
        array[rows.index(row)] = value
    return known(experiment("feature_scaling.tables").Result, params, **{field: array})


def lit(id: str, field: str, **values: float) -> BaseResult:
    params = next(c for c in CLAIMS if c.id == id).params
    array = np.full((len(LIT), 20, 2, len(STRENGTHS)), 0.9)
    for kind, value in values.items():
        array[LIT.index(kind)] = value
    return known(experiment("feature_scaling.lighting").Result, params, **{field: array})


KNOWN = {
    "angle": (plane("angle", 1, 1, 1, angle=steps_of(80, 9, 0)), plane("angle", 1, 1, 1, angle=steps_of(3, 9, 0))),
    "angle_whitened": (
        plane("angle_whitened", 1, 1, 1, angle=steps_of(80, 9, 0)),
        plane("angle_whitened", 1, 1, 1, angle=steps_of(80, 9, 30)),
    ),
    "factor": (plane("factor", 1000, 10, 1), plane("factor", 1000, 100, 1)),
    "left": (plane("left", 1000, 50, 1), plane("left", 1000, 5, 1)),
    "nothing_left": (plane("nothing_left", 1000, 3, 1), plane("nothing_left", 1000, 50, 1)),
    "same_rate": (plane("same_rate", 1000, 1000, 9), plane("same_rate", 1000, 10, 9)),
    "outlier": (plane("outlier", 1, 1000), plane("outlier", 1, 10)),
    "no_outlier": (plane("no_outlier", 1, 10), plane("no_outlier", 1, 1000)),
    "plus": (plane("plus", 100, 10, 1000), plane("plus", 100, 10, 10)),
    "plus_raw": (plane("plus_raw", 100, 10, 1000), plane("plus_raw", 100, 10, 100)),
    "sgd": (ruled("sgd", 1.0), ruled("sgd", 0.5)),
    "momentum": (ruled("momentum", 0.5, "momentum"), ruled("momentum", 1.0, "momentum")),
    "adam": (ruled("adam", 0.1, "adam"), ruled("adam", 1.0, "adam")),
    "adam_whitened": (ruled("adam_whitened", 1.0, "adam"), ruled("adam_whitened", 0.0, "adam")),
    "units": (tabled("units", raw=0.5), tabled("units")),
    "units_adam": (tabled("units_adam", raw=0.5), tabled("units_adam")),
    "pixels": (tabled("pixels"), tabled("pixels", raw=0.5)),
    "plus_table": (tabled("plus_table", plus=0.5), tabled("plus_table")),
    "leak": (tabled("leak"), tabled("leak", leaked=0.99)),
    "batch_norm": (tabled("batch_norm"), tabled("batch_norm", batch_norm=0.5)),
    "own_one": (handled("own_one", "own", WAYS, own_mean=0.1), handled("own_one", "own", WAYS)),
    "own_many": (handled("own_many", "own", WAYS), handled("own_many", "own", WAYS, own_mean=0.1)),
    "overflow": (handled("overflow", "overflow", HANDLINGS, raw=0.9), handled("overflow", "overflow", HANDLINGS)),
    "safe": (handled("safe", "overflow", HANDLINGS), handled("safe", "overflow", HANDLINGS, raw_safe=0.9)),
    "light": (lit("light", "light", standardised=0.2), lit("light", "light")),
    "contrast": (lit("contrast", "contrast", standardised=0.2), lit("contrast", "contrast")),
    "own_mean": (handled("own_one", "own", WAYS, own_mean=0.1), handled("own_one", "own", WAYS)),
    "steady": (lit("steady", "light"), lit("steady", "light", per_image=0.5)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("feature_scaling")
    for claim in CLAIMS:
        name = concept.of(claim).name
        first = next(train_module(name).train(experiment(name).tiny))
        assert claim.measure(first) is None
    elsewhere = last("feature_scaling", Params(stretch=2.0, correlation=0.0, scalings=(RAW, STANDARDISED), seeds=2))
    assert all(claim.measure(elsewhere) is None for claim in CLAIMS if not claim.of)


def test_a_question_is_answered_by_both_and_not_by_one() -> None:
    (asked,) = load("feature_scaling").predictions
    result: Any = last("feature_scaling", Params(stretch=3.0, seeds=2))
    answer, found = asked.answer(result)  # type: ignore[misc]
    times = np.median(result.reached[0] / result.reached[1])
    assert answer == ("few" if times < 10 else "tens") and found["seeds"] == 2
    assert asked.answer(last("feature_scaling", Params(stretch=1000.0, steps=100, seeds=2))) is None


def test_the_best_rate_is_chosen_by_validation() -> None:
    result: Any = tabled("units")
    result.validation[:, :, 2] = 0.95
    result.test[:, :, 4] = 1.0
    assert (best(result) == 2).all() and len(MISTAKES) == 2
