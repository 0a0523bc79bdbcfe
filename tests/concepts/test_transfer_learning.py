"""Transfer learning against torch.nn, scikit-learn and made-up Results."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.transfer_learning.claims import ALL, CLAIMS, FEW, MANY, MISTAKES, ONE, REVERSED, SOME
from core.concepts.transfer_learning.layers.params import DEPTHS, ROWS
from core.concepts.transfer_learning.networks import Learner, Source, batches, sets_of, started, with_new
from core.concepts.transfer_learning.params import (
    HELD,
    LADDER,
    SOURCE_BATCH,
    TINY,
    Params,
    Way,
    body,
    classes,
    network,
    of,
    shape_of,
    weights,
    whole,
)
from core.concepts.transfer_learning.params import KNOWN as CLASSES_KNOWN
from core.concepts.transfer_learning.pictures.params import COUNTS, NAMES
from core.concepts.transfer_learning.pictures.params import FEATURES as STANDING
from core.concepts.transfer_learning.tasks.params import FEATURES, PLACES, TASKS
from core.concepts.transfer_learning.train import course_of
from core.ml.architecture import parameters
from core.ml.own import CONTENTS
from core.ml.signals import CLASSES, LENGTH
from core.takeaway.weights import cut
from tests.known import known

# That the texts repeat: labels, classes of source and target, batches of the source, pictures
CONSTANTS = {*LADDER, 10.0, CLASSES_KNOWN - 1, CLASSES_KNOWN, CLASSES - 1, LENGTH, SOURCE_BATCH, len(NAMES)}


def alone(units: int) -> nn.Sequential:
    """The page's network on signals by torch.nn."""
    parts: list[nn.Module] = []
    for given, wide, kernel, behind in ((1, 16, 5, nn.MaxPool1d(2)), (16, 16, 3, nn.MaxPool1d(2)), (16, 32, 3, None)):
        norm = [nn.Conv1d(given, wide, kernel, padding=kernel // 2, bias=False), nn.BatchNorm1d(wide), nn.ReLU()]
        mean = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())
        parts += [*norm, behind or mean]
    return nn.Sequential(*parts, nn.Linear(32, units))


def filled(named: dict[str, np.ndarray], units: int) -> nn.Sequential:
    net = alone(units)
    missing = net.load_state_dict({name: torch.tensor(part) for name, part in named.items()}, strict=False)
    assert not missing.unexpected_keys and all("num_batches" in name for name in missing.missing_keys)
    return net.eval()


@cache
def last(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    run = train_module(name).train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


EVERY = TINY.replace(ways=of("scratch", "random", "frozen", "tuned", "head_first", "drift", "unscaled"))


def exported(place: str, count: int, seed: int) -> dict[str, np.ndarray]:
    """The network of a way, or of the source, by the names of torch.nn."""
    named = weights(*last("transfer_learning", EVERY))
    at = (seed,) if place == "source" else (count, seed)
    return {name.partition(".")[2]: part[at] for name, part in named.items() if name.startswith(f"{place}.")}


@pytest.mark.parametrize("place", range(len(EVERY.ways)))
def test_the_exported_network_is_as_right_in_torch_nn(place: int) -> None:
    """… on the target, with reversed signs, and at the source with the head that it had there."""
    result, _ = last("transfer_learning", EVERY)
    sets, seed, count = sets_of(EVERY), 1, 2
    own = exported(f"{place}", count, seed)
    net, kind = filled(own, 3), EVERY.ways[place].kind
    for split, sign in enumerate((1, -1)):
        x = sign * sets.test.x[seed]
        x = x * sets.spread[seed] + sets.centre[seed] if kind == "unscaled" else x
        right = (net(x).argmax(1) == sets.test.y[seed]).float().mean()
        assert right == pytest.approx(result.accuracy[place, count, seed, -1, split].item(), abs=0.003)
    if kind in ("scratch", "random"):
        assert np.isnan(result.kept[place]).all()
        return
    before = exported("source", 0, seed)
    for given, measured in ((before, result.source[seed]), (own, result.kept[place, count, seed])):
        inner = {name: given[name] for name in given if not name.startswith("12.")}
        back = filled(inner | {name: before[name] for name in before if name.startswith("12.")}, CLASSES_KNOWN)
        right = (back(sets.held.x[seed]).argmax(1) == sets.held.y[seed]).float().mean()
        assert right == pytest.approx(measured.item(), abs=0.003)


def test_what_is_frozen_does_not_change_and_what_drifts_has_the_same_weights() -> None:
    before = exported("source", 0, 0)
    changed = {}
    for place, way in enumerate(EVERY.ways):
        own = exported(f"{place}", 0, 0)
        changed[way.kind] = {name for name in before if "12." not in name and (own[name] != before[name]).any()}
    norms = {name for name in before if "running" in name}
    assert changed["frozen"] == changed["unscaled"] == set() and changed["drift"] == norms
    assert changed["tuned"] == changed["head_first"] == {name for name in before if "12." not in name}


def test_untrained_features_are_those_that_the_source_and_scratch_began_with() -> None:
    net = network(EVERY, 3)
    start = cut(started(EVERY, 3).rows.numpy(), parameters(net, shape_of(EVERY)))
    random = exported("1", 0, 1)
    assert all((start[name][1] == random[name]).all() for name in start if "12." not in name)
    other = cut(started(EVERY, CLASSES_KNOWN).rows.numpy(), parameters(network(EVERY, CLASSES_KNOWN), shape_of(EVERY)))
    assert all((start[name] == other[name]).all() for name in start if "12." not in name)


@pytest.mark.parametrize("kind,rate", [("tuned", 1.0), ("tuned", 0.1), ("frozen", 1.0), ("drift", 1.0)])
def test_a_member_learns_as_it_would_alone(kind: str, rate: float) -> None:
    """By torch.optim.Adam with a rate for the body and one for the head, layers frozen in evaluation mode."""
    params = TINY.replace(ways=(Way(kind=kind, body=rate),), lr=0.003)
    sets = sets_of(params)
    source = Source(params, sets)
    course = course_of(params, params.ways[0], source, sets)
    names = whole(params, 3)
    net = filled(cut(course.learner.nets().state()[3], names), 3)  # three labels, the second seed
    frozen = kind != "tuned"
    groups = [
        {"params": net[:-1].parameters(), "lr": params.lr * rate * (not frozen)},
        {"params": net[-1].parameters()},
    ]
    optimizer = torch.optim.Adam(groups, params.lr)
    which = np.tile(np.arange(12), (len(LADDER) * 2, 1))
    for _ in range(2):
        course.learn(which)
        net.train(kind != "frozen")
        optimizer.zero_grad()
        functional.cross_entropy(net(sets.pool.x[1, :12]), sets.pool.y[1, :12]).backward()
        optimizer.step()
    for name, part in cut(course.learner.nets().state()[3], names).items():
        assert_close(torch.tensor(part), net.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_no_example_of_the_target_is_in_the_source_or_in_both_of_its_parts() -> None:
    for data, units in (("signals", (7, 3)), ("digits", (7, 3)), ("mnist", (10, 10))):
        params = Params(data=data, seeds=1, source=200, reversed=0.0)
        sets = sets_of(params)
        assert classes(params) == units
        assert sets.source.y.max() < units[0] and sets.pool.y.max() == units[1] - 1
        assert sets.source.x.mean().abs() < 1e-4 and sets.source.x.std() == pytest.approx(1, abs=1e-2)
        parts = [{row.tobytes() for row in part.x[0].numpy()} for part in sets[:4]]
        assert not any(a & b for i, a in enumerate(parts) for b in parts[i + 1 :])
        for n in LADDER:
            assert (np.bincount(sets.pool.y[0, : n * units[1]]) == n).all()
        assert len(parts[2]) == len(sets.pool.y[0])
    raw = sets.test.x[0] * sets.spread[0] + sets.centre[0]
    rows = {row.tobytes() for row in load_digits().images.astype(np.float32)}
    assert all(row.tobytes() in rows for row in raw[:, 0].round().numpy())  # as they stand in their file


def test_the_share_of_the_source_that_is_reversed() -> None:
    plain, half = (sets_of(Params(seeds=1, reversed=share)) for share in (0.0, 0.5))
    turned = (half.source.x == -plain.source.x).flatten(2).all(2)
    same = (half.source.x == plain.source.x).flatten(2).all(2)
    assert (turned | same).all() and 0.45 < turned.float().mean() < 0.55
    assert torch.equal(plain.pool.x, half.pool.x) and torch.equal(plain.test.x, half.test.x)
    assert sets_of(Params(seeds=1)).held.x.shape == (1, HELD, 1, LENGTH)


def test_batches_pass_over_all_examples() -> None:
    found = batches("target 3", 3, 4, 6, 0)
    assert found.shape == (4, 6) and all((np.bincount(row) == 2).all() for row in found)
    assert batches("target 3", 3, 0, 6, 0).shape == (0, 6)


def test_cutting_nowhere_is_scratch_and_cutting_behind_everything_is_freezing() -> None:
    """The further experiment ends where the first one is, when both see the same."""
    params = EVERY.replace(labels=LADDER[1])
    first, _ = last("transfer_learning", params)
    cuts, _ = last("transfer_learning.layers", params)
    ways = {way.kind: i for i, way in enumerate(params.ways)}
    same = {("cut", 0): "scratch", ("open", 0): "scratch", ("rest", 0): "tuned", ("open", 3): "tuned"}
    same |= {("cut", 3): "frozen", ("rest", 3): "frozen", ("random", 3): "random"}
    for (row, depth), kind in same.items():
        mine, its = cuts.loss[ROWS.index(row), depth, :, -1], first.loss[ways[kind], 1, :, -1]
        np.testing.assert_allclose(mine, its, rtol=2e-3, err_msg=f"{row} {depth}")


def test_tasks_are_what_they_say() -> None:
    from core.concepts.transfer_learning.tasks.train import asked

    sets = sets_of(TINY)
    x, truth = asked(sets.test, 0)
    for seed in range(2):
        for n in range(50):
            given, shown = sets.test.x[seed, n, 0], x[seed, n, 0]
            assert torch.equal(shown, -given if truth["sign"][seed, n] else given)
            assert truth["place"][seed, n] == int(shown.abs().argmax()) * PLACES // LENGTH
    assert torch.equal(truth["classes"], sets.test.y) and truth["sign"].float().mean() == 0.5
    result, _ = last("transfer_learning.tasks", TINY)
    most = [max(np.bincount(truth[task][0]) / len(truth[task][0])) for task in TASKS]
    np.testing.assert_allclose(result.often[:, 0], most, rtol=1e-6)


def test_photographs_without_the_network_and_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.concepts.transfer_learning.pictures import train as pictures
    from core.ml.photographs import photograph
    from core.ml.pretrained import features, installed, vector

    patches = pictures.patches()
    picture = photograph(NAMES[1], 192, 192).transpose(2, 0, 1)
    left, right = patches[1], patches[pictures.EACH + 1]  # the first patch of the second picture
    np.testing.assert_array_equal(left, picture[:, :48, :48])
    np.testing.assert_array_equal(right, picture[:, :48, 96:144])
    figure = load("transfer_learning").figure("pictures")
    if installed():
        mine = pictures.vectors(patches[:3], pictures.kernels())
        with torch.no_grad():
            assert_close(mine, vector(features(patches[:3])[-1]), rtol=1e-4, atol=1e-4)
        assert "not installed" not in figure.summary(last("transfer_learning.pictures", TINY)[0], "en")
    monkeypatch.setattr(pictures, "installed", lambda: False)
    *_, result = pictures.train(TINY.replace(seeds=1))
    assert np.isnan(result.accuracy[:2]).all() and np.isfinite(result.accuracy[2]).all()
    assert "not installed" in figure.summary(result, "en") and "没有安装" in figure.summary(result, "zh")
    assert figure.draw(result, "en").data


def test_a_table_of_ones_own_is_learned() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) % 6
    x = 50 + 0.3 * rng.standard_normal((300, 12)) + 3 * np.sin(np.arange(12) * (0.4 + 0.35 * y[:, None]))
    content = ",".join("abcdefghijkl") + ",kind\n"
    content += "".join(",".join(f"{v:.3f}" for v in row) + f",{'abcdef'[k]}\n" for row, k in zip(x, y))
    name = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}:300x12x6"
    CONTENTS[name] = content.encode()
    params = Params(own=name, ways=of("tuned"), seeds=2, steps=40, batch=16, pretraining=20)
    result, _ = last("transfer_learning", params)
    assert classes(params) == (4, 2) and shape_of(params) == (1, 12)
    assert result.accuracy[0, -1, :, -1, 0].mean() > 0.9


def test_a_learner_is_what_it_is_made_of() -> None:
    sets = sets_of(TINY)
    nets = with_new(TINY, Source(TINY, sets).random)
    joined = Learner((), network(TINY, 3), shape_of(TINY), nets, 0.01, 2)
    parted = Learner(body(TINY), network(TINY, 3)[-1:], shape_of(TINY), nets, 0.01, 2)
    x, y = sets.test
    for mine, its in zip(joined.measure(x, y), parted.measure(parted.seen(x), y)):
        np.testing.assert_allclose(mine, its, rtol=1e-5)
    assert torch.equal(parted.nets().rows, nets.rows)


# Claims

MANY_SEEDS = 40
CLAIMED = {claim.id: claim for claim in CLAIMS} | {mistake.id: mistake for mistake in MISTAKES}


def of_claim(id: str) -> tuple[type[BaseResult], Params]:
    part = getattr(CLAIMED[id], "of", "")
    return experiment("transfer_learning" + (f".{part}" if part else "")).Result, CLAIMED[id].params.replace(
        seeds=MANY_SEEDS
    )


def reach(id: str, count: int, split: int = 0, **values: float) -> BaseResult:
    """Accuracy 0.6 everywhere, of named ways otherwise with so many labels; "slow" is the one with a slower body."""
    kind, params = of_claim(id)
    filled = np.full((len(params.ways), len(LADDER), MANY_SEEDS, 2, 2), 0.6)
    for i, way in enumerate(params.ways):
        filled[i, count, :, :, split] = values.get("slow" if way.body != 1 else way.kind, 0.6)
    return known(kind, params, accuracy=filled)


def left(id: str, **after: float) -> BaseResult:
    """Accuracy at the source 0.8 before, of named ways otherwise afterwards."""
    kind, params = of_claim(id)
    kept = np.full((len(params.ways), len(LADDER), MANY_SEEDS, 1), 0.8)
    for i, way in enumerate(params.ways):
        kept[i] = after.get(way.kind, 0.8)
    return known(kind, params, kept=kept, source=np.full((MANY_SEEDS, 1), 0.8))


def behind(id: str, **values: tuple[float, float]) -> BaseResult:
    """With no block and with two, of every row."""
    kind, params = of_claim(id)
    filled = np.full((len(ROWS), len(DEPTHS), MANY_SEEDS, 2, 2), 0.6)
    for i, row in enumerate(ROWS):
        for depth, value in zip((0, 2), values.get(row, (0.6, 0.6))):
            filled[i, depth] = value
    return known(kind, params, accuracy=filled)


def heads(id: str, task: str, value: float) -> BaseResult:
    """Accuracy 0.6, of the source's features otherwise in this task."""
    kind, params = of_claim(id)
    filled = np.full((len(FEATURES), len(TASKS), MANY_SEEDS, 2), 0.6)
    filled[0, TASKS.index(task)] = value
    return known(kind, params, accuracy=filled)


def photos(id: str, **values: float) -> BaseResult:
    kind, params = of_claim(id)
    filled = np.full((len(STANDING), len(COUNTS), MANY_SEEDS, 2), 0.4)
    for i, name in enumerate(STANDING):
        filled[i] = values.get(name, 0.4)
    return known(kind, params, accuracy=filled)


def pair(id: str, count: int, one: str, other: str, split: int = 0) -> tuple[BaseResult, BaseResult]:
    return reach(id, count, split, **{one: 0.95, other: 0.5}), reach(id, count, split, **{one: 0.6, other: 0.7})


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "control": pair("control", FEW, "frozen", "random"),
    "few": pair("few", FEW, "frozen", "tuned"),
    "many": pair("many", MANY, "tuned", "frozen"),
    "start": pair("start", FEW, "tuned", "scratch"),
    "start_many": (reach("start_many", MANY), reach("start_many", MANY, tuned=0.9)),
    "untrained": (reach("untrained", MANY, random=0.7), reach("untrained", MANY, random=0.35)),
    "slow": pair("slow", FEW, "frozen", "slow"),
    "distorts": pair("distorts", SOME, "frozen", "tuned", REVERSED),
    "head_first": pair("head_first", SOME, "head_first", "tuned", REVERSED),
    "head_first_same": (reach("head_first_same", SOME), reach("head_first_same", SOME, head_first=0.9)),
    "still": pair("still", SOME, "frozen", "head_first", REVERSED),
    "slow_reversed": pair("slow_reversed", SOME, "slow", "tuned", REVERSED),
    "forgets": (left("forgets", tuned=0.2), left("forgets")),
    "never": (reach("never", SOME, REVERSED, frozen=0.1), reach("never", SOME, REVERSED)),
    "digits_one": pair("digits_one", ONE, "scratch", "frozen"),
    "digits_many": pair("digits_many", MANY, "scratch", "frozen"),
    "mnist": pair("mnist", FEW, "frozen", "random"),
    "two_blocks": (behind("two_blocks", cut=(0.6, 0.9)), behind("two_blocks", random=(0.6, 0.9))),
    "two_new": (behind("two_new", cut=(0.6, 0.9)), behind("two_new", random=(0.6, 0.9))),
    "classes": (heads("classes", "classes", 0.9), heads("classes", "sign", 0.9)),
    "sign": (heads("sign", "sign", 0.5), heads("sign", "sign", 0.9)),
    "place": (heads("place", "place", 0.6), heads("place", "place", 0.9)),
    "imagenet": (photos("imagenet", imagenet=0.8), photos("imagenet", random=0.8)),
    "architecture": (photos("architecture", imagenet=0.8), photos("architecture", random=0.8)),
    "drift": (left("drift", drift=0.5), left("drift")),
    "unscaled": pair("unscaled", SOME, "frozen", "unscaled"),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    assert {way.kind for way in ALL} | {"drift", "unscaled"} == {way.kind for way in EVERY.ways}
    concept = load("transfer_learning")
    begun = {each.name: next(train_module(each.name).train(each.tiny)) for each in concept.experiments}
    assert all(claim.measure(begun[concept.of(claim).name]) is None for claim in CLAIMS)
