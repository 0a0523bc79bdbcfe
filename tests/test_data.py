"""Data sets and the streams of random numbers they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from core.concepts.optimizer_race.params import POINTS
from core.ml.data import batch_orders, digits, points, split
from core.ml.random import stream


def test_digits_are_those_of_scikit_learn() -> None:
    x, y = digits()
    pictures, labels = load_digits(return_X_y=True)
    assert x.shape == (1797, 64) and x.dtype == np.float32 and y.dtype == np.int64
    assert np.array_equal(x * 16, pictures) and np.array_equal(y, labels)
    assert x.min() == 0 and x.max() == 1


@pytest.mark.parametrize("n", [60, 61, 62, 63, 64, 1797])
def test_a_split_shares_out_everything_once(n: int) -> None:
    x, y = np.arange(n, dtype=np.float32)[:, None], np.arange(n) % 3
    data = split(x, y, 0)
    sizes = [len(part) for part in data.x]
    assert np.abs(np.array(sizes) - n * np.array([0.6, 0.2, 0.2])).max() <= 1
    assert sorted(np.concatenate(data.x)[:, 0]) == list(range(n))
    for inputs, labels in zip(data.x, data.y):
        assert np.array_equal(inputs[:, 0].astype(int) % 3, labels)
    assert data.classes == 3
    again, other = split(x, y, 0), split(x, y, 1)
    assert np.array_equal(data.x[0], again.x[0]) and not np.array_equal(data.x[0], other.x[0])
    assert not np.array_equal(np.sort(data.x[0], 0), np.sort(other.x[0], 0))  # other examples, not another order only


@pytest.mark.parametrize("kind", POINTS)
def test_points_are_within_reach_in_two_even_classes(kind: str) -> None:
    x, y = points(kind, 301, 0.0, 5)
    assert x.shape == (301, 2) and x.dtype == np.float32 and y.dtype == np.int64
    assert (y == 0).sum() == 151 and (y == 1).sum() == 150
    assert np.abs(x).max() < 1.5 and np.abs(x).max() > 0.6
    assert np.array_equal(x, points(kind, 301, 0.0, 5)[0])
    assert not np.isclose(x, points(kind, 301, 0.0, 6)[0]).any(axis=1).all()


@pytest.mark.parametrize("kind", POINTS)
def test_noise_is_added_to_the_same_points(kind: str) -> None:
    clean, noisy = (points(kind, 2000, noise, 5) for noise in (0.0, 0.25))
    added = noisy[0] - clean[0]
    assert np.array_equal(clean[1], noisy[1])
    assert added.std() == pytest.approx(0.25, rel=0.05) and abs(added.mean()) < 0.02
    assert abs(np.corrcoef(added.T)[0, 1]) < 0.08


def test_shapes_of_point_sets() -> None:
    x, y = points("rings", 400, 0.0, 0)
    assert np.allclose(np.linalg.norm(x, axis=1), np.where(y == 0, 0.35, 0.9), atol=1e-6)
    x, y = points("xor", 400, 0.0, 0)
    assert (np.sign(x[:, 0] * x[:, 1]) == np.where(y == 0, 1, -1)).all()
    x, y = points("spiral", 400, 0.0, 0)
    radius, angle = np.linalg.norm(x, axis=1), np.arctan2(x[:, 1], x[:, 0])
    assert np.allclose(np.cos(angle - 3 * np.pi * radius), np.where(y == 0, 1, -1), atol=1e-4)
    with pytest.raises(ValueError, match="torus"):
        points("torus", 10, 0.0, 0)


def test_orders_visit_every_example_once_an_epoch() -> None:
    orders = batch_orders(50, 4, 2)
    assert orders.shape == (4, 50) and orders.dtype == np.int32
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({order.tobytes() for order in orders}) == 4
    assert np.array_equal(batch_orders(50, 2, 2), orders[:2])  # a longer run begins as a shorter one
    assert not np.array_equal(batch_orders(50, 4, 3), orders)


def test_streams_are_reproducible_and_independent() -> None:
    keys = [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("a", 0, 0),
        ("a", 0, 1),
        ("a", 1, 0),
        ("a", 0, 0, 0),
        ("split", 0),
        ("order", 0),
    ]
    drawn = np.stack([stream(*key).standard_normal(4000) for key in keys])
    assert np.array_equal(drawn[0], stream("a", 0).standard_normal(4000))
    found = np.corrcoef(drawn)[np.triu_indices(len(keys), 1)]
    assert np.abs(found).max() < 4 / np.sqrt(4000)


def test_streams_do_not_change_with_versions() -> None:
    """Published results depend on these bits."""
    assert stream("weights", 0).integers(0, 1000, 6).tolist() == [587, 837, 238, 740, 90, 560]
