"""Segmentation against torch.nn, scikit-learn, scipy and plain loops."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_cdt
from sklearn.metrics import accuracy_score, jaccard_score, recall_score
from torch import Tensor, nn
from torch.nn import functional

from core.concept.parts import experiment, train_module
from core.concepts.segmentation import claims, figures
from core.concepts.segmentation.losses.params import LOSSES
from core.concepts.segmentation.losses.params import Result as Lost
from core.concepts.segmentation.losses.train import overlapping, own_loss, recalls
from core.concepts.segmentation.networks import (
    DOUBLED,
    POOL,
    Batches,
    Nets,
    borders,
    class_iou,
    cross_entropy,
    drawn,
    scores,
)
from core.concepts.segmentation.params import (
    BASELINES,
    CHANNELS,
    CLASSES,
    DISTANCES,
    MEASURES,
    NETS,
    OFTEN,
    RARE,
    SHIFT,
    SIZE,
    Drawn,
    Params,
    Result,
    sizes,
)
from core.concepts.segmentation.train import KINDS, by_distance
from core.concepts.segmentation.upsampling.params import FLAT, UPS
from core.concepts.segmentation.upsampling.params import Result as Doubled
from core.concepts.segmentation.upsampling.train import unevenness
from core.takeaway.weights import cut
from tests.known import known

CONSTANTS = {SIZE, 0, 1, SHIFT}
LIST = list(range(len(CLASSES)))
RNG = np.random.default_rng(0)


def random_masks(n: int) -> tuple[np.ndarray, np.ndarray]:
    """True masks of scenes, and others that are like them."""
    truth = drawn(Params(), 7, "train", n)[1]
    said = np.where(RNG.random(truth.shape) < 0.2, RNG.integers(0, len(CLASSES), truth.shape), truth)
    return truth, said


# Scenes


def test_scenes_have_the_classes_they_should_as_often_as_they_should() -> None:
    x, y = drawn(Params(noise=0.0), 0, "train", 200)
    assert x.shape == y.shape == (200, SIZE, SIZE) and set(np.unique(y)) == set(LIST)
    assert (x[y > 0] > 0.15).all() and (x[y == 0] < 0.3).all()
    objects = [np.sum((y == c).any((1, 2))) for c in LIST[1:]]
    assert min(objects[:3]) > objects[3] and CLASSES[4] == RARE
    assert [POOL.count(c) for c in LIST[1:]] == list(OFTEN.values())


def test_what_moves_is_the_picture_and_where_wanted_its_mask() -> None:
    made = {how: Batches(Params(examples=20, steps=4, seeds=1, moved=how)) for how in ("none", "both", "picture")}
    for step in range(4):
        still, both, apart = (made[how].at(step) for how in ("none", "both", "picture"))
        shift = tuple(made["both"].shifts[step])
        assert torch.equal(both[0], still[0].roll(shift, (2, 3))) and torch.equal(apart[0], both[0])
        assert torch.equal(both[1], still[1].roll(shift, (2, 3))) and torch.equal(apart[1], still[1])
    assert len({tuple(shift) for shift in made["both"].shifts}) > 1


# Measures


def test_measures_are_scikit_learn_s() -> None:
    truth, said = random_masks(12)
    flat = truth.ravel(), said.ravel()
    found = dict(zip(MEASURES, scores(truth, said)))
    assert found["accuracy"] == pytest.approx(accuracy_score(*flat))
    each = jaccard_score(*flat, average=None, labels=LIST)
    assert np.allclose(class_iou(truth, said), each) and found["iou"] == pytest.approx(each.mean())
    assert np.allclose(recalls(truth, said), recall_score(*flat, average=None, labels=LIST))
    by_scene = [
        jaccard_score(a.ravel(), b.ravel(), average=None, labels=LIST, zero_division=1) for a, b in zip(truth, said)
    ]
    assert found["absent"] == pytest.approx(np.mean(by_scene))
    assert (scores(truth, truth) == 1).all()


def test_borders_are_where_a_class_has_a_neighbour_of_another() -> None:
    truth, said = random_masks(6)
    slow = np.zeros(truth.shape, bool)
    for i, r, c in np.ndindex(truth.shape):
        slow[i, r, c] = (truth[i, max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2] != truth[i, r, c]).any()
    assert (borders(truth) == slow).all()
    each = []
    for c in LIST[1:]:
        a, b = (truth == c) & borders(truth), (said == c) & borders(said)
        each.append((a & b).sum() / (a | b).sum())
    assert scores(truth, said)[MEASURES.index("boundary")] == pytest.approx(np.mean(each))


def test_distance_from_a_border_is_scipy_s() -> None:
    truth, said = random_masks(8)
    far = np.stack([distance_transform_cdt(~border, "chessboard") + 1 for border in borders(truth)])
    wrong = truth != said
    last = DISTANCES[-1]
    slow = [wrong[far == d].mean() for d in DISTANCES[:-1]] + [wrong[far >= last].mean()]
    assert np.allclose(by_distance(truth, said), slow)
    nobody = by_distance(np.zeros((1, 8, 8), int), np.ones((1, 8, 8), int))
    assert np.isnan(nobody[:-1]).all() and nobody[-1] == 1


# Networks


class Reference(nn.Module):
    """The network by torch.nn, sides doubled as torch does it."""

    def __init__(self, depth: int, up: str, skips: bool):
        super().__init__()

        def block(given: int) -> list[nn.Module]:
            return [nn.Conv2d(given, CHANNELS, 3, padding=1), nn.BatchNorm2d(CHANNELS), nn.ReLU()]

        self.depth, self.doubling, self.skips = depth, up, skips
        self.down = nn.ModuleList(nn.Sequential(*block(CHANNELS if k else 1)) for k in range(depth + 1))
        self.up = nn.ModuleList(nn.Sequential(*block(CHANNELS)) for _ in range(depth))
        self.head = nn.Sequential(*block(CHANNELS), nn.Conv2d(CHANNELS, len(CLASSES), 1))

    def forward(self, x: Tensor) -> Tensor:
        h, before, places = self.down[0](x), [], []
        for k in range(self.depth):
            before.append(h)
            h, place = functional.max_pool2d(h, 2, return_indices=True)
            places.append(place)
            h = self.down[k + 1](h)
        for k in reversed(range(self.depth)):
            conv, norm, act = self.up[k]
            if self.doubling == "learnt":  # the kernel turned round, its channels swapped
                turned = conv.weight.flip(2, 3).transpose(0, 1)
                z = functional.conv_transpose2d(h, turned, conv.bias, 2, 1, 1)
            elif self.doubling == "unpooling":
                z = conv(functional.max_unpool2d(h, places[k], 2))
            else:
                z = conv(nn.Upsample(scale_factor=2, mode=self.doubling)(h))
            h = act(norm(z)) + (before[k] if self.skips else 0)
        return self.head(h)


@pytest.mark.parametrize("depth", [1, 2])
def test_networks_are_modules_of_torch_and_the_learnt_way_is_a_transposed_convolution(depth: int) -> None:
    kinds = [*((up, False) for up in UPS), ("learnt", True)]
    nets = Nets(kinds, Params(depth=depth, seeds=2, steps=2, weight_seed=3))
    x = torch.as_tensor(np.stack([drawn(Params(), s, "test", 3)[0] for s in range(2)]))
    nets.learn(x, torch.zeros(x.shape, dtype=torch.int64), cross_entropy)  # that norms have seen something
    mine, named = nets.outputs(x).unflatten(0, (len(kinds), 2)), cut(nets.state(), sizes(depth))
    for k, (up, skips) in enumerate(kinds):
        for seed in range(2):
            net = Reference(depth, up, skips)
            state = {name: torch.as_tensor(part[k, seed].copy()) for name, part in named.items()}
            assert not net.load_state_dict(state, strict=False).unexpected_keys
            with torch.no_grad():
                assert torch.allclose(net.eval()(x[seed][:, None]), mine[k, seed], atol=2e-4), (up, skips)


def test_all_start_from_the_same_weights_and_take_any_size() -> None:
    nets = Nets(KINDS, Params(seeds=2, steps=1))
    rows = nets.rows.unflatten(0, (2, 2))
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0, 0], rows[0, 1])
    x = torch.rand(2, 1, 32, 40, generator=torch.Generator().manual_seed(0))
    whole = nets.outputs(x)
    assert whole.shape == (4, 1, len(CLASSES), 32, 40)
    part = nets.outputs(x[:, :, :, :32])  # far from the cut all is as it was: a dense layer could not do that
    assert torch.allclose(part[..., :8], whole[..., :8], atol=1e-5)
    for up in UPS:
        high = torch.rand(1, 2, 6, 6)
        assert DOUBLED[up](functional.max_pool2d(high, 2), high).shape == high.shape


def test_an_even_picture_shows_what_is_uneven_in_the_network() -> None:
    nets = Nets([(up, False) for up in UPS], Params(seeds=1, steps=1))
    z = nets.outputs(torch.rand(1, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(0)))
    flat, board = unevenness(z, nets.outputs(torch.full((1, 1, FLAT, FLAT), 0.5)))
    assert np.allclose(np.sqrt((flat**2).mean((1, 2))), board)
    assert board[UPS.index("learnt")] > 0.05 and board[UPS.index("bilinear")] < 1e-4
    assert board[UPS.index("nearest")] < 1e-4
    period = 2 ** Params().depth
    assert np.allclose(flat[0, period:], flat[0, :-period], atol=1e-4)  # a pattern that repeats


# Losses


def test_losses_are_those_of_torch_and_of_plain_sums() -> None:
    z = torch.randn(4, 3, len(CLASSES), 6, 6, generator=torch.Generator().manual_seed(0))
    y = torch.as_tensor(RNG.integers(0, len(CLASSES), (4, 3, 6, 6)))
    weight = torch.tensor([1.0, 2, 3, 4, 5])
    found = own_loss(z, y, weight)
    assert found[0] == pytest.approx(float(functional.cross_entropy(z[0], y[0])), rel=1e-5)
    assert found[1] == pytest.approx(float(functional.cross_entropy(z[1], y[1], weight)), rel=1e-5)
    for k, times in ((2, 2), (3, 1)):
        p, each = z[k].softmax(1), []
        for c in LIST:
            both, one, other = (p[:, c] * (y[k] == c)).sum(), p[:, c].sum(), (y[k] == c).sum()
            each.append(1 - (times * both + 1) / (one + other - (0 if times == 2 else both) + 1))
        assert found[k] == pytest.approx(float(torch.stack(each).mean()), rel=1e-5)
    sure = 100.0 * functional.one_hot(y, len(CLASSES)).movedim(-1, 2)
    assert float(overlapping(sure, y, 2).max()) < 1e-5 and len(LOSSES) == 4


# The whole


@cache
def trained() -> tuple[Result, dict[str, np.ndarray]]:
    steps = train_module("segmentation").train(Params(depth=1, examples=40, tested=10, steps=12, seeds=1))
    while True:
        try:
            result = next(steps)
        except StopIteration as end:
            return result, end.value


def test_paper_everywhere_is_right_as_often_as_there_is_paper() -> None:
    result = trained()[0]
    paper = dict(zip(MEASURES, result.base[BASELINES.index("paper"), 0]))
    assert paper["accuracy"] == pytest.approx(result.pixels[0], abs=1e-6) and result.pixels.sum() == pytest.approx(1)
    assert paper["iou"] == pytest.approx(paper["accuracy"] / np.sum(result.pixels > 0)) and paper["boundary"] == 0
    grey = dict(zip(MEASURES, result.base[BASELINES.index("grey"), 0]))
    assert grey["accuracy"] >= paper["accuracy"]
    assert result.loss[:, 0, -1].max() < result.loss[:, 0, 0].min()


@pytest.mark.parametrize("side", ["24", "48"])
def test_a_drawing_is_seen_in_a_scene_of_any_size(side: str) -> None:
    result, state = trained()
    pixels = "0" * (3 * SIZE) + ("0" * 4 + "g" * 12 + "0" * 8) * 5 + "0" * (16 * SIZE)
    blank = train_module("segmentation").answer(result.params, result, state, Drawn(side=side))
    found = train_module("segmentation").answer(result.params, result, state, Drawn(pixels=pixels, side=side))
    assert found.picture.shape == (int(side), int(side)) and found.said.shape == (2, int(side), int(side))
    assert (found.picture[3:8, 4:16] == 1).all()
    changed = found.picture != blank.picture
    assert changed[3:8, 4:16].all() and not changed[8:].any()
    assert figures.summary_segmented(found, "en") and figures.draw_segmented(found, "zh")


def test_signs_stand_on_every_part_of_a_mask() -> None:
    mask = np.zeros((9, 9), int)
    mask[0:2, 0:2], mask[2, 2], mask[6:9, 6:9] = 1, 1, 1
    parts = figures.regions(mask == 1)
    assert sorted(len(rows) for rows, _ in parts) == [5, 9]


# Claims


THREE = Params(seeds=3)


def nets(base: Any = None, params: Params = THREE, **last: tuple[float, float]) -> Result:
    """A finished Result: of each measure what both networks reach, and what the rules do."""
    score = np.full((len(NETS), 3, 1, len(MEASURES)), 0.5)
    for name, values in last.items():
        score[..., MEASURES.index(name)] = np.array(values)[:, None, None] + np.array([0, 1e-3, 2e-3])[:, None]
    rules = np.full((len(BASELINES), 3, len(MEASURES)), 0.4)
    for (rule, name), value in (base or {}).items():
        rules[BASELINES.index(rule), :, MEASURES.index(name)] = value + np.array([0, 1e-3, 2e-3])
    return known(Result, params, score=score, base=rules)


def wrong(without: float, found: float) -> Result:
    values = np.zeros((2, 3, 1, len(DISTANCES)))
    values[..., 0] = np.array([without, found])[:, None, None] + np.array([0, 1e-3, -1e-3])[:, None]
    return known(Result, THREE, 0.5, {"end": 1, "tick": 1, "measure": len(MEASURES)}, wrong=values)


def doubled(board: float = 0.0, **boundary: float) -> Doubled:
    score = np.full((len(UPS), 3, 1, len(MEASURES)), 0.4) + np.array([0, 1e-3, 2e-3])[:, None, None]
    uneven = np.zeros((len(UPS), 3, 1))
    uneven[UPS.index("learnt")] = board
    for name, value in boundary.items():
        score[UPS.index(name)] = value
    return known(Doubled, THREE, score=score, board=uneven)


def lost(**values: float) -> Lost:
    score = np.full((len(LOSSES), 3, 1, len(MEASURES)), 0.5) + np.array([0, 1e-3, 2e-3])[:, None, None]
    recall = np.full((len(LOSSES), 3, 1, len(CLASSES)), 0.2)
    for name, value in values.items():
        score[LOSSES.index(name)] = recall[LOSSES.index(name)] = value
    return known(Lost, Params(seeds=3), score=score, recall=recall)


ONE = Params(seeds=3, depth=1)
KNOWN = {
    "flatters": tuple(nets({("paper", "accuracy"): v}) for v in (0.8, 0.5)),
    "unmasked": tuple(nets({("paper", "iou"): v}) for v in (0.16, 0.5)),
    "close": tuple(nets({("paper", "accuracy"): 0.8}, accuracy=(v, 0.97)) for v in (0.9, 0.99)),
    "grey": tuple(nets({("grey", "iou"): v}, iou=(0.6, 0.7)) for v in (0.35, 0.69)),
    "skips": tuple(nets(boundary=(v, 0.6)) for v in (0.3, 0.6)),
    "iou": tuple(nets(iou=(v, 0.6)) for v in (0.3, 0.6)),
    "border": (wrong(0.2, 0.1), wrong(0.1, 0.1)),
    "shallow": tuple(nets(params=ONE, boundary=(v, 0.6)) for v in (0.58, 0.2)),
    "absent": tuple(nets(iou=(0.6, 0.6), absent=(v, v)) for v in (0.8, 0.6)),
    "learnt": (doubled(learnt=0.6), doubled()),
    "boards": (doubled(board=0.2), doubled()),
    "unpooled": (doubled(unpooling=0.6), doubled()),
    "rare": (lost(weighted=0.6), lost()),
    "dice": (lost(dice=0.7), lost()),
    "alike": (lost(), lost(dice=0.8)),
    "apart": (nets(boundary=(0.1, 0.2)), nets(boundary=(0.3, 0.6))),
}  # fmt: skip


def test_predictions_say_who_is_ahead() -> None:
    skips, learnt = claims.PREDICTIONS
    assert skips.answer(nets(iou=(0.3, 0.6)))[0] == "more"  # type: ignore[index]
    assert skips.answer(nets(iou=(0.6, 0.3)))[0] == "less"  # type: ignore[index]
    assert learnt.answer(doubled(learnt=0.2))[0] == "less"  # type: ignore[index]
    assert experiment("segmentation.upsampling").Result is Doubled
