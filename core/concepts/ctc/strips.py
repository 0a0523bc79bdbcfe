"""Strips of handwritten digits: what is written, where each digit stands, and what a network sees of it. No torch.

The digits are those of scikit-learn, cut to their ink; a split has its own, so no digit of a test strip was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from core.concepts.ctc.params import BLANK, HIGH, WIDE, Params
from core.ml.data import digits
from core.ml.scenes import glyphs

INK = 0.3  # of the darkest: a column this dark is a digit's


@dataclass(frozen=True)
class Strips:
    """x: float32 [n, HIGH, WIDE], 0 paper, 1 ink. text: [n, k] digits from left to right, BLANK where there are fewer.
    left, right: [n, k], columns left … right − 1 are a digit's."""

    x: np.ndarray
    text: np.ndarray
    left: np.ndarray
    right: np.ndarray


@cache
def cut_digits() -> tuple[np.ndarray, np.ndarray]:
    """All digits moved to the left until their ink begins, [1797, HIGH, 8], and how many columns it has."""
    ink = digits()[0].reshape(-1, HIGH, 8)
    dark: np.ndarray = np.greater_equal(ink, INK).any(1)
    first, wide = dark.argmax(1), 8 - dark[:, ::-1].argmax(1) - dark.argmax(1)
    at = np.arange(8)
    moved = np.take_along_axis(ink, np.minimum(first[:, None] + at, 7)[:, None], 2)
    return np.where(at < wide[:, None, None], moved, 0).astype(np.float32), wide


def drawn(params: Params, seed: int, part: str, rng: np.random.Generator, n: int) -> Strips:
    """n strips of a split."""
    count = rng.integers(min(2, params.digits), params.digits + 1, n)
    text = rng.integers(0, BLANK, (n, params.digits))
    again = rng.random(text.shape) < params.repeats
    for k in range(1, params.digits):
        text[again[:, k], k] = text[again[:, k], k - 1]
    text[np.arange(params.digits) >= count[:, None]] = BLANK
    return written(text, params.gap, params.noise, glyphs(seed, part), rng)


def written(
    text: np.ndarray, gap: int, noise: float, which: tuple[np.ndarray, ...], rng: np.random.Generator
) -> Strips:
    """Digits beside each other, up to `gap` columns of paper between them as far as there is room, at any distance from
    the left end, in noise."""
    ink, widths = cut_digits()
    there, (n, most) = text < BLANK, text.shape
    pick, row = rng.random(text.shape), np.zeros_like(text)
    for digit, mine in enumerate(which):
        row = np.where(text == digit, mine[(pick * len(mine)).astype(int)], row)
    wide = np.where(there, widths[row], 0)
    between = rng.integers(0, gap + 1, text.shape) * there
    between[:, 0] = 0
    between = np.minimum(between.cumsum(1), (WIDE - wide.sum(1))[:, None])
    room = WIDE - wide.sum(1) - between[:, -1]
    left = (rng.random(n) * (room + 1)).astype(int)[:, None] + between + wide.cumsum(1) - wide
    x = np.zeros((n, HIGH, WIDE + 8), np.float32)  # paper on the right for the empty columns of the last digit
    columns = left[..., None] + np.arange(8)
    for k in range(most):
        x[np.arange(n)[:, None], :, columns[:, k]] += (ink[row[:, k]] * there[:, k, None, None]).transpose(0, 2, 1)
    x = x[..., :WIDE] + noise * rng.standard_normal((n, HIGH, WIDE)).astype(np.float32)
    return Strips(x, text, left, left + wide)


def middles(stride: int) -> np.ndarray:
    """The column in the middle of every frame [time]; a half lies between two columns."""
    return stride * np.arange(-(-WIDE // stride)) + (stride - 1) / 2


def frames(x: np.ndarray, stride: int) -> np.ndarray:
    """What a network sees, [n, features, time]: in every frame `stride` columns and one more to either side."""
    time = -(-WIDE // stride)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1 + time * stride - WIDE)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, stride + 2, 2)[:, :, ::stride]
    return np.ascontiguousarray(windows.transpose(0, 1, 3, 2).reshape(len(x), -1, time))


def told(strips: Strips, stride: int) -> np.ndarray:
    """The label of every frame for who is told where digits stand, [n, time]: BLANK between them, and where a digit
    follows its like, on the first frame of the second."""
    at = middles(stride)
    found = np.full((len(strips.text), len(at)), BLANK)
    for k in range(strips.text.shape[1]):
        on = (at >= strips.left[:, k, None] - 0.5) & (at <= strips.right[:, k, None] - 0.5)
        found = np.where(on, strips.text[:, k, None], found)
        if k:
            again = on & (strips.text[:, k] == strips.text[:, k - 1])[:, None]
            found[again & (again.cumsum(1) == 1)] = BLANK
    return found


def merged(text: np.ndarray) -> np.ndarray:
    """Texts [n, k] with every digit that follows its like taken out: all that can be said without a blank."""
    found = np.full_like(text, BLANK)
    for row, made in zip(text, found):
        kept = row[np.r_[True, row[1:] != row[:-1]]]
        made[: len(kept)] = kept
    return found
