"""What a run records: the moments of a schedule against a plain count, and arrays as their axes say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from core.concept.result import BaseResult, array, arrays
from core.ml.recording import Recording, fitted, schedule, stacked


@dataclass(frozen=True)
class Seen(BaseResult):
    """One field of every kind."""

    nets: int
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+ split")
    spare: np.ndarray = array("net tick+", fill=np.nan)
    picture: np.ndarray = array("frame+ row", dtype="uint8")
    late: np.ndarray = array("net seed end+")
    attacked: np.ndarray = array("net", fill=np.nan)
    path: np.ndarray = array("moment+ direction", dtype="float64")


SIZES = {"net": 2, "seed": 3, "split": 2, "frame": 2, "row": 4, "end": 1, "direction": 2}


def recording(**changed: int) -> Recording:
    return Recording(Seen, "params", 20, SIZES | changed, nets=2, tick=np.array([0, 5, 20]))


# The schedule


@pytest.mark.parametrize(
    ("total", "chunk", "ticks", "frames"),
    [
        *product((0, 1, 7, 12), (1, 3, 5, 100), ((0,), (0, 4, 6)), ((), (3,))),
        (12, 3, (0, 6, 12), (0, 12)),
    ],
)
def test_moments_are_those_of_a_plain_count(
    total: int, chunk: int, ticks: tuple[int, ...], frames: tuple[int, ...]
) -> None:
    ticks, frames = (tuple(step for step in steps if step <= total) for steps in (ticks, frames))
    expected, taken = [], []
    for step in range(total + 1):  # one step after the other, and a look at everything after each
        due = {name for name, steps in (("tick", ticks), ("frame", frames)) if step in steps}
        if due or step % chunk == 0 or step == total:
            expected.append((step, due, step == total))
    found = list(schedule(total, chunk, tick=np.array(ticks), frame=frames))
    assert [(moment.step, moment.due, moment.last) for moment in found] == expected
    for moment in found:
        taken += moment.steps
        assert len(taken) == moment.step
    assert taken == list(range(total))


# The arrays


def test_arrays_are_made_from_the_axes_and_grow_with_what_is_appended() -> None:
    record = recording()
    first = record.result(0)
    assert type(first) is Seen and (first.params, first.step, first.total, first.nets) == ("params", 0, 20, 2)
    shapes = {name: (values.dtype.name, values.shape) for name, values in arrays(first).items()}
    assert shapes == {
        "tick": ("int64", (0,)),
        "loss": ("float32", (2, 3, 0, 2)),
        "spare": ("float32", (2, 0)),
        "picture": ("uint8", (0, 4)),
        "late": ("float32", (2, 3, 0)),
        "attacked": ("float32", (2,)),
        "path": ("float64", (0, 2)),
    }
    assert np.isnan(first.attacked).all()

    members = np.arange(12.0).reshape(6, 2)  # member = net · 3 + seed
    record.append("tick", loss=members)
    record.append("tick", loss=members.reshape(2, 3, 2) + 1, spare=[7, 8])
    record.append("frame", picture=np.arange(4))
    result = record.result(5)
    assert result.tick.tolist() == [0, 5] and result.loss.shape == (2, 3, 2, 2)
    assert result.loss[1, 2].tolist() == [[10, 11], [11, 12]]
    assert np.array_equal(result.spare, [[np.nan, 7], [np.nan, 8]], equal_nan=True)
    assert result.picture.tolist() == [[0, 1, 2, 3]] and result.late.size == 0

    record.append("end", late=np.arange(6))
    record.set(attacked=[0.5, 1], path=np.ones((4, 2)))
    last = record.result(9, total=9)
    assert last.complete and last.late[1, :, 0].tolist() == [3, 4, 5]
    assert last.attacked.dtype == np.float32 and last.path.shape == (4, 2)
    assert np.isnan(result.attacked).all(), "what was handed out was changed"


def test_members_are_parted_as_the_axes_say() -> None:
    weights = np.arange(12).reshape(6, 2)
    assert np.array_equal(recording().parted("net seed", weights), weights.reshape(2, 3, 2))
    with pytest.raises(ValueError, match="members: the axis net · seed is 6 long, not 5"):
        recording().parted("net seed", weights[:5])


@pytest.mark.parametrize(
    ("axis", "found", "said"),
    [
        ("tick", {"loss": np.zeros((5, 2))}, "loss: the axis net · seed is 6 long, not 5"),
        ("tick", {"loss": np.zeros((2, 3, 3))}, "loss: the axis split is 2 long, not 3"),
        ("tick", {"loss": np.zeros((2, 4, 2))}, "loss: the axis seed is 3 long, not 4"),
        ("tick", {"loss": 0.0}, r"loss has the axes \(net, seed, split\), not the shape \(\)"),
        ("tick", {"loss": np.zeros((1, 2, 3, 2))}, "loss has the axes"),
        ("tick", {"attacked": np.zeros(2)}, "attacked has no axis tick"),
        ("moment", {"path": np.zeros(2)}, "the axis moment is full: its size is 0"),
    ],
)
def test_what_does_not_fit_is_named(axis: str, found: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        recording().append(axis, **found)


def test_sizes_that_are_missing_or_clash_are_named() -> None:
    with pytest.raises(ValueError, match="loss: nobody said how long the axis split is"):
        Recording(Seen, None, 20, {n: v for n, v in SIZES.items() if n != "split"}, nets=2, tick=np.arange(3))
    with pytest.raises(ValueError, match="tick: the axis tick is 4 long, not 3"):
        recording(tick=4)
    with pytest.raises(ValueError, match="attacked: the axis net is 2 long, not 3"):
        recording().set(attacked=np.zeros(3))
    record = recording()
    for _ in range(3):
        record.append("tick")
    with pytest.raises(ValueError, match="the axis tick is full: its size is 3"):
        record.append("tick")


def test_populations_stand_side_by_side() -> None:
    found = stacked({"loss": np.full(3, i), "right": np.zeros((3, 2))} for i in range(4))
    assert found["loss"].tolist() == [[i] * 3 for i in range(4)] and found["right"].shape == (4, 3, 2)
    assert fitted("loss", found["loss"], {"net": 4, "seed": 3}) is found["loss"]
