"""One-shot learning against torch.nn, scikit-learn, brute force and made-up Results."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional
from torch.testing import assert_close

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.one_shot.claims import CLAIMS, FEW, LARGE, MANY, MISTAKES, SMALL
from core.concepts.one_shot.identities.params import LADDER
from core.concepts.one_shot.identities.params import ROWS as KNOWN_SETS
from core.concepts.one_shot.losses.params import NETS, ROWS
from core.concepts.one_shot.measuring import (
    area,
    best_threshold,
    by_pixels,
    enrolling,
    errors,
    gallery,
    pairs,
    precision,
    roc,
)
from core.concepts.one_shot.networks import BODIES, SETTLING, Course, contrastive, distances, triplet
from core.concepts.one_shot.params import (
    APART,
    GALLERY,
    PLACES,
    SIZE,
    TINY,
    Pair,
    Params,
    named,
    strangers,
    weights,
)
from core.concepts.one_shot.symbols import sets_of
from core.concepts.one_shot.train import answer
from tests.known import known

# That the texts repeat: enrolled, training identities, distances from 0 to 2, shares of the ROC curve
CONSTANTS = {*GALLERY, *LADDER, 2.0, 1.0, 10.0, 0.5}


@cache
def last(name: str, params: Params = TINY) -> tuple[Any, dict[str, np.ndarray]]:
    run = train_module(name).train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


@cache
def apart() -> np.ndarray:
    """Distances of 5 identities with 4 pictures each, some of them equal."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.standard_normal((5, 3)), 4, 0) + 0.6 * rng.standard_normal((20, 3))
    return np.linalg.norm(x[:, None] - x, axis=2).round(1)


# Who is in which set


@pytest.mark.parametrize("data", ["symbols", "digits"])
def test_no_identity_is_in_two_sets_and_no_picture_of_a_set_in_another(data: str) -> None:
    sets = sets_of(Params(data=data, identities=20, images=400, noise=0.0, hand=0.0), 3)
    assert len(sets.unseen) == strangers(Params(data=data))
    rows = [{picture.tobytes() for picture in part.reshape(-1, SIZE**2)} for part in sets]
    assert not any(rows[i] & rows[j] for i, j in combinations(range(3), 2))
    if data == "digits":
        assert [len(part) for part in sets] == [*APART, APART[2]] and not rows[0] & rows[3]
        return
    # without variety all writings of a symbol are as wide as its pen only: the nearest template is its own
    templates = [part[:, 0] for part in sets]
    distance = np.linalg.norm((templates[0][:, None] - templates[2]).reshape(20, -1, SIZE**2), axis=2)
    assert distance.min() > 1  # no symbol of one set is a symbol of the other
    own = np.linalg.norm((templates[0] - templates[3]).reshape(20, SIZE**2), axis=1)
    assert own.max() < distance.min()  # while those that were seen are the same symbols


def test_more_identities_leave_the_others_as_they_are_and_seeds_have_their_own() -> None:
    few, many = (sets_of(Params(identities=n, images=12 * n), 0) for n in (4, 8))
    assert np.array_equal(few.unseen, many.unseen) and np.array_equal(few.validation, many.validation)
    assert not np.array_equal(few.unseen, sets_of(Params(identities=4, images=48), 1).unseen)


def test_batches_are_of_as_many_writings_of_every_identity() -> None:
    course = Course(Params(identities=30, images=240, steps=3, seeds=2), "cpu")
    who, which = course.who.numpy(), course.which.numpy()
    assert (which // 8 == who).all() and who.shape == (3, 2, 48)
    for each, pictures in zip(who.reshape(-1, 48), which.reshape(-1, 48)):
        assert sorted(np.bincount(each)[np.bincount(each) > 0]) == [4] * 12 and len(set(pictures)) == 48
        assert (each == each[::4].repeat(4)).all() and (course.y.numpy() == np.arange(12).repeat(4)).all()


# Losses, by hand


@pytest.mark.parametrize("which", ["all", "semi_hard", "hard"])
def test_triplets_by_brute_force(which: str) -> None:
    torch.manual_seed(0)
    y, margin = torch.tensor([0, 0, 0, 1, 1, 2, 2]), 0.3
    d = distances(torch.randn(2, 7, 4))
    same = y[:, None] == y[None]
    for m, own in enumerate(d.double().numpy()):
        terms: list[float] = []
        for a, p in product(range(7), repeat=2):
            if a == p or y[a] != y[p]:
                continue
            others = [own[a, n] for n in range(7) if y[n] != y[a]]
            if which == "all":
                terms += [t for t in (own[a, p] - n + margin for n in others) if t > 0]
            if which == "semi_hard":
                beyond = [n for n in others if n > own[a, p]]
                terms.append(max(0.0, own[a, p] - (min(beyond) if beyond else max(others)) + margin))
        if which == "hard":
            for a in range(7):
                p = max(own[a, k] for k in range(7) if k != a and y[k] == y[a])
                terms.append(max(0.0, p - min(own[a, n] for n in range(7) if y[n] != y[a]) + margin))
        assert triplet(d, same, margin, which)[m].item() == pytest.approx(np.mean(terms), abs=1e-5)


def test_contrastive_by_torch() -> None:
    """Against CosineEmbeddingLoss's counterpart for distances: HingeEmbeddingLoss of squares."""
    torch.manual_seed(1)
    y, f = torch.tensor([0, 0, 1, 1, 1]), torch.randn(1, 5, 4)
    unit = functional.normalize(f[0], dim=1)
    d, same = torch.cdist(unit, unit), y[:, None] == y[None]
    one = d[same & ~torch.eye(5, dtype=torch.bool)] ** 2
    assert_close(distances(f)[0], d, atol=2e-3, rtol=0)
    other = (0.9 - d[~same]).clamp(min=0) ** 2
    assert_close(contrastive(distances(f), same, 0.9)[0], one.mean() + other.mean(), atol=1e-4, rtol=0)


# What distances are worth


def test_areas_and_errors_by_scikit_learn_and_by_counting() -> None:
    d, found = apart(), pairs(apart(), 4)
    truth, scores = zip(*((i // 4 == j // 4, -d[i, j]) for i, j in combinations(range(20), 2)))
    assert len(found.same) == sum(truth) and area(found) == pytest.approx(roc_auc_score(truth, scores))
    near, same = -np.array(scores), np.array(truth)
    taken, refused = errors(found, 1.5)
    assert taken == pytest.approx((near[~same] <= 1.5).mean()) and refused == pytest.approx((near[same] > 1.5).mean())
    least = min(sum(errors(found, t)) for t in np.unique(near))
    assert sum(errors(found, best_threshold(found))) == pytest.approx(least)
    wider = pairs(d + 0.5 * (np.arange(20)[:, None] // 4 != np.arange(20) // 4), 4)
    strict = errors(wider, best_threshold(wider, precise=True))
    assert strict[0] == 0 and precision(*strict) == 1 and precision(0.0, 1.0) != precision(0.0, 1.0)
    assert precision(0.1, 0.2) == pytest.approx(0.8 / 0.9)
    curve = roc(found)
    for k in range(PLACES - 1):
        kept = max([1 - errors(found, t)[1] for t in near if errors(found, t)[0] <= k / 100 + 1e-12], default=0)
        assert curve[k] == pytest.approx(kept)
    assert curve[-1] == 1


def test_galleries_have_one_of_each_and_another_writing_is_looked_for() -> None:
    d = apart()
    rows, query, strange = enrolling(d, 4, 3, 7)
    who = rows // 4
    assert all(len(set(each)) == 3 for each in who) and (query // 4 == who[:, 0]).all()
    assert not (rows == query[:, None]).any() and not (who == strange[:, None] // 4).any()
    right, inside = gallery(d, 4, 3, 1.0, 7)
    counted = [all(d[q, r[0]] < d[q, n] for n in r[1:]) for q, r in zip(query, rows)]
    assert right == np.mean(counted) and inside == np.mean([d[s, r].min() <= 1 for s, r in zip(strange, rows)])
    assert np.isnan(gallery(d, 4, 5, 1.0, 7)[1]) and np.isnan(gallery(d, 4, 6, 1.0, 7)[0])
    perfect = 1.0 - np.kron(np.eye(5), np.ones((4, 4)))
    assert gallery(perfect, 4, 4, 0.5, 0) == (1.0, 0.0)


# Networks


def alone() -> nn.Sequential:
    def block(given: int, wide: int) -> list[nn.Module]:
        return [nn.Conv2d(given, wide, 3, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]

    return nn.Sequential(*block(1, 16), *block(16, 32), *block(32, 32), nn.Flatten(), nn.Linear(288, 32))


def filled(named: dict[str, np.ndarray], seed: int, prefix: str = "net.") -> nn.Sequential:
    net = alone()
    mine = {k.removeprefix(prefix): torch.tensor(v[seed]) for k, v in named.items() if k.startswith(prefix)}
    assert not net.load_state_dict(mine, strict=False).unexpected_keys
    return net.eval()


def test_the_exported_network_has_the_same_distances_in_torch_nn() -> None:
    result, state = last("one_shot")
    net, unseen = filled(weights(result, state), 1), sets_of(TINY, 1).unseen
    with torch.no_grad():
        f = functional.normalize(net(torch.as_tensor(unseen.reshape(-1, 1, SIZE, SIZE))), dim=1)
    found = pairs(torch.cdist(f, f).double().numpy(), unseen.shape[1])
    assert area(found) == pytest.approx(float(result.area[1, -1]), abs=1e-3)
    np.testing.assert_allclose(result.apart[1, -1], [found.same.mean(), found.different.mean()], rtol=1e-3)
    raw = pairs(by_pixels(unseen)[0], unseen.shape[1])
    assert area(raw) == pytest.approx(float(result.pixels[1, 0]), abs=1e-5)


@pytest.mark.parametrize("loss", ["siamese", "classifier"])
def test_a_member_with_a_head_learns_as_it_would_alone(loss: str) -> None:
    params = TINY.replace(loss=loss, lr=0.003)
    course = Course(params, "cpu")
    nets = course.start(loss, 0.5)
    start = named(loss, params.identities, nets.state())
    net = filled(start, 1)
    head = nn.Linear(32, 1 if loss == "siamese" else params.identities)
    head.load_state_dict({k.removeprefix("head.0."): torch.tensor(v[1]) for k, v in start.items() if "head" in k})
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], params.lr)
    net.train()
    for step in range(2):
        course.learn(nets, step)
        f = net(course.x[1, course.which[step, 1]][:, None])
        if loss == "classifier":
            value = functional.cross_entropy(head(f), course.who[step, 1])
        else:
            i, j = zip(*combinations(range(len(f)), 2))
            z, other = head((f[[*i]] - f[[*j]]).abs())[:, 0], course.y[[*i]] != course.y[[*j]]
            each = functional.binary_cross_entropy_with_logits(z, other.float(), reduction="none")
            value = (each[other].mean() + each[~other].mean()) / 2
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    after = named(loss, params.identities, nets.state())
    for name, part in net.state_dict().items():
        if "num_batches" not in name and (loss, name) != ("siamese", "10.bias"):  # that goes out of |f − f′|
            assert_close(torch.tensor(after[f"net.{name}"][1]), part, rtol=2e-3, atol=3e-4, msg=name)
    assert nets.rows.shape[1] > BODIES and SETTLING > 0


def test_further_experiments_see_what_the_first_one_sees() -> None:
    first, _ = last("one_shot")
    losses, _ = last("one_shot.losses")
    assert losses.area[ROWS.index("untrained"), :, 0] == pytest.approx(first.area[:, 0])
    assert losses.oneshot[ROWS.index("pixels"), :, -1] == pytest.approx(first.pixels[:, 1])
    nets = [NETS.index(name) for name in ("contrastive", "all", "semi_hard", "hard", "contrastive_0", "all_0")]
    assert np.ptp(losses.area[nets, :, 0], 0) == pytest.approx(0)  # from the same weights


def test_two_pictures_are_compared() -> None:
    result, state = last("one_shot")
    found = answer(TINY, result, state, Pair())
    unseen = sets_of(TINY, 0).unseen
    assert np.array_equal(found.picture, unseen[0, :2])
    with torch.no_grad():
        f = functional.normalize(filled(weights(result, state), 0)(torch.as_tensor(unseen[0, :2, None])), dim=1)
    over = float((f[0] - f[1]).norm()) / float(result.threshold[0, -1])
    assert found.distance[0] == pytest.approx(over, rel=1e-3)
    line = "0" * SIZE * 10 + "g" * SIZE + "0" * SIZE * 13
    assert answer(TINY, result, state, Pair(enrolled=line, again=line)).distance[0] < 0.01


# Claims

SEEDS = 40
CLAIMED = {claim.id: claim for claim in CLAIMS} | {mistake.id: mistake for mistake in MISTAKES}


def of_claim(id: str) -> tuple[type[BaseResult], Params]:
    part = getattr(CLAIMED[id], "of", "")
    return experiment(f"one_shot.{part}" if part else "one_shot").Result, CLAIMED[id].params.replace(seeds=SEEDS)


def first(id: str, **given: float) -> BaseResult:
    """identified: of the trained at all sizes, and others at 0.5; …_small, …_large: at these. Others by name."""
    kind, params = of_claim(id)
    arrays = {name: np.full((3, SEEDS, 1, len(GALLERY)), 0.5) for name in ("identified", "stranger")}
    for name, values in arrays.items():
        values[0] = given.pop(name, 0.5)
        for size, word in ((SMALL, "small"), (LARGE, "large")):
            values[..., GALLERY.index(size)] = given.pop(f"{name}_{word}", values[..., GALLERY.index(size)])
    plain = {name: np.full((SEEDS, 2), value) for name, value in given.items()}
    return known(kind, params, 0.5, roc=np.zeros((3, SEEDS, 1, 2)), sizes={"tick": 2}, **arrays, **plain)


def nets(id: str, values: str = "oneshot", **given: float) -> BaseResult:
    kind, params = of_claim(id)
    arrays = {"oneshot": np.full((len(ROWS), SEEDS, 2), 0.5), "apart": np.ones((len(NETS), SEEDS, 2, 2))}
    for name, value in given.items():
        arrays[values][ROWS.index(name), :, -1] = value
    return known(kind, params, 0.5, **arrays, tick=np.array([0, 1]))


def ladder(id: str, **given: float) -> BaseResult:
    kind, params = of_claim(id)
    filled = np.full((len(KNOWN_SETS), len(LADDER), SEEDS, 2), 0.5)
    for name, value in given.items():
        filled[0, LADDER.index({"few": FEW, "many": MANY}[name])] = value
    return known(kind, params, 0.5, oneshot=filled, tick=np.array([0, 1]))


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    **{id: (first(id, identified=0.8), first(id, identified=0.5)) for id in ("pixels", "untrained")},
    "digits": (first("digits"), first("digits", identified=0.8)),
    "acquainted": (first("acquainted", oneshot_seen=0.8), first("acquainted")),
    "digits_seen": (first("digits_seen", area_seen=0.8), first("digits_seen")),
    "crowd": (first("crowd", identified_large=0.2), first("crowd")),
    "strangers": (first("strangers", stranger_small=0.1), first("strangers")),
    **{id: (nets(id, semi_hard=0.8), nets(id)) for id in ("triplets", "classifier")},
    **{
        id: (nets(id, "apart", **{net: 0.05}), nets(id, "apart"))
        for id, net in (("hard", "hard"), ("no_margin", "contrastive_0"), ("no_margin_triplets", "all_0"))
    },
    "ranks": (nets("ranks", contrastive_0=0.3), nets("ranks")),
    "ranks_triplets": (nets("ranks_triplets"), nets("ranks_triplets", all_0=0.2)),
    "few": (ladder("few", few=0.4), ladder("few", few=0.7)),
    "more": (ladder("more", many=0.8), ladder("more")),
    "half": (first("half", fair=0.9), first("half")),
    "seen": (first("seen", taken=0.1), first("seen")),
    "precision": (first("precision", said=0.99), first("precision")),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    concept = load("one_shot")
    begun = {each.name: next(train_module(each.name).train(each.tiny)) for each in concept.experiments}
    assert all(claim.measure(begun[concept.of(claim).name]) is None for claim in CLAIMS)
