"""Universal approximation against torch, brute force and closed forms."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.concept.catalog import LANGUAGES
from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult, arrays, axes
from core.concepts.universal_approximation import figures
from core.concepts.universal_approximation.claims import CLAIMS, MISTAKES
from core.concepts.universal_approximation.curves import (
    curve_points,
    first_weights,
    height,
    straight_pieces,
    tent,
    zigzag_network,
)
from core.concepts.universal_approximation.depth.params import CLOSE, DEPTHS, layouts, tent_pieces, widest_fold
from core.concepts.universal_approximation.frequencies.train import LOOKED, waves
from core.concepts.universal_approximation.params import PLACES, REACH, TINY, Params, Place, weights, widths
from core.concepts.universal_approximation.parity.params import WAYS
from core.concepts.universal_approximation.parity.train import circuit, signal
from core.concepts.universal_approximation.train import FADES, answer, train
from core.ml.fused.population import Fused
from core.ml.own import CONTENTS
from core.takeaway.export import script

# That the texts repeat: what is left of the rate, errors of the prediction, the height of the jump, words for numbers
CONSTANTS = {100 * FADES, 0.05, 0.25, 1.6, CLOSE, 32, 4.0}


@cache
def last(name: str, params: Params) -> BaseResult:
    *_, result = train_module(name).train(params)
    return result


def torch_net(row: np.ndarray, sizes: tuple[int, ...]) -> torch.nn.Sequential:
    """The same ReLU network in torch, float64."""
    layers: list[torch.nn.Module] = []
    values = torch.tensor(np.asarray(row, float))
    for i, o in pairwise(sizes):
        layer = torch.nn.Linear(i, o, dtype=torch.float64)
        w, b, values = values.split([i * o, o, len(values) - i * o - o])
        layer.weight.data, layer.bias.data = w.view(o, i), b
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


# Pieces


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(0, 10_000))
def test_pieces_are_those_that_torch_and_its_slopes_have(hidden: list[int], seed: int) -> None:
    sizes = 1, *hidden, 1
    row = first_weights(sizes, seed)
    x, y = straight_pieces(row, sizes)
    net = torch_net(row, sizes)
    assert x[0] == -1 and x[-1] == 1 and (np.diff(x) > 0).all()
    places = torch.linspace(-1, 1, 3001, dtype=torch.float64)[:, None]
    np.testing.assert_allclose(np.interp(places[:, 0], x, y), net(places).detach()[:, 0], atol=1e-4)
    middle = torch.tensor((x[1:] + x[:-1]) / 2)[:, None].requires_grad_()
    slope = torch.autograd.grad(net(middle).sum(), middle)[0][:, 0].numpy()
    wide = np.diff(x) > 1e-6
    np.testing.assert_allclose(np.diff(y)[wide] / np.diff(x)[wide], slope[wide], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("width", [1, 2, 3, 5])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_zigzags_make_as_many_pieces_as_the_formula_says(width: int, depth: int) -> None:
    sizes = 1, *[width] * depth, 1
    x, y = straight_pieces(zigzag_network((width,) * depth, width), sizes)
    assert len(x) - 1 == width**depth
    np.testing.assert_allclose(np.diff(x), 2 / width**depth, atol=1e-9)  # all equally long
    np.testing.assert_allclose(y, np.where(np.arange(len(x)) % 2, 1, -1), atol=1e-9)


@pytest.mark.parametrize("folds", range(1, 6))
def test_the_tent_is_built_by_hand_wherever_its_layers_are_wide_enough(folds: int) -> None:
    params = Params(folds=folds)
    place = np.linspace(-1, 1, 999)
    for depth in DEPTHS:
        parts, width = tent_pieces(params, depth), widest_fold(params, depth)
        assert np.prod(parts) == 2**folds and max(parts) == width
        net = torch_net(zigzag_network(parts, width), (1, *[width] * depth, 1))
        said = net(torch.tensor(place)[:, None]).detach()[:, 0]
        np.testing.assert_allclose(said, tent(place, folds), atol=1e-9)


def test_sizes_are_equal_in_what_is_asked_for() -> None:
    for sizes, depth in zip(layouts(Params(total=24)), DEPTHS):
        assert len(sizes) == depth + 2 and sum(sizes[1:-1]) == 24
    for sizes in layouts(Params(total=60, equal="parameters")):
        net = torch.nn.Sequential(*(torch.nn.Linear(i, o) for i, o in pairwise(sizes)))
        count = sum(p.numel() for p in net.parameters())
        assert abs(count - 181) < 0.15 * 181


# Parity


@pytest.mark.parametrize("n", range(2, 10))
def test_circuits_say_the_parity_of_all_inputs(n: int) -> None:
    numbers = np.arange(2**n)
    x = (numbers[:, None] >> np.arange(n)) & 1
    for way in WAYS:
        said = signal(circuit(way, n), x)
        assert [int(v) for v in said] == [int(k).bit_count() % 2 for k in numbers]


def test_their_sizes_are_those_of_the_notes() -> None:
    result: Any = last("universal_approximation.parity", Params(bits=10))
    n = result.bits
    np.testing.assert_array_equal(result.units, [2 ** (n - 1) + 1, 3 * (n - 1), n + 1])
    np.testing.assert_array_equal(result.layers[1], 2 * np.ceil(np.log2(n)))
    assert (result.layers[[0, 2]] == 2).all() and (result.right == 1).all()


# Training


def test_training_is_torchs() -> None:
    """Adam at the falling rate, on the same points from the same start, in torch."""
    params = Params(units=4, steps=60, seeds=1)
    run, state = train(params), {}
    while not state:
        try:
            result: Any = next(run)
        except StopIteration as end:
            state = end.value
    x, y = (torch.tensor(values[0], dtype=torch.float64) for values in curve_points(params, "hills", 64))
    net = torch_net(first_weights((1, 4, 1), 0), (1, 4, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=params.lr)
    for step in range(60):
        optimizer.param_groups[0]["lr"] = params.lr * FADES ** (step / 60)
        optimizer.zero_grad()
        (net(x) - y).square().mean().backward()
        optimizer.step()
    place = torch.linspace(-REACH, REACH, PLACES, dtype=torch.float64)[:, None]
    theirs = net(place).detach()[:, 0].numpy()
    np.testing.assert_allclose(result.fit[0, -1], theirs, atol=1e-4)
    inside = np.abs(result.place) <= 1
    off = theirs[inside] - height(params, result.place[inside], "hills")
    at = widths(params).index(4)
    assert result.error[at, 0, -1] == pytest.approx(np.sqrt((off**2).mean()), abs=1e-4)
    assert result.worst[at, 0, -1] == pytest.approx(np.abs(off).max(), abs=1e-4)
    for key, values in weights(result, state).items():
        assert key.split(".")[0] in ("straight", *map(str, widths(params))) and len(values) == 1
    said = answer(params, result, state, Place(x=0.3))
    at_click = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True)
    value = net(at_click)
    assert said.said == pytest.approx(value.item(), abs=1e-4)
    assert said.slope == pytest.approx(torch.autograd.grad(value, at_click)[0].item(), abs=1e-3)
    assert said.true == pytest.approx(height(params, np.array([0.3]), "hills")[0])


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "identity"])
def test_answers_are_on_the_fit(activation: str) -> None:
    params = TINY.replace(activation=activation)
    run = train(params)
    state: dict[str, np.ndarray] = {}
    while not state:
        try:
            result: Any = next(run)
        except StopIteration as end:
            state = end.value
    for k in (3, 160, 250):
        found = answer(params, result, state, Place(x=float(result.place[k])))
        assert found.said == pytest.approx(result.fit[0, -1, k], abs=1e-5)
        more = answer(params, result, state, Place(x=float(result.place[k]) + 1e-5))
        assert found.slope == pytest.approx((more.said - found.said) / 1e-5, abs=1e-3)


def test_without_an_activation_it_becomes_the_line_of_least_squares() -> None:
    result: Any = last("universal_approximation", Params(steps=1500, seeds=1))
    slope, cut = np.polyfit(result.x, result.y, 1)
    np.testing.assert_allclose(result.straight[-1], slope * result.place + cut, atol=0.01)


def test_kinks_lie_on_the_fit() -> None:
    result: Any = last("universal_approximation", TINY)
    found = np.isfinite(result.kink[-1])
    assert 0 < found.sum() <= TINY.units
    at = np.interp(result.kink[-1][found], result.place, result.fit[0, -1])
    np.testing.assert_allclose(result.kink_value[-1][found], at, atol=0.1)


@pytest.mark.parametrize("part", ["", ".depth", ".frequencies"])
def test_the_fused_kernel_gives_the_same(part: str) -> None:
    name = f"universal_approximation{part}"
    *_, ours = train_module(name).train(TINY, population=Fused)
    for field, values in arrays(last(name, TINY)).items():
        if field not in ("kink", "kink_value", "pieces"):
            np.testing.assert_allclose(getattr(ours, field), values, atol=2e-3, err_msg=field)


def test_sines_of_different_frequency_add_nothing_to_each_other() -> None:
    place = (np.arange(LOOKED) + 0.5) * 2 / LOOKED - 1
    found = waves(place, np.random.default_rng(0).uniform(0, 2, (1, 4)))[0]
    np.testing.assert_allclose(found @ found.T / LOOKED, np.eye(4) / 2, atol=1e-12)


def test_a_curve_of_ones_own_is_fitted() -> None:
    x = np.random.default_rng(0).uniform(5, 9, 60)
    content = "x,y\n" + "".join(f"{a:.3f},{100 + 3 * np.sin(a):.4f}\n" for a in x)
    name = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}:60x2x0"
    CONTENTS[name] = content.encode()
    params = Params(own=name, seeds=2, steps=600, units=16)
    result: Any = last("universal_approximation", params)
    assert result.error[list(result.width).index(16), :, -1].mean() < 0.15 < result.straight_error[:, -1].mean()
    assert np.isnan(result.truth[np.abs(result.place) > 1.01]).all() and len(result.x) == 60
    deep: Any = last("universal_approximation.depth", params.replace(target="curve", steps=20))
    assert np.isfinite(deep.error).all() and np.isnan(deep.built_error).all()
    for figure in load("universal_approximation").figures:
        if figure.of == "":
            assert "nan" not in figure.summary(result, "en")


@pytest.mark.parametrize("part", load("universal_approximation").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pieces_grow_where_they_are_built_and_nowhere_else(language: str) -> None:
    result: Any = last("universal_approximation.depth", TINY.replace(total=24))
    drawn = figures.COUNTED.draw(result, language)
    built = max((t for t in drawn.data if t.name), key=lambda t: max(t.y))
    np.testing.assert_array_equal(built.y, result.width ** np.array(DEPTHS))


# Claims

SEEDS = 40


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


def with_rows(field: str, good: dict[int, float], bad: dict[int, float], at: Any = -1) -> tuple[Any, ...]:
    return field, good, bad, at


FIELDS: dict[str, tuple[Any, ...]] = {
    # claim: field, values by row where it holds and where it fails, tick
    "width": with_rows("error", {1: 0.8, 5: 0.1}, {1: 0.8, 5: 0.4}),
    "width_tanh": with_rows("error", {1: 0.8, 5: 0.1}, {1: 0.8, 5: 0.4}),
    "none": with_rows("error", {1: 0.5, 5: 0.5}, {1: 0.5, 5: 0.1}),
    "jump": with_rows("worst", {5: 0.8}, {5: 0.1}),
    "no_jump": with_rows("worst", {5: 0.1}, {5: 0.8}),
    "outside": with_rows("error", {5: 0.01}, {5: 1.0}),
    "built": with_rows("built", {}, {3: 1}),
    "drawn": with_rows("pieces", {0: 20, 3: 18}, {0: 20, 3: 100}, 0),
    "trained": with_rows("pieces", {0: 20, 3: 18}, {0: 20, 3: 100}),
    "unused": with_rows("pieces", {3: 4}, {3: 60}),
    "exists": with_rows("built_error", {}, {3: 0.5}),
    "two_folds": with_rows("error", {1: 0.01}, {1: 0.5}),
    "four_folds": with_rows("error", {3: 0.5}, {3: 0.01}),
    "deep_units": with_rows("error", {2: 0.01, 0: 0.5}, {2: 0.5, 0: 0.5}),
    "deep_parameters": with_rows("error", {2: 0.01, 0: 0.5}, {2: 0.5, 0: 0.5}),
    "smooth": with_rows("error", {2: 0.1, 0: 0.1}, {2: 0.01, 0: 0.1}),
    "low_first": with_rows("share", {0: 0.9, 3: 0.1}, {0: 0.5, 3: 0.5}, slice(None)),
    "neighbours": with_rows("share", {1: 0.9, 2: 0.1}, {1: 0.5, 2: 0.5}, slice(None)),
    "no_activation": with_rows("error", {6: 0.5}, {6: 0.1}),
}


def invented(id: str, positive: bool) -> BaseResult:
    concept = load("universal_approximation")
    said = {thing.id: thing for thing in (*MISTAKES, *CLAIMS)}[id]
    part = getattr(said, "of", "")
    result = many(concept.experiments[0].name + (f".{part}" if part else ""))
    field, good, bad, at = FIELDS[id]
    params = said.params.replace(seeds=SEEDS)
    if "width" in axes(type(result)).get(field, ()):
        wide = widths(params)
        result = replace(result, width=np.array(wide), **{field: np.full((len(wide), SEEDS, 1), 0.3)})
    values = getattr(result, field).astype(float)
    if id == "built":
        values = result.width.astype(float) ** np.array(DEPTHS)  # type: ignore[attr-defined]
    if id == "exists":
        values = np.zeros(len(DEPTHS))
    if id == "unused":
        result = replace(result, built=np.full(len(DEPTHS), 81))
    for row, value in (good if positive else bad).items():
        if values.ndim == 1:
            values[row] = value
        else:
            values[row, :, at] = value
    return replace(result, params=params, **{field: values})


KNOWN = {id: (invented(id, True), invented(id, False)) for id in FIELDS}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("universal_approximation")
    for claim in CLAIMS:
        name = concept.of(claim).name
        assert claim.measure(next(train_module(name).train(experiment(name).tiny))) is None
    elsewhere = replace(last("universal_approximation", TINY), params=TINY.replace(data="tent"))
    assert all(claim.measure(elsewhere) is None for claim in CLAIMS if not claim.of)
