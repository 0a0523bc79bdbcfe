"""Autoencoders: claims on known results; networks against torch.nn, PCA and discriminants against scikit-learn, gaps by
counting, answers against the networks by name."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestNeighbors
from torch import nn
from torch.distributions import Normal, kl_divergence

from core.concept.catalog import LANGUAGES
from core.concept.parts import Claim
from core.concepts.autoencoder import figures
from core.concepts.autoencoder.claims import CLAIMS, MISTAKES, TEST, TRAIN
from core.concepts.autoencoder.params import (
    CELLS,
    INK,
    KINDS,
    PICTURES,
    PIXELS,
    SIDE,
    SIZES,
    TINY,
    WAYS,
    WIDEST,
    Drawing,
    Ends,
    Params,
    Result,
    Version,
    cost,
    even,
    examples,
    gaussian,
    places,
    units,
    weights,
)
from core.concepts.autoencoder.train import GRID, KEPT, STOPS, answer, begin, centred, load, losses, normal, train
from core.ml.classical import discriminant, principal
from core.ml.networks import initial_weights
from core.ml.own import CONTENTS
from core.ml.random import stream
from core.ml.recording import Recording
from core.ml.samples import NEAR, SURE, drawn_codes, gaps, judge

# Numbers that the texts repeat.
CONSTANTS = {*SIZES, SIDE, PIXELS, CELLS**2, 100 * SURE, 100 * NEAR}


@cache
def ended(**changes: Any) -> tuple[Result, dict[str, np.ndarray]]:
    run = train(TINY.replace(**changes))
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


def made(params: Params, name: str, place: tuple, value: np.ndarray) -> Result:
    """A finished run of zeros, and of PCA and linear versions that lose all; `value` [seed] at one place of a field."""
    sizes = {"version": len(params.versions), "size": len(SIZES), "seed": params.seeds, "tick": 2, "split": 2, "end": 1}
    sizes |= {"way": len(WAYS), "sample": KEPT, "axis": 2, "row": GRID, "column": GRID}
    record = Recording(Result, params, 3, sizes | {"picture": 10, "pixel": PIXELS, "example": 20})
    record.arrays["pca"][..., TRAIN] = 1
    record.arrays["error"][..., TRAIN] = 1
    record.arrays[name][place] = value
    record.done |= {"tick": 2, "end": 1}
    return record.result(3)


NARROW, EIGHT, WIDE = (SIZES.index(size) for size in (2, 8, 32))
ALL = slice(None)
# Claim or mistake → where its effect stands: a field, a place in it, and the effect as it is written there.
MEASURED: dict[str, tuple] = {
    "bound": ("error", (0, EIGHT, ALL, -1, TRAIN), lambda e: 1 + 0.01 * (e > 0.5) - 0.01 * (e < 0.5)),
    "close": ("error", (0, EIGHT, ALL, -1, TRAIN), lambda e: 1 + e),
    "bent": ("pca", (NARROW, ALL, TEST)),
    "bent_wide": ("pca", (WIDE, ALL, TEST)),
    "keeps": ("probe", (1, NARROW, ALL, 0)),
    "keeps_learnt": ("probe", (1, EIGHT, ALL, 0)),
    "keeps_all": ("pixels_probe", (ALL, 0)),
    "cleans": ("noisy", (ALL,)),
    "cleans_plain": ("cleaned", (0, WIDE, ALL, -1)),
    "cleans_pca": ("pca_cleaned", (EIGHT, ALL)),
    "gaps": ("empty", (1, WAYS.index("gaussian"), ALL, 0)),
    "gaps_none": ("empty", (2, WAYS.index("prior"), ALL, 0), lambda e: e + even(Params())),
    "samples": ("good", (2, EIGHT, WAYS.index("prior"), ALL, 0)),
    "samples_box": ("good", (2, EIGHT, WAYS.index("prior"), ALL, 0)),
    "samples_two": ("good", (2, NARROW, WAYS.index("prior"), ALL, 0)),
    "samples_real": ("real_good", (ALL, 0)),
    "blurs": ("error", (2, EIGHT, ALL, -1, TEST)),
    "unused": ("active", (2, WIDE, ALL, -1), lambda e: 32 - e),
    "collapse": ("kl", (1, EIGHT, ALL, -1)),
    "collapse_right": ("kl", (0, EIGHT, ALL, -1)),
    "deviation": ("sampled", (1, EIGHT, ALL, -1)),
    "over_pixels": ("error", (0, EIGHT, ALL, -1, TEST)),
    "as_deviation": ("sampled", (0, EIGHT, ALL, -1)),
}


def with_effect(id: str, params: Params, effect: float) -> Result:
    name, place, *written = MEASURED[id]
    value = effect + np.random.default_rng(1).normal(0, 1e-5, params.seeds)
    return made(params, name, place, written[0](value) if written else value)


def two(claim: Claim) -> tuple[float, float]:
    """An effect with which the claim holds, and one with which it fails."""
    if claim.share:
        return 1.0, 0.0
    return (2 * claim.smallest, 0.0) if claim.direction == "above" else (0.0, 2 * claim.smallest)


KNOWN = {c.id: tuple(with_effect(c.id, c.params, effect) for effect in two(c)) for c in CLAIMS} | {
    m.id: tuple(with_effect(m.id, m.params, effect) for effect in (2 * m.symptom, 0.0)) for m in MISTAKES
}


# Networks


def halves(params: Params, version: Version, size: int, seed: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The same network in torch.nn, with the weights that it starts from."""
    found = []
    for half, layers in enumerate(units(params, version, size)):
        parts: list[nn.Module] = []
        for i, o in pairwise(layers):
            parts += [nn.Linear(i, o), nn.ReLU()]
        net = nn.Sequential(*parts[:-1])
        nn.utils.vector_to_parameters(torch.as_tensor(initial_weights(layers, 2 * seed + half)), net.parameters())
        found.append(net)
    return found[0], found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_has_the_loss_and_the_gradient_of_a_network_of_its_own_size(kind: str) -> None:
    version, params = Version(kind, 0.3), TINY.replace(width=16, weight_seed=5, depth=2)
    arm, rng = begin(params, version, "cpu"), np.random.default_rng(0)
    x, specks = (torch.as_tensor(rng.normal(size=(2, PIXELS, 7)), dtype=torch.float32) for _ in range(2))
    jitter = torch.as_tensor(rng.normal(size=(2, WIDEST, 7)), dtype=torch.float32)
    leaf = arm.weights.detach().requires_grad_()
    seen = (values.repeat(len(SIZES), 1, 1) for values in (x, x + specks, jitter))
    found = losses(replace(arm, weights=leaf), *seen).mean(1)
    gradient = torch.autograd.grad(found.sum(), leaf)[0]
    for s, size in enumerate(SIZES):
        for i in range(params.seeds):
            encoder, decoder = halves(params, version, size, params.weight_seed + i)
            seen = x[i] + specks[i] if kind == "denoising" else x[i]
            code, penalty = encoder(seen.T), torch.zeros(7)
            if gaussian(version):
                mean, spread = code.split(size, 1)
                deviation = (spread / 2).exp()
                penalty = kl_divergence(Normal(mean, deviation), Normal(0.0, 1.0)).sum(1)
                code = mean + (spread if kind == "vae_std" else deviation) * jitter[i, :size].T
            squares = (decoder(code) - x[i].T).square()
            loss = ((squares.mean(1) if kind == "vae_mean" else squares.sum(1)) + version.beta * penalty).mean()
            loss.backward()
            row, own = s * params.seeds + i, np.concatenate(places(params, version, size))
            expected = [p.grad.flatten() for half in (encoder, decoder) for p in half.parameters()]
            assert found[row].item() == pytest.approx(loss.item(), rel=1e-5)
            assert torch.allclose(gradient[row, own], torch.cat(expected), rtol=1e-4, atol=1e-5)
            rest = np.setdiff1d(np.arange(gradient.shape[1]), own)
            assert not gradient[row, rest].any() and not arm.weights[row, rest].any()


def through(result: Result, state: dict, v: int, size: int, seed: int, x: np.ndarray) -> np.ndarray:
    """Pictures through the networks by the names of their weights."""
    parts = weights(result, state)
    for half in ("encoder", "decoder"):
        layers = sum(name.startswith(f"{v}.{size}.{half}.") for name in parts) // 2
        for layer in range(layers):
            name = f"{v}.{size}.{half}.{layer}"
            x = x @ parts[f"{name}.weight"][seed].T + parts[f"{name}.bias"][seed]
            x = np.maximum(x, 0) if layer < layers - 1 else x
        x = x[:, :size] if half == "encoder" else x
    return x


def test_errors_are_those_of_the_networks_that_are_taken_away() -> None:
    result, state = ended()
    for i in range(TINY.seeds):
        data, _ = centred(TINY, TINY.data_seed + i)
        for v in range(len(TINY.versions)):
            for s, size in enumerate(SIZES):
                for split, x in ((TRAIN, data.x[0]), (TEST, data.x[2])):
                    off = np.square(through(result, state, v, size, i, x) - x).sum() / np.square(x).sum()
                    assert result.error[v, s, i, -1, split] == pytest.approx(off, rel=1e-4)
    x = load(TINY.replace(seeds=1), "cpu").noisy[0].T.numpy()
    for v in range(len(TINY.versions)):
        off = np.square(through(result, state, v, 8, 0, x) - centred(TINY, TINY.data_seed)[0].x[2]).sum(1).mean()
        scale = np.square(centred(TINY, TINY.data_seed)[0].x[2]).sum(1).mean()
        assert result.cleaned[v, EIGHT, 0, -1] == pytest.approx(off / scale, rel=1e-4)


def test_seed_i_is_a_run_of_its_own_and_versions_do_not_disturb_each_other() -> None:
    whole, _ = ended(seeds=3, data_seed=4, weight_seed=9)
    for i in range(3):
        alone, _ = ended(seeds=1, data_seed=4 + i, weight_seed=9 + i, versions=TINY.versions[1:2])
        assert np.allclose(whole.error[1, :, i], alone.error[0, :, 0], rtol=1e-4)


def test_steps_are_those_of_the_cost() -> None:
    for changes in ({}, {"epochs": 1, "batch": 64}):
        assert cost(TINY.replace(**changes)).steps == ended(**changes)[0].total


# What they are held against


def test_pca_is_that_of_scikit_learn() -> None:
    result, _ = ended()
    for i in range(TINY.seeds):
        data, _ = centred(TINY, TINY.data_seed + i)
        for s, size in enumerate(SIZES):
            theirs = PCA(size, svd_solver="full").fit(data.x[0].astype(float))
            for split, x in ((TRAIN, data.x[0]), (TEST, data.x[2])):
                back = theirs.inverse_transform(theirs.transform(x.astype(float)))
                assert result.pca[s, i, split] == pytest.approx(
                    np.square(back - x).sum() / np.square(x).sum(), rel=1e-4
                )


def test_no_linear_map_of_that_rank_beats_the_bound() -> None:
    data, _ = centred(TINY, 3)
    x, rng = data.x[0].astype(float), np.random.default_rng(0)
    axes = principal(data.x[0], 4)
    best = np.square(x - x @ axes.T @ axes).sum()
    for _ in range(20):
        code = x @ rng.normal(size=(PIXELS, 4))
        assert np.square(x - code @ np.linalg.lstsq(code, x, rcond=None)[0]).sum() > best


@pytest.mark.parametrize("size", [2, 8, 64])
def test_the_discriminant_is_that_of_scikit_learn(size: int) -> None:
    data, _ = centred(TINY, 0)
    train_x, test_x = (x.astype(float) @ principal(data.x[0], size).T for x in (data.x[0], data.x[2]))
    slope, offset = discriminant(train_x, data.y[0], data.classes)
    theirs = LinearDiscriminantAnalysis(solver="svd", tol=1e-7).fit(train_x, data.y[0])
    ours = torch.as_tensor(test_x @ slope + offset).softmax(1).numpy()
    # scikit-learn divides the covariance by n less the number of classes
    assert np.abs(ours - theirs.predict_proba(test_x)).max() < 0.05
    assert (ours.argmax(1) == theirs.predict(test_x)).mean() > 0.995


def test_a_good_picture_is_near_and_clear() -> None:
    data, _ = centred(TINY, 0)
    near = NearestNeighbors(n_neighbors=1).fit(data.x[0])
    radius = np.quantile(near.kneighbors(data.x[2])[0], NEAR)
    theirs = LinearDiscriminantAnalysis(solver="svd", tol=1e-7).fit(data.x[0].astype(float), data.y[0])
    rng = np.random.default_rng(0)
    x = np.concatenate([data.x[2][:100], data.x[2][:50] + rng.normal(0, 0.2, (50, PIXELS)), np.zeros((1, PIXELS))])
    expected = (near.kneighbors(x)[0][:, 0] <= radius) & (theirs.predict_proba(x).max(1) >= SURE)
    found = judge(data)(x)
    assert (found == expected).mean() > 0.98 and 0 < expected.sum() < len(x)
    assert not found[-1], "the mean picture is none"


def test_gaps_are_counted_in_cells_of_equal_chance() -> None:
    rng = np.random.default_rng(0)
    code = rng.normal(size=(1078, 2))
    bent = code @ np.array([[2.0, 1.0], [0.0, 0.3]]) + 5
    assert even(Params()) == pytest.approx((1 - 1 / CELLS**2) ** round(0.6 * 1797))
    for way, points in (("prior", code), ("gaussian", bent), ("box", rng.random((1078, 2)))):
        assert gaps(way, points, CELLS) == pytest.approx(even(Params()), abs=0.02)
    assert gaps("prior", 0 * code, CELLS) == 1 - 1 / CELLS**2
    assert gaps("prior", np.abs(code), CELLS) == pytest.approx(0.75, abs=0.02)


def test_codes_are_drawn_as_the_way_says() -> None:
    rng = np.random.default_rng(0)
    code = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3)) + 2
    many = {way: np.concatenate([drawn_codes(way, code, 150, stream("test", i)) for i in range(40)]) for way in WAYS}
    assert np.abs(many["prior"].mean(0)).max() < 0.06 and np.abs(np.cov(many["prior"].T) - np.eye(3)).max() < 0.08
    assert np.abs(many["gaussian"].mean(0) - code.mean(0)).max() < 0.1
    assert np.abs(np.cov(many["gaussian"].T) - np.cov(code.T)).max() < 0.1 * np.cov(code.T).max()
    assert (many["box"] >= code.min(0)).all() and (many["box"] <= code.max(0)).all()


# Questions and data


def test_a_walk_begins_and_ends_at_what_comes_back_of_its_pictures() -> None:
    result, state = ended()
    question = Ends(2, "8", 3, 7)
    walk = answer(TINY, result, state, question)
    assert len(walk.path) == STOPS and np.allclose(walk.blend[[0, -1]], result.original[[2, 6]], atol=1e-6)
    assert np.allclose(walk.path[[0, -1]], result.made[1, EIGHT, [2, 6]], atol=1e-5)
    code = through(result, state, 1, 8, 0, result.original[[2, 6]] - result.mean) + result.mean
    assert np.allclose(walk.path[[0, -1]], code, atol=1e-5)


def test_a_drawing_comes_back_as_any_picture_does() -> None:
    result, state = ended()
    pixels = "".join(INK[ink] for ink in np.rint(16 * result.original[4]).astype(int))
    found = answer(TINY, result, state, Drawing(2, pixels))
    assert np.allclose(found.picture, result.original[4], atol=1e-6)
    assert np.allclose(found.made, result.made[1, :, 4], atol=1e-4)
    for s, error in enumerate(found.error):  # it is one of the test pictures
        errors = result.errors[1, s]
        assert np.isclose(errors, error, rtol=1e-3).any()
        assert found.rank[s] == pytest.approx((errors < error).mean(), abs=0.01)
    assert (answer(TINY, result, state, Drawing(1, "")).picture == 0).all()


@cache
def own(rows: int = 80) -> str:
    rng = np.random.default_rng(0)
    lines = [",".join([*(f"p{i}" for i in range(PIXELS)), "label"])]
    lines += [",".join([*(f"{v:.2f}" for v in 255 * rng.random(PIXELS)), "uvw"[i % 3]]) for i in range(rows)]
    table = "\n".join(lines).encode()
    name = f"sha256:{hashlib.sha256(table).hexdigest()}:{rows}x{PIXELS}x3"
    CONTENTS[name] = table
    return name


def test_own_pictures() -> None:
    result, _ = ended(own=own())
    params = result.params
    assert examples(params) == 80 and result.complete and cost(params).steps == result.total
    assert result.original.shape == (PICTURES, PIXELS) and np.isfinite(result.error).all()
    assert result.original.min() > -0.5 and result.original.max() < 1.5
    assert all(claim.measure(result) is None for claim in CLAIMS)


def test_a_run_that_is_not_over_or_has_no_such_version_says_nothing() -> None:
    _, result = None, ended()[0]
    speaks = {claim.id for claim in CLAIMS if claim.measure(result) is not None}
    assert {"bound", "close", "cleans", "cleans_pca"} <= speaks
    assert not speaks & {"samples", "gaps", "blurs", "collapse"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_versions_that_differ_in_beta_have_names_of_their_own(language: str) -> None:
    params = Params(versions=(Version("vae"), Version("vae", 1.0), Version()))
    found = figures.names(made(params, "noisy", (ALL,), np.zeros(params.seeds)), language)
    assert len(set(found)) == 3 and "0.1" in found[0] and "β" not in found[2]


def test_a_diverged_run_can_be_shown() -> None:
    result, _ = ended(lr=0.1, epochs=1)
    for name in ("error", "made", "code", "good", "probe", "empty"):
        values = getattr(result, name).copy()
        values[0] = np.nan
        object.__setattr__(result, name, values)
    for figure in figures.FIGURES:
        assert figure.draw(result, "en").to_json() and len(figure.table(result, "en"))
        assert "Diverged" in figure.summary(result, "en")


def test_noise_is_of_the_seed_alone_and_the_same_for_every_size() -> None:
    one, both = (normal([stream("test", s) for s in seeds], (3, 4), "cpu") for seeds in ([7], [5, 7]))
    assert torch.equal(one, both[1::2]) and torch.equal(both[:2], both[-2:])
