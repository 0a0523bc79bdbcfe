"""Object detection against torchvision, torch.nn, autograd and plain loops."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import nn
from torch.nn import functional
from torchvision.ops import batched_nms, box_iou, generalized_box_iou
from torchvision.ops import nms as vision_nms

from core.concept.parts import experiment, train_module
from core.concepts.object_detection import claims, figures
from core.concepts.object_detection.networks import Detectors, assigned, boxes, losses, read, targets
from core.concepts.object_detection.overlap.train import corners, generalised
from core.concepts.object_detection.params import (
    ANCHORS,
    CELL,
    CLASSES,
    CONFIDENCES,
    FLOOR,
    GIVEN,
    GRID,
    HITS,
    OUTCOMES,
    PER,
    POINTS,
    PRIOR,
    SIZE,
    THRESHOLDS,
    Params,
    Placed,
    Result,
)
from core.concepts.object_detection.targets.params import KINDS, NETS
from core.concepts.object_detection.targets.params import Result as Targets
from core.concepts.object_detection.targets.train import Boxes, of_slots, off
from core.concepts.object_detection.train import measured, outcomes
from core.concepts.object_detection.window.params import STRIDE, WINDOW
from core.concepts.object_detection.window.params import Result as Window
from core.ml import boxes as ops
from core.ml.architecture import buffers, parameters
from core.ml.scenes import NOTHING, scenes
from core.takeaway.weights import cut
from tests.known import known

# That texts repeat: classes that are digits, ink, the floor in percent, pixels of windows, recalls, places in the curve
CONSTANTS = {*map(float, filter(str.isdigit, CLASSES)), 100 * FLOOR, WINDOW, STRIDE, CELL, 11, 101, 12, *HITS, 3 / 4,
             CONFIDENCES[0], CONFIDENCES[-1], 80, 95}  # fmt: skip
RNG = np.random.default_rng(0)


def random_boxes(n: int, rng: np.random.Generator, whole: bool = False) -> np.ndarray:
    """Some of them without area, and some the same as others."""
    box = np.sort(rng.uniform(0, 20, (n, 2, 2)), 1).reshape(n, 4)
    box = box.round() if whole else box
    box[rng.random(n) < 0.1] = box[rng.integers(n, size=1)]
    return box


# Boxes against torchvision


def test_iou_and_generalised_iou_are_torchvision_s() -> None:
    one, other = random_boxes(150, RNG), random_boxes(120, RNG)
    assert np.allclose(ops.iou(one, other), box_iou(torch.as_tensor(one), torch.as_tensor(other)).numpy())
    both = generalized_box_iou(torch.as_tensor(one), torch.as_tensor(other)).numpy()
    mine = [[generalised(a, b) for b in other[:20]] for a in one[:50]]
    assert np.allclose(mine, both[:50, :20])
    assert np.allclose(ops.area(one), (one[:, 2] - one[:, 0]) * (one[:, 3] - one[:, 1]))
    flat = np.array([[3.0, 3, 3, 5]])
    assert ops.iou(flat, flat) == 0 and ops.iou(one[None], other[None]).shape == (1, 150, 120)


@pytest.mark.parametrize("seed", range(4))
def test_suppression_is_torchvision_s_of_all_and_of_every_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(300):
        n = int(rng.integers(0, 25))
        box, score = random_boxes(n, rng, seed > 1) if n else np.zeros((0, 4)), rng.permutation(n) / max(n, 1)
        label, threshold = rng.integers(0, 3, n), float(rng.uniform(0.05, 0.95))
        given = torch.as_tensor(box), torch.as_tensor(score)
        assert ops.nms(box, score, threshold).tolist() == vision_nms(*given, threshold).tolist()
        apart = batched_nms(*given, torch.as_tensor(label), threshold)
        assert ops.nms(box, score, threshold, label).tolist() == apart.tolist()


def slow_hits(score: np.ndarray, share: np.ndarray, level: float) -> list[bool]:
    """The rule of the VOC, sentence by sentence. share: [box, object]."""
    free, hits = set(range(share.shape[1])), {}
    for k in sorted(range(len(score)), key=lambda k: -score[k]):
        best = max(range(share.shape[1]), key=lambda j: share[k, j], default=None)
        hits[k] = best is not None and share[k, best] >= level and best in free
        if hits[k]:
            free.remove(best)
    return [hits[k] for k in range(len(score))]


def slow_ap(score: np.ndarray, hit: np.ndarray, count: int, definition: str) -> float:
    """From every threshold a point; the best precision at a recall or beyond, point by point."""
    points = []
    for threshold in sorted(set(score), reverse=True):
        believed = score >= threshold
        points.append((hit[believed].sum() / count, hit[believed].mean()))

    def best(recall: float) -> float:
        return max((p for r, p in points if r >= recall - 1e-9), default=0.0)

    if definition == "points11":
        return sum(best(k / 10) for k in range(11)) / 11
    if definition == "points101":
        return sum(best(k / 100) for k in range(101)) / 101
    recalls = sorted({0.0, *(r for r, _ in points)})
    return sum((b - a) * best(b) for a, b in pairwise(recalls))


@pytest.mark.parametrize("definition", ops.DEFINITIONS)
def test_average_precision_is_that_of_a_plain_loop(definition: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(150):
        n, extra = int(rng.integers(1, 30)), int(rng.integers(0, 6))
        score, hit = rng.permutation(n) / n, rng.random(n) < 0.6
        count = int(hit.sum()) + extra
        if count:
            mine = ops.average_precision(score, hit, count, definition)
            assert mine == pytest.approx(slow_ap(score, hit, count, definition), abs=1e-9)
    assert ops.average_precision(np.zeros(0), np.zeros(0, bool), 3, definition) == 0


def test_the_envelope_is_never_below_scikit_learn_s_average() -> None:
    score, hit = RNG.permutation(200) / 200, RNG.random(200) < 0.4
    plain = average_precision_score(hit, score)
    assert plain <= ops.average_precision(score, hit, int(hit.sum())) <= plain + 0.1
    falling = np.arange(200) < 80  # where precision only falls they are the same
    assert ops.average_precision(-np.arange(200.0), falling, 80) == pytest.approx(
        average_precision_score(falling, -np.arange(200.0))
    )


def test_hits_are_those_of_a_plain_loop_and_of_every_class_apart() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        n, m = int(rng.integers(0, 12)), int(rng.integers(1, 5))
        found = np.c_[random_boxes(n, rng) if n else np.zeros((0, 4)), rng.integers(0, 2, n), rng.permutation(n)]
        truth, label = random_boxes(m, rng), rng.integers(0, 2, m)
        hit, level = ops.matched(found, label, truth, 0.3), 0.3
        for c in range(2):
            mine, there = found[:, 4] == c, label == c
            share = ops.iou(found[mine, :4], truth[there])
            assert hit[mine].tolist() == slow_hits(found[mine, 5], share, level)


@pytest.mark.parametrize("part", ["train", "test"])
def test_truth_fed_back_has_an_average_precision_of_one(part: str) -> None:
    some = scenes(60, 0, part, SIZE, CLASSES)
    found = [np.c_[box, label, np.ones(len(label))][label != NOTHING] for box, label in zip(some.box, some.label)]
    rows = ops.judged(found, some.label, some.box, len(CLASSES))
    assert all(ops.mean_ap(rows, definition) == 1 for definition in ops.DEFINITIONS)
    twice = ops.judged([np.tile(each, (2, 1)) for each in found], some.label, some.box, len(CLASSES))
    assert ops.mean_ap(twice) < 1 or all(len(score) == 2 * count for score, _, count in twice)
    flattered = ops.judged([np.tile(e, (2, 1)) for e in found], some.label, some.box, len(CLASSES), again=True)
    assert all(hit.all() for _, hit, _ in flattered) and ops.mean_ap(flattered) > 1  # recall beyond 1
    assert ops.mean_ap(ops.judged(found, np.full_like(some.label, NOTHING), some.box, len(CLASSES))) == 1


# Cells


def test_what_cells_should_say_reads_as_the_boxes_and_landmarks_that_are_there() -> None:
    some = scenes(80, 1, "train", SIZE, CLASSES)
    there, label, place = targets(some, 2)
    assert there.sum() == (some.label != NOTHING).sum()  # nobody is left out
    z = np.zeros((80, 2, PER, GRID, GRID), np.float32)
    z[:, :, 0] = np.where(there, 50, -50)
    z[:, :, 1:5], z[:, :, -POINTS:] = place[:, :, :4], place[:, :, 4:]
    for c in range(len(CLASSES)):
        z[:, :, 5 + c] = 50 * (label == c)
    found, marks = boxes(z.reshape(80, -1, GRID, GRID))
    rows = ops.judged(found, some.label, some.box, len(CLASSES), level=0.99)
    assert ops.mean_ap(rows) == 1
    for each, mark, box, meant, y in zip(found, marks, some.box, some.landmark, some.label):
        nearest = ops.iou(each[:, :4], box[y != NOTHING]).argmax(1)
        assert np.allclose(mark.reshape(-1, 4, 2), meant[y != NOTHING][nearest], atol=1e-4)


def test_an_object_goes_to_the_free_anchor_that_is_nearest_to_its_shape() -> None:
    some = scenes(60, 2, "train", SIZE, ("1", "bar"), count=(2, 2), together=1.0)
    shapes = np.array(ANCHORS)
    for cells in (GRID, 4):
        both, one = (list(assigned(some, shapes[:n], cells)) for n in (2, 1))
        assert len({(i, *place) for i, _, place, _ in both}) == len(both) > len(one)
        for i, k, (_, row, column), box in both:
            left, top, right, bottom = some.box[i, k]
            assert (row, column) == (int((top + bottom) / 2 * cells / SIZE), int((left + right) / 2 * cells / SIZE))
            assert 0 <= box[0] < 1 and 0 <= box[1] < 1
    first = {(i, *place[1:]): place[0] for i, k, place, _ in assigned(some, shapes, GRID) if k == 0}
    wide = {(i, *place[1:]): some.label[i, 0] for i, k, place, _ in assigned(some, shapes, GRID) if k == 0}
    assert all(first[at] == wide[at] for at in first)  # digits are tall, bars are wide


def test_losses_are_those_of_torch_summed_cell_by_cell() -> None:
    some = scenes(3, 0, "train", SIZE, CLASSES)
    wanted = [torch.as_tensor(part)[None] for part in targets(some, 2)]
    z = torch.randn(1, 3, 2, PER, GRID, GRID, generator=torch.Generator().manual_seed(0))
    for masked in (True, False):
        slow = torch.zeros(3)
        for i, a, y, x in np.ndindex(3, 2, GRID, GRID):
            said, there = z[0, i, a, :, y, x], wanted[0][0, i, a, y, x]
            slow[0] += functional.binary_cross_entropy_with_logits(said[0] - PRIOR, there)
            meant = wanted[2][0, i, a, :, y, x]
            if there or not masked:
                slow[1] += 2 * functional.smooth_l1_loss(said[1:5], meant[:4], beta=0.1, reduction="sum")
                slow[1] += 0.5 * functional.smooth_l1_loss(said[-POINTS:], meant[4:], beta=0.1, reduction="sum")
            if there:
                slow[2] += functional.cross_entropy(said[5 : 5 + len(CLASSES)], wanted[1][0, i, a, y, x])
        assert torch.allclose(losses(z, wanted, masked)[0], slow / 3, rtol=1e-4)


def test_the_detector_is_a_sequential_of_torch() -> None:
    nets = Detectors(2, [3, 4], 0.01, 5)
    x = torch.as_tensor(scenes(4, 0, "test", SIZE, CLASSES).x)
    with torch.no_grad():
        mine = nets.forward(nets.rows, x[None].expand(2, -1, -1, -1), False)

    def block(given: int, gives: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(given, gives, 3, stride, 1), nn.BatchNorm2d(gives), nn.ReLU()]

    body = block(1, 16, 2), block(16, 32, 2), block(32, 32, 1), block(32, 32, 1)
    net = nn.Sequential(*(layer for part in body for layer in part), nn.Conv2d(32, 2 * PER, 1))
    named = cut(nets.state(), parameters(nets.net, GIVEN) | buffers(nets.net, GIVEN))
    for seed in range(2):
        net.load_state_dict({n: torch.as_tensor(part[seed].copy()) for n, part in named.items()}, strict=False)
        net.eval()
        with torch.no_grad():
            z = net(x[:, None])
        assert torch.allclose(z.view(4, 2, PER, GRID, GRID), mine[seed], atol=1e-4)
    box, score, _ = read(z.numpy())
    said = z.view(4, 2, PER, GRID, GRID)[0, 1, :, 5, 3]
    at = GRID * GRID + 5 * GRID + 3
    middle, size = (box[0, at, :2] + box[0, at, 2:]) / 2, box[0, at, 2:] - box[0, at, :2]
    assert np.allclose(middle, [(3 + float(said[1])) * CELL, (5 + float(said[2])) * CELL], atol=1e-4)
    assert np.allclose(size, said[3:5].exp().numpy() * ANCHORS[1], atol=1e-4)
    whole = said[5 : 5 + len(CLASSES)].softmax(0) * torch.sigmoid(said[0] - PRIOR)
    assert np.allclose(score[0, at], whole.numpy(), atol=1e-5)


def test_slots_are_matched_in_the_order_with_the_smallest_loss() -> None:
    some = scenes(6, 0, "train", 24, ("1", "bar"), count=(1, 3), sides=(6, 9))
    wanted = torch.as_tensor(of_slots(some)[None].astype(np.float32))
    assert wanted.shape == (1, 6, 3, 5) and (wanted[0, :, :, 0].sum(1).numpy() == (some.label != NOTHING).sum(1)).all()
    z = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1))
    net = Boxes.__new__(Boxes)
    net.name = "matched"
    orders = [off(z, wanted[:, :, list(p)]).sum(2)[0] for p in permutations(range(3))]
    assert torch.allclose(net.loss(z, wanted)[0], torch.stack(orders).amin(0).mean())
    net.name = "order"
    assert torch.allclose(net.loss(z, wanted)[0], orders[0].mean())


# What is measured


def test_outcomes_count_every_believed_box_and_every_object_once() -> None:
    truth = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30], [0, 0, 0, 0]])
    label = np.array([1, 2, NOTHING])
    found = np.array([
        [0, 0, 10, 10, 1, 0.95], [0, 0, 10, 9, 1, 0.75], [20, 20, 30, 30, 0, 0.65], [24, 24, 34, 34, 2, 0.45],
        [12, 0, 18, 5, 1, 0.35],
    ])  # fmt: skip
    count = outcomes(found, label, truth)
    assert count[0].tolist() == [1, 1, 1, 1, 1, 1] and count[-1].tolist() == [1, 0, 0, 0, 0, 1]
    assert (count[:, :-1].sum(1) == [(found[:, 5] >= c).sum() for c in CONFIDENCES]).all()
    assert (count[:, OUTCOMES.index("hit")] + count[:, OUTCOMES.index("missed")] == 2).all()
    perfect = scenes(20, 0, "test", SIZE, CLASSES)
    rows = [np.c_[b, y, np.ones(len(y))][y != NOTHING] for b, y in zip(perfect.box, perfect.label)]
    marks = [m[y != NOTHING].reshape(-1, 8) for m, y in zip(perfect.landmark, perfect.label)]
    whole = measured(rows, marks, rows, perfect)
    assert np.allclose(whole["defined"], 1) and np.isclose(whole["off"], 1) and whole["landmark"][0] == 0
    assert np.allclose(whole["precision"], 1) and whole["outcome"][:, 1:].sum() == 0
    nothing = measured([np.zeros((0, 6))] * 20, [np.zeros((0, 8))] * 20, [np.zeros((0, 6))] * 20, perfect)
    assert nothing["unsuppressed"] == 0 and np.isnan(nothing["off"])


def test_corners_may_come_in_any_order() -> None:
    for a, b in permutations([(4.0, 8.0), (18.0, 24.0)]):
        assert corners(np.array([a, b])).tolist() == [4, SIZE - 24, 18, SIZE - 8]


def test_windows_answer_as_crops_do() -> None:
    name = "object_detection.window"
    *_, last = train_module(name).train(experiment(name).tiny)
    assert last.difference.max() < 1e-3 and last.products[0] > 2 * last.products[1]
    assert last.map.shape[1:] == ((SIZE - WINDOW) // STRIDE + 1,) * 2


def test_by_hand_nothing_is_nothing_and_suppression_takes_only_what_overlaps() -> None:
    module, params = train_module("object_detection"), experiment("object_detection").tiny
    run = module.train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            state = end.value
            break
    for question in (Placed(places=()), Placed(confidence=0.05, across=True), Placed(pixels="8" * SIZE**2)):
        found = module.answer(params, result, state, question)
        assert found.scene.shape == (SIZE, SIZE) and len(found.mark) == len(found.found)
        for a, b in combinations(found.found, 2):
            if question.across:
                assert ops.iou(a[None, :4], b[None, :4])[0, 0] <= question.threshold
        assert figures.summary_detected(found, "en") and figures.draw_detected(found, "zh")


# Claims


def detector(**given: Any) -> Result:
    """A finished Result with these numbers [seed] in the end, on three seeds."""
    shape = {
        "end": 1, "way": 3, "threshold": len(THRESHOLDS), "definition": 3, "level": len(HITS), "recall": 101,
        "confidence": len(CONFIDENCES), "outcome": len(OUTCOMES), "who": 2, "class": len(CLASSES),
    }  # fmt: skip
    return known(Result, Params(seeds=3), 0.0, shape, **{"ap": np.zeros((3, 2))} | given)


def ways(**values: dict[int, float]) -> np.ndarray:
    """AP by way and threshold."""
    found = np.full((3, 1, 3, len(THRESHOLDS)), 0.8)
    for way, changed in values.items():
        for at, value in changed.items():
            found[:, :, ("class", "across", "counted").index(way), at] = value
    return found + np.array([0, 1e-4, 2e-4])[:, None, None, None] * (found != 0.8)


def aps(*last: float) -> np.ndarray:
    return np.stack([np.zeros(3), np.array(last)], 1)


def definitions(change: dict[tuple[int, int], float]) -> np.ndarray:
    found = np.full((3, 1, 3, 2), 0.8)
    for at, value in change.items():
        found[:, 0, at[0], at[1]] = value
    return found


def counted(name: str, low: float, high: float) -> np.ndarray:
    found = np.zeros((3, 1, len(CONFIDENCES), len(OUTCOMES)))
    found[:, :, 0, OUTCOMES.index(name)], found[:, :, -1, OUTCOMES.index(name)] = low, high
    return found


def classes(shapes: float) -> np.ndarray:
    found = np.full((3, 1, len(CLASSES)), 0.7)
    found[:, :, claims.SHAPES] = shapes
    return found


def nets(kind: str, **values: float) -> Targets:
    ap = np.full((len(NETS), 1, len(KINDS), 3), 0.5) + np.array([0, 1e-3, 2e-3])
    for net, value in values.items():
        ap[NETS.index(net), 0, KINDS.index(kind)] = value
    return known(Targets, Params(seeds=3), ap=ap)


def slid(**values: Any) -> Window:
    given = {"best": np.full((3, 1), 0.4), "products": np.array([4.0, 1.0])} | values
    return known(Window, Params(seeds=3), **given)


HIGH, LOW = aps(0.85, 0.86, 0.87), aps(0.3, 0.31, 0.32)
NONE = np.zeros(3)
KNOWN = {
    "detects": (detector(ap=HIGH), detector(ap=LOW)),
    "rule": (detector(ap=HIGH, rule=NONE + 0.4), detector(ap=LOW, rule=NONE + 0.4)),
    "bound": (detector(off=NONE[:, None] + 0.8), detector(off=NONE[:, None] + 0.5)),
    "doubles": tuple(detector(suppressed=ways(), unsuppressed=NONE[:, None] + v) for v in (0.7, 0.8)),
    "strict": (detector(suppressed=ways()), detector(suppressed=ways(**{"class": {0: 0.5}}))),
    "counted": (detector(suppressed=ways(counted={-1: 1.1})), detector(suppressed=ways())),
    "eleven": (detector(defined=definitions({})), detector(defined=definitions({(0, 0): 0.5}))),
    "coco": (detector(defined=definitions({})), detector(defined=definitions({(2, 0): 0.5}))),
    "level": (detector(defined=definitions({(1, 1): 0.4})), detector(defined=definitions({}))),
    "missed": (detector(outcome=counted("missed", 0.2, 1.0)), detector(outcome=counted("missed", 0.2, 0.2))),
    "false": (detector(outcome=counted("class", 0.5, 0.0)), detector(outcome=counted("class", 0.1, 0.1))),
    "shapes": (detector(by_class=classes(0.9)), detector(by_class=classes(0.7))),
    "landmarks": tuple(detector(landmark=np.tile([1.0, v], (3, 1, 1))) for v in (1.5, 1.0)),
    "order": (nets("two", order=0.02), nets("two", order=0.3)),
    "matched": (nets("two", order=0.1), nets("two")),
    "cells": (nets("three", matched=0.1), nets("three")),
    "anchors": (nets("together", cells=0.3), nets("together")),
    "one_shape": (nets("two", anchors=0.3), nets("two")),
    "masked": (nets("one", unmasked=0.05), nets("one")),
    "same": tuple(slid(difference=np.full((3, 1), v)) for v in (1e-6, 0.5)),
    "cheaper": tuple(slid(products=np.array([v, 1.0])) for v in (4.0, 1.0)),
    "quicker": tuple(slid(seconds=np.tile(np.array([v, 1.0])[:, None, None], (1, 3, 1))) for v in (4.0, 1.0)),
    "coarse": tuple(slid(best=np.full((3, 1), v)) for v in (0.4, 0.9)),
    "unmasked": (detector(ap=LOW), detector(ap=HIGH)),
    "across": (detector(suppressed=ways(across={4: 0.5})), detector(suppressed=ways())),
}  # fmt: skip


def test_predictions_say_who_is_ahead() -> None:
    rule, two = claims.PREDICTIONS
    assert rule.answer(detector(ap=HIGH, rule=NONE + 0.4))[0] == "more"  # type: ignore[index]
    assert rule.answer(detector(ap=LOW, rule=NONE + 0.4))[0] == "less"  # type: ignore[index]
    assert two.answer(nets("together", anchors=0.7))[0] == "more"  # type: ignore[index]
    assert len(CLASSES) == len(claims.SHAPES) + len(claims.DIGITS) and Params().tested > 0
