"""What is inside a CNN, against torch.nn, autograd, SciPy, scikit-learn and made-up Results."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor, nn
from torch.testing import assert_close

from core.concept.parts import train_module
from core.concept.result import BaseResult
from core.concepts.inside_a_cnn import looking, train
from core.concepts.inside_a_cnn.claims import CLAIMS, MISTAKES, PRIOR, SOON
from core.concepts.inside_a_cnn.looking import (
    Dreams,
    attacks,
    best_patches,
    flat,
    inside,
    into_square,
    noise,
    prior,
    randomised,
    ranked,
    saliencies,
    told_apart,
)
from core.concepts.inside_a_cnn.params import (
    ATTACKS,
    CLASSES,
    DIRECTIONS,
    EPSILONS,
    FIELDS,
    INK,
    JUMPS,
    KINDS,
    LAYERS,
    METHODS,
    NETS,
    PICTURE,
    PLACES,
    SHAPES,
    SHOWN,
    STRENGTHS,
    TAPS,
    TINY,
    WEIGHTED,
    Drawing,
    Dream,
    Dreamt,
    Result,
    Unit,
    ticks,
    weights,
)
from core.ml.architecture import places
from core.ml.mnist import SIDE, mnist
from core.ml.pretrained import installed
from core.ml.random import stream
from core.takeaway.weights import cut
from tests.known import known

# That the texts repeat: what units see, strengths, sizes of an attack, directions of a probe, the steps of a preset
CONSTANTS = {*FIELDS, *STRENGTHS, *EPSILONS, DIRECTIONS, SIDE, 20, 60, ticks(60)[SOON]}
CLAIMED = {claim.id: claim for claim in CLAIMS}
MANY = 20


@cache
def last() -> tuple[Result, dict[str, np.ndarray]]:
    run = train_module("inside_a_cnn").train(TINY)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


@cache
def rows(seed: int = 0, members: int = 2) -> Tensor:
    return train.random_rows([seed + i for i in range(members)])


@cache
def digits(count: int = 12) -> tuple[Tensor, Tensor]:
    """[2, n, 1, SIDE, SIDE], some for each of two members."""
    x, y = mnist()
    at = stream("test", 0).permutation(len(y))[: 2 * count]
    return torch.as_tensor(x[at]).view(2, count, *PICTURE), torch.as_tensor(y[at]).view(2, count)


class Guided(torch.autograd.Function):
    """A ReLU that hands on only what is positive, both ways (Springenberg et al., 2015)."""

    @staticmethod
    def forward(context: Any, z: Tensor) -> Tensor:  # type: ignore[override]
        context.save_for_backward(z)
        return z.clamp(min=0)

    @staticmethod
    def backward(context: Any, slope: Tensor) -> Tensor:  # type: ignore[override]
        (z,) = context.saved_tensors
        return slope * (z > 0) * (slope > 0)


class Bent(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return Guided.apply(z)


def alone(row: Tensor, bent: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """The page's network by torch.nn."""
    convs = nn.Conv2d(1, 16, 5, 2, 2), bent(), nn.Conv2d(16, 16, 3, 2, 1), bent(), nn.Conv2d(16, 16, 3, 1, 1), bent()
    net = nn.Sequential(*convs, nn.Flatten(), nn.Linear(16 * 49, CLASSES))
    net.load_state_dict({name: torch.as_tensor(part) for name, part in cut(row.numpy(), SHAPES).items()})
    return net


def test_the_exported_networks_are_as_right_in_torch_nn() -> None:
    result, state = last()
    found = weights(result, state)
    for i, name in enumerate(NETS):
        net = alone(torch.as_tensor(state[name][0]))
        assert all((found[f"{name}.{key}"][0] == part.numpy()).all() for key, part in net.state_dict().items())
        with torch.no_grad():
            said = net(torch.as_tensor(result.picture)[None, None]).softmax(1)[0].numpy()
        np.testing.assert_allclose(said, result.said[i, -1], rtol=1e-4, atol=1e-6)


def test_maps_and_fields_are_those_of_torch_nn() -> None:
    x, _ = digits()
    net, found = alone(rows()[1]), inside(rows(), x)
    for stage, tap in enumerate(TAPS, 1):
        assert_close(found[stage][1], net[: 1 + int(tap)](x[1]).detach(), rtol=1e-4, atol=1e-5)
    spots = {place.name: place for place in places(LAYERS, PICTURE)}
    assert [(spots[tap].field, spots[tap].jump) for tap in TAPS] == list(zip(FIELDS, JUMPS))


def test_saliencies_are_those_of_autograd() -> None:
    """… the gradient, guided backpropagation by a ReLU of its own, Grad-CAM and HiResCAM in formulas."""
    x, y = digits()
    found, member = saliencies(rows(), x, y), 1
    for method, bent in (("gradient", nn.ReLU), ("guided", Bent)):
        leaf = x[member].clone().requires_grad_()
        alone(rows()[member], bent)(leaf).gather(1, y[member][:, None]).sum().backward()
        assert leaf.grad is not None
        assert_close(torch.as_tensor(found[METHODS.index(method), member]), leaf.grad[:, 0].abs(), rtol=1e-3, atol=1e-5)
    net = alone(rows()[member])
    maps = net[:6](x[member]).detach().requires_grad_()
    net[6:](maps).gather(1, y[member][:, None]).sum().backward()
    assert maps.grad is not None
    for method, by in (("cam", maps.grad.mean((2, 3), keepdim=True)), ("places", maps.grad)):
        cam = (maps * by).sum(1).relu().detach()
        whole = nn.functional.interpolate(cam[:, None], (SIDE, SIDE), mode="bilinear")[:, 0]
        assert_close(torch.as_tensor(found[METHODS.index(method), member]), whole, rtol=1e-3, atol=1e-5)
    linear = (maps * maps.grad).sum((1, 2, 3)) + net[7].bias[y[member]]  # all of the score but the bias
    assert_close(linear, net[6:](maps).gather(1, y[member][:, None])[:, 0], rtol=1e-4, atol=1e-5)
    ramp = np.broadcast_to(np.arange(SIDE, dtype=np.float32), (SIDE, SIDE)).copy()
    edge = looking.edges(torch.as_tensor(ramp)[None, None, None])[0, 0, 0]
    assert (edge[:, 1:-1] == 8).all()  # 1 + 2 + 1 rows of a difference of 2


@pytest.mark.parametrize("count", range(len(WEIGHTED) + 1))
def test_layers_are_replaced_from_the_output_on(count: int) -> None:
    made, old, new = (cut(row[0].numpy(), SHAPES) for row in (randomised(rows(), rows(7), count), rows(), rows(7)))
    for k, layer in enumerate(WEIGHTED):
        for part in ("weight", "bias"):
            wanted = new if k < count else old
            assert (made[f"{layer}.{part}"] == wanted[f"{layer}.{part}"]).all()


def test_rank_correlations_are_those_of_scipy() -> None:
    pictures = np.round(stream("test", 1).random((4, SIDE, SIDE)) * 5)  # with many equal ones
    found = ranked(pictures) @ ranked(pictures).T
    np.testing.assert_allclose(found, spearmanr(pictures.reshape(4, -1).T).statistic, atol=1e-12)
    assert not ranked(np.ones((SIDE, SIDE))).any()


def test_probes_are_those_of_scikit_learn() -> None:
    x, y = digits(400)
    few = (x[:1], y[:1]), (x[1:], y[1:])
    found = told_apart(rows(0, 1), *few, [3])
    for p, (a, b) in enumerate(zip(inside(rows(0, 1), x[:1]), inside(rows(0, 1), x[1:]))):
        u, v = (each[0].flatten(1).double().numpy() for each in (a, b))
        ways = stream(f"directions {PLACES[p]}", 3).standard_normal((u.shape[1], DIRECTIONS))
        judge = LinearDiscriminantAnalysis().fit(u @ ways, y[0].numpy())
        assert found["probe"][p, 0] == pytest.approx(judge.score(v @ ways, y[1].numpy()), abs=0.011)
        v, truth = v[:200], y[1, :200].numpy()
        apart = np.sqrt(np.maximum(((v[:, None] - v[None]) ** 2).sum(2), 0)) if p == 4 else None
        if apart is not None:
            same = truth[:, None] == truth
            wanted = apart[same & ~np.eye(200, dtype=bool)].mean() / apart[~same].mean()
            assert found["ratio"][p, 0] == pytest.approx(wanted, rel=1e-3)
    two = flat(rows(0, 1), x[:1, :50])
    pixels = x[0, :50].flatten(1).double().numpy()
    pixels = pixels - pixels.mean(0)
    spread = np.linalg.svd(pixels, compute_uv=False)[:2]
    np.testing.assert_allclose(np.linalg.norm(two[0], axis=0) / np.linalg.norm(two[0, :, 0]), spread / spread[0])


def test_a_unit_sees_its_field_and_patches_are_what_it_answers_to_most() -> None:
    x, _ = digits(40)
    leaf = x[:1].clone().requires_grad_()
    taps: dict[str, Tensor] = {}
    looking.scores(rows()[:1], leaf, taps)
    for tap, field, jump in zip(TAPS, FIELDS, JUMPS):
        at = 12 // jump
        (slope,) = torch.autograd.grad(taps[tap][:, :, at, at].sum(), leaf, retain_graph=True)
        seen = slope[0, :, 0].abs().sum(0) > 0
        inner = 12 - (field - 1) // 2
        assert seen[inner : inner + field, inner : inner + field].any() and seen.sum() <= field**2
        seen[inner : inner + field, inner : inner + field] = False
        assert not seen.any()
    found, first = best_patches(rows(), x)[0, :, :, :5, :5] / 255, inside(rows()[:1], x[:1])[1][0].flatten(2).amax(2)
    kernel = alone(rows()[0])[0]
    answers = kernel(torch.as_tensor(found, dtype=torch.float32).reshape(-1, 1, 5, 5)).detach()[:, :, 1, 1]
    wanted = first[:, first.amax(0).argsort(descending=True)[:SHOWN]].sort(0, descending=True)[0][
        :SHOWN
    ]  # [rank, unit]
    assert_close(answers.amax(1).view(SHOWN, SHOWN)[0, 0], wanted[0, 0], rtol=0.02, atol=0.01)


def test_dreams_climb_as_torch_optim_does() -> None:
    start, strengths = np.stack([noise(0), noise(1)]), [0.0, 4.0]
    dreams = Dreams(start, strengths, 5)
    mine = torch.as_tensor(np.repeat(start[:, None], 2, 1)).view(2, 2, *PICTURE).clone().requires_grad_()
    adam = torch.optim.Adam([mine], looking.PACE)
    for _ in range(5):
        leaf = dreams.leaf()
        dreams.climb(looking.scores(rows(), leaf)[:, 3].sum(), leaf)
        adam.zero_grad()
        score = torch.stack([alone(rows()[m])(mine[m])[:, 3].sum() for m in range(2)]).sum()
        steps = mine.diff(dim=3).square().sum((2, 3, 4)) + mine.diff(dim=4).square().sum((2, 3, 4))
        cost = looking.SPARE * mine.sum((2, 3, 4)) + looking.SMOOTH * steps
        (cost @ torch.tensor(strengths)).sum().sub(score).backward()
        adam.step()
        with torch.no_grad():
            mine.clamp_(0, 1)
    assert_close(dreams.pictures, mine.detach(), rtol=1e-3, atol=1e-4)
    assert prior(torch.full((1, 1, *PICTURE), 0.5), torch.tensor([2.0])) == pytest.approx(
        2 * looking.SPARE * SIDE**2 / 2
    )


def test_attacks_are_of_equal_size_and_against_the_network() -> None:
    x, y = digits()
    found = attacks(rows(), rows(7), x, y, [0, 1])
    for member in range(2):
        net, judge = alone(rows()[member]), alone(rows(7)[member])
        leaf = x[member].clone().requires_grad_()
        nn.functional.cross_entropy(net(leaf), y[member]).backward()
        assert leaf.grad is not None
        for k, size in enumerate(EPSILONS):
            bad = (x[member] + size * leaf.grad.sign()).clamp(0, 1)
            for row, who in ((1, net), (2, judge)):
                right = (who(bad).argmax(1) == y[member]).double().mean()
                assert found[row, member, k] == pytest.approx(float(right))
    assert (found[0, :, 0] == found[1, :, 0]).all()


def test_own_pictures_become_ink_on_paper() -> None:
    light = np.full((56, 42, 3), 0.9, np.float32)
    light[20:30, 10:30] = 0.1  # dark on light
    found = into_square(light)
    assert found.shape == (SIDE, SIDE) and found.dtype == np.float32
    assert found.max() == pytest.approx(0.9) and found[0, 0] == pytest.approx(0.1)
    np.testing.assert_allclose(into_square(1 - light), found, atol=1e-6)
    whole = np.asarray(Image.fromarray(1 - light.mean(2)).resize((21, 28), Image.Resampling.BOX))
    np.testing.assert_allclose(found[:, 3:24], whole, atol=1e-6)


def test_questions_are_answered() -> None:
    result, state = last()
    empty = train.answer(TINY, result, state, Drawing())
    full = train.answer(TINY, result, state, Drawing(pixels=INK[-1] * SIDE**2))
    assert empty.picture.max() == 0 and full.picture.min() == 1  # type: ignore[union-attr]
    for layer in ("first", "scores"):
        risen = train.answer(TINY.replace(ascent=20), result, state, Unit(layer=layer, unit=2))
        assert risen.answered[1] > risen.answered[0]  # type: ignore[union-attr]
    again = train.answer(TINY, result, state, Unit(layer="scores", unit=12, prior=0.0))
    assert (again.pictures[0] == result.noise).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("there", [True, False])
def test_a_dream_grows_with_and_without_the_network_of_photographs(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there and not installed():
        pytest.skip("the network of photographs is not installed")
    monkeypatch.setattr(train, "installed", lambda: there)
    result, state = last()
    begun, found = train.answer(TINY, result, state, Dream(depth=3, strength=2))
    assert isinstance(found, Dreamt) and not begun.complete
    assert np.array_equal(begun.pictures[0], found.pictures[0])
    assert found.pretrained == there and found.complete
    before, after = found.pictures.astype(int)
    assert 0 < np.abs(after - before).mean() < 255 * 0.05
    assert (np.ptp(after, axis=2).max() == 0) != there  # grey without it


def net_of(id: str, first: float, later: float, net: int) -> BaseResult:
    filled = np.full((2, len(STRENGTHS), MANY, 2), 0.5)
    filled[net, 0], filled[net, PRIOR] = first, later
    return made(id, believed=filled)


def made(id: str, **given: np.ndarray) -> BaseResult:
    return known(Result, CLAIMED[id].params.replace(seeds=MANY), **given)


def method(id: str, field: str, replaced: int, **values: float) -> BaseResult:
    filled = np.full((len(METHODS), len(WEIGHTED) + 1, MANY, 1), 0.4)
    for name, value in values.items():
        filled[METHODS.index(name), replaced] = value
    return made(id, **{field: filled})


def kind(id: str, field: str, name: str, **values: float) -> BaseResult:
    filled = np.full((2, len(PLACES), MANY, 1), 0.7)
    for place, value in values.items():
        filled[KINDS.index(name), PLACES.index(place)] = value
    return made(id, **{field: filled})


def attack(id: str, name: str, harmed: float) -> BaseResult:
    filled = np.full((len(ATTACKS), MANY, 1, len(EPSILONS)), 0.9)
    filled[ATTACKS.index(name), ..., 1:] = harmed
    return made(id, attacked=filled)


def blanks(id: str, share: float) -> BaseResult:
    params = MISTAKES[0].params if id == MISTAKES[0].id and share < 0 else CLAIMED["blank"].params
    return known(Result, params.replace(seeds=MANY), blank=np.full((len(METHODS), MANY, 1), abs(share)))


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "fooled": (net_of("fooled", 1, 1, 0), net_of("fooled", 0.2, 1, 0)),
    "transfers": (net_of("transfers", 0.9, 1, 1), net_of("transfers", 0.1, 1, 1)),
    "prior": (net_of("prior", 0.8, 0.95, 1), net_of("prior", 0.8, 0.7, 1)),
    "sure": (net_of("sure", 1, 1, 0), net_of("sure", 1, 0.3, 0)),
    "deeper": (kind("deeper", "probe", "trained", third=0.85), kind("deeper", "probe", "trained")),
    "learnt": (kind("learnt", "probe", "trained", third=0.85), kind("learnt", "probe", "trained")),
    "random": (kind("random", "probe", "untrained", third=0.65), kind("random", "probe", "untrained", third=0.9)),
    "nearer": (kind("nearer", "ratio", "trained", scores=0.5), kind("nearer", "ratio", "trained")),
    "not_nearer": (kind("not_nearer", "ratio", "untrained"), kind("not_nearer", "ratio", "untrained", scores=0.3)),
    "gradient": (method("gradient", "kept", 1, gradient=0.1), method("gradient", "kept", 1, gradient=0.9)),
    "guided": (method("guided", "kept", 1, guided=0.8), method("guided", "kept", 1)),
    "hardly": (method("hardly", "kept", 1, guided=0.95), method("hardly", "kept", 1, guided=0.5)),
    "nothing_left": (method("nothing_left", "kept", -1, guided=0.5), method("nothing_left", "kept", -1, guided=0.1)),
    "outline": (method("outline", "outlined", 0, guided=0.8), method("outline", "outlined", 0)),
    "maps": (method("maps", "kept", 1, places=0.1), method("maps", "kept", 1, places=0.9)),
    "blank": (blanks("blank", 0.8), blanks("blank", 0.1)),
    "attack": (attack("attack", "fgsm", 0.2), attack("attack", "signs", 0.2)),
    "signs": (attack("signs", "signs", 0.89), attack("signs", "signs", 0.5)),
    "other_net": (attack("other_net", "transferred", 0.6), attack("other_net", "transferred", 0.9)),
    "no_classes": (
        kind("no_classes", "probe", "trained", third=0.65),
        kind("no_classes", "probe", "trained", third=0.9),
    ),
    "private": (net_of("private", 0.1, 0.1, 1), net_of("private", 0.9, 1, 1)),
}


def test_the_control_has_labels_that_are_shuffled() -> None:
    *_, result = train.train(TINY.replace(shuffled=True))
    assert CLAIMED["prior"].measure(result) is None and CLAIMED["prior"].measure(last()[0]) is None
