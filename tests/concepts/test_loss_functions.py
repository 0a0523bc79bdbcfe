"""Loss functions against torch, scikit-learn, linear programming and automatic differentiation."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize, special, stats
from sklearn.linear_model import HuberRegressor, LinearRegression
from sklearn.metrics import hinge_loss
from torch.nn import functional

from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.loss_functions import claims, figures
from core.concepts.loss_functions.classifier import train as classifier
from core.concepts.loss_functions.classifier.params import BATCH, EQUAL, NAMES, RATES, layout
from core.concepts.loss_functions.losses import error, slope
from core.concepts.loss_functions.outliers.params import METHODS, POINTS
from core.concepts.loss_functions.outliers.train import drawn, mean_loss
from core.concepts.loss_functions.params import LOSSES, SEEN, TABLES, Neuron, Params, Result, of, weights
from core.concepts.loss_functions.surface.params import KINDS
from core.concepts.loss_functions.surface.train import drawn as points
from core.concepts.loss_functions.surface.train import local_minima, share_below, surface
from core.conclusions.measures import preset
from core.ml.data import Data, batch_orders
from core.ml.networks import forward, initial_weights
from core.ml.own import CONTENTS
from core.ml.random import stream
from core.takeaway.export import script
from tests.known import known

# That the texts repeat: the rate, the batch, classes less one, the labels seen, all points, settings of the default
CONSTANTS = {EQUAL, float(BATCH), TABLES["digits"][2] - 1.0, float(SEEN), POINTS + 3.0, Params().wrong}

SMALL = Params(steps=60, seeds=2)
ZS = np.linspace(-7, 7, 29)


@cache
def last(name: str, params: Params) -> BaseResult:
    *_, result = train_module(name).train(params)
    return result


# One neuron


def by_torch(loss: str, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    p = torch.sigmoid(z)
    found = {
        "squared": lambda: 0.5 * functional.mse_loss(p, t, reduction="none"),
        "cross_entropy": lambda: functional.binary_cross_entropy_with_logits(z, t, reduction="none"),
        "no_minus": lambda: -functional.binary_cross_entropy(p, t, reduction="none"),
        "naive": lambda: -torch.log(torch.where(t > 0, p, 1 - p)),
        "linear": lambda: 0.5 * functional.mse_loss(z, t, reduction="none"),
        "absolute": lambda: functional.l1_loss(p, t, reduction="none"),
        "hinge": lambda: torch.relu(1 - (2 * t - 1) * z),
        "zero_one": lambda: ((z > 0) != (t > 0)).to(z.dtype) + 0 * z,
    }
    return found[loss]()


@pytest.mark.parametrize("target", [0.0, 1.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_slopes_are_those_of_automatic_differentiation(loss: str, target: float) -> None:
    z = torch.tensor(ZS + 0.01, dtype=torch.float32 if loss == "naive" else torch.float64, requires_grad=True)
    value = by_torch(loss, z, torch.full_like(z, target))
    (steep,) = torch.autograd.grad(value.sum(), z)
    where, t, near = z.detach().numpy(), np.full(len(ZS), target), 1e-3 if loss == "naive" else 1e-9
    np.testing.assert_allclose(error(loss, where, t), value.detach().numpy(), rtol=near, atol=near)
    np.testing.assert_allclose(slope(loss, where, t), steep.numpy(), rtol=near, atol=near)


def test_the_logarithm_of_what_underflows_is_lost_in_torch_too() -> None:
    z = torch.tensor([18.0], requires_grad=True)
    value = by_torch("naive", z, torch.zeros(1))
    (steep,) = torch.autograd.grad(value.sum(), z)
    assert value.isinf().all() and steep.isnan().all()
    assert np.isinf(error("naive", np.array([18.0]), np.zeros(1)))
    assert np.isnan(slope("naive", np.array([18.0]), np.zeros(1)))
    result = last("loss_functions", preset(SMALL, load("loss_functions").presets, "underflow"))
    assert np.isnan(result.output[0, :, 1:]).all() and np.isfinite(result.output[1]).all()


@pytest.mark.parametrize("loss", ["squared", "cross_entropy", "linear", "hinge"])
def test_the_neuron_takes_the_path_of_torch_optim(loss: str) -> None:
    params = SMALL.replace(losses=of(loss), wrong=3.0)
    result: Any = last("loss_functions", params)
    for s in range(2):
        x = stream("one neuron", s).uniform(0.8, 1.2)
        w0 = stream("weights", s).standard_normal()
        w = torch.tensor([w0, 3.0 - w0 * x], dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=params.rate)
        for _ in range(params.steps):
            optimizer.zero_grad()
            by_torch(loss, w[:1] * x + w[1:], torch.zeros(1, dtype=torch.float64)).sum().backward()
            optimizer.step()
        z = float((w[0] * x + w[1]).detach())
        found = np.clip(z, 0, 1) if loss == "linear" else special.expit(z)
        assert result.output[0, s, -1] == pytest.approx(found, rel=1e-9, abs=1e-12)


def test_a_sigmoid_is_enough_for_yes_or_no() -> None:
    """Two outputs with a softmax, at half the rate, answer what one with a sigmoid does, step by step."""
    one, two = 2.0, np.array([-1.0, 1.0])
    for _ in range(50):
        one -= 0.4 * slope("cross_entropy", np.array([one]), np.zeros(1))[0]
        two -= 0.2 * (special.softmax(two) - [1, 0])
        assert special.softmax(two)[1] == pytest.approx(special.expit(one), rel=1e-12)


def test_cross_entropy_is_minus_the_mean_log_likelihood() -> None:
    result = last("loss_functions", SMALL.replace(ones=3))
    y = np.r_[np.ones(3), np.zeros(SEEN - 3)]
    for p, likelihood, found in zip(result.chance, result.likelihood, figures.from_labels(result)["negative"]):
        assert likelihood == pytest.approx(np.prod(np.where(y > 0, p, 1 - p)))
        assert found == pytest.approx(error("cross_entropy", special.logit(np.full(SEEN, p)), y).mean())
    assert result.chance[result.likelihood.argmax()] == pytest.approx(0.3)


def test_the_likelihood_of_normal_targets_is_the_squared_error() -> None:
    """Up to a constant: the notes' derivation, for regression; and of Laplace targets the absolute error."""
    r = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(-stats.norm.logpdf(r) + stats.norm.logpdf(0), 0.5 * r**2, atol=1e-12)
    np.testing.assert_allclose(-stats.laplace.logpdf(r) + stats.laplace.logpdf(0), np.abs(r), atol=1e-12)


def test_weights_go_into_torch_as_they_are() -> None:
    run, state = train_module("loss_functions").train(SMALL), {}
    while not state:
        try:
            result = next(run)
        except StopIteration as end:
            state = end.value
    found = weights(result, state)
    layer = torch.nn.Linear(1, 1, dtype=torch.float64)
    layer.load_state_dict({key: torch.tensor(found[f"0.{key}"][1, 0]) for key in ("weight", "bias")})
    x = torch.tensor([stream("one neuron", 0).uniform(0.8, 1.2)], dtype=torch.float64)
    assert torch.sigmoid(layer(x)).item() == pytest.approx(result.output[1, 0, -1])


@pytest.mark.parametrize("part", load("loss_functions").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


# The surface


def test_convexity_is_that_of_the_hessian() -> None:
    """Where a chord runs below, some curvature is negative, and cross-entropy of one neuron has none."""
    x, y = points(Params(), 0)
    inputs, targets = torch.tensor(x), torch.tensor(y)

    def lowest_curvature(loss: str, layers: int) -> float:
        def height(w: torch.Tensor) -> torch.Tensor:
            z = w[0] * inputs + w[1] if layers == 1 else w[1] * torch.sigmoid(w[0] * inputs)
            return by_torch(loss, z, targets).mean()

        rng = np.random.default_rng(0)
        places = torch.tensor(rng.uniform(-6, 6, (40, 2)))
        for w in places[:5]:
            assert surface(loss, layers, w.numpy(), x, y) == pytest.approx(height(w).item())
        return min(torch.linalg.eigvalsh(torch.autograd.functional.hessian(height, w))[0].item() for w in places)

    for kind in KINDS:
        assert (share_below(kind, x, y, 0) > 0) == (lowest_curvature(*kind) < -1e-9)


def test_lowest_places_are_counted() -> None:
    axis = np.linspace(-1, 1, 21)
    u, v = np.meshgrid(axis, axis)
    assert local_minima(u**2 + v**2) == 1 and local_minima((u**2 - 0.25) ** 2 + v**2) == 2
    assert local_minima(u + v) == 0 and local_minima(0 * u) == 0


# The classifier


def test_losses_of_outputs_are_those_of_torch_and_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    z, labels = torch.tensor(rng.standard_normal((1, 4, 30))), torch.tensor(rng.integers(0, 4, (1, 30)))
    t = functional.one_hot(labels, 4).mT.double()
    named = {name: of_(z, t)[0] for name, of_ in classifier.LOSSES.items()}
    rows, p = z[0].T, z[0].T.softmax(1)
    cross = functional.cross_entropy(rows, labels[0], reduction="none")
    expected = {
        "cross_entropy": cross,
        "outputs": 0.5 * functional.mse_loss(rows, t[0].T, reduction="none").sum(1),
        "probabilities": 0.5 * functional.mse_loss(p, t[0].T, reduction="none").sum(1),
        "absolute": functional.l1_loss(p, t[0].T, reduction="none").sum(1),
        "twice": functional.cross_entropy(p, labels[0], reduction="none"),
        "summed": 30 * cross,
        "zero_one": (rows.argmax(1) != labels[0]).double(),
    }
    for name, values in expected.items():
        torch.testing.assert_close(named[name], values)
    assert named["hinge"].mean().item() == pytest.approx(hinge_loss(labels[0].numpy(), rows.numpy()))


def test_the_floor_is_the_lowest_there_is() -> None:
    def loss(z: np.ndarray) -> float:
        return float(-np.log(special.softmax(special.softmax(z))[0]))

    found = optimize.minimize(loss, np.zeros(10), tol=1e-12)
    assert claims.FLOOR <= found.fun == pytest.approx(claims.FLOOR, abs=1e-3)
    assert loss(np.r_[50, np.zeros(9)]) == pytest.approx(claims.FLOOR)


def test_a_sum_at_the_rate_over_n_is_the_mean() -> None:
    rng = np.random.default_rng(2)
    x, t = torch.tensor(rng.standard_normal((1, 3, 20))), functional.one_hot(torch.arange(20)[None] % 2, 2).mT.double()
    leaf = torch.tensor(initial_weights((3, 4, 2), 0)[None].astype(float), requires_grad=True)
    one, other = (
        torch.autograd.grad(of_(forward(leaf, x, (3, 4, 2), "relu"), t).mean(), leaf)[0]
        for of_ in (classifier.cross_entropy, classifier.summed)
    )
    torch.testing.assert_close(20 * one, other)


def test_the_classifier_takes_the_path_of_torch_optim() -> None:
    params = Params(data="iris", epochs=2, width=5, seeds=2, wrong_labels=0.2)
    run, state = train_module("loss_functions.classifier").train(params, chunk=1), {}
    while not state:
        try:
            next(run)
        except StopIteration as end:
            state = end.value
    seed, rate = 1, RATES.index(EQUAL)
    data = classifier.load(params, seed)
    y = classifier.mistaught(params, data, seed)
    assert 0 < (y != data.y[0]).mean() < 0.4
    sizes = layout(params)
    for name, loss in (("cross_entropy", functional.cross_entropy), ("hinge", None)):
        net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
        start, at = torch.tensor(initial_weights(sizes, seed)), 0
        for p in net.parameters():
            p.data = start[at : at + p.numel()].view(p.shape).clone()
            at += p.numel()
        optimizer = torch.optim.SGD(net.parameters(), lr=EQUAL)
        for order in batch_orders(len(y), params.epochs, seed):
            for k in range(0, len(y), BATCH):
                rows = order[k : k + BATCH]
                z, labels = net(torch.tensor(data.x[0][rows])), torch.tensor(y[rows])
                if loss is None:  # written out by class
                    right = z[torch.arange(len(rows)), labels]
                    others = z - 1e9 * functional.one_hot(labels, 3)
                    value = torch.relu(1 + others.max(1).values - right).mean()
                else:
                    value = loss(z, labels)
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
        mine = torch.cat([p.data.ravel() for p in net.parameters()]).numpy()
        np.testing.assert_allclose(state["weights"][NAMES.index(name), rate, seed], mine, atol=2e-5)


def test_so_many_labels_are_wrong_and_none_where_none_shall_be() -> None:
    y = np.arange(5000) % 10
    data = Data((np.zeros((5000, 1)),), (y,), 10)
    assert (classifier.mistaught(Params(), data, 3) == y).all()
    wrong = classifier.mistaught(Params(wrong_labels=0.4), data, 3)
    assert 0.37 < (wrong != y).mean() < 0.43 and set(wrong) == set(range(10))


def test_who_diverged_finds_nothing() -> None:
    result = last("loss_functions.classifier", Params(data="iris", epochs=20, width=8, seeds=2))
    lost = np.isnan(result.loss)
    assert lost[NAMES.index("outputs"), -1].any() and (result.accuracy[lost] == 0).all()
    assert np.isfinite(result.loss[NAMES.index("cross_entropy"), RATES.index(EQUAL)]).all()


def test_a_table_of_ones_own_is_trained_on() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = rng.standard_normal((90, 2)) + 2 * np.stack([y == 1, y == 2], 1)
    content = "\n".join(["a,b,label", *(f"{a:.4f},{b:.4f},k{label}" for (a, b), label in zip(x, y))]).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:90x2x3"
    CONTENTS[name] = content
    result = last("loss_functions.classifier", Params(own=name, epochs=20, width=8, seeds=2))
    assert claims.tuned(result)[0].mean() > 0.6
    assert all(claim.measure(result) is None for claim in claims.CLAIMS if claim.of == "classifier")


# Outliers


@pytest.mark.parametrize("count", [0, 4])
def test_lines_are_those_of_other_solvers(count: int) -> None:
    params = Params(outliers=count, seeds=2, delta=0.4)
    result = last("loss_functions.outliers", params)
    for s in range(2):
        x, y = drawn(params, s)
        found = {name: result.line[m, s, -1] for m, name in enumerate(METHODS)}
        plain = LinearRegression().fit(x[:, None], y)
        np.testing.assert_allclose(found["squares"], [plain.coef_[0], plain.intercept_], atol=1e-9)
        n = len(x)  # least absolute error as a linear program: y = a x + b + u − v, u and v at least 0, Σ u + v small
        program = optimize.linprog(
            np.r_[0, 0, np.ones(2 * n)],
            A_eq=np.c_[x, np.ones(n), np.eye(n), -np.eye(n)],
            b_eq=y,
            bounds=[(None, None)] * 2 + [(0, None)] * 2 * n,
        )
        mine = np.abs(y - found["distance"][0] * x - found["distance"][1]).sum()
        assert mine == pytest.approx(program.fun, rel=0.01)

        def loss(w: np.ndarray, x: np.ndarray = x, y: np.ndarray = y) -> float:
            return mean_loss("huber", w[0] * x + w[1], y, 0.4)

        assert loss(found["huber"]) <= optimize.minimize(loss, np.zeros(2), tol=1e-12).fun + 1e-6


def test_hubers_error_is_torchs_and_leads_where_scikit_learn_goes() -> None:
    r = np.linspace(-3, 3, 31)
    theirs = functional.huber_loss(torch.tensor(r), torch.zeros(31, dtype=torch.float64), delta=0.7)
    assert mean_loss("huber", r, np.zeros(31), 0.7) == pytest.approx(theirs.item())
    params = Params(seeds=1)
    x, y = drawn(params, 0)
    robust = HuberRegressor(alpha=0).fit(x[:, None], y)  # finds a scale of its own
    line = last("loss_functions.outliers", params).line[METHODS.index("huber"), 0, -1]
    np.testing.assert_allclose(line, [robust.coef_[0], robust.intercept_], atol=0.25)


def test_broadcasting_is_what_torch_does_with_a_warning() -> None:
    params = Params(seeds=1)
    _, y = drawn(params, 0)
    target = torch.tensor(y)
    with pytest.warns(UserWarning, match="size"):
        theirs = functional.mse_loss(target, target[:, None])
    result: Any = last("loss_functions.outliers", params)
    place = METHODS.index("broadcast")
    assert result.perfect[place, 0] == pytest.approx(theirs.item()) == pytest.approx(2 * y.var())
    np.testing.assert_allclose(result.line[place, 0, -1], [0, y.mean()], atol=1e-9)


# Measures

SEEDS = 40
GOOD, BAD = 1.0, 0.0


def rows(places: dict[int, float], count: int, *more: int) -> np.ndarray:
    """A value per row and seed, and along the axes behind."""
    values = np.zeros((count, SEEDS, *more))
    for row, value in places.items():
        values[row] = value
    return values


def neurons(id: str, begin: float, ends: list[float]) -> Result:
    """The outputs of the neurons of a claim or mistake, at the start and at the end."""
    (params,) = {m.params for m in (*claims.CLAIMS, *claims.MISTAKES) if m.id == id}
    output = np.stack([np.full((len(ends), SEEDS), begin), rows(dict(enumerate(ends)), len(ends))], -1)
    return known(Result, params.replace(seeds=SEEDS), output=output)


def other(id: str, **given: np.ndarray) -> Any:
    """A Result of the further experiment that a claim is of."""
    claim = next(c for c in claims.CLAIMS if c.id == id)
    return known(load("loss_functions").of(claim).Result, claim.params.replace(seeds=SEEDS), **given)


def accuracies(id: str, **names: tuple[float, float]) -> Any:
    """Of losses by name: test accuracy at the equal rate and at the best one; others have none right."""
    accuracy = np.zeros((len(NAMES), len(RATES), SEEDS, 2, 3))
    for name, (equal, best) in names.items():
        accuracy[NAMES.index(name)] = 0.01
        accuracy[NAMES.index(name), RATES.index(EQUAL)] = equal
        accuracy[NAMES.index(name), -1, ..., 1] = 1
        accuracy[NAMES.index(name), -1, ..., 2] = best
    return other(id, accuracy=accuracy)


def compared(id: str, name: str, equal: float, best: float) -> Any:
    return accuracies(id, cross_entropy=(0.9, 0.9), **{name: (equal, best)})


def floored(loss: float) -> Any:
    result = accuracies("floor", twice=(0.9, 0.9))
    return replace(result, loss=np.full((len(NAMES), len(RATES), SEEDS, 2), loss, np.float32))


def lines(id: str, **slopes: float) -> Any:
    values = rows({METHODS.index(name): slope_ for name, slope_ in slopes.items()}, len(METHODS), 2, 2)
    return other(id, line=values)


def perfect(times: float) -> Any:
    return other("broadcast", perfect=rows({METHODS.index("broadcast"): times}, len(METHODS)), variance=np.ones(SEEDS))


KNOWN: dict[str, tuple[Any, Any]] = {
    "saturated": (neurons("saturated", 1.0, [0.99, 0]), neurons("saturated", 1.0, [0.5, 0])),
    "learns": (neurons("learns", 1.0, [0.99, 0.01]), neurons("learns", 1.0, [0.99, 0.9])),
    "linear": (neurons("linear", 1.0, [0.99, 0.01, 0]), neurons("linear", 1.0, [0.99, 0.9, 0])),
    "unsure": (neurons("unsure", 0.5, [0.04, 0.01]), neurons("unsure", 0.5, [0.4, 0.01])),
    "two_rates": (neurons("two_rates", 1.0, [0.0, 0.1]), neurons("two_rates", 1.0, [0.9, 0.1])),
    "underflow": (neurons("underflow", 1.0, [np.nan, 0]), neurons("underflow", 1.0, [0.1, 0])),
    "no_minus": (neurons("no_minus", 0.7, [1.0, 0]), neurons("no_minus", 0.7, [0.1, 0])),
    "not_convex": tuple(other("not_convex", bent=rows({0: v}, 4)) for v in (0.4, 0.0)),
    "convex": tuple(other("convex", bent=rows({1: v}, 4)) for v in (0.0, 0.1)),
    "two_layers": tuple(other("two_layers", bent=rows({3: v}, 4)) for v in (0.4, 0.0)),
    "one_minimum": tuple(other("one_minimum", minima=rows({0: v}, 4)) for v in (1, 3)),
    "equal": (compared("equal", "probabilities", 0.7, 0.9), compared("equal", "probabilities", 0.9, 0.9)),
    "tuned_probabilities": tuple(compared("tuned_probabilities", "probabilities", 0.7, v) for v in (0.9, 0.8)),
    "tuned_outputs": tuple(compared("tuned_outputs", "outputs", 0.7, v) for v in (0.9, 0.8)),
    "hinge": tuple(compared("hinge", "hinge", 0.7, v) for v in (0.9, 0.8)),
    "zero_one": tuple(compared("zero_one", "zero_one", 0.1, v) for v in (0.1, 0.5)),
    "floor": (floored(claims.FLOOR + 0.1), floored(0.1)),
    "twice_equal": (compared("twice_equal", "twice", 0.7, 0.9), compared("twice_equal", "twice", 0.9, 0.9)),
    "twice_tuned": tuple(compared("twice_tuned", "twice", 0.7, v) for v in (0.9, 0.8)),
    "summed": (compared("summed", "summed", 0.1, 0.9), compared("summed", "summed", 0.9, 0.9)),
    "summed_tuned": tuple(compared("summed_tuned", "summed", 0.1, v) for v in (0.9, 0.8)),
    "noisy": tuple(compared("noisy", "absolute", 0.1, v) for v in (0.95, 0.9)),
    "clean": tuple(compared("clean", "absolute", 0.1, v) for v in (0.9, 0.95)),
    "outliers": (lines("outliers", squares=0.5, huber=1.9), lines("outliers", squares=1.9, huber=1.9)),
    "outliers_distance": tuple(lines("outliers_distance", squares=v, distance=1.9) for v in (0.5, 1.9)),
    "no_outliers": tuple(lines("no_outliers", squares=v, huber=1.9) for v in (1.9, 0.5)),
    "broadcast": (perfect(2.0), perfect(0.0)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("loss_functions")
    for claim in claims.CLAIMS:
        name = concept.of(claim).name
        first = next(train_module(name).train(experiment(name).tiny))
        assert claim.measure(first) is None
    aside = SMALL.replace(losses=(Neuron("squared", 10.0), Neuron("absolute")))
    assert all(claim.measure(last("loss_functions", aside)) is None for claim in claims.CLAIMS if not claim.of)
    named = figures.HERE.names(last("loss_functions", aside), "en")
    assert named[0] == "squared error, 10 η (wrong)"
