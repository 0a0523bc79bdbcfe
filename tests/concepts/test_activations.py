"""Activation functions: what goes through the layers against autograd and torch.nn, dead units by counting, claims on
known results."""

from __future__ import annotations

import dataclasses
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from core.concept.catalog import LANGUAGES
from core.concept.result import arrays, same
from core.concept.text import words
from core.concepts.activations import train as experiment
from core.concepts.activations.claims import CLAIMS, HE, shrinkage
from core.concepts.activations.figures import FIGURES, GOOD, names
from core.concepts.activations.params import ACTIVATIONS, MOMENTS, PRESETS, TINY, Params, Result, cost, layout, of
from core.concepts.activations.train import SLOPE
from core.ml.data import batch_orders, points, split
from core.ml.fused.population import Fused
from core.ml.networks import initial_weights
from tests.known import DIGITS, SPLIT

TRAIN, TEST = 0, 2
FUNCTIONS: dict[str, Any] = {
    "identity": lambda z: z,
    "step": lambda z: z.sign().clamp(min=0),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "prelu": lambda z: functional.prelu(z, z.new_full((), 0.25)),
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "maxout": functional.relu,  # its second piece begins at 0
    "shifted_sigmoid": lambda z: torch.tanh(z / 2) / 2,
    "scaled_sigmoid": torch.tanh,
}


# Numbers of the code that the texts repeat.
CONSTANTS = SPLIT | DIGITS | {round(HE, 2), HE**2, MOMENTS, SLOPE, 100 * GOOD, 5.75, 1.13, 1.10, 0.6}


@cache
def last(**changes: Any) -> Result:
    *_, result = experiment.train(TINY.replace(**changes))
    return result


# The functions


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_functions_and_slopes_are_those_of_torch_and_of_differences(name: str) -> None:
    value, slope = experiment.curve(name)
    z = torch.linspace(-6, 6, len(value), dtype=torch.float64)
    np.testing.assert_allclose(value, FUNCTIONS[name](z), atol=1e-6)
    smooth = (z.abs() > 1e-3).numpy()
    differences = (FUNCTIONS[name](z + 1e-6) - FUNCTIONS[name](z - 1e-6)).numpy() / 2e-6
    np.testing.assert_allclose(slope[smooth], differences[smooth], atol=2e-5)


def test_contenders_begin_alike_as_far_as_they_can() -> None:
    sizes = layout(TINY, 2)
    plain = initial_weights(sizes, 5)
    for name in ACTIVATIONS:
        row = experiment.start(TINY, sizes, name, 5)
        if name not in ("prelu", "maxout"):
            assert row.tobytes() == plain.tobytes()
    given = TINY.replace(gain=3.0, bias=-2.0)
    row = experiment.start(given, sizes, "relu", 5)
    first, second = slice(0, 8), slice(8, 12)
    np.testing.assert_allclose(row[first], 3 * plain[first], rtol=1e-6)
    np.testing.assert_allclose(row[second], plain[second] - 2, rtol=1e-6)
    assert row[-10:].tobytes() == plain[-10:].tobytes()  # the output layer is left alone


# What goes through the layers


def network(sizes: tuple[int, ...], name: str, seed: int) -> tuple[np.ndarray, nn.Sequential]:
    """Weights drawn for one member, and the same network of torch.nn, each hidden layer followed by its function."""
    rng, parts, modules = torch.Generator().manual_seed(seed), [], []
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        hidden = layer < len(sizes)
        rows = 2 * o if hidden and name == "maxout" else o
        linear = nn.Linear(i, rows)
        for p in linear.parameters():
            p.data = torch.randn(p.shape, generator=rng)
        parts += [linear.weight.data.flatten(), linear.bias.data]
        if name == "prelu" and layer > 2:
            parts.append(modules[-1].weight.data)
        modules.append(linear)
        if hidden and name == "prelu":
            modules.append(nn.PReLU(o))
            modules[-1].weight.data = torch.rand(o, generator=rng)
        elif hidden and name == "maxout":
            modules += [nn.Unflatten(1, (2, o)), Largest()]
        elif hidden:
            modules.append(Applied(FUNCTIONS[name]))
    return torch.cat(parts).numpy(), nn.Sequential(*modules)


class Largest(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z.amax(1)


class Applied(nn.Module):
    def __init__(self, function: Any):
        super().__init__()
        self.function = function

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.function(z)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_goes_forth_and_back_is_what_autograd_finds(name: str) -> None:
    sizes, n = (3, 5, 5, 5, 4), 23
    members = [network(sizes, name, seed) for seed in range(3)]
    x = torch.randn(3, n, 3, generator=torch.Generator().manual_seed(9))
    y = torch.randint(0, 4, (3, n), generator=torch.Generator().manual_seed(9))
    found = experiment.look(np.stack([row for row, _ in members]), sizes, name, x, y)
    counted = np.zeros(experiment.BINS)
    for m, (_, modules) in enumerate(members):
        h, sums, outputs = x[m], [], []
        for module in modules:
            h = module(h)
            if isinstance(module, nn.Linear):
                sums.append(h)
            elif isinstance(module, (nn.PReLU, Largest, Applied)):
                outputs.append(h)
        loss = functional.cross_entropy(h, y[m], reduction="sum")
        wanted = [*sums[:-1], *outputs]
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True, retain_graph=True)
        lengths = [0.0 if g is None else g.square().sum(1).mean().sqrt().item() for g in gradients]
        np.testing.assert_allclose(found["gradient"][m], lengths[:3], rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(found["signal"][m], lengths[3:], rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(found["mean"][m], [h.mean().item() for h in outputs], rtol=1e-4, atol=1e-6)
        spread = [h.detach().numpy().astype(float).std(0) for h in outputs]
        np.testing.assert_allclose(found["spread"][m], [np.sqrt((s**2).mean()) for s in spread], rtol=1e-4)
        for z in sums[:-1]:
            z = z.detach().numpy()
            z = z[:, :5] - z[:, 5:] if name == "maxout" else z
            counted += np.histogram(z.clip(-6, 6), np.linspace(-6, 6, 49))[0]
        if name == "prelu":
            slopes = [module.weight.mean().item() for module in modules if isinstance(module, nn.PReLU)]
            assert found["learned"][m] == pytest.approx(np.mean(slopes), rel=1e-5)
        else:
            assert np.isnan(found["learned"][m])
    assert np.abs(found["share"] - counted / counted.sum()).max() < 2e-3  # a sum on the edge of a bin, at most


def test_dead_units_are_those_that_never_fire() -> None:
    sizes, n = (2, 8, 8, 2), 50
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, n, 2)).astype(np.float32), rng.integers(0, 2, (4, n))
    rows = np.stack([initial_weights(sizes, seed) for seed in range(4)])
    rows[:, 16:24] -= np.linspace(0, 4, 8, dtype=np.float32)  # biases of the first layer
    found = experiment.look(rows, sizes, "relu", torch.as_tensor(x), torch.as_tensor(y))["dead"]
    for m in range(4):
        h, at = x[m].astype(float), 0
        for layer, (i, o) in enumerate(pairwise(sizes[:-1])):
            w, b = rows[m, at : at + i * o].reshape(o, i), rows[m, at + i * o : at + i * o + o]
            at += i * o + o
            for unit in range(o):
                fires = sum(float(h[e] @ w[unit] + b[unit]) > 0 for e in range(n))
                assert found[m, layer, unit] == (fires == 0)
            h = np.maximum(h @ w.T + b, 0)
    assert found.any() and not found.all()


def test_a_unit_with_any_slope_is_not_dead() -> None:
    result = last(contenders=of("leaky_relu", "prelu", "maxout", "relu", "step"), bias=-10.0)
    dead = result.dead[:, :, -1].sum((1, 2))
    assert dead.tolist() == [0, 0, 0, 2 * 2 * 4, 2 * 2 * 4]


def test_units_alive_again_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With dead units made up: those dead at an earlier moment and not now, whatever happened between."""
    rng, seen = np.random.default_rng(1), []
    plain = experiment.look

    def look(*given: Any) -> dict[str, np.ndarray]:
        found = plain(*given)
        if found["dead"].shape[1] == TINY.depth:
            found["dead"] = rng.random(found["dead"].shape) < 0.4
            seen.append(found["dead"])
        return found

    monkeypatch.setattr(experiment, "look", look)
    *_, result = experiment.train(TINY.replace(contenders=of("relu")))
    kept = np.array(seen[1:])  # the first is asked for the gradient of the first layer only
    for tick in range(len(kept)):
        assert (result.dead[0, :, tick] == kept[tick].sum(-1)).all()
        again = kept[: tick + 1].any(0) & ~kept[tick]
        assert (result.revived[0, :, tick] == again.sum(-1)).all()


def test_a_gradient_shrinks_as_it_does_layer_by_layer() -> None:
    params = Params(contenders=of("sigmoid"), depth=4, seeds=3, epochs=1)
    result = next(experiment.train(params))
    steps = result.gradient[0, :, 0, 1:].astype(float) / result.gradient[0, :, 0, :-1]
    np.testing.assert_allclose(shrinkage(result)[0], np.prod(steps, 1) ** (1 / 3))
    assert (shrinkage(result) > 4).all()


# The experiment


def test_networks_are_trained_as_torch_trains_them() -> None:
    """One member of every kind of weights beside torch.nn and torch.optim, on the same batches."""
    params = TINY.replace(seeds=1, depth=2, contenders=of("relu", "prelu", "maxout", "step"), lr=0.1)
    *_, result = experiment.train(params)
    data = split(*points("moons", 80, 0.05, 0), 0)
    x, y = torch.as_tensor(data.x[0]), torch.as_tensor(data.y[0])
    (order,) = [batch_orders(len(x), 3, 0)]
    for c, name in enumerate(("relu", "prelu", "maxout", "step")):
        sizes = layout(params, 2)
        modules = network(sizes, name, 0)[1]
        row = torch.as_tensor(experiment.start(params, sizes, name, 0))
        for layer, linear in enumerate(m for m in modules if isinstance(m, nn.Linear)):
            i, o = linear.in_features, linear.out_features
            counts = [i * o, o] + ([i] if name == "prelu" and layer else [])
            w, b, *slopes = row[: sum(counts)].split(counts)
            row = row[sum(counts) :]
            linear.weight.data, linear.bias.data = w.view(o, i).clone(), b.clone()
            if slopes:
                [m for m in modules if isinstance(m, nn.PReLU)][layer - 1].weight.data = slopes[0].clone()
        assert not len(row)
        optimizer = torch.optim.SGD(modules.parameters(), lr=0.1, momentum=0.9)
        for epoch in range(4):
            loss = functional.cross_entropy(modules(x), y).item()
            assert result.loss[c, 1, 0, epoch, TRAIN] == pytest.approx(loss, rel=1e-3)
            for k in range(0, len(x), 24) if epoch < 3 else ():
                batch = order[epoch][k : k + 24].astype(int)
                optimizer.zero_grad()
                functional.cross_entropy(modules(x[batch]), y[batch]).backward()
                optimizer.step()


def test_maxout_begins_as_relu_and_scaled_sigmoid_is_tanh() -> None:
    result = last(contenders=of("relu", "maxout", "tanh", "scaled_sigmoid"), epochs=5, lr=0.1)
    np.testing.assert_allclose(result.loss[0, :, :, 0], result.loss[1, :, :, 0], rtol=1e-6)
    assert np.abs(result.loss[0, :, :, -1] - result.loss[1, :, :, -1]).max() > 1e-3
    np.testing.assert_allclose(result.loss[2], result.loss[3], rtol=1e-4)


def test_a_contender_runs_as_it_would_alone_and_seed_i_is_a_race_of_its_own() -> None:
    together = last(seeds=3)
    for c, unit in enumerate(TINY.contenders):
        alone = last(seeds=3, contenders=(unit,))
        assert together.loss[c].tobytes() == alone.loss[0].tobytes()
    for i in range(3):
        alone = last(seeds=1, data_seed=i, weight_seed=i)
        np.testing.assert_allclose(together.loss[:, :, i], alone.loss[:, :, 0], rtol=1e-4)
        np.testing.assert_allclose(together.gradient[:, i], alone.gradient[:, 0], rtol=1e-3)
    shallower = last(seeds=3, depth=1)
    assert shallower.loss[:, 0].tobytes() == together.loss[:, 0].tobytes()


def test_both_engines_run_the_same_race() -> None:
    params = TINY.replace(contenders=of(*ACTIVATIONS))
    *_, stacked = experiment.train(params)
    *_, fused = experiment.train(params, population=Fused)
    assert np.abs(fused.loss - stacked.loss).max() < 1e-4
    assert np.abs(fused.gradient - stacked.gradient).max() < 1e-3
    assert np.abs(fused.region.astype(int) - stacked.region).max() <= 1
    for name, values in arrays(fused).items():
        assert values.dtype == arrays(stacked)[name].dtype and values.shape == arrays(stacked)[name].shape
    for chunk in (1, 1000):
        *_, again = experiment.train(params, population=Fused, chunk=chunk)
        assert same(again, fused)


def test_regions_are_the_probabilities_on_the_plane() -> None:
    result = last(data="blobs", epochs=20, contenders=of("tanh"), lr=0.1)
    axis = np.linspace(-experiment.REACH, experiment.REACH, experiment.GRID)
    column, row = (np.abs(axis[:, None] - result.x[:, k]).argmin(0) for k in (0, 1))
    assert ((result.region[0, -1][row, column] > 127) == result.y).mean() > 0.9


def test_divergence_is_shown() -> None:
    params = TINY.replace(contenders=of("identity", "tanh"), lr=100.0, gain=10.0, epochs=20, width=16)
    *_, result = experiment.train(params)
    assert not np.isfinite(result.loss[0, -1, :, -1]).any()
    assert (result.accuracy[0, -1, :, -1] == 0).all() and not result.dead[0].any()
    assert np.isfinite(result.loss[1]).all()
    for language in LANGUAGES:
        for figure in FIGURES:
            assert figure.draw(result, language).to_json() and len(figure.table(result, language))
            assert "nan" not in figure.summary(result, language)


def test_all_activations_at_once_are_drawn() -> None:
    *_, result = experiment.train(TINY.replace(contenders=of(*ACTIVATIONS), depth=1, epochs=1))
    for figure in FIGURES:
        assert figure.draw(result, "en").data and len(figure.table(result, "en"))


def test_a_run_takes_memory_for_the_data_of_every_population() -> None:
    few, many = (Params(data="digits", contenders=of(*names)) for names in (["relu"], ACTIVATIONS))
    assert cost(many).bytes > 5 * cost(few).bytes


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_contender_has_a_name_of_its_own(language: str) -> None:
    result = dataclasses.replace(last(), params=TINY.replace(contenders=of("relu", "relu", "tanh", "step")))
    assert len(set(names(result, language))) == 4


# Claims: every measure on a Result known to bear it out, and on one known not to


def made(params: Params, **changes: np.ndarray) -> Result:
    """A finished run of these settings in which all is well: everyone is right, gradients are 1, nobody is dead."""
    contenders, seeds, depth = len(params.contenders), params.seeds, params.depth
    rng = np.random.default_rng(0)
    layered = np.ones((contenders, seeds, 2, depth))
    found = dict.fromkeys(("signal", "gradient", "mean", "spread"), layered)
    found |= dict.fromkeys(("dead", "revived"), 0 * layered)
    learning = np.ones((contenders, depth, seeds, 2, 3)) - 0.005 * rng.random((1, 1, seeds, 2, 3))
    found |= {"loss": 1 - learning, "accuracy": learning, "first": np.ones((contenders, depth, seeds))}
    empty = {name: np.zeros(0) for name in ("z", "edge", "x", "y", "region", "share", "value", "slope", "learned")}
    return Result(params, 1, 1, epoch=np.arange(2), **{**found, **empty, **changes})


def scored(params: Params, **scores: tuple[float, float] | float) -> Result:
    """As `made`, with test accuracies by contender: of one hidden layer and of more, or of all."""
    result = made(params)
    accuracy, rng = result.accuracy.copy(), np.random.default_rng(1)
    for c, unit in enumerate(params.contenders):
        one, more = np.broadcast_to(scores.get(unit.activation, 1.0), 2)
        accuracy[c, 0, ..., TEST], accuracy[c, 1:, ..., TEST] = one, more
    return dataclasses.replace(result, accuracy=accuracy + rng.normal(0, 0.002, accuracy.shape))


def counted(params: Params, dead: list[float], revived: list[float]) -> Result:
    """As `made`, with so many dead and revived units of each layer at the end, nearly the same on every seed."""
    shape = (1, params.seeds, 2, params.depth)
    some = np.zeros((2, *shape))
    some[:, 0, :, 1] = np.array([dead, revived])[:, None]
    return made(params, dead=some[0], revived=some[1])


def through(params: Params, factor: float) -> Result:
    """As `made`, with gradients divided by about `factor` per layer."""
    layer = np.arange(params.depth)
    jitter = 1 + 0.01 * np.random.default_rng(2).random((params.seeds, 1, 1))
    gradient = np.tile((factor * jitter) ** (layer - params.depth), (len(params.contenders), 1, 2, 1))
    return made(params, gradient=gradient, signal=4.1 * gradient)


def _known() -> dict[str, tuple[Result, Result]]:
    p = {claim.id: claim.params for claim in CLAIMS}
    quiet = through(p["slope_quarter"], 5.0)
    mean = made(p["normal_mean"])
    learning = made(p["maxout_relu"]).loss
    other = learning + np.arange(len(learning)).reshape(-1, 1, 1, 1, 1)  # every contender another loss
    apart = made(p["scale_shift"]).loss * 0 + np.arange(2).reshape(-1, 1, 1, 1, 1)
    still = made(p["step_hidden"], gradient=0 * mean.gradient)
    return {
        "no_activation": (scored(p["no_activation"], identity=0.5), scored(p["no_activation"], identity=(0.5, 0.9))),
        "relu_sigmoid": (scored(p["relu_sigmoid"], sigmoid=0.5), scored(p["relu_sigmoid"])),
        "tanh_sigmoid": (scored(p["tanh_sigmoid"], sigmoid=0.5), scored(p["tanh_sigmoid"])),
        "shift_only": (scored(p["shift_only"], sigmoid=0.5), scored(p["shift_only"])),
        "scale_shift": (made(p["scale_shift"]), made(p["scale_shift"], loss=apart)),
        "shrinks_four": (through(p["shrinks_four"], 5.0), through(p["shrinks_four"], 2.0)),
        "shrinks_four_large": (through(p["shrinks_four_large"], 5.0), through(p["shrinks_four_large"], 2.0)),
        "slope_quarter": (quiet, dataclasses.replace(quiet, signal=3.9 * quiet.gradient)),
        "step_chance": (scored(p["step_chance"], step=0.5), scored(p["step_chance"], step=0.7)),
        "step_hidden": (still, mean),
        "differentiable": (scored(p["differentiable"], relu=0.5), scored(p["differentiable"])),
        "kills_rate": (counted(p["kills_rate"], [8, 8, 8], [0, 0, 0]), made(p["kills_rate"])),
        "kills_bias": (counted(p["kills_bias"], [16, 16, 16], [0, 0, 0]), made(p["kills_bias"])),
        "first_stays": (
            counted(p["first_stays"], [4, 0, 0], [0, 5, 0]),
            counted(p["first_stays"], [4, 0, 0], [1, 0, 0]),
        ),
        "deeper_stays": (
            counted(p["deeper_stays"], [4, 5, 6], [4, 0, 0]),
            counted(p["deeper_stays"], [4, 5, 6], [0, 2, 3]),
        ),
        "leaky_deep": (scored(p["leaky_deep"], relu=0.9), scored(p["leaky_deep"])),
        "leaky_shallow": (scored(p["leaky_shallow"], relu=0.9), scored(p["leaky_shallow"])),
        "maxout_relu": (made(p["maxout_relu"]), made(p["maxout_relu"], loss=other)),
        "maxout_better": (scored(p["maxout_better"], relu=0.9), scored(p["maxout_better"])),
        "beyond_sigmoid": (scored(p["beyond_sigmoid"], sigmoid=0.5), scored(p["beyond_sigmoid"])),
        "beyond_relu": (scored(p["beyond_relu"], relu=0.5), scored(p["beyond_relu"])),
        "beyond_he": (scored(p["beyond_he"], relu=0.5), scored(p["beyond_he"])),
        "adam_three": (scored(p["adam_three"]), scored(p["adam_three"], sigmoid=0.7)),
        "adam_six": (scored(p["adam_six"]), scored(p["adam_six"], sigmoid=0.7)),
        "normal_mean": (made(p["normal_mean"], mean=0 * mean.mean), mean),
        "normal_spread": (mean, made(p["normal_spread"], spread=0.2 * mean.spread)),
    }


KNOWN = _known()


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    first = next(experiment.train(TINY))
    assert all(claim.measure(first) is None for claim in CLAIMS)
    nobody = made(Params(contenders=of("elu"), depth=10))
    assert all(claim.measure(nobody) is None for claim in CLAIMS)
    shallow = made(Params(depth=1))
    for claim in CLAIMS:
        if claim.id not in ("slope_quarter", "step_hidden", "normal_mean", "normal_spread"):
            assert claim.measure(shallow) is None, claim.id


def test_the_weights_of_he_are_six_to_the_half_of_these() -> None:
    drawn = initial_weights((400, 400, 2), 0)[: 400 * 400]
    other = nn.init.kaiming_uniform_(torch.empty(400, 400), nonlinearity="relu")
    assert (HE * drawn).std() == pytest.approx(other.std().item(), rel=0.02)


def test_a_leak_helps_where_units_die_and_yet_most_seeds_fail() -> None:
    """What the preset says of three layers, in both languages, is what its run gives."""
    changes = next(preset.changes for preset in PRESETS if preset.id == "too_fast")
    *_, result = experiment.train(Params().replace(**changes | {"contenders": of("relu", "leaky_relu")}))
    relu, leaky = result.accuracy[:, -1, :, -1, -1]
    assert leaky.mean() > relu.mean() + 0.1 and (leaky < GOOD).mean() > 0.5
    for language, most, untrue in (("en", "on most seeds", "no better"), ("zh", "多数种子", "更好")):
        said = words("activations", language).hint("presets.too_fast")
        assert most in said and untrue not in said
