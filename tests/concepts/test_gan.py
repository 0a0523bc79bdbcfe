"""GANs against torch's own modules, SciPy, a plain loop, and samples of which the quality is known."""

from __future__ import annotations

import dataclasses
import hashlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.spatial.distance import jensenshannon
from torch import nn
from torch.nn import functional

from core.concept.catalog import LANGUAGES
from core.concept.params import applicable, canonical, fields
from core.concept.result import same
from core.concept.text import words
from core.concepts.gan import claims, figures
from core.concepts.gan.claims import CLAIMS
from core.concepts.gan.params import (
    ALONE,
    BOUT,
    CODES,
    GAMES,
    MODES,
    PRESETS,
    TINY,
    Centre,
    Codes,
    Params,
    Result,
    Version,
    units,
    weights,
)
from core.concepts.gan.train import (
    BINS,
    COVERED,
    REACH,
    SAMPLED,
    SQUARE,
    Arm,
    Ruler,
    answer,
    begin,
    d_loss,
    decode,
    g_loss,
    generate,
    noise,
    place,
    sample,
    score,
    train,
    training_set,
    update_d,
    update_g,
    uphill,
)
from core.conclusions.kept import stored
from core.conclusions.stats import interval, verdict
from core.ml.own import CONTENTS
from core.ml.random import stream
from tests.known import DIGITS, known

SMALL: dict[str, Any] = {"points": 200, "depth": 1, "width": 8, "batch": 16, "seeds": 2}


# Numbers of the code that the texts repeat.
CONSTANTS = DIGITS | {7, 8, 16, 3, 25, 24, 0.9, 60, 64, 100 * COVERED, SQUARE, BINS, SAMPLED, 8192, BOUT, 100}


def last(**changes: Any) -> tuple[Result, dict]:
    run = train(Params(**SMALL).replace(**changes))
    try:
        while True:
            result = next(run)
    except StopIteration as end:
        return result, end.value


def modules(weights: torch.Tensor, sizes: tuple[int, ...]) -> nn.Sequential:
    """One member as torch writes it."""
    layers: list[nn.Module] = []
    for i, o in pairwise(sizes):
        layers += [nn.Linear(i, o), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    nn.utils.vector_to_parameters(weights.clone(), net.parameters())
    return net


# The game


def bce_d(real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    bce = functional.binary_cross_entropy_with_logits
    return bce(real, torch.ones_like(real), reduction="none") + bce(made, torch.zeros_like(made), reduction="none")


def test_losses_are_those_of_the_papers() -> None:
    real, made = torch.randn(2, 7, generator=torch.Generator().manual_seed(0)).double().unbind()
    p, q = real.sigmoid(), made.sigmoid()
    for rule in ("non_saturating", "minimax", *ALONE):
        torch.testing.assert_close(d_loss(rule, real, made), -torch.log(p) - torch.log(1 - q))
        torch.testing.assert_close(d_loss(rule, real, made), bce_d(real, made))
    torch.testing.assert_close(g_loss("minimax", made), torch.log(1 - q))
    torch.testing.assert_close(g_loss("non_saturating", made), -torch.log(q))
    torch.testing.assert_close(d_loss("least_squares", real, made), (real - 1) ** 2 / 2 + made**2 / 2)
    torch.testing.assert_close(g_loss("least_squares", made), (made - 1) ** 2 / 2)
    torch.testing.assert_close(d_loss("hinge", real, made), (1 - real).clamp(min=0) + (1 + made).clamp(min=0))
    torch.testing.assert_close(d_loss("wgan_gp", real, made), made - real)


@pytest.mark.parametrize("rule", GAMES)
@pytest.mark.parametrize("conditional", [False, True])
def test_a_step_of_d_and_g_is_torch_s_own(rule: str, conditional: bool) -> None:
    """Every member alone, with nn.Linear, autograd and torch.optim.Adam, on the same random numbers."""
    version = Version(rule=rule, z=3, conditional=conditional, penalty=0.7, d_rate=0.002)
    params = Params(**SMALL, versions=(version,), steps=20)
    x, one_hot = examples(params)
    arm, twin = (begin(params, version, x.shape[2], "cpu") for _ in range(2))
    nets = {p: [modules(w, arm.sizes[p]) for w in arm.weights[p]] for p in "gd"}
    rates = {"g": version.rate, "d": version.d_rate}
    adams = {p: [torch.optim.Adam(n.parameters(), rates[p], (0.5, 0.9), foreach=False) for n in nets[p]] for p in "gd"}
    for _ in range(6):
        update_d(arm, x, one_hot, params)
        update_g(arm, params)
        chosen = [rng.integers(x.shape[2], size=16) for rng in twin.batches]
        z, asked = noise(twin, 16, params)
        mix = [rng.random((1, 16), np.float32) for rng in twin.noises] if rule == "wgan_gp" else [None] * 2
        later, later_asked = noise(twin, 16, params)
        for s in range(2):
            g, d = nets["g"][s], nets["d"][s]
            real, label = x[s][:, chosen[s]].T, one_hot[s][: asked.shape[1], chosen[s]].T
            made = g(torch.cat([z[s], asked[s]]).T).detach()
            loss = d_loss(rule, d(torch.cat([real, label], 1)), d(torch.cat([made, asked[s].T], 1))).mean()
            if rule == "wgan_gp":
                share = torch.as_tensor(mix[s]).T
                between = (share * real + (1 - share) * made).requires_grad_()
                slope = torch.autograd.grad(d(torch.cat([between, label], 1)).sum(), between, create_graph=True)[0]
                loss = loss + 0.7 * ((slope.norm(dim=1) - 1) ** 2).mean()
            adams["d"][s].zero_grad()
            loss.backward()
            adams["d"][s].step()
            adams["g"][s].zero_grad()
            made = g(torch.cat([later[s], later_asked[s]]).T)
            g_loss(rule, d(torch.cat([made, later_asked[s].T], 1))).mean().backward()
            adams["g"][s].step()
    for player in "gd":
        for s, net in enumerate(nets[player]):
            expected = nn.utils.parameters_to_vector(net.parameters())
            torch.testing.assert_close(arm.weights[player][s], expected, rtol=2e-3, atol=2e-5)


def examples(params: Params) -> tuple[torch.Tensor, torch.Tensor]:
    sets = [training_set(params, params.data_seed + s) for s in range(params.seeds)]
    x = torch.as_tensor(np.stack([inputs.T for inputs, _ in sets]))
    y = torch.as_tensor(np.stack([labels for _, labels in sets]))
    return x, functional.one_hot(y, MODES[params.data]).transpose(1, 2).float()


def arm_of(rule: str, **more: Any) -> tuple[Arm, Params]:
    version = Version(rule=rule, **more)
    params = Params(**SMALL, versions=(version,))
    return begin(params, version, 200, "cpu"), params


def test_the_push_on_a_sample_is_the_slope_of_g_s_loss() -> None:
    for rule in (*GAMES, *ALONE):
        arm, _ = arm_of(rule)
        arm.weights["d"] = arm.weights["d"].double()
        x = torch.randn(2, 2, 5, generator=torch.Generator().manual_seed(1)).double()
        none, push = x[:, :0], uphill(arm, x, x[:, :0])
        for axis in (0, 1):
            step = torch.zeros_like(x)
            step[:, axis] = 1e-6
            ends = [g_loss(rule, score(arm, arm.weights["d"], x + sign * step, none)) for sign in (1, -1)]
            torch.testing.assert_close(push[:, axis], -(ends[0] - ends[1]) / 2e-6, rtol=1e-4, atol=1e-7)


def test_d_alone_climbs_and_stays_on_the_plane() -> None:
    arm, params = arm_of("d_own", climb=30)
    z, none = noise(arm, 50, params)
    assert z.abs().max() <= REACH and z.abs().max() > 0.8 * REACH
    made = generate(arm, z, none, params)
    before, after = (score(arm, arm.weights["d"], p, none) for p in (z, made))
    assert (after >= before - 1e-4).all() and made.abs().max() <= REACH


def test_codes_are_learned_by_least_squares() -> None:
    """With a code as long as a point, an encoder's decoder must come far below the variance; random codes must not."""
    versions = tuple(Version(rule=rule, rate=0.01) for rule in CODES)
    result, state = last(versions=versions, steps=400, width=32, seeds=1)
    x, _ = examples(result.params.replace(seeds=1))
    rest = []
    for v, version in enumerate(versions):
        arm = begin(result.params, version, x.shape[2], "cpu")
        arm.weights = {p: torch.as_tensor(state[f"{v}.{p}"]) for p in "gde"}
        code = arm.codes if arm.codes is not None else modules(arm.weights["e"][0], arm.sizes["e"])(x[0].T).T[None]
        code = code if arm.codes is not None else (code - code.mean(2, keepdim=True)) / code.std(2, keepdim=True)
        made = decode(arm, arm.weights["g"], code.detach(), code[:, :0].detach(), result.params)
        rest.append(float((made - x).square().mean() / x.var()))
    assert rest[1] < 0.1 < 0.5 < rest[0]


def test_a_turn_has_as_many_updates_as_the_version_says() -> None:
    version = Version(d_steps=3, g_steps=2, g_first=4, d_first=5)
    *_, end = train(Params(**SMALL, versions=(version,), steps=20))
    with_hand = Params(**SMALL, versions=(version,), order="by_hand", moves="b" * 20)
    *_, by_hand = train(with_hand)
    assert end.samples[:, :, -1].tobytes() == by_hand.samples[:, :, -1].tobytes()
    assert by_hand.tick.tolist() == list(range(21))


@pytest.mark.parametrize("rule", ["minimax", "random_codes", "autoencoder_codes", "d_noise", "d_own"])
def test_what_does_not_apply_has_no_effect(rule: str) -> None:
    plain, turned = (last(steps=20, versions=(v,))[0] for v in (Version(rule=rule), with_others_turned(rule)))
    for name in ("d_real", "distance", "samples", "field", "push"):
        assert getattr(plain, name).tobytes() == getattr(turned, name).tobytes()


def with_others_turned(rule: str) -> Version:
    """A version in which every field that does not apply is another than usual."""
    version, other = Version(rule=rule), Version(rule, 0.1, 0.1, 5, 2, 3, True, 9.0, 50, 100, 7, 0.2)
    free = set(fields(Version)) - set(applicable(version))
    return version.replace(**{name: getattr(other, name) for name in free})


def test_moves_of_one_player_leave_the_other_alone() -> None:
    start, _ = last(order="by_hand", moves="")
    assert start.complete and len(start.tick) == 1
    only_d, _ = last(order="by_hand", moves="dD")
    assert only_d.tick.tolist() == [0, 1, 51] and only_d.step == 51
    assert (only_d.samples == only_d.samples[:, :, :1]).all()
    assert only_d.field[:, :, 0].tobytes() == start.field[:, :, 0].tobytes() != only_d.field[:, :, 1].tobytes()
    only_g, _ = last(order="by_hand", moves="gG")
    assert (only_g.field == only_g.field[:, :, :1]).all() and (only_g.samples[:, :, 1] != start.samples[:, :, 0]).any()
    assert all(claim.measure(start) is None for claim in CLAIMS)


def test_a_second_version_does_not_change_the_first() -> None:
    alone, _ = last(steps=40)
    both, _ = last(steps=40, versions=(Version(), Version(rule="hinge", z=5)))
    for name in ("d_real", "good", "distance", "samples"):
        assert getattr(both, name)[0].tobytes() == getattr(alone, name)[0].tobytes()


def test_divergence_is_shown_as_such() -> None:
    result, _ = last(steps=60, versions=(Version(rate=0.1, d_rate=0.1, beta1=0.0, rule="wgan_gp", penalty=100.0),))
    broken = dataclasses.replace(result, samples=np.full_like(result.samples, np.nan))
    (seeds,) = (figure for figure in figures.FIGURES if figure.id == "seeds")
    assert "Diverged" in seeds.summary(broken, "en") and "Diverged" not in seeds.summary(result, "en")


# Data and measures


@pytest.mark.parametrize("data", [d for d in MODES if d != "digits"])
def test_points_have_the_spread_and_the_modes_they_promise(data: str) -> None:
    params = Params(data=data, noise=0.03)
    x, mode = sample(params, 20_000, stream("test", 0))
    assert x.dtype == np.float32 and np.abs(x).max() < REACH
    share = np.bincount(mode, minlength=MODES[data]) / len(x)
    assert np.abs(share * MODES[data] - 1).max() < 0.15
    ruler = Ruler(params.replace(seeds=1), [(x, mode)])
    found = ruler.measure(x[None, :4000], mode[None, :4000])
    assert found["covered"] == MODES[data]
    expected = (
        1 - np.exp(-4.5) if data in ("ring", "grid") else 0.989
    )  # P(|N₂| < 3), Rayleigh; else about 1 − P(|N₁| > 3)
    assert found["good"][0] == pytest.approx(expected, abs=0.01)
    assert found["obeyed"][0] > 0.9


def test_the_spiral_has_equal_mass_along_its_area_and_the_ring_its_radius() -> None:
    t = np.linspace(0, 1, 9)
    ring = place(Params(), np.arange(8), np.zeros(8))
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 2)
    np.testing.assert_allclose(np.linalg.norm(np.diff(ring, axis=0), axis=1), 4 * np.sin(np.pi / 8))
    spiral = place(Params(data="spiral"), np.zeros(9, int), t)
    np.testing.assert_allclose(np.linalg.norm(spiral, axis=1) ** 2, 2.2**2 * t / 8, atol=1e-12)


def test_known_samples_get_the_measures_they_deserve() -> None:
    params = Params(seeds=1, noise=0.1)
    x, mode = sample(params, SAMPLED, stream("test", 1))
    ruler = Ruler(params, [(x, mode)])
    one = np.tile(place(params, np.zeros(1, int), np.zeros(1)), (SAMPLED, 1))
    lost = np.full_like(one, np.nan)
    near = np.where(np.arange(SAMPLED)[:, None] < 0.019 * SAMPLED, -one, one)  # too few for the second mode
    found = {n: ruler.measure(s[None].astype(np.float32), None) for n, s in {"1": one, "0": lost, "n": near}.items()}
    assert [float(found[n]["covered"][0]) for n in "10n"] == [1, 0, 1]
    assert [float(found[n]["good"][0]) for n in "10n"] == [1, 0, 1]
    assert found["1"]["share"][0].tolist() == [1, *[0] * 7] and not found["0"]["share"].any()
    assert found["0"]["distance"][0] == pytest.approx(1) and np.isnan(found["1"]["obeyed"]).all()
    asked = ruler.measure(one[None].astype(np.float32), np.r_[np.zeros(512, int), np.ones(512, int)][None])
    assert asked["obeyed"][0] == 0.5


def test_the_divergence_is_scipy_s() -> None:
    params = Params(seeds=1)
    x, mode = sample(params, 500, stream("test", 2))
    ruler = Ruler(params, [(x, mode)])
    p, q = ruler.described(x)[0], ruler.unseen[0][0]
    assert p.sum() == pytest.approx(1) == q.sum()
    assert ruler.apart((p,), 0) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert 0 < ruler.floor[0] < 0.1


def test_digits_are_measured_by_a_judge_that_knows_them() -> None:
    params = Params(data="digits", seeds=1)
    x, y = training_set(params, 0)
    ruler = Ruler(params, [(x, y)])
    assert (ruler.classes(x) == y).mean() > 0.98
    found = ruler.measure(x[None], y[None])
    assert found["covered"] == 10 and found["good"] == 1 and found["distance"][0] == pytest.approx(ruler.floor[0])
    rubbish = stream("test", 3).uniform(-1, 1, (500, 64)).astype(np.float32)
    worse = ruler.measure(rubbish[None], None)
    assert worse["good"][0] < 0.3 and worse["distance"][0] > 10 * ruler.floor[0]
    (mean, cov), (other_mean, other_cov) = ruler.described(x), ruler.unseen[0]
    root = sqrtm(cov @ other_cov + 1e-10 * np.eye(len(cov)))
    frechet = ((mean - other_mean) ** 2).sum() + np.trace(cov + other_cov - 2 * np.real(root))
    assert ruler.floor[0] == pytest.approx(frechet, rel=1e-3)


def test_digits_train_and_are_drawn() -> None:
    result, state = last(data="digits", steps=20, seeds=2, versions=(Version(z=4), Version(rule="d_noise")))
    assert np.abs(result.samples).max() <= 1 and result.field.size == 0
    for figure in figures.FIGURES:
        assert figure.shown(result.params) == (figure.id != "plane")
        if figure.shown(result.params):
            assert len(figure.draw(result, "zh").data) and figure.summary(result, "en")
    walk = answer(result.params, result, state, Codes(end=5))
    assert walk.path.shape == (12, 64) and len(figures.draw_walk(walk, result, "en").data)
    whole = figures.mosaic(result.samples[0, 0, -1])
    np.testing.assert_array_equal(
        whole[::-1][:8, :8], (127.5 * (result.samples[0, 0, -1, 0].reshape(8, 8) + 1)).astype(np.uint8)
    )


# The reader's own points, and Gaussians the reader placed


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> tuple[str, np.ndarray]:
    """The name of an uploaded file, and its 50 points."""
    points = np.random.default_rng(4).normal([5, -300], [0.1, 40], (50, 2)).round(4)
    content = ("a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in points.tolist())).encode()
    name = f"sha256:{hashlib.sha256(content).hexdigest()}:50x2x0"
    monkeypatch.setitem(CONTENTS, name, content)
    return name, points


def test_own_points_are_trained_on_or_held_back(own: tuple[str, np.ndarray]) -> None:
    name, points = own
    params = Params(own=name, seeds=2, data_seed=7)
    file = {}  # a point as it must come out → its row, one by one and by hand
    for i, point in enumerate(points):
        x = [4 * (point[k] - min(points[:, k])) / (max(points[:, k]) - min(points[:, k])) - 2 for k in (0, 1)]
        file[tuple(np.round(x, 4))] = i
    trained_on = []
    for seed in (7, 8):
        x, mode = training_set(params, seed)
        assert x.dtype == np.float32 and len(x) == 30 and not mode.any()
        trained_on.append({file[tuple(point)] for point in np.round(x.astype(float), 4)})
        assert len(trained_on[-1]) == 30
    assert trained_on[0] != trained_on[1]
    ruler = Ruler(params, [training_set(params, seed) for seed in (7, 8)])
    for s in (0, 1):
        rest = np.array([x for x, i in file.items() if i not in trained_on[s]])
        np.testing.assert_allclose(ruler.unseen[s][0], ruler.described(rest)[0], atol=1e-9)
        there = np.array([x for x, i in file.items() if i in trained_on[s]])
        p, q = (ruler.described(x)[0] for x in (there, rest))
        assert ruler.floor[s] == pytest.approx(jensenshannon(p, q, base=2) ** 2, rel=1e-4)


def test_of_own_points_only_what_is_known_is_measured_and_shown(own: tuple[str, np.ndarray]) -> None:
    versions = (Version(conditional=True), Version(rule="random_codes"), Version(rule="d_own", climb=2))
    result, state = last(own=own[0], steps=20, versions=versions)
    assert result.complete and result.share.shape[-1] == 0 and result.real.shape == (2, 30, 2)
    assert np.isnan(result.covered).all() and np.isnan(result.good).all() and np.isnan(result.obeyed).all()
    assert np.isfinite(result.distance).all() and np.isfinite(result.samples).all()
    assert all(claim.measure(result) is None for claim in CLAIMS)
    assert [f.id for f in figures.FIGURES if f.shown(result.params)] == ["seeds", "plane", "outputs", "quality"]
    for figure in figures.FIGURES[:4]:
        for language in ("en", "zh"):
            said = figure.draw(result, language).to_json() + figure.summary(result, language)
            assert "nan" not in said and "/0" not in said and len(figure.table(result, language))
    walk = answer(result.params, result, state, Codes(end=5, mode=3))
    assert np.isfinite(walk.path).all()
    plain, _ = last(own=own[0], steps=20, versions=(Version(), *versions[1:]))
    assert plain.samples.tobytes() == result.samples.tobytes()  # a condition needs modes


def test_what_draws_data_does_not_matter_to_own_points(own: tuple[str, np.ndarray]) -> None:
    one, other = Params(own=own[0]), Params(own=own[0], data="digits", noise=0.4, points=300, centres=(Centre(1, 1),))
    assert canonical(one) == canonical(other)
    runs = [last(**SMALL | {"own": p.own, "data": p.data, "noise": p.noise, "steps": 20})[0] for p in (one, other)]
    assert same(*runs)


SQUARE = tuple(Centre(x, y) for x in (-1.5, 1.5) for y in (-1.0, 1.0))


def test_drawn_gaussians_stand_where_they_were_placed() -> None:
    params = Params(data="drawn", centres=SQUARE, seeds=1)
    x, mode = sample(params, 20_000, stream("test", 0))
    assert np.abs(np.bincount(mode) / len(x) - 0.25).max() < 0.02
    for i, centre in enumerate(SQUARE):
        np.testing.assert_allclose(x[mode == i].mean(0), [centre.x, centre.y], atol=0.01)
        np.testing.assert_allclose(x[mode == i].std(0), 0.1, atol=0.005)
    found = Ruler(params, [(x, mode)]).measure(x[None, :4000], mode[None, :4000])
    assert found["covered"] == 4 and found["obeyed"] == 1
    assert found["good"][0] == pytest.approx(1 - np.exp(-4.5), abs=0.01)


def test_claims_speak_of_drawn_gaussians_that_are_several_and_apart() -> None:
    def speaks(*centres: Centre, noise: float = 0.1) -> bool:
        return claims.distinct(Params(data="drawn", centres=centres, noise=noise))

    assert speaks(*SQUARE) and not speaks(*SQUARE[:3]) and not speaks(*SQUARE, noise=0.4)
    assert not speaks(*SQUARE, Centre(1.2, 1.0)) and not speaks(Centre())
    result, _ = last(data="drawn", centres=SQUARE, steps=20, versions=(Version(conditional=True), Version()))
    assert [claim.id for claim in CLAIMS if claim.measure(result) is not None] == ["half", "covers", "condition"]
    for figure in figures.FIGURES:
        assert len(figure.draw(result, "zh").data) and figure.summary(result, "en")


# Asks and figures


def test_a_walk_begins_and_ends_at_its_codes() -> None:
    versions = (Version(conditional=True, z=4), Version(rule="d_own", climb=3), Version(rule="random_codes"))
    result, state = last(versions=versions, steps=20)
    there = answer(result.params, result, state, Codes(start=3, end=8, mode=2))
    back = answer(result.params, result, state, Codes(start=8, end=3, mode=2))
    np.testing.assert_allclose(there.path, back.path[::-1], atol=1e-5)
    code = torch.as_tensor(stream("gan walk", 3).standard_normal(4), dtype=torch.float32)
    g = modules(torch.as_tensor(state["0.g"][0]), units(result.params, versions[0])["g"])
    expected = g(torch.cat([code, functional.one_hot(torch.tensor(2), 8)]))
    np.testing.assert_allclose(there.path[0], expected.detach().numpy(), atol=1e-5)
    other = answer(result.params, result, state, Codes(start=3, end=8, mode=5))
    assert not np.allclose(other.path, there.path)
    for version in (2, 3):
        walk = answer(result.params, result, state, Codes(version=version, start=3, end=3))
        assert np.isfinite(walk.path).all() and np.abs(np.diff(walk.path, axis=0)).max() < 1e-4
        assert len(figures.draw_walk(walk, result, "zh").data)


def test_arrows_start_at_samples_and_point_where_they_are_pushed() -> None:
    start = np.array([[[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]])
    ends = figures.arrows(start, np.array([[[4.0, 0.0], [0.0, 1.0], [np.nan, 0.0]]]))
    np.testing.assert_allclose(ends[0, 0], [[0, 0], [figures.LONGEST_ARROW, 0]])
    np.testing.assert_allclose(ends[0, 1], [[1, 1], [1, 1 + figures.LONGEST_ARROW / 2]])
    assert np.isnan(ends[0, 2, 1]).all()


def test_a_result_fits_its_limit() -> None:
    versions = tuple(Version(rule=rule) for rule in ("non_saturating", "hinge", "minimax", "wgan_gp"))
    result, _ = last(order="by_hand", moves="d", versions=versions, seeds=24, batch=8)
    grown = {f.name for f in dataclasses.fields(result) if "tick+" in f.metadata.get("axes", ())}
    sizes = {name: getattr(result, name).nbytes for name in grown}
    assert sum(sizes.values()) / 2 * 121 < 16 * 1024**2


# Claims: every measure on a Result known to bear it out, and on one known not to


def filled(id: str, **values: Any) -> Result:
    """A finished run of a claim's settings with some fields known: a number, or one per version."""
    params = next(c for c in CLAIMS if c.id == id).params
    shape = (len(params.versions), params.seeds, 2)
    spread = 1e-3 * stream("spread", 0).random(shape)
    given = {name: np.reshape(value, (-1, 1, 1)) + spread for name, value in values.items()}
    return known(Result, params, sizes={"version": shape[0], "mode": 8}, tick=np.array([0, params.steps]), **given)


def near_one(id: str, share: float, **values: Any) -> Result:
    """A Result in which the first mode has this share of all samples."""
    result = filled(id, **values)
    shares = np.full_like(result.share, (1 - share) / 7)
    shares[..., 0] = share
    return dataclasses.replace(result, share=shares)


KNOWN = {
    "half": (filled("half", d_real=0.52), filled("half", d_real=0.7)),
    "half_collapsed": (
        near_one("half_collapsed", 0.9, d_real=0.52),
        near_one("half_collapsed", 0.9, d_real=0.3),
    ),
    "collapse": (near_one("collapse", 0.9), near_one("collapse", 0.2)),
    "condition": (filled("condition", obeyed=0.97), filled("condition", obeyed=0.2)),
    "random_codes": (filled("random_codes", good=0.5), filled("random_codes", good=0.1)),
    "autoencoder_codes": (
        filled("autoencoder_codes", good=[0.8, 0.3, 0.1]),
        filled("autoencoder_codes", good=[0.8, 0.1, 0.1]),
    ),
    "game_codes": (filled("game_codes", good=[0.8, 0.3, 0.1]), filled("game_codes", good=[0.3, 0.3, 0.1])),
    "d_generates": (filled("d_generates", good=0.9), filled("d_generates", good=0.1)),
    "d_own": (filled("d_own", good=[0.9, 0.3]), filled("d_own", good=[0.3, 0.9])),
    "g_first": (filled("g_first", covered=[5, 8, 8, 8]), filled("g_first", covered=[8, 8, 8, 8])),
    "momentum": (filled("momentum", covered=[8, 8, 8, 5]), filled("momentum", covered=[5, 8, 8, 8])),
    "start": (filled("start", covered=[6, 3]), filled("start", covered=[3, 6])),
    "start_short": (filled("start_short", covered=[6, 3]), filled("start_short", covered=[3, 6])),
    "cure_gp": (filled("cure_gp", covered=[4, 8]), filled("cure_gp", covered=[8, 8])),
    "d_first": (filled("d_first", covered=[8, 2]), filled("d_first", covered=[5, 8])),
} | {id: (filled(id, covered=7), filled(id, covered=6)) for id in ("covers", "cure_condition", "long_codes")}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_verdict_can_come_out_either_way(claim: claims.Claim) -> None:
    positive, negative = (verdict(claim, interval(claim.measure(r), claim.share)) for r in KNOWN[claim.id])
    assert (positive, negative) == ("holds", "fails")


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    first, *_ = train(TINY)
    assert all(claim.measure(first) is None for claim in CLAIMS)
    plain, measure = last(steps=20)[0], {claim.id: claim.measure for claim in CLAIMS}
    for id in ("condition", "d_generates", "d_first", "collapse", "half_collapsed"):
        assert measure[id](plain) is None
    assert measure["half_collapsed"](near_one("collapse", 0.2)) is None
    assert measure["half"](filled("half", d_real=np.nan)) is None


def test_the_same_seed_twice_is_the_same_run() -> None:
    *_, one = train(TINY)
    *_, other = train(TINY, chunk=7)
    assert same(one, other)


def test_the_starts_are_lecun_s_and_torch_s() -> None:
    """With long codes the number of modes turns with the start: uniform in ±√(3/fan-in), or in torch's ±1/√fan-in."""
    result, state = last(order="by_hand", moves="", versions=(Version(z=64), Version(z=64, init="torch")))
    layers = weights(result, state)
    first = [name for name in layers if name.startswith("0.") and name.endswith("weight")]
    assert {name.split(".")[1] for name in first} >= {"d", "g"}
    for name in first:
        lecun, torch_s = layers[name], layers[f"1{name[1:]}"]
        limit = torch_s.shape[-1] ** -0.5
        assert 0.8 * limit < np.abs(torch_s).max() <= limit, name
        np.testing.assert_allclose(lecun, 3**0.5 * torch_s, rtol=1e-6)
    deciding = {claim.id: claim.params for claim in CLAIMS if claim.id in ("start", "start_short")}
    assert {id: (params.steps, [v.init for v in params.versions]) for id, params in deciding.items()} == {
        "start": (4000, ["torch", "lecun"]),
        "start_short": (1000, ["torch", "lecun"]),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_long_codes_lack_is_said_with_its_steps_and_that_the_start_turns_it(language: str) -> None:
    """Nothing is dropped for good: from torch's start more modes are found than from LeCun's, but not soon."""
    text, shown = words("gan", language), {preset.id: preset for preset in PRESETS}
    assert f"{shown['long_codes'].changes['steps']:,}" in text.hint("presets.long_codes")
    assert {version.init for version in shown["starts"].changes["versions"]} == {"lecun", "torch"}
    found = {id: stored("gan")[id] for id in ("start", "start_short")}
    assert found["start"]["verdict"] == "holds" and found["start"]["extension"]
    assert found["start_short"]["verdict"] == "fails"
