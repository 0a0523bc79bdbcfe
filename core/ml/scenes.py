"""Scenes: digits of scikit-learn and simple shapes on a canvas, in any amount, with all that can be asked of a picture:
class, box, landmarks of every object, and the class of every pixel. No torch.

A digit comes from the part of the 1,797 that its split has, so that no digit of a test scene was ever trained on. Its
ink is cut out and brought to its height, its proportions kept; shapes are drawn at their size. Objects lie over each
other by their order, each with a contrast of its own, in noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from core.ml.data import SPLITS, digits, split
from core.ml.random import stream

SHAPES = ("square", "triangle", "disc", "bar")  # a bar is wide, as digits are tall
THINGS = (*"0123456789", *SHAPES)
LANDMARKS = ("top", "right", "bottom", "left")  # where an object touches its box (Papadopoulos et al., 2017)
NOTHING = -1  # the class where a scene has fewer objects than others
INK = 0.3  # a pixel this dark, as a share of the contrast, is the object's
CONTRAST = (0.6, 1.0)
FLAT = 0.45  # height of a bar, as a share of its width
TRIES = 40  # places tried for an object before the scene does without it
FINE = 8  # points along each side of a pixel at which a shape is looked at
Thing = tuple[str, int, int, int]  # a name of THINGS, row and column of its middle, height (of a bar its width)


@dataclass(frozen=True)
class Scenes:
    """n scenes of at most k objects each.

    x: float32 [n, size, size], 0 paper, 1 ink, noise around both.
    label: int64 [n, k], place in `things`, or NOTHING.
    box: float32 [n, k, 4], left, top, right, bottom edge in pixels: the ink lies in columns left … right − 1.
    landmark: float32 [n, k, 4, 2], LANDMARKS as (across, down), in pixels.
    mask: int64 [n, size, size], 0 paper, 1 + place in `things`: what lies on top.
    """

    x: np.ndarray
    label: np.ndarray
    box: np.ndarray
    landmark: np.ndarray
    mask: np.ndarray


def scenes(
    n: int,
    seed: int,
    part: str,
    size: int = 32,
    things: Sequence[str] = THINGS,
    count: tuple[int, int] = (1, 3),
    sides: tuple[int, int] = (9, 15),
    overlap: float = 0.2,
    together: float = 0.0,
    noise: float = 0.1,
) -> Scenes:
    """n scenes of a split ("train", "validation", "test") by their seed.

    count: objects of a scene, at least and at most (fewer where there is no room). sides: heights of objects, pixels,
        widths of bars. overlap: how much of the smaller of two boxes the other may cover.
    together: the share of objects after the first whose middle is put where that of the one before is, give or take a
        pixel. noise: its standard deviation.
    """
    rng, which = stream("scenes", seed, SPLITS.index(part)), glyphs(seed, part)
    made = []
    for _ in range(n):
        objects: list[_Object] = []
        for _ in range(rng.integers(count[0], count[1] + 1)):
            joined = bool(objects) and rng.random() < together
            for _ in range(TRIES):
                thing, side = int(rng.integers(len(things))), int(rng.integers(sides[0], sides[1] + 1))
                ink = _ink(things[thing], side, which, rng)
                room = size - np.array(ink.shape)
                if joined:
                    corner = objects[-1].middle + rng.integers(-1, 2, 2) - np.array(ink.shape) // 2
                else:
                    corner = rng.integers(0, np.maximum(room, 0) + 1)
                new = _Object(thing, ink, int(corner[0]), int(corner[1]))
                if (corner < 0).any() or (corner > room).any():
                    continue
                if objects[-1].label != thing if joined else all(new.covers(old) <= overlap for old in objects):
                    objects.append(new)
                    break
        made.append(objects)
    return _painted(made, size, count[1], noise, rng)


def placed(
    objects: Sequence[Thing], seed: int, part: str, size: int = 32, things: Sequence[str] = THINGS, noise: float = 0.1
) -> Scenes:
    """One scene of objects where they are wanted; what does not fit on the canvas is moved onto it."""
    rng, which = stream("scene by hand", seed), glyphs(seed, part)
    made = []
    for name, row, column, side in objects:
        ink = _ink(name, side, which, rng)
        corner = np.clip(np.array([row, column]) - np.array(ink.shape) // 2, 0, size - np.array(ink.shape))
        made.append(_Object(list(things).index(name), ink, int(corner[0]), int(corner[1])))
    return _painted([made], size, max(1, len(made)), noise, rng)


def glyphs(seed: int, part: str) -> tuple[np.ndarray, ...]:
    """Which digits of scikit-learn a split may use, by their class: numbers of rows of `digits()`, ten arrays."""
    y = digits()[1]
    mine = split(np.arange(len(y))[:, None], y, seed).x[SPLITS.index(part)][:, 0]
    return tuple(mine[y[mine] == c] for c in range(10))


@dataclass(frozen=True)
class _Object:
    label: int
    ink: np.ndarray  # [height, width], 0 … 1
    top: int
    left: int

    @property
    def middle(self) -> np.ndarray:
        return np.array([self.top, self.left]) + np.array(self.ink.shape) // 2

    @property
    def box(self) -> np.ndarray:
        height, width = self.ink.shape
        return np.array([self.left, self.top, self.left + width, self.top + height])

    def covers(self, other: _Object) -> float:
        """The share of the smaller box that the other covers."""
        a, b = self.box, other.box
        shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
        return float(shared / min(self.ink.size, other.ink.size))

    @property
    def landmarks(self) -> np.ndarray:
        """In the middle of the ink along each side of its box."""
        drawn, (left, top, right, bottom) = self.ink >= INK, self.box

        def middle(line: np.ndarray) -> float:
            return float(np.flatnonzero(line).mean()) + 0.5

        return np.array(
            [
                (left + middle(drawn[0]), top),
                (right, top + middle(drawn[:, -1])),
                (left + middle(drawn[-1]), bottom),
                (left, top + middle(drawn[:, 0])),
            ]
        )


def _painted(made: list[list[_Object]], size: int, most: int, noise: float, rng: np.random.Generator) -> Scenes:
    n = len(made)
    x, mask = np.zeros((n, size, size), np.float32), np.zeros((n, size, size), np.int64)
    label = np.full((n, most), NOTHING)
    box, landmark = np.zeros((n, most, 4), np.float32), np.zeros((n, most, len(LANDMARKS), 2), np.float32)
    for i, objects in enumerate(made):
        for k, one in enumerate(objects):
            left, top, right, bottom = one.box
            place = i, slice(top, bottom), slice(left, right)
            x[place] += (rng.uniform(*CONTRAST) - x[place]) * one.ink
            mask[place] = np.where(one.ink >= INK, 1 + one.label, mask[place])
            label[i, k], box[i, k], landmark[i, k] = one.label, one.box, one.landmarks
    x += noise * rng.standard_normal(x.shape).astype(np.float32)
    return Scenes(x, label, box, landmark, mask)


def _ink(name: str, side: int, which: tuple[np.ndarray, ...], rng: np.random.Generator) -> np.ndarray:
    """An object at its size, cut to its ink."""
    if name in SHAPES:
        return _shape(name, side)
    mine = which[int(name)]
    return _digit(int(mine[rng.integers(len(mine))]), side)


@cache
def _digit(row: int, side: int) -> np.ndarray:
    """A digit of scikit-learn, so high, by straight lines between its pixels."""
    ink = _cut(digits()[0][row].reshape(8, 8))
    height, width = ink.shape
    return _cut(_between(side, height) @ ink @ _between(max(1, round(side * width / height)), width).T)


@cache
def _between(to: int, given: int) -> np.ndarray:
    """What reads `given` pixels at the middles of `to`: [to, given]."""
    at = ((np.arange(to) + 0.5) * given / to - 0.5).clip(0, given - 1)
    return np.clip(1 - np.abs(at[:, None] - np.arange(given)), 0, None)


@cache
def _shape(name: str, side: int) -> np.ndarray:
    """A filled shape, each pixel the share of it that is inside."""
    height = max(2, round(FLAT * side)) if name == "bar" else side
    down, across = ((np.arange(FINE * n) + 0.5) / (FINE * n) * 2 - 1 for n in (height, side))
    v, u = np.meshgrid(down, across, indexing="ij")
    inside = {
        "square": np.ones_like(u, bool),
        "bar": np.ones_like(u, bool),
        "disc": u**2 + v**2 <= 1,
        "triangle": np.abs(u) <= (v + 1) / 2,
    }[name]
    return _cut(inside.reshape(height, FINE, side, FINE).mean((1, 3)))


def _cut(ink: np.ndarray) -> np.ndarray:
    """Only the rows and columns from the first to the last that hold ink."""
    rows, columns = (np.flatnonzero((ink >= INK).any(axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
