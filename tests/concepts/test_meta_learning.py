"""Meta-learning against formulas, loops over torch.nn, scikit-learn and made-up Results."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor
from torch.nn import functional
from torch.testing import assert_close

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.meta_learning.claims import CLAIMS, MISTAKES
from core.concepts.meta_learning.glyphs.params import CLASSES, EACH, LEARNERS
from core.concepts.meta_learning.networks import STRIDE, Lot, adapted, meta_gradient, moved_on
from core.concepts.meta_learning.params import (
    COUNTS,
    GRID,
    HIGHEST,
    LOWEST,
    MOST,
    PARTS,
    QUERY,
    RATES,
    SIZES,
    TESTED,
    TINY,
    Own,
    Params,
    best_still,
    of,
    places,
)
from core.concepts.meta_learning.quadratic.params import FINDERS, STEP, TASKS, UPDATES
from core.ml.networks import initial_weights
from core.ml.random import stream
from tests.known import known

# That the texts repeat: points that judge, steps, most points of one's own
CONSTANTS = {float(QUERY), float(MOST), 20.0, 1.0, 2.0, 3.0}


@cache
def last(name: str, params: Params) -> tuple[Any, Any]:
    run = train_module(name).train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


# Gradients


@pytest.mark.parametrize("inner", [1, 3])
def test_the_meta_gradient_of_a_quadratic_is_its_closed_form(inner: int) -> None:
    """L(w) = (w − c)ᵀ A (w − c) / 2 in six dimensions: after k steps w − c is (I − αA)ᵏ (w − c)."""
    rng, members, tasks, d, alpha = np.random.default_rng(0), 2, 3, 6, 0.1
    root = rng.standard_normal((members * tasks, d, d))
    a, c = root @ root.swapaxes(1, 2) / d, rng.standard_normal((members * tasks, d))
    start = rng.standard_normal((members, d))
    a_t, c_t = torch.as_tensor(a), torch.as_tensor(c)

    def loss(w: Tensor) -> Tensor:
        return torch.einsum("mi,mij,mj->m", w - c_t, a_t, w - c_t) / 2

    def mean(shrink: Any) -> np.ndarray:
        each = np.repeat(start, tasks, 0)
        found = [shrink(matrix, np.eye(d) - alpha * matrix, w - m) for matrix, m, w in zip(a, c, each)]
        return np.mean(np.reshape(found, (members, tasks, d)), 1)

    def power(matrix: np.ndarray, k: int) -> np.ndarray:
        return np.linalg.matrix_power(matrix, k)

    closed = {
        "maml": mean(lambda m, s, far: power(s, inner) @ m @ power(s, inner) @ far),
        "fomaml": mean(lambda m, s, far: m @ power(s, inner) @ far),
        "joint": mean(lambda m, s, far: m @ far),
        "reptile": mean(lambda m, s, far: (far - power(s, STRIDE) @ far) / (alpha * STRIDE)),
    }
    for kind, expected in closed.items():
        got = meta_gradient(kind, torch.as_tensor(start), tasks, Lot(loss, loss, loss), alpha, inner)
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-9, atol=1e-12, err_msg=kind)
    assert not np.allclose(closed["maml"], closed["fomaml"], rtol=0.1)


def test_the_meta_gradient_of_a_network_is_that_of_torch() -> None:
    """One member, two tasks, by autograd on a network of torch.nn's functions."""
    from core.concepts.meta_learning.train import sinusoids

    tasks, count, alpha = 2, 4, 0.05
    lot, _ = sinusoids([stream("try", 0)], tasks, count + 3)
    few, more = lot.first(count), lot.first(count + 3, count)
    start = torch.as_tensor(initial_weights(SIZES, 0)).double()
    x, y, x2, y2 = (part.double() for part in (*few, *more))
    sizes = [n for i, o in pairwise(SIZES) for n in (i * o, o)]

    def net(w: Tensor, x: Tensor) -> Tensor:
        parts, h = w.split(sizes), x[:, None]
        for layer, (i, o) in enumerate(pairwise(SIZES)):
            h = functional.linear(torch.tanh(h) if layer else h, parts[2 * layer].view(o, i), parts[2 * layer + 1])
        return h[:, 0]

    def objective(w: Tensor) -> Tensor:
        total = torch.zeros((), dtype=w.dtype)
        for t in range(tasks):
            (step,) = torch.autograd.grad(functional.mse_loss(net(w, x[t]), y[t]), w, create_graph=True)
            total = total + functional.mse_loss(net(w - alpha * step, x2[t]), y2[t])
        return total / tasks

    def losses(a: Tensor, b: Tensor) -> Any:
        return type(few)(a, b).loss()

    got = meta_gradient("maml", start[None], tasks, Lot(losses(x, y), losses(x2, y2), losses(x, y)), alpha, 1)
    leaf = start.clone().requires_grad_()
    assert_close(got[0], torch.autograd.grad(objective(leaf), leaf)[0], rtol=1e-8, atol=1e-10)
    halved = losses(x, y)
    wrong = moved_on(start.expand(tasks, -1), few_twice(x, y), alpha, 1)
    assert_close(wrong, moved_on(start.expand(tasks, -1), halved, alpha / count, 1))


def few_twice(x: Tensor, y: Tensor) -> Any:
    from core.concepts.meta_learning.train import Points

    return Points(x, y).loss(x.shape[1])


def test_only_a_part_adapts() -> None:
    start = torch.ones(2, 5, requires_grad=True)
    after = adapted(start, lambda w: w.square().sum(1), 0.1, 2, True, slice(3, None))
    assert_close(after[:, :3], torch.ones(2, 3))
    assert_close(after[:, 3:], torch.full((2, 2), 0.64))


# Tasks


def test_the_best_that_does_not_adapt() -> None:
    from core.concepts.meta_learning.train import sinusoids

    lot, true = sinusoids([stream("many", 0)], 20_000, 3, places())
    np.testing.assert_allclose(best_still(places()), true.y.mean(0).numpy(), atol=0.06)
    amplitude = true.y.abs().max().item()
    assert LOWEST < amplitude <= HIGHEST and lot.x.abs().max() <= 5 and true.y.shape == (20_000, GRID)


def test_glyphs_of_meta_training_and_of_the_test_are_never_mixed() -> None:
    from core.concepts.meta_learning.glyphs import train as glyphs

    known_ones, unseen = (glyphs.drawn(6, stream(name, 3)) for name in ("known glyphs", "unseen glyphs"))
    assert known_ones.shape == (6, EACH, 64)
    few, test = glyphs.tasks_of([unseen], [stream("glyph test", 3)], 4, 2)
    flat = unseen.flatten(0, 1)
    for part in (few, test):
        pixels = part.x.mT.flatten(0, 1)
        where = torch.cdist(pixels, flat, compute_mode="donot_use_mm_for_euclid_dist").argmin(1)
        assert_close(pixels, flat[where])
        assert not (torch.cdist(pixels, known_ones.flatten(0, 1)) < 1e-3).any()
        glyph = (where // EACH).view(4, CLASSES, -1)
        assert (glyph == glyph[..., :1]).all() and all(len(set(row.tolist())) == CLASSES for row in glyph[..., 0])
    both = torch.cat([few.x, test.x], 2)[0].mT
    assert len(torch.unique(both, dim=0)) == both.shape[0], "a drawing is adapted to and judged by"
    rule = KNeighborsClassifier(1).fit(few.x[0].mT.numpy(), few.y[0].numpy())
    assert glyphs.nearest(few, test)[0] == pytest.approx(rule.score(test.x[0].mT.numpy(), test.y[0].numpy()))


def test_quadratics_end_where_formulas_say() -> None:
    result, _ = last("meta_learning.quadratic", Params(seeds=2, inner=2, steepest=6.0))
    a, c = result.task[..., 0].astype(float), result.task[..., 1].astype(float)
    rest = {"maml": a * (1 - STEP * a) ** 4, "dropped": a * (1 - STEP * a) ** 2, "joint": a}
    rest["reptile"] = 1 - (1 - STEP * a) ** STRIDE
    for name, factor in rest.items():
        expected = (factor * c).sum(0) / factor.sum(0)
        np.testing.assert_allclose(result.start[FINDERS.index(name), :, -1], expected, atol=2e-3, err_msg=name)
    np.testing.assert_allclose(result.after[0, :, -1], result.lowest, rtol=1e-4)
    assert (result.after[:, :, -1] >= result.lowest - 1e-6).all() and result.off[0].max() < 1e-6
    assert len(a) == TASKS and result.total == UPDATES
    alike, _ = last("meta_learning.quadratic", Params(seeds=1, steepest=1.0))
    assert np.ptp(alike.start[:, 0, -1]) < 1e-2


# Results


def test_a_result_is_what_its_starts_give() -> None:
    result, state = last("meta_learning", TINY)
    assert result.error.shape == (2, 2, len(result.tick), MOST + 1) and result.shown.shape == (2, 2)
    question = Own(marks=tuple(tuple(map(float, point)) for point in result.shown), moves=MOST, rate=TINY.rate)
    found = train_module("meta_learning").answer(TINY, result, state, question)
    np.testing.assert_allclose(found.fit, result.fit[:, -1, -1], rtol=1e-3, atol=1e-4)
    still = train_module("meta_learning").answer(TINY, result, state, question.replace(moves=0))
    np.testing.assert_allclose(still.fit, result.fit[:, -1, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.parts[..., 0, 0], result.error[:, :, -1, MOST], rtol=1e-5)
    same = RATES.index(TINY.rate), COUNTS.index(TINY.points)
    np.testing.assert_allclose(result.by_rate[..., 0, same[0]], result.error[:, :, -1, MOST], rtol=1e-5)
    np.testing.assert_allclose(result.by_points[..., 0, same[1]], result.error[:, :, -1, MOST], rtol=1e-5)
    assert (result.error[0, :, 0] == result.error[1, :, 0]).all() and (result.error[0] != result.error[1]).any()
    assert TESTED > 1 and result.floor.shape == (2,)


# Claims

MANY_SEEDS = 40
CLAIMED = {claim.id: claim for claim in CLAIMS} | {mistake.id: mistake for mistake in MISTAKES}


def made(id: str, part: str = "", **given: Any) -> BaseResult:
    params = CLAIMED[id].params.replace(seeds=MANY_SEEDS)
    return known(experiment("meta_learning" + part).Result, params, **given)


def errors(id: str, move: int, **values: float) -> BaseResult:
    """Error 1 everywhere, of named ways otherwise after so many steps; the best without adapting has 1."""
    ways = CLAIMED[id].params.ways
    filled = np.ones((len(ways), MANY_SEEDS, 2, MOST + 1))
    for i, way in enumerate(ways):
        filled[i, :, :, move] = values.get(way.kind, 1.0)
    return made(id, error=filled, floor=np.ones(MANY_SEEDS))


def ends(id: str, name: str, size: int, at: int, value: float) -> BaseResult:
    """An array of the end with 1 everywhere and MAML's otherwise at one place; error 1."""
    ways = CLAIMED[id].params.ways
    filled = np.ones((len(ways), MANY_SEEDS, 1, size))
    filled[0, :, :, at] = value
    error = np.ones((len(ways), MANY_SEEDS, 2, MOST + 1))
    return made(id, **{name: filled, "error": error})


def rates(joint: float) -> BaseResult:
    filled = np.full((5, MANY_SEEDS, 1, len(RATES)), 5.0)
    filled[0, :, 0, 1], filled[1, :, 0, 3] = 0.5, joint
    return made("own_rate", by_rate=filled, error=np.ones((5, MANY_SEEDS, 2, MOST + 1)))


def glyphs(id: str, **values: float) -> BaseResult:
    filled = np.full((len(LEARNERS), MANY_SEEDS, 2, MOST + 1), 0.5)
    for i, name in enumerate(LEARNERS):
        filled[i] = values.get(name, 0.5)
    return made(id, ".glyphs", accuracy=filled)


def slopes(id: str, **values: float) -> BaseResult:
    filled = np.array([[values.get(name, 0.0)] * MANY_SEEDS for name in FINDERS])
    return made(id, ".quadratic", off=filled)


def parts(id: str, name: str, good: float, bad: float) -> tuple[BaseResult, BaseResult]:
    at = PARTS.index(name)
    return ends(id, "parts", len(PARTS), at, good), ends(id, "parts", len(PARTS), at, bad)


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "suffices": (errors("suffices", MOST, maml=0.1), errors("suffices", MOST)),
    "joint": (errors("joint", MOST), errors("joint", MOST, joint=0.3)),
    "one_step": (errors("one_step", 1, joint=3.0), errors("one_step", 1)),
    "own_rate": (rates(3.0), rates(0.5)),
    "before": (errors("before", 0), errors("before", 0, maml=0.2)),
    "first_order": (errors("first_order", MOST), errors("first_order", MOST, fomaml=4.0)),
    "reptile": (errors("reptile", MOST, reptile=0.3), errors("reptile", MOST)),
    "head": parts("head", "head", 1.0, 3.0),
    "body": parts("body", "body", 3.0, 1.0),
    "moved": (ends("moved", "moved", 3, 2, 2.0), ends("moved", "moved", 3, 0, 2.0)),
    "other": parts("other", "other", 3.0, 1.0),
    "glyphs": (glyphs("glyphs", maml=0.7), glyphs("glyphs")),
    "pixels": (glyphs("pixels", maml=0.7), glyphs("pixels")),
    "glyphs_joint": (glyphs("glyphs_joint", joint=0.7), glyphs("glyphs_joint", maml=0.7)),
    "closed": (slopes("closed"), slopes("closed", maml=0.3)),
    "differs": (slopes("differs", dropped=0.4), slopes("differs")),
    "dropped": (slopes("dropped", dropped=0.4), slopes("dropped")),
    "twice": (errors("twice", 1, twice=3.0), errors("twice", 1)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    assert set(KNOWN) == set(CLAIMED) and of("maml")[0].kind == "maml"
    concept = load("meta_learning")
    begun = {each.name: next(train_module(each.name).train(each.tiny)) for each in concept.experiments}
    assert all(claim.measure(begun[concept.of(claim).name]) is None for claim in CLAIMS)
