"""Backpropagation against automatic differentiation: every number that the page shows, on random networks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.backpropagation import figures
from core.concepts.backpropagation.bench import train as bench
from core.concepts.backpropagation.bench.params import BATCH, CLASSES, SHAPES, UNITS, VERSIONS
from core.concepts.backpropagation.check import params as check
from core.concepts.backpropagation.claims import CLAIMS, MISTAKES
from core.concepts.backpropagation.graph.params import NEURON, REUSE, edges, nodes
from core.concepts.backpropagation.graph.train import passed
from core.concepts.backpropagation.layers import backward, differences, error, forward, gradient
from core.concepts.backpropagation.params import NODES, SIZES, TARGETS, WEIGHTS, Edit, Params, weights
from core.concepts.backpropagation.speed import params as speed
from core.concepts.backpropagation.speed.train import answer, by_loops, vectorised
from core.concepts.backpropagation.train import by_autograd, train
from core.takeaway.export import script

# That the texts repeat: digits of a batch, updates before the second check, examples of the largest loop
CONSTANTS = {float(BATCH), float(check.TRAINED), float(max(speed.EXAMPLES)), *map(float, range(10)), 10.0}


@cache
def last(name: str, params: Params) -> BaseResult:
    *_, result = train_module(name).train(params)
    return result


ACTIVATIONS, LOSSES = st.sampled_from(["sigmoid", "tanh", "relu"]), st.sampled_from(["squared", "cross_entropy"])


@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple),
    activation=ACTIVATIONS,
    loss=LOSSES,
    n=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_every_number_of_a_random_network_is_autograds(
    sizes: tuple[int, ...], activation: str, loss: str, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(sum(o * (i + 1) for i, o in pairwise(sizes)))
    x, target = rng.standard_normal((n, sizes[0])), rng.random((n, sizes[-1]))
    how = (sizes, activation, loss)
    values = forward(w, x, *how)
    ways = backward(w, values, target, *how)

    row, at, h, kept, sums = torch.tensor(w, requires_grad=True), 0, torch.tensor(x), list[Any](), list[Any]()
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        z = functional.linear(h, row[at : at + i * o].view(o, i), row[at + i * o : at + i * o + o])
        at += i * o + o
        outer = torch.sigmoid if loss == "squared" else lambda s: s.softmax(1)
        h = getattr(torch, activation)(z) if layer < len(sizes) else outer(z)
        z.retain_grad()
        h.retain_grad()
        kept.append(h)
        sums.append(z)
    t = torch.tensor(target)
    height = 0.5 * (h - t).square().sum(1).mean() if loss == "squared" else -(t * z.log_softmax(1)).sum(1).mean()
    if loss == "cross_entropy":
        (0 * h.sum() + height).backward()
    else:
        height.backward()
    assert error(values[-1], target, loss) == pytest.approx(height.item(), rel=1e-9)
    whole = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(gradient(ways), row.grad, **whole)
    np.testing.assert_allclose(by_autograd(w, x, target, *how), row.grad, **whole)
    for layer, (way, value) in enumerate(zip(ways, values[1:]), 2):
        np.testing.assert_allclose(value, kept[layer - 2].detach(), **whole)
        np.testing.assert_allclose(way.back * way.slope, sums[layer - 2].grad, **whole)
        if layer < len(sizes) or loss == "squared":  # a softmax and its loss are taken together
            np.testing.assert_allclose(way.back, kept[layer - 2].grad, **whole)


@given(activation=ACTIVATIONS, loss=LOSSES, seed=st.integers(0, 9999), lit=st.sampled_from(WEIGHTS))
@settings(max_examples=15, deadline=None)
def test_the_three_numbers_shown_make_the_gradient_of_torch(activation: str, loss: str, seed: int, lit: str) -> None:
    *_, result = train(Params(activation=activation, loss=loss, weight_seed=seed, lit=lit, updates=1, seeds=1))
    for k in range(len(WEIGHTS)):
        product = figures.factors(result, k)[[2, -1]].prod(1)
        np.testing.assert_allclose(product, result.autograd[[2, -1], k], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(result.gradient[[2, -1]], result.autograd[[2, -1]], rtol=1e-9, atol=1e-14)
    assert result.apart.max() < 1e-12
    if activation != "relu":
        np.testing.assert_allclose(result.nudged[-1], result.gradient[-1], atol=0.01)


def test_an_update_is_a_step_of_torchs_sgd() -> None:
    params = Params(updates=3, lr=0.7)
    *_, result = train(params)
    assert result.total == 11 and np.isnan(result.value[[0, 3]]).sum() == 2 * len(NODES)
    w = torch.tensor(result.weight[0], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.7)
    for step in range(3):
        w.grad = torch.tensor(by_autograd(
            w.detach().numpy(), result.value[1][None, :2], result.target[None], SIZES, params.activation, params.loss
        ))  # fmt: skip
        optimizer.step()
        np.testing.assert_allclose(result.weight[3 * step + 3], w.detach(), atol=1e-15)
    assert result.loss[-1] < result.loss[1]


def test_what_is_set_by_hand_is_there_and_nothing_else_changes() -> None:
    plain, other = (last("backpropagation", Params(edited=e)) for e in ((), (Edit("b2", -1.5), Edit("x1", 3.0))))
    assert other.weight[0, WEIGHTS.index("b2")] == -1.5 and other.value[-1, 0] == 3.0
    kept = [k for k, name in enumerate(WEIGHTS) if name != "b2"]
    np.testing.assert_array_equal(plain.weight[0, kept], other.weight[0, kept])
    targets = last("backpropagation", Params(edited=(Edit(TARGETS[0], 0.25),))).target
    assert targets[0] == 0.25


def test_weights_go_into_torch_as_they_are() -> None:
    run = train(Params(activation="tanh"))
    try:
        while True:
            result = next(run)
    except StopIteration as end:
        state = end.value
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 2), torch.nn.Tanh(), torch.nn.Linear(2, 2), torch.nn.Sigmoid()
    ).double()
    net.load_state_dict({name: torch.tensor(values) for name, values in weights(result, state).items()})
    np.testing.assert_allclose(net(torch.tensor(result.value[-1, :2])).detach(), result.value[-1, 4:], atol=1e-12)


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_click_near_an_edge_lights_it(name: str) -> None:
    start, end = figures.ends(name)
    for share in (0.3, 0.7):
        x, y = (1 - share) * start + share * end
        assert figures.nearest(x + 0.01, y - 0.01) == name


@pytest.mark.parametrize("part", load("backpropagation").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


# Elementary graphs


def test_a_neuron_operation_by_operation_is_autograds() -> None:
    given = {"w": -0.7, "x": 0.4, "b": 1.3}
    w, x, b = (torch.tensor(v, requires_grad=True) for v in given.values())
    torch.sigmoid(w * x + b).backward()
    values, back, _ = passed(NEURON, given, 2 * len(NEURON))
    assert values[-1] == pytest.approx(torch.sigmoid(w * x + b).item(), rel=1e-6)
    found = dict(zip(nodes(NEURON), back))
    for leaf, name in ((w, "w"), (x, "x"), (b, "b")):
        assert found[name] == pytest.approx(leaf.grad.item(), rel=1e-6)
    assert np.isnan(passed(NEURON, given, 0)[0]).sum() == len(NEURON)


def test_a_value_used_three_times_gets_three_gradients() -> None:
    given = {"a": 0.8, "b": -0.3}
    a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in given.values())
    ((a * b + a) * a).backward()
    _, back, along = passed(REUSE, given, 2 * len(REUSE))
    _, wrong, _ = passed(REUSE, given, 2 * len(REUSE), adds=False)
    assert back[:2] == pytest.approx([a.grad.item(), b.grad.item()])
    shares = [share for share, (start, _) in zip(along, edges(REUSE)) if start == "a"]
    assert len(shares) == 3 and sum(shares) == pytest.approx(a.grad.item())
    assert wrong[0] == pytest.approx(shares[0]) != back[0]  # that of the operation that is visited last


# The bench


def deep(w: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor, penalty: float) -> torch.Tensor:
    h = torch.tanh(x @ w["W1"].T + w["b1"])
    for _ in range(2):
        h = torch.tanh(h @ w["W2"].T + w["b2"])
    shrink = sum(w[name].square().sum() for name in ("W1", "W2", "W3"))
    return functional.cross_entropy(h @ w["W3"].T + w["b3"], y) + 0.5 * penalty * shrink


def test_only_the_right_version_has_torchs_gradient() -> None:
    params = Params(seeds=1, lr=0.3)
    w = bench.first(params)
    rng = np.random.default_rng(0)
    x, y = rng.random((1, 12, 64)), rng.integers(CLASSES, size=(1, 12))
    first = bench.gradients(w, x, y, params, None)
    second = bench.gradients(w, x, y, params, first)
    leaves = {name: torch.tensor(values[0, 0], requires_grad=True) for name, values in w.items()}
    deep(leaves, torch.tensor(x[0]), torch.tensor(y[0]), params.penalty).backward()
    theirs = {name: leaf.grad.numpy().reshape(first[name][0, 0].shape) for name, leaf in leaves.items()}
    apart = {
        version: max(float(np.abs(second[name][v, 0] - theirs[name]).max()) for name in theirs)
        for v, version in enumerate(VERSIONS)
    }
    assert apart.pop("right") < 1e-12 < 1e-5 < min(apart.values())
    np.testing.assert_allclose(second["W3"][VERSIONS.index("zeroing"), 0], 2 * theirs["W3"], atol=1e-12)
    np.testing.assert_allclose(second["W1"][VERSIONS.index("overwritten"), 0], theirs["W1"], atol=1e-12)
    shrinks = second["W2"][VERSIONS.index("penalty"), 0] + params.penalty * w["W2"][0, 0]
    np.testing.assert_allclose(shrinks, theirs["W2"], atol=1e-12)


def test_updating_too_early_passes_the_error_through_new_weights() -> None:
    params, row = Params(seeds=1, lr=0.3), VERSIONS.index("early")
    w = bench.first(params)
    rng = np.random.default_rng(0)
    x, y = rng.random((1, 12, 64)), rng.integers(CLASSES, size=(1, 12))
    found = bench.gradients(w, x, y, params, None)
    _, _, h2, h3, p = (values if values.ndim < 4 else values[row, 0] for values in bench.outputs(w, x))
    delta = (p - np.eye(CLASSES)[y[0]]) / 12
    changed = w["W3"][row, 0] - params.lr * delta.T @ h3
    upper = (delta @ changed * (1 - h3**2)).T @ h2
    right = (delta @ w["W3"][row, 0] * (1 - h3**2)).T @ h2
    assert np.abs(upper - right).max() > 1e-6
    assert found["W2"].shape[-2:] == (UNITS, UNITS)
    alone = bench.gradients(w, x, y, params.replace(lr=0.01), None)["W1"]
    assert np.abs(alone[row] - alone[0]).max() < np.abs(found["W1"][row] - found["W1"][0]).max()


def test_numpy_refuses_what_the_shapes_say() -> None:
    for (left, right), name in zip(SHAPES.values(), SHAPES):
        fits = bench.product(left, right)[-1] > 0
        assert fits == (left[1] == right[0]) == (name not in list(SHAPES)[-2:])


# Checking, and what it costs


@pytest.mark.parametrize("two_sided, power", [(True, 2), (False, 1)])
def test_differences_are_of_their_order(two_sided: bool, power: int) -> None:
    height = lambda w: np.sin(w).sum(-1) * np.exp(w[..., 0])  # noqa: E731
    w = np.array([0.3, -0.8, 1.1])
    exact = torch.autograd.functional.jacobian(lambda v: v.sin().sum() * v[0].exp(), torch.tensor(w)).numpy()
    errors = [np.abs(differences(height, w, by, two_sided) - exact).max() for by in (1e-2, 1e-3)]
    assert np.log10(errors[0] / errors[1]) == pytest.approx(power, abs=0.02)


def test_all_ways_of_computing_agree() -> None:
    rng = np.random.default_rng(0)
    layers = [(rng.standard_normal((o, i)), rng.standard_normal((1, o))) for i, o in pairwise((3, 5, 2))]
    x = rng.standard_normal((7, 3))
    ours = vectorised(layers, x, np.tanh)
    lists = [(w.tolist(), b.ravel().tolist()) for w, b in layers]
    np.testing.assert_allclose([by_loops(lists, row) for row in x.tolist()], ours, atol=1e-14)
    tensors = [(torch.tensor(w), torch.tensor(b)) for w, b in layers]
    np.testing.assert_allclose(vectorised(tensors, torch.tensor(x), torch.tanh), ours, atol=1e-14)


@pytest.mark.parametrize("left, operation, right, shape", [
    ("5", "plus", "5x1", (5, 5)), ("5", "plus", "1", (5,)), ("3x5", "matmul", "5", (3,)), ("5", "matmul", "5", ()),
    ("3x5", "matmul", "3x5", None), ("3x5", "plus", "5x3", None),
])  # fmt: skip
def test_what_becomes_of_two_shapes(left: str, operation: str, right: str, shape: tuple[int, ...] | None) -> None:
    asked = speed.Pair(left=left, operation=operation, right=right)
    found = answer(Params(), last("backpropagation", Params()), None, asked)  # type: ignore[arg-type]
    assert found.refused == (shape is None) and tuple(found.shape) == (shape or ())


# Claims


SEEDS = 40


def whole(name: str) -> BaseResult:
    """The tiny run with its seeds over and over, so that there are SEEDS of them."""
    from core.concept.result import arrays, axes

    result = last(name, experiment(name).tiny)
    wide = {
        field: np.repeat(values, SEEDS // 2, axes(type(result))[field].index("seed"))
        for field, values in arrays(result).items()
        if "seed" in axes(type(result))[field]
    }
    return replace(result, **wide)


def errors(slopes: dict[int, float], at: dict[tuple[int, float], float], field: str = "start") -> dict[str, np.ndarray]:
    """Errors that fall with these powers of ε for every row, or are these at some ε."""
    found = np.full((len(check.CHECKS), SEEDS, len(check.EPSILONS)), 1e-8)
    for row, power in slopes.items():
        found[row] = check.EPSILONS**power
    for (row, epsilon), value in at.items():
        found[row, :, int(np.argmin(np.abs(np.log(check.EPSILONS / epsilon))))] = value
    return {field: found}


def scores(**given: float) -> dict[str, np.ndarray]:
    """Test accuracies of the versions, 0.9 where none is given."""
    found = np.array([given.get(version, 0.9) for version in VERSIONS], np.float32)
    return {"accuracy": np.tile(found[:, None, None], (1, SEEDS, 3))}


def checked(**given: float) -> dict[str, np.ndarray]:
    found = np.array([given.get(v, 1e-9 if v == "right" else 1e-2) for v in VERSIONS])
    return {"checked": np.tile(found[:, None], (1, SEEDS))}


def halves(end: float) -> dict[str, np.ndarray]:
    found = np.ones((len(VERSIONS), SEEDS, 3))
    found[:, :, -1] = end
    return {"loss": found}


def lengths(loop: float) -> dict[str, np.ndarray]:
    return {"seconds": np.tile(np.array([loop, 1.0, 1.0])[:, None, None], (1, SEEDS, 3))}


def passes(backward_: float, nudges: float) -> dict[str, np.ndarray]:
    return {"passes": np.tile(np.array([backward_, nudges])[:, None, None], (1, SEEDS, 3))}


INVENTED: dict[str, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = {
    "exact": ({"apart": np.full(SEEDS, 1e-16)}, {"apart": np.full(SEEDS, 1e-3)}),
    "half": (
        {"output": np.full((SEEDS, 2), 0.45)},
        {"output": np.full((SEEDS, 2), 0.95), "gradient": np.full((6, len(WEIGHTS)), -0.1)},
    ),
    "two_sided": (errors({0: 2}, {}), errors({0: 1}, {})),
    "one_sided": (errors({1: 1}, {}), errors({1: 2}, {})),
    "best": (errors({}, {(0, 1e-5): 1e-10}), errors({}, {(0, 1e-2): 1e-10})),
    "single": (errors({}, {(2, 1e-5): 0.1}), errors({}, {})),
    "dropout": (errors({}, {(4, 1e-5): 0.9}), errors({}, {})),
    "kink": (errors({}, {(5, 1e-4): 0.1}), errors({}, {})),
    "trained": (errors({}, {(0, 1e-4): 1e-6}, "trained") | errors({}, {}), errors({}, {}, "trained") | errors({}, {})),
    "caught": (checked(), checked(penalty=1e-8)),
    "falls": (halves(0.1), halves(0.9)),
    "sign": (scores(sign=0.1), scores()),
    "slope": (scores(slope=0.3), scores()),
    "slope_slow": (scores(slope=0.3), scores()),
    "zeroing": (scores(zeroing=0.1), scores()),
    "overwritten": (scores(), scores(overwritten=0.5)),
    "early": (scores(), scores(early=0.5)),
    "penalty": (scores(), scores(penalty=0.5)),
    "one_pass": (passes(3, 1e4), passes(9, 1e4)),
    "nudges": (passes(3, 1e4), passes(3, 30)),
    "loops": (lengths(100), lengths(2)),
}
MADE: dict[str, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = {
    **{version: (checked(), checked(**{version: 1e-9})) for version in VERSIONS[1:]},
    "dropout": INVENTED["dropout"],
    "kink": INVENTED["kink"],
    "single": INVENTED["single"],
}


def known() -> dict[str, tuple[BaseResult, BaseResult]]:
    """Claims and mistakes that share an id must share a pair, too: then the arrays of both are put together."""
    concept, found = load("backpropagation"), dict[str, tuple[BaseResult, BaseResult]]()
    for claim in CLAIMS:
        base = replace(whole(concept.of(claim).name), params=claim.params)
        one, other = (pair | MADE.get(claim.id, ({}, {}))[k] for k, pair in enumerate(INVENTED[claim.id]))
        found[claim.id] = replace(base, **one), replace(base, **other)
    for mistake in MISTAKES:
        if mistake.id not in found:
            base = whole(concept.of(concept.figure(mistake.figure)).name)
            one, other = MADE[mistake.id]
            found[mistake.id] = replace(base, **one), replace(base, **other)
    return found


KNOWN = known()
