"""Weight initialization against torch and closed forms."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from core.concept.catalog import LANGUAGES
from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.initialization import claims, figures
from core.concepts.initialization.depth.params import DEPTHS, RATES, RULES
from core.concepts.initialization.depth.params import SCHEMES as TRIED
from core.concepts.initialization.ladder.params import DEPTHS as RUNG_DEPTHS
from core.concepts.initialization.ladder.params import RUNGS
from core.concepts.initialization.ladder.train import EPS, SMALL_WEIGHTS, TINY_WEIGHTS, measured, outputs, rung_weights
from core.concepts.initialization.moves.train import distances
from core.concepts.initialization.params import PARTS, SCHEMES, TABLES, TINY, UNITS, Params, Result, of, weights
from core.concepts.initialization.starts import GAINS, first_weights
from core.concepts.initialization.symmetry.params import WAYS
from core.concepts.initialization.symmetry.train import effective_rank, equal_units
from core.concepts.initialization.train import look
from core.ml.own import CONTENTS
from core.takeaway.export import script
from tests.known import known

# That the texts repeat: units in training, examples a step, depths, rates tried, makemore's factors, tanh's gain
CONSTANTS = {UNITS, 32, *DEPTHS, *RUNG_DEPTHS, len(RATES["sgd"]), TINY_WEIGHTS, SMALL_WEIGHTS, 3, 5, 6, 400, 1000}
SIZES = 6, 9, 9, 3


@cache
def last(name: str, params: Params) -> Any:
    *_, result = train_module(name).train(params)
    return result


def torch_net(row: np.ndarray, sizes: tuple[int, ...], activation: str) -> torch.nn.Sequential:
    units = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid, "identity": torch.nn.Identity}
    parts: list[torch.nn.Module] = []
    values = torch.tensor(row)
    for i, o in pairwise(sizes):
        layer = torch.nn.Linear(i, o, dtype=torch.float64)
        w, b, values = values.split([i * o, o, len(values) - i * o - o])
        layer.weight.data, layer.bias.data = w.view(o, i).clone(), b.clone()
        parts += [layer, units[activation]()]
    return torch.nn.Sequential(*parts[:-1])


# First weights


def matrices(scheme: str, activation: str, shape: tuple[int, int], seeds: int = 60) -> np.ndarray:
    """[seed, out, in] of a single layer."""
    rows = [first_weights(scheme, activation, shape, seed)[: shape[0] * shape[1]] for seed in range(seeds)]
    return np.array(rows).reshape(seeds, shape[1], shape[0])


@pytest.mark.parametrize("activation", list(GAINS))
def test_gains_are_torchs(activation: str) -> None:
    assert GAINS[activation] == torch.nn.init.calculate_gain("linear" if activation == "identity" else activation)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scheme", "drawn"),
    [
        ("lecun", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="linear")),
        ("xavier", torch.nn.init.xavier_normal_),
        ("he", lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
        ("default", lambda w: torch.nn.init.kaiming_uniform_(w, a=5**0.5)),
        ("uniform_01", torch.nn.init.uniform_),
        ("small", lambda w: torch.nn.init.normal_(w, std=0.01)),
        ("large", torch.nn.init.normal_),
    ],
)
def test_weights_are_distributed_as_torchs(scheme: str, drawn: Any) -> None:
    torch.manual_seed(0)
    theirs = np.stack([drawn(torch.empty(20, 12)).numpy() for _ in range(60)])
    mine = matrices(scheme, "relu", (12, 20))
    assert stats.ks_2samp(mine.ravel(), theirs.ravel()).pvalue > 1e-3
    assert mine.std() == pytest.approx(theirs.std(), rel=0.03)


def test_biases_are_zero_but_torchs() -> None:
    for scheme in SCHEMES:
        b = np.array([first_weights(scheme, "relu", (4, 50), seed)[200:] for seed in range(20)])
        assert (b.any() and abs(b).max() <= 0.5 and abs(b).max() > 0.49) if scheme == "default" else not b.any()


@pytest.mark.parametrize("shape", [(7, 7), (7, 4), (4, 7)])
def test_orthogonal_matrices_are_torchs_up_to_the_draw(shape: tuple[int, int]) -> None:
    gain = GAINS["relu"]
    for w, plain in zip(matrices("orthogonal", "relu", shape, 3), matrices("no_gain", "relu", shape, 3)):
        other = torch.nn.init.orthogonal_(torch.empty(w.shape), gain).numpy()
        small = min(shape)
        for one in (w, other):
            product = one @ one.T if len(one) == small else one.T @ one
            np.testing.assert_allclose(product, gain**2 * np.eye(small), atol=1e-5)
        np.testing.assert_allclose(w, gain * plain)


# What goes through


@pytest.mark.parametrize("activation", list(GAINS))
def test_what_goes_forth_and_back_is_what_torch_says(activation: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 6)), rng.integers(0, 3, 30)
    row = first_weights("default", activation, SIZES, 3)
    found = look(row[None], SIZES, activation, x, y)
    net = torch_net(row, SIZES, activation)
    inputs = torch.tensor(x, requires_grad=True)
    sums, h = [], inputs
    for part in net:
        h = part(h)
        if isinstance(part, torch.nn.Linear):
            h.retain_grad()
            sums.append(h)
    torch.nn.functional.cross_entropy(h, torch.tensor(y), reduction="sum").backward()
    for layer in range(3):
        out = inputs if not layer else net[2 * layer - 1](sums[layer - 1])
        back = inputs.grad if not layer else sums[layer - 1].grad
        assert back is not None
        spread, size, by_z, by_weight = found["signal"][0, layer]
        values = out.detach().numpy()
        assert spread == pytest.approx(np.sqrt(values.var(0).mean()))
        assert size == pytest.approx(np.sqrt((values**2).mean()))
        assert by_z == pytest.approx(back.square().mean().sqrt().item())
        if layer:
            linear: Any = net[2 * layer - 2]
            assert by_weight == pytest.approx((linear.weight.grad / 30).square().mean().sqrt().item())
            z = torch.linspace(-4, 4, 4001, requires_grad=True)
            steepest = torch.autograd.grad(net[2 * layer - 1](z).sum(), z)[0].max()
            own = sums[layer - 1].detach().requires_grad_()
            slope = torch.autograd.grad(net[2 * layer - 1](own).sum(), own)[0].mean() / steepest
            assert found["slope"][0, layer] == pytest.approx(slope.item(), rel=1e-5)
    assert np.isnan(found["signal"][0, 0, 3]) and found["slope"][0, 0] == 1


def test_second_moments_are_those_of_the_theory() -> None:
    """Wide ReLU layers: n σ² / 2 per layer (He et al., 2015); without an activation n σ²."""
    params = Params(width=128, depth=6, seeds=2, starts=of("he", "lecun", "default", "no_gain", "orthogonal"))
    factor = claims.factor(PARTS.index("size"))(last("initialization", params)).mean(1)
    np.testing.assert_allclose(factor[[0, 1, 4]] ** 2, [1, 0.5, 1], atol=0.12)
    spread = claims.factor(PARTS.index("spread"))(last("initialization", params)).mean(1)
    assert spread[2] ** -2 == pytest.approx(6, abs=1)
    linear = last("initialization", params.replace(activation="identity"))
    np.testing.assert_allclose(linear.signal[4, :, 1:, 1], linear.signal[4, :, 1:2, 1].repeat(6, 1), rtol=1e-6)
    np.testing.assert_allclose(linear.signal[4], linear.signal[3])  # whose gain is 1 there


def test_networks_are_handed_on_as_torch_has_them() -> None:
    run, state = train_module("initialization").train(TINY), {}
    while not state:
        try:
            result = next(run)
        except StopIteration as end:
            state = end.value
    found = weights(result, state)
    assert found["1.weight"].shape == (3, 2, 4, 4) and found["2.bias"].shape == (3, 2, 3)
    assert not found["0.weight"][0].any() and found["0.weight"][1].any()


# Training


def test_effective_rank_counts_what_is_different() -> None:
    rng = np.random.default_rng(0)
    row, q = rng.standard_normal(8), np.linalg.qr(rng.standard_normal((8, 8)))[0]
    same, none = np.tile(row, (5, 1)), np.zeros((5, 8))
    found = effective_rank(np.stack([same, none, 3 * q[:5], np.full((5, 8), np.nan)]))
    np.testing.assert_allclose(found, [1, 0, 5, np.nan], atol=1e-5)
    values = np.linalg.svd(rng.standard_normal((5, 8)))[1]
    share = values / values.sum()
    diagonal = np.concatenate([np.diag(values), np.zeros((5, 3))], 1)
    assert effective_rank(diagonal[None])[0] == pytest.approx(np.exp(stats.entropy(share)))


def test_equal_units_are_one_and_a_single_unit_stays_alone() -> None:
    result = last("initialization.symmetry", TINY.replace(data="digits", seeds=1))
    rank = dict(zip(WAYS, result.rank[:, :, -1]))
    np.testing.assert_allclose(rank["equal"], 1, atol=1e-3)
    np.testing.assert_allclose(rank["one_unit"], 1, atol=1e-6)
    assert (rank["zeros"] == 0).all() and (rank["random"] > 10).all()
    row = equal_units("equal", "relu", (4, 5, 3), 0)
    net = torch_net(row, (4, 5, 3), "relu")
    x, y = torch.randn(20, 4, dtype=torch.float64), torch.arange(20) % 3
    for _ in range(50):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        for weights_, slope in zip(net.parameters(), torch.autograd.grad(loss, list(net.parameters()))):
            weights_.data -= 0.1 * slope
    first: Any = net[0]
    torch.testing.assert_close(first.weight, first.weight[:1].expand(5, -1))


def test_distances_are_by_layer() -> None:
    start = first_weights("he", "relu", SIZES, 0)
    net = torch_net(start, SIZES, "relu")
    moved = np.concatenate([p.detach().numpy().ravel() * (1 + 0.1 * k) for k, p in enumerate(net.parameters())])
    np.testing.assert_allclose(distances(moved[None], start[None], SIZES), [[0, 0.2, 0.4]], atol=1e-9)
    assert np.isnan(distances(moved, 0 * start, SIZES)).all()


def test_batch_norm_is_torchs() -> None:
    sizes, seeds = (6, UNITS, 3), 2
    rng = np.random.default_rng(1)
    rows = np.array([[rung_weights(rung, sizes, seed) for seed in range(seeds)] for rung in RUNGS]).astype(np.float32)
    x, y = (
        torch.tensor(rng.standard_normal((seeds, 6, 40)), dtype=torch.float32),
        torch.tensor(rng.integers(0, 3, (2, 40))),
    )
    norm = torch.tensor(rng.uniform(0.5, 2, (seeds, 1, 2, UNITS)), dtype=torch.float32)
    found = outputs(torch.tensor(rows).flatten(0, 1), norm, sizes, x, 40)
    for r, rung in enumerate(RUNGS):
        net = torch_net(rows[r, 1].astype(float), sizes, "tanh")
        batch = torch.nn.BatchNorm1d(UNITS, eps=EPS, dtype=torch.float64)
        batch.weight.data, batch.bias.data = norm[1, 0].double()
        z = net[0](x[1].T.double())
        theirs = net[2](torch.tanh(batch(z) if rung == "norm" else z))
        np.testing.assert_allclose(found[r * seeds + 1].T, theirs.detach(), atol=1e-4)
    loss, right = measured(torch.tensor(rows).flatten(0, 1), norm, sizes, x, y, [0, 20, 30, 40])
    assert loss.shape == right.shape == (len(RUNGS), seeds)
    plain = torch.nn.functional.cross_entropy(found[1].T[20:30], y[1, 20:30]).item()
    assert loss[0, 1] == pytest.approx(plain, rel=1e-4)


def test_rungs_are_makemores_factors() -> None:
    sizes = (30, 200, 27)
    std = {}
    for rung in RUNGS:
        row = rung_weights(rung, sizes, 0)
        std[rung] = row[:6000].std(), row[6200:11600].std()
    expected = {"plain": (1, 1), "unsure": (1, 0.01), "open": (0.2, 0.01), "kaiming": (5 / 3 / 30**0.5, 0.01)}
    for rung, values in (expected | {"norm": expected["kaiming"]}).items():
        np.testing.assert_allclose(std[rung], values, rtol=0.05)


def test_a_table_of_ones_own_is_trained_on() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = rng.standard_normal((90, 2)) + 2 * np.stack([y == 1, y == 2], 1)
    content = "\n".join(["a,b,label", *(f"{a:.4f},{b:.4f},k{label}" for (a, b), label in zip(x, y))]).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:90x2x3"
    CONTENTS[name] = content
    params = Params(own=name, steps=100, hidden=1, seeds=2, starts=of("he"))
    result = last("initialization.moves", params)
    assert result.accuracy[0, :, -1].mean() > 0.6 and result.moved.shape[-1] == 2
    assert all(claim.measure(result) is None for claim in claims.CLAIMS if claim.of == "moves")
    assert last("initialization", params.replace(depth=2, width=8)).signal.shape == (1, 2, 3, len(PARTS))


@pytest.mark.parametrize("part", load("initialization").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_diverged_and_what_is_zero_is_said(language: str) -> None:
    result = known(Result, Params(starts=of("zeros", "he"), depth=2, seeds=1), signal=np.zeros((2, 1, 3, 4)))
    result.signal[1] = 1
    said = figures.FIGURES[0].summary(result, language)
    assert "nan" not in said and "He" in said and len(figures.FIGURES[0].table(result, language)) == 2


# Measures

SEEDS = 40


def made(id: str, **given: np.ndarray) -> Any:
    """A Result of the experiment and at the settings of a claim or mistake."""
    found: Any = next(m for m in (*claims.CLAIMS, *claims.MISTAKES) if m.id == id)
    concept = load("initialization")
    of_ = concept.of(found) if hasattr(found, "of") else concept.of(concept.figure(found.figure))
    return known(of_.Result, found.params.replace(seeds=SEEDS), **given)


def layered(id: str, ends: dict[str, float], part: str = "size") -> Any:
    """What is in hidden layers changes evenly from 1 in the first to `ends` in the last; of others it stays."""
    params: Any = next(m.params for m in (*claims.CLAIMS, *claims.MISTAKES) if m.id == id)
    names = [one.scheme for one in params.starts]
    signal = np.ones((len(names), SEEDS, params.depth + 1, len(PARTS)))
    for name, end in ends.items():
        signal[names.index(name), :, 1:, PARTS.index(part)] = np.geomspace(1, end, params.depth)[:, None].T
    slope = np.full(signal.shape[:3], 0.1 if ends.get("large") == 1 else 0.9)
    return made(id, signal=signal, slope=slope)


def rows(names: Any, values: dict[str, float], *more: int) -> np.ndarray:
    found = np.full((len(names), SEEDS, *more), 0.1)
    for name, value in values.items():
        found[list(names).index(name)] = value
    return found


def noisy(id: str, **values: tuple[float, float]) -> Any:
    """Of ways: different units and test accuracy in the end."""
    rank, right = ({name: pair[k] for name, pair in values.items()} for k in (0, 1))
    return made(id, rank=rows(WAYS, rank, 2), accuracy=rows(WAYS, right, 2))


def moving(id: str, scheme: str, first: float, slope: float = 0.9) -> Any:
    params: Any = next(m.params for m in claims.CLAIMS if m.id == id)
    names = [one.scheme for one in params.starts]
    moved, slopes = rows(names, {scheme: 1.0}, 2, 6), rows(names, {scheme: slope}, 2, 5)
    moved[names.index(scheme), :, :, 0] = first
    return made(id, moved=moved, slope=slopes, loss=rows(names, {}, 2))


def reaching(id: str, depth: int, rule: str, **schemes: float) -> Any:
    """Test accuracy of starts at their best rate, the last one."""
    shape = len(DEPTHS), len(RULES), len(TRIED), 3, SEEDS
    accuracy, validation = np.full(shape, 0.1), np.ones(shape)
    validation[..., -1, :] = 0.5
    for scheme, share in schemes.items():
        accuracy[DEPTHS.index(depth), RULES.index(rule), TRIED.index(scheme), -1] = share
    return made(id, accuracy=accuracy, validation=validation)


def climbing(id: str, depth: int, **losses: float) -> Any:
    loss = np.zeros((len(RUNGS), len(RUNG_DEPTHS), SEEDS, 2))
    for rung, value in losses.items():
        loss[RUNGS.index(rung), RUNG_DEPTHS.index(depth)] = value
    return made(id, loss=loss)


def gradients(id: str, he: float, xavier: float) -> Any:
    result = layered(id, {"he": 1.0, "xavier": 1.0}, "gradient")
    names = [one.scheme for one in result.params.starts]
    for name, value in (("he", he), ("xavier", xavier)):
        result.signal[names.index(name), :, 1, PARTS.index("gradient")] = value
    return result


def bent(id: str) -> Any:
    result = layered(id, {"large": 1e10})
    result.signal[:, :, 5:, PARTS.index("size")] = 1
    return result


def per_layer(id: str, scheme: str, part: str, divisor: float) -> Any:
    return layered(id, {scheme: divisor ** (-19 / 2)}, part)


KNOWN: dict[str, tuple[Any, Any]] = {
    "small": tuple(layered("small", {"small": v}, "spread") for v in (1e-20, 0.5)),
    "large": tuple(layered("large", {"large": v}) for v in (1e14, 1.5)),
    "exponential": (layered("exponential", {"large": 1e14}), bent("exponential")),
    "saturates": (layered("saturates", {"large": 1}), layered("saturates", {"large": 2})),
    "xavier_tanh": tuple(layered("xavier_tanh", {"xavier": v}, "spread") for v in (0.5, 1e-4)),
    "xavier_relu": tuple(per_layer("xavier_relu", "xavier", "size", v) for v in (2, 1)),
    "he_relu": tuple(layered("he_relu", {"he": v}) for v in (0.7, 1e-3)),
    "he_spread": tuple(layered("he_spread", {"he": v}, "spread") for v in (0.7, 1e-3)),
    "default_factor": tuple(per_layer("default_factor", "default", "spread", v) for v in (6, 2)),
    "default_size": tuple(per_layer("default_size", "default", "size", v) for v in (6, 2)),
    "gradient_ratio": (gradients("gradient_ratio", 2, 2), gradients("gradient_ratio", 100, 1)),
    "gradient_size": (gradients("gradient_size", 1000, 1), gradients("gradient_size", 2, 1)),
    "orthogonal": tuple(layered("orthogonal", {"orthogonal": v}) for v in (1, 2)),
    "no_gain": tuple(layered("no_gain", {"no_gain": v}) for v in (1e-3, 1)),
    "uniform_01": tuple(layered("uniform_01", {"uniform_01": v}) for v in (1e28, 1)),
    "equal": (
        noisy("equal", equal=(1, 0.2), random=(29, 0.9)),
        noisy("equal", equal=(3, 0.9), random=(29, 0.9)),
    ),
    "one_unit": tuple(noisy("one_unit", equal=(1, 0.2), one_unit=(1, v)) for v in (0.2, 0.7)),
    "zeros": tuple(noisy("zeros", zeros=(0, v)) for v in (0.1, 0.5)),
    "millionth": tuple(noisy("millionth", millionth=(v, 0.5)) for v in (3, 1)),
    "not_enough": tuple(noisy("not_enough", random=(29, 0.9), millionth=(3, v)) for v in (0.5, 0.9)),
    "first_random": tuple(moving("first_random", "default", v) for v in (0.01, 1)),
    "last_saturated": tuple(moving("last_saturated", "default", 1, v) for v in (0.1, 0.9)),
    "tanh_moves": tuple(moving("tanh_moves", "xavier", v) for v in (1, 0.1)),
    "shallow": tuple(reaching("shallow", 2, "sgd", he=0.9, xavier=v) for v in (0.9, 0.7)),
    "ten": tuple(reaching("ten", 10, "sgd", he=0.9, xavier=v) for v in (0.9, 0.7)),
    "thirty": tuple(reaching("thirty", 30, "sgd", he=0.9, xavier=v) for v in (0.1, 0.9)),
    "adam_xavier": tuple(reaching("adam_xavier", 30, "adam", xavier=v) for v in (0.9, 0.1)),
    "adam_gap": tuple(reaching("adam_gap", 30, "adam", he=0.9, xavier=v) for v in (0.9, 0.5)),
    "adam_default": tuple(reaching("adam_default", 30, "adam", default=v) for v in (0.1, 0.9)),
    "unsure": tuple(climbing("unsure", 1, plain=v) for v in (1, 0)),
    "unsure_deep": tuple(climbing("unsure_deep", 5, plain=v) for v in (1, 0)),
    "open_deep": tuple(climbing("open_deep", 5, unsure=v) for v in (1, 0)),
    "kaiming_deep": tuple(climbing("kaiming_deep", 5, open=v) for v in (0, 1)),
    "norm_deep": tuple(climbing("norm_deep", 5, kaiming=v) for v in (0.1, 0)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("initialization")
    for claim in claims.CLAIMS:
        name = concept.of(claim).name
        first: BaseResult = next(train_module(name).train(experiment(name).tiny))
        assert claim.measure(first) is None
    assert sorted(TABLES) == ["breast_cancer", "digits", "iris"]
