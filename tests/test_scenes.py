"""Scenes: what is said of them is what can be seen, and no digit is both trained on and tested on."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations

import numpy as np
import pytest

from core.ml.data import SPLITS, digits
from core.ml.scenes import INK, NOTHING, SHAPES, THINGS, Scenes, glyphs, placed, scenes


def alone(name: str, side: int = 12, size: int = 24) -> Scenes:
    return placed([(name, size // 2, size // 2, side)], 3, "test", size=size, noise=0)


def test_scenes_are_the_same_again_and_others_by_seed_and_split() -> None:
    one, again = scenes(20, 0, "train"), scenes(20, 0, "train")
    assert all(np.array_equal(getattr(one, f.name), getattr(again, f.name)) for f in fields(Scenes))
    assert (
        one.x.dtype == np.float32 and one.x.shape == (20, 32, 32) and scenes(3, 0, "test", 24).x.shape[1:] == (24, 24)
    )
    assert not np.array_equal(one.x, scenes(20, 1, "train").x)
    assert not np.array_equal(one.x, scenes(20, 0, "test").x)


@pytest.mark.parametrize("seed", range(5))
def test_no_digit_is_in_two_splits_and_each_is_of_its_class(seed: int) -> None:
    rows = [np.concatenate(glyphs(seed, part)) for part in SPLITS]
    assert not any(np.intersect1d(a, b).size for a, b in combinations(rows, 2))
    assert len(np.concatenate(rows)) == len(digits()[1])
    assert all((digits()[1][mine] == c).all() for c, mine in enumerate(glyphs(seed, "test")))


@pytest.mark.parametrize("name", THINGS)
def test_box_mask_and_landmarks_are_those_of_the_ink(name: str) -> None:
    one = alone(name)
    drawn = one.mask[0] > 0
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    left, top, right, bottom = one.box[0, 0]
    assert (left, top, right, bottom) == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert set(np.unique(one.mask)) == {0, 1 + THINGS.index(name)}
    assert (one.x[0][drawn] >= 0.6 * INK - 1e-6).all()
    sides = drawn[int(top)], drawn[:, int(right) - 1], drawn[int(bottom) - 1], drawn[:, int(left)]
    for point, edge, along, line in zip(one.landmark[0, 0], (top, right, bottom, left), (0, 1, 0, 1), sides):
        assert point[1 - along] == edge and point[along] == pytest.approx(np.flatnonzero(line).mean() + 0.5)


def test_shapes_have_their_areas_and_digits_their_proportions() -> None:
    side = 16
    area = {name: alone(name, side, 32).mask.astype(bool).sum() / side**2 for name in SHAPES}
    assert area["square"] == 1 and abs(area["disc"] - np.pi / 4) < 0.08 and abs(area["triangle"] - 0.5) < 0.08
    left, top, right, bottom = alone("bar", side, 32).box[0, 0]
    assert right - left == side and bottom - top == round(0.45 * side)
    ones, zeros = (np.mean([np.ptp(alone(name, 14, 24).box[0, 0][[0, 2]]) for _ in range(3)]) for name in "10")
    assert ones < 14 and zeros < 14  # taller than wide


def test_objects_are_on_the_canvas_as_many_as_asked_and_apart() -> None:
    some = scenes(300, 2, "train", count=(1, 4), overlap=0.0, things=("0", "7", "disc"))
    there = some.label != NOTHING
    assert set(np.unique(there.sum(1))) == {1, 2, 3, 4}
    assert some.label.max() == 2 and (some.box >= 0).all() and (some.box <= 32).all()
    assert (some.box[~there] == 0).all() and (some.mask.max((1, 2)) > 0).all()
    for box, here in zip(some.box, there):
        for a, b in combinations(box[here], 2):
            assert (np.minimum(a[2:], b[2:]) <= np.maximum(a[:2], b[:2])).any()  # no pixel in common


def test_objects_put_together_share_their_middle() -> None:
    some = scenes(200, 0, "train", things=("1", "bar"), count=(2, 2), together=1.0)
    both = (some.label != NOTHING).all(1)
    middle = (some.box[both, :, :2] + some.box[both, :, 2:]) / 2
    assert both.mean() > 0.8 and np.abs(middle[:, 0] - middle[:, 1]).max() <= 2.5
    assert (some.label[both, 0] != some.label[both, 1]).all()


def test_noise_is_around_paper_and_what_is_placed_by_hand_stays_on_the_canvas() -> None:
    some = scenes(50, 0, "test", noise=0.2)
    assert abs(some.x[some.mask == 0].std() - 0.2) < 0.05
    corner = placed([("7", 0, 31, 15), ("disc", 31, 0, 9)], 0, "test")
    assert corner.label[0].tolist() == [7, THINGS.index("disc")]
    assert (corner.box >= 0).all() and (corner.box <= 32).all()
    assert (placed([], 0, "test").label == NOTHING).all()
