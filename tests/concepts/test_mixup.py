"""Mixup against torchvision, SciPy, torch.nn with torch.optim, and plain loops."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional
from torchvision.transforms import v2

from core.concept.catalog import LANGUAGES
from core.concept.result import same
from core.concepts.mixup import figures
from core.concepts.mixup import train as experiment
from core.concepts.mixup.claims import CLAIMS, early
from core.concepts.mixup.params import (
    CUTMIX,
    EPSILONS,
    ERM,
    MANIFOLD,
    PRESETS,
    RULES,
    TINY,
    Method,
    Params,
    Result,
    cost,
    fresh,
    sizes,
    table_shape,
    used,
)
from core.concepts.mixup.train import (
    STRONGEST,
    Draws,
    attacks,
    boxes,
    draw,
    load,
    measure,
    mix,
    mixture,
    own_labels,
    pictured,
    share_of,
    strengths,
    train,
)
from core.ml.data import batch_orders
from core.ml.networks import initial_weights
from core.ml.own import CONTENTS
from core.ml.population import Stacked
from core.ml.random import stream
from core.ml.rules import Contender
from tests.known import DIGITS

SMALL = Params(points=40, epochs=4, batch=16, depth=2, width=8, seeds=2)
ON_DIGITS = SMALL.replace(data="digits", points=60, epochs=2)
EVERY = (ERM, Method(alpha=0.4), Method(near=0.1), MANIFOLD, CUTMIX)


# Numbers of the code that the texts repeat.
CONSTANTS = DIGITS | {500, *(round(k * most / (EPSILONS - 1), 2) for most in STRONGEST for k in range(EPSILONS))}


@cache
def last(params: Params) -> Result:
    *_, result = train(params)
    return result


def modules(row: np.ndarray, layers: tuple[int, ...]) -> list[nn.Module]:
    """One network as torch writes it: linear layers with ReLU between."""
    found: list[nn.Module] = []
    for i, o in pairwise(layers):
        found += [nn.Linear(i, o), nn.ReLU()]
    nn.utils.vector_to_parameters(torch.as_tensor(row).clone(), nn.ModuleList(found[:-1]).parameters())
    return found[:-1]


# Shares


@pytest.mark.parametrize("alpha", [0.01, 0.1, 1.0, 4.0, 64.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    quantile = np.linspace(0.001, 0.999, 999)
    found = share_of(Method(alpha=alpha), quantile)
    np.testing.assert_allclose(found, stats.beta(alpha, alpha).ppf(quantile), atol=1e-6)
    drawn = share_of(Method(alpha=alpha), stream("test", 0).random(20_000))
    at = np.linspace(0.01, 0.99, 99)  # beyond, float32 rounds to 1
    empirical = (drawn[:, None] <= at).mean(0)
    assert np.abs(empirical - stats.beta(alpha, alpha).cdf(at)).max() < 1.63 / 20_000**0.5  # Kolmogorov's 1 % bound
    assert drawn.mean() == pytest.approx(0.5, abs=0.02) and (share_of(ERM, quantile) == 1).all()


@pytest.mark.parametrize(("alpha", "near"), [(0.05, 0.1), (1.0, 0.1), (2.0, 0.25), (64.0, 0.02), (0.3, 0.0)])
def test_near_half_is_the_same_distribution_given_that_it_is_near(alpha: float, near: float) -> None:
    drawn = share_of(Method(alpha=alpha, near=near), stream("test", 1).random(4000)).astype(float)
    assert np.abs(drawn - 0.5).max() <= near + 1e-7
    if near:
        free = stats.beta(alpha, alpha).rvs(400_000, random_state=2)
        assert stats.ks_2samp(drawn, free[np.abs(free - 0.5) <= near]).pvalue > 0.01


def test_the_same_random_numbers_serve_every_method() -> None:
    params = SMALL.replace(methods=EVERY)
    one, again = (draw(params, 3, 7) for _ in range(2))
    assert one.quantile.tobytes() == again.quantile.tobytes() != draw(params, 3, 8).quantile.tobytes()
    weak, strong = (share_of(Method(alpha=alpha), one.quantile) for alpha in (0.3, 3.0))
    assert ((weak < 0.5) == (strong < 0.5)).all()  # and λ moves with α alone


# Mixing


def by_torchvision(x: torch.Tensor, y: torch.Tensor, share: float, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """v2.MixUp with a given λ."""
    given = {"labels": y, "batch_size": len(x), "lam": share}
    mixer = v2.MixUp(num_classes=classes)
    return mixer.transform(x[..., None, None], given)[..., 0, 0], mixer.transform(y, given)  # wants images


def test_mixing_is_torchvision_s() -> None:
    rng = torch.Generator().manual_seed(0)
    x, y = torch.rand(12, 64, generator=rng), torch.randint(10, (12,), generator=rng)
    for share in (0.0, 0.2, 0.5, 0.93, 1.0):
        images, labels = by_torchvision(x, y, share, 10)
        found = mix(x.T[None], torch.full((1, 1, 1), share))
        torch.testing.assert_close(found[0].T, images)
        aims = mix(functional.one_hot(y, 10).float().T[None], torch.full((1, 1, 1), share))
        torch.testing.assert_close(aims[0].T, labels)


def test_boxes_are_torchvision_s(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = torch.Generator().manual_seed(1)
    x, y = torch.rand(6, 1, 8, 8, generator=rng), torch.randint(10, (6,), generator=rng)
    cutter = v2.CutMix(num_classes=10)
    for share in np.linspace(0, 1, 23, dtype=np.float32):
        centre = np.random.default_rng(int(100 * share)).integers(8, size=2)
        across_down = iter(centre)
        monkeypatch.setattr(torch, "randint", lambda *_, size, there=across_down: torch.tensor([next(there)]))
        monkeypatch.setattr(cutter._dist, "sample", lambda _, share=share: torch.tensor(float(share)))
        given = cutter.make_params([x]) | {"labels": y, "batch_size": 6}
        monkeypatch.undo()
        mask = boxes(np.array([share]), centre[None])
        assert mask.mean() == pytest.approx(given["lam_adjusted"])
        found = mix(x.reshape(1, 6, 64).transpose(1, 2), torch.as_tensor(mask).view(1, 64, 1))
        torch.testing.assert_close(found[0].T, cutter.transform(x, given).reshape(6, 64))
        labels = mix(functional.one_hot(y, 10).float().T[None], torch.full((1, 1, 1), float(mask.mean())))
        torch.testing.assert_close(labels[0].T, cutter.transform(y, given))


def test_manifold_mixup_mixes_one_layer_of_those_it_may() -> None:
    draws = Draws(np.full((1, 3000), 0.3), stream("test", 4).random((1, 3000)), np.zeros((1, 3000, 2), int))
    methods = (MANIFOLD, Method(rule="manifold", first=2), Method(rule="manifold", first=6), Method())
    label, pixels, hidden = mixture(methods, draws, 0, SMALL.replace(depth=3))
    assert pixels.shape == (3000, 4, 1) and hidden.shape == (3000, 4, 3)
    places = np.concatenate([pixels, hidden], 2) < 1  # [batch, method, inputs and hidden layers]
    assert (places.sum(2) == 1).all() and (label < 1).all()
    often = places.mean(0)
    np.testing.assert_allclose(often[0], [0.25] * 4, atol=0.03)
    np.testing.assert_allclose(often[1:], [[0, 0, 0.5, 0.5], [0, 0, 0, 1], [1, 0, 0, 0]], atol=0.03)


# Training


def trained_alone(params: Params, method: Method, s: int) -> list[nn.Module]:
    """Seed s of a method with torch.nn, torchvision's mixing, and torch.optim.Adam."""
    data, _ = load(params, params.data_seed + s)
    layers, n = sizes(params), len(data.x[0])
    x, y = torch.as_tensor(data.x[0]), torch.as_tensor(data.y[0])
    net = modules(initial_weights(layers, params.weight_seed + s), layers)
    adam = torch.optim.Adam(nn.ModuleList(net).parameters(), params.rate, foreach=False)
    draws = draw(params, -(-n // params.batch), params.data_seed + s)
    for epoch, order in enumerate(batch_orders(n, params.epochs, params.data_seed + s)):
        for k, batch in enumerate(np.split(order, range(params.batch, n, params.batch))):
            share = float(share_of(method, draws.quantile[epoch, k]))
            h, aim = x[batch], functional.one_hot(y[batch], layers[-1]).float()
            mixed, soft = by_torchvision(h, y[batch], share, layers[-1])
            place = int(draws.layer[epoch, k] * (params.depth + 1)) if method.rule == "manifold" else 0
            if method.rule == "cutmix":
                mask = torch.as_tensor(boxes(np.array([share]), draws.centre[epoch, k : k + 1]))
                mixed, soft = mask * h + (1 - mask) * h.roll(1, 0), aim.lerp(aim.roll(1, 0), 1 - mask.mean())
            h = mixed if method.rule != "erm" and place == 0 else h
            for i, module in enumerate(net):
                h = module(h)
                if i % 2 and place == i // 2 + 1:
                    h = share * h + (1 - share) * h.roll(1, 0)
            adam.zero_grad()
            functional.cross_entropy(h, soft if method.rule != "erm" else aim).backward()
            adam.step()
    return net


@pytest.mark.parametrize("params", [SMALL, ON_DIGITS], ids=["moons", "digits"])
def test_every_member_is_trained_as_torch_trains_it_alone(params: Params) -> None:
    params = params.replace(methods=EVERY)
    result = last(params)
    for m, method in enumerate(used(params)):
        for s in range(params.seeds):
            net = nn.Sequential(*trained_alone(params, method, s))
            data, _ = load(params, params.data_seed + s)
            for part in range(3):
                with torch.no_grad():
                    loss = functional.cross_entropy(net(torch.as_tensor(data.x[part])), torch.as_tensor(data.y[part]))
                assert result.loss[m, s, -1, part] == pytest.approx(float(loss), rel=2e-3, abs=1e-5)


def test_erm_is_the_plain_population() -> None:
    params = SMALL.replace(methods=(ERM,))
    sets = [load(params, s)[0] for s in range(2)]
    n, layers = params.points, sizes(params)
    plain = Stacked(
        layers,
        "relu",
        "softmax",
        np.stack([initial_weights(layers, s) for s in range(2)]),
        [Contender(rule="adam", lr=params.rate)] * 2,
        np.stack([np.concatenate(d.x) for d in sets]),
        np.stack([np.concatenate(d.y) for d in sets]),
        np.arange(2),
        np.stack([batch_orders(n, params.epochs, s) for s in range(2)]),
        params.batch,
    )
    plain.advance(params.epochs * 3)
    loss, accuracy = plain.measure([0, n, 2 * n, 2 * n + 500])
    result = last(params)
    np.testing.assert_allclose(result.loss[0, :, -1], loss, rtol=1e-4)
    np.testing.assert_allclose(result.accuracy[0, :, -1], accuracy, atol=2e-3)


def test_a_method_does_not_change_the_others() -> None:
    together = last(ON_DIGITS.replace(methods=EVERY))
    for m, method in enumerate(EVERY):
        alone = last(ON_DIGITS.replace(methods=(method,)))
        np.testing.assert_allclose(together.loss[m], alone.loss[0], rtol=1e-4)


def test_nobody_sees_the_labels_that_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    params = SMALL.replace(unlabelled=40)
    expected, plain = last(params), experiment.load

    def other(params: Params, seed: int) -> Any:
        data, wrong = plain(params, seed)
        data.y[0][params.points :] = 0
        return data, wrong

    monkeypatch.setattr(experiment, "load", other)
    *_, found = train(params)
    assert same(found, expected) and not same(expected, last(SMALL))


def test_pseudo_labels_are_the_networks_own_answers() -> None:
    layers = (2, 8, 8, 2)
    weights = np.stack([initial_weights(layers, s) for s in range(3)])
    x = torch.randn(3, 2, 9, generator=torch.Generator().manual_seed(3))
    found = own_labels(torch.as_tensor(weights), x, layers, SMALL)
    for m in range(3):
        with torch.no_grad():
            z = nn.Sequential(*modules(weights[m], layers))(x[m].T)
        assert torch.equal(found[m].T, functional.one_hot(z.argmax(1), 2).float())


# Data


def test_as_many_labels_are_wrong_as_asked_for_and_none_of_the_test_s() -> None:
    for params in (SMALL.replace(flipped=0.35), ON_DIGITS.replace(flipped=0.5), SMALL.replace(unlabelled=60)):
        data, wrong = load(params, 3)
        right, none = load(params.replace(flipped=0.0), 3)
        assert not none.any() and wrong.shape == (params.points,)
        assert wrong.sum() == round(params.flipped * params.points)
        assert np.array_equal(data.y[0][: params.points] != right.y[0][: params.points], wrong)
        assert (data.y[0][params.points :] == right.y[0][params.points :]).all()
        assert (data.y[1] != right.y[1]).sum() == round(params.flipped * len(right.y[1]))
        assert np.array_equal(data.y[2], right.y[2]) and data.y[0].max() < data.classes
        assert all(np.array_equal(a, b) for a, b in zip(data.x, right.x))
    data, wrong = load(Params(data="digits", points=1000, flipped=0.8), 0)
    right, _ = load(Params(data="digits", points=1000, flipped=0.0), 0)
    shift = (data.y[0] - right.y[0])[wrong] % 10
    assert stats.chisquare(np.bincount(shift, minlength=10)[1:]).pvalue > 0.001  # every other class alike


@pytest.mark.parametrize("classes", [2, 3])
def test_own_tables(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    content = "a,b,c\n" + "".join(f"{x:.3f},{y:.3f},k{i % classes}\n" for i, (x, y) in enumerate(rng.random((60, 2))))
    name = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}:60x2x{classes}"
    monkeypatch.setitem(CONTENTS, name, content.encode())
    params = SMALL.replace(own=name, methods=EVERY)
    *_, result = train(params)
    assert result.complete and result.loss.shape[0] == 4 and result.x.shape == (36, 2)
    assert table_shape(params) == (36, 2, classes) and result.wrong.sum() == 7
    shown = [figure.id for figure in figures.FIGURES if figure.shown(params)]
    assert ("maps" in shown) == (classes == 2) and "mixed" not in shown
    assert np.abs(result.x).max() <= 1 or classes > 2
    for figure in figures.FIGURES:
        if figure.shown(params):
            assert figure.draw(result, "zh").to_json() and "CutMix" in figure.summary(result, "zh")


# What is looked at


def test_measures_are_those_of_a_plain_loop() -> None:
    params = SMALL.replace(flipped=0.5)
    layers = sizes(params)
    weights = np.stack([initial_weights(layers, s) for s in range(4)])  # two methods, two seeds
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 2, 30)).astype(np.float32), rng.integers(2, size=(2, 30))
    wrong = rng.random((2, 10)) < 0.4
    weights[3] = np.nan
    given = [torch.as_tensor(a) for a in (weights, x, y, wrong)]
    found = measure(*given, ((0, 10), (10, 18), (18, 30)), layers, params)
    loss, accuracy, confidence, memorised = found.values()
    for m in range(3):
        s = m % 2
        with torch.no_grad():
            p = nn.Sequential(*modules(weights[m], layers))(torch.as_tensor(x[s].T)).softmax(1).numpy()
        right = p.argmax(1) == y[s]
        for k, (a, b) in enumerate(((0, 10), (10, 18), (18, 30))):
            assert accuracy[m, k] == pytest.approx(right[a:b].mean())
            assert loss[m, k] == pytest.approx(np.mean([-np.log(p[i, y[s, i]]) for i in range(a, b)]), rel=1e-5)
        assert confidence[m] == pytest.approx(p[18:].max(1).mean(), rel=1e-5)
        assert memorised[m] == pytest.approx(right[:10][wrong[s]].mean())
    assert (accuracy[3] == 0).all() and np.isnan(loss[3]).all()


@pytest.mark.parametrize("params", [SMALL, ON_DIGITS], ids=["moons", "digits"])
def test_attacks_are_those_of_a_plain_loop(params: Params) -> None:
    layers, count = sizes(params), 25
    weights = np.stack([3 * initial_weights(layers, s) for s in range(2)])
    sets = [load(params, s)[0] for s in range(2)]
    x, y = (np.stack([getattr(d, name)[2][:count] for d in sets]) for name in "xy")
    inputs, labels = torch.as_tensor(x).transpose(1, 2).contiguous(), torch.as_tensor(y)
    found = attacks(torch.as_tensor(weights), inputs, labels, (0, count), layers, params)
    edge = (0, 1) if params.data == "digits" else (-9, 9)

    def slope(net: nn.Module, at: torch.Tensor, s: int) -> torch.Tensor:
        at = at.clone().requires_grad_()
        functional.cross_entropy(net(at), labels[s]).backward()
        return at.grad.sign()  # type: ignore[union-attr]

    for s in range(2):
        net, clean = nn.Sequential(*modules(weights[s], layers)), torch.as_tensor(x[s])
        uniform = stream("mixup attack", s).uniform(-1, 1, (layers[0], count))
        for k, size in enumerate(float(e) for e in strengths(params)):
            fgsm = (clean + size * slope(net, clean, s)).clamp(*edge)
            pgd = (clean + size * torch.as_tensor(uniform.T, dtype=torch.float32)).clamp(*edge)
            for _ in range(10):
                pgd = (pgd + 0.25 * size * slope(net, pgd, s)).clamp(clean - size, clean + size).clamp(*edge)
            for attack, at in enumerate((fgsm, pgd)):
                right = (net(at).argmax(1) == labels[s]).float().mean()
                assert found[attack, s, k] == pytest.approx(float(right), abs=1 / count + 1e-6)
    assert (found[:, :, 0] == found[0, :, 0]).all()  # an attack of size zero changes nothing


def test_the_mixed_examples_that_are_shown_are_those_trained_on() -> None:
    methods = (Method(), MANIFOLD, ERM)
    params = SMALL.replace(methods=methods)
    data, _ = load(params, 0)
    order, draws = batch_orders(40, 4, 0)[2], draw(params, 3, 0)
    targets = functional.one_hot(torch.as_tensor(data.y[0]), 2).T.float()
    targets[:, 5] = 0  # has no label
    shares = mixture(methods, draws, 2, params)
    for m in range(3):
        given = [share[:, m] for share in shares]
        x, origin = pictured(torch.as_tensor(data.x[0].T), targets, torch.as_tensor(order), given, 16, 40).values()
        at = 0
        for k, batch in enumerate(np.split(order, [16, 32])):
            for i, example in enumerate(batch):
                partner, share = batch[i - 1], given[0][k, 0]
                expected = share * data.x[0][example] + (1 - share) * data.x[0][partner]
                if (given[2][k] < 1).any():
                    expected = np.full(2, np.nan)
                np.testing.assert_allclose(x[at], expected, atol=1e-6)
                names = [-1 if e == 5 else data.y[0][e] for e in (example, partner)]
                np.testing.assert_allclose(origin[at], [*names, share], atol=1e-6)
                at += 1
    result = last(params)
    assert np.isnan(result.mixed[:, 0]).all() and np.isfinite(result.mixed[0, 1:]).all()


def test_maps_are_the_probabilities_on_the_plane() -> None:
    result = last(Params(methods=(ERM,), data="blobs", points=100, flipped=0.0, epochs=40, seeds=1))
    axis = np.linspace(-1.3, 1.3, 48)
    column, row = (np.abs(axis[:, None] - result.x[:, k]).argmin(0) for k in (0, 1))
    assert ((result.region[0, -1][row, column] > 127) == result.y).mean() > 0.9  # rows upward, columns to the right


def test_a_run_takes_the_steps_its_cost_says() -> None:
    for params in (SMALL, ON_DIGITS, SMALL.replace(unlabelled=20, batch=25), SMALL.replace(batch=256, epochs=1)):
        assert cost(params).steps == last(params).step == last(params).total


def test_networks_that_diverge_are_shown_as_such() -> None:
    result = last(SMALL.replace(rate=0.1, methods=(ERM, Method()), activation="leaky_relu"))
    broken = experiment.Result(**{**vars(result), "loss": np.full_like(result.loss, np.nan)})
    broken.accuracy[:], broken.confidence[:], broken.attacked[:] = 0, np.nan, 0
    for language, said in zip(LANGUAGES, ("Diverged networks: 4", "已发散的网络：4")):
        for figure in figures.FIGURES:
            if figure.shown(result.params):
                assert figure.draw(broken, language).to_json()
                assert said in figure.summary(broken, language) and "nan" not in figure.summary(broken, language)


# Figures


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_method_has_a_name_of_its_own(language: str) -> None:
    methods = (ERM, Method(), Method(alpha=0.3), Method(near=0.1), MANIFOLD, MANIFOLD, Method(rule="manifold", first=1))
    found = figures.names(last(SMALL.replace(methods=methods)), language)
    assert len(set(found)) == len(methods)
    assert "0.3" in found[2] and "0.1" in found[3] and "1" in found[6]


@pytest.mark.parametrize("count", range(1, 9))
def test_maps_of_any_number_of_methods(count: int) -> None:
    methods = tuple(Method(alpha=0.1 * (i + 1)) for i in range(count))
    fig = figures.draw_maps(last(SMALL.replace(methods=methods, epochs=1)), "en")
    assert sum(trace.type == "heatmap" for trace in fig.data) == count
    assert [fig.layout[f"yaxis{m + 1 if m else ''}"].scaleanchor for m in range(count)] == [
        f"x{m + 1 if m else ''}" for m in range(count)
    ]


def test_early_stopping_is_at_the_lowest_validation_loss() -> None:
    result = last(SMALL.replace(epochs=30))
    for m in range(len(used(result.params))):
        for s in range(2):
            losses = result.loss[m, s, :, 1].tolist()
            expected = result.accuracy[m, s, losses.index(min(losses)), 2]
            assert early(result)[m, s] == figures.worth(result)["early"][m, s] == expected


def test_images_are_drawn_as_they_were_mixed() -> None:
    result = last(ON_DIGITS.replace(methods=EVERY))
    fig = figures.MIXED.draw(result, "en")
    picture = np.array(fig.data[0].z)[::-1][:, :8]
    np.testing.assert_array_equal(picture, result.mixed[0, -1, 0].reshape(8, 8))
    one, other, share = result.origin[1, -1, 0]
    assert fig.data[3].text[0] == f"{one:.0f}·{share:.2f}<br>{other:.0f}·{1 - share:.2f}"
    assert fig.data[1].text[0] == f"{result.origin[0, -1, 0, 0]:.0f}"  # ERM: one label


def test_a_result_fits_its_limit() -> None:
    methods = tuple(Method(alpha=0.1 * (i + 1)) for i in range(8))
    result = last(SMALL.replace(methods=methods, points=1000, batch=256, epochs=1, seeds=1))
    grown = {name: getattr(result, name).nbytes for name in ("mixed", "origin", "region")}
    seeds = 8 * 40 * 41 * (2 * 3 + 2) * 4
    assert sum(grown.values()) / 2 * 41 + seeds + result.x.nbytes < 16 * 1024**2


def test_a_new_method_keeps_the_settings_of_the_one_it_replaces() -> None:
    assert fresh("cutmix", Method(alpha=3.0)) == Method(rule="cutmix", alpha=3.0)
    assert [fresh(rule, None).rule for rule in RULES] == list(RULES)


def test_cutmix_needs_images() -> None:
    assert used(TINY)[-1].rule == "manifold" and used(TINY.replace(data="digits"))[-1] == CUTMIX
    assert used(SMALL.replace(methods=(CUTMIX,))) == (ERM,)
    assert all(used(Params(**p.changes)) == Params(**p.changes).methods for p in PRESETS)


# Claims: every measure on a Result known to bear it out, and on one known not to


def made(params: Params, **values: list[float]) -> Result:
    """A finished run in which a value of each method is as given; of two ticks the first has the lower loss."""
    shape = (len(used(params)), params.seeds)
    spread = 1e-3 * stream("spread", 0).random(shape)

    def of(name: str, usual: float) -> np.ndarray:
        return (np.asarray(values.get(name, [usual] * shape[0]))[:, None] + spread).astype(np.float32)

    accuracy = np.repeat(np.stack([of("early", 0.8), of("last", 0.8)], 2)[..., None], 3, 3)
    loss = np.broadcast_to(np.float32([0.5, 0.7])[:, None], accuracy.shape).copy()
    attacked = np.zeros((2, *shape, 7), np.float32)
    for attack in range(2):
        for size in range(7):
            attacked[attack, :, :, size] = of(f"attack {attack} {size}", 0.5)
    none = np.zeros((shape[0], 2, 0, 2), np.float32)
    pair = {name: np.repeat(of(name, 0.7)[..., None], 2, 2) for name in ("confidence", "memorised")}
    return Result(
        params,
        9,
        9,
        epoch=np.arange(2),
        loss=loss,
        accuracy=accuracy,
        epsilon=strengths(params),
        attacked=attacked,
        shares=np.ones((shape[0], 1), np.float32),
        x=np.zeros((0, 2), np.float32),
        y=np.zeros(0, int),
        wrong=np.zeros(0, bool),
        region=np.zeros((shape[0], 2, 0, 0), np.uint8),
        mixed=none,
        origin=none,
        **pair,
    )


def known(id: str, name: str, positive: list[float], negative: list[float]) -> tuple[Result, Result]:
    """Results of the deciding Params; values in the order of their methods."""
    params = next(claim.params for claim in CLAIMS if claim.id == id)
    return made(params, **{name: positive}), made(params, **{name: negative})


KNOWN = {
    "better_last": known("better_last", "last", [0.7, 0.8, 0.6, 0.6], [0.8, 0.8, 0.9, 0.9]),
    "better_early": known("better_early", "early", [0.7, 0.8, 0.6, 0.6], [0.8, 0.8, 0.9, 0.9]),
    "better_clean": known("better_clean", "last", [0.7, 0.8, 0.6, 0.6], [0.8, 0.8, 0.9, 0.9]),
    "memorises": known("memorises", "memorised", [0.9, 0.5, 0.9, 0.9], [0.5, 0.5, 0.1, 0.1]),
    "digits_last": known("digits_last", "last", [0.7, 0.8, 0.6, 0.6], [0.8, 0.8, 0.9, 0.9]),
    "digits_early": known("digits_early", "early", [0.7, 0.8, 0.6, 0.6], [0.8, 0.8, 0.9, 0.9]),
    "less_sure": known("less_sure", "confidence", [0.9, 0.7, 0.9, 0.9], [0.7, 0.7, 0.1, 0.1]),
    "calibrated": known("calibrated", "confidence", [0.95, 0.81, 0.9, 0.9], [0.81, 0.7, 0.1, 0.1]),
    "calibrated_clean": known("calibrated_clean", "confidence", [0.95, 0.81, 0.9, 0.9], [0.81, 0.7, 0.1, 0.1]),
    "fgsm": known("fgsm", "attack 0 1", [0.3, 0.5, 0, 0], [0.5, 0.5, 0.9, 0.9]),
    "pgd": known("pgd", "attack 1 1", [0.3, 0.5, 0, 0], [0.5, 0.5, 0.9, 0.9]),
    "pgd_small": known("pgd_small", "attack 1 1", [0.3, 0.5, 0, 0], [0.5, 0.5, 0.9, 0.9]),
    "pgd_middle": known("pgd_middle", "attack 1 3", [0.3, 0.5, 0, 0], [0.5, 0.5, 0.9, 0.9]),
    "pgd_large": known("pgd_large", "attack 1 6", [0.3, 0.5, 0, 0], [0.5, 0.5, 0.9, 0.9]),
    "manifold": known("manifold", "last", [0.9, 0.8, 0.85, 0.9], [0.7, 0.8, 0.8, 0.9]),
    "manifold_digits": known("manifold_digits", "last", [0.9, 0.8, 0.85, 0.9], [0.7, 0.8, 0.8, 0.9]),
    "manifold_spiral": known("manifold_spiral", "last", [0.9, 0.8, 0.85, 0.9], [0.7, 0.8, 0.8, 0.9]),
    "hidden_spiral": known("hidden_spiral", "last", [0.8, 0.7, 0.7, 0.85], [0.8, 0.7, 0.9, 0.8]),
    "cutmix": known("cutmix", "last", [0.9, 0.7, 0.7, 0.8], [0.6, 0.8, 0.7, 0.8]),
    "hurts_spiral": known("hurts_spiral", "last", [0.9, 0.8, 0.9, 0.9], [0.8, 0.8, 0.7, 0.7]),
    "hurts_rings": known("hurts_rings", "last", [0.9, 0.8], [0.8, 0.8]),
    "near_half": known("near_half", "last", [0.9, 0.8, 0.9, 0.85], [0.7, 0.8, 0.7, 0.8]),
    "near_half_pseudo": known("near_half_pseudo", "last", [0.9, 0.8, 0.85], [0.7, 0.8, 0.8]),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    first, *_ = train(TINY)
    assert all(claim.measure(first) is None for claim in CLAIMS)
    for claim in CLAIMS:
        params = claim.params.replace(methods=(Method(alpha=2.0),))
        assert claim.measure(made(params)) is None  # nobody to compare with
    unlabelled = last(SMALL.replace(unlabelled=40, methods=(ERM, Method())))
    assert all(claim.measure(unlabelled) is None for claim in CLAIMS)  # wrong labels, and too few of them
    lost = KNOWN["less_sure"][0]
    lost.confidence[0, 3, -1] = np.nan
    assert next(c for c in CLAIMS if c.id == "less_sure").measure(lost) is None
    lost.confidence[0, 3, -1] = 0.9
