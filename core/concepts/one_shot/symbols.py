"""Identities to tell apart: invented symbols, each written many times, or digits of MNIST. No torch.

A symbol is a few strokes (quadratic Bézier curves); a writing moves their points, turns, shears, stretches and shifts
the whole, and adds noise. So there are as many identities as one wants, and none is ever met twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.concepts.one_shot.params import APART, DIGITS, EACH, SIZE, Params, strangers, writings
from core.ml.mnist import mnist
from core.ml.random import stream

STROKES, DOTS = 3, 18  # of a symbol, and along a stroke
REACH = 0.78  # of a symbol, as a share of half the canvas
BEGIN = {"train": 0, "validation": 100_000, "unseen": 200_000}  # numbers of symbols: no set has one of another's


class Sets(NamedTuple):
    """Pictures [identity, writing, SIZE, SIZE], ink 1. seen: new writings of identities of the training set."""

    train: np.ndarray
    validation: np.ndarray
    unseen: np.ndarray
    seen: np.ndarray


def template(seed: int, number: int) -> np.ndarray:
    """The strokes of symbol `number`: start, bend and end of each, within ±REACH: [STROKES, 3, 2]."""
    rng, found = stream("symbol", seed, number), np.zeros((STROKES, 3, 2))
    for k in range(STROKES):
        ends = rng.uniform(-REACH, REACH, (2, 2))
        if k and rng.random() < 0.6:  # most strokes go on where one ended or bends
            ends[0] = found[k - 1, rng.integers(1, 3)]
        while np.linalg.norm(ends[1] - ends[0]) < 0.8:
            ends[1] = rng.uniform(-REACH, REACH, 2)
        bend = (ends.mean(0) + 0.35 * rng.standard_normal(2)).clip(-REACH, REACH)
        found[k] = ends[0], bend, ends[1]
    return found


def written(strokes: np.ndarray, hand: float, noise: float, rng: np.random.Generator) -> np.ndarray:
    """A writing of each of strokes [n, STROKES, 3, 2]: float32 [n, SIZE, SIZE].

    hand: how much writings of one symbol differ, 1 as a rule. noise: its standard deviation in every pixel.
    """
    n = len(strokes)
    points = strokes + 0.05 * hand * rng.standard_normal(strokes.shape)
    turn, shear = 0.2 * hand * rng.standard_normal((2, n))
    wide, high = 1 + 0.16 * hand * rng.uniform(-1, 1, (2, n))
    cos, sin = np.cos(turn), np.sin(turn)
    frame = np.stack([np.stack([wide * cos, wide * (shear - sin)], -1), np.stack([high * sin, high * cos], -1)], -2)
    points = points @ frame.mT[:, None] + 0.1 * hand * rng.standard_normal((n, 1, 1, 2))
    t = np.linspace(0, 1, DOTS)[:, None, None]
    start, bend, end = points[:, None].transpose(3, 0, 1, 2, 4)
    along = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end  # [n, DOTS, STROKES, 2]
    dots = (along.reshape(n, -1, 2) + 1) / 2 * (SIZE - 1)
    width = rng.uniform(0.55, 0.8, (n, 1, 1))
    across, down = (np.exp(-0.5 * ((dots[..., k : k + 1] - np.arange(SIZE)) / width) ** 2) for k in (0, 1))
    ink = 1 - np.exp(-1.6 * (down.mT @ across))
    return (ink + noise * rng.standard_normal(ink.shape)).astype(np.float32)


def symbols(params: Params, seed: int, part: str, count: int, each: int, again: int = 0) -> np.ndarray:
    """`each` writings of `count` symbols of a part; `again` gives other writings of the same."""
    strokes = np.stack([template(seed, BEGIN[part] + k) for k in range(count)])
    rng = stream(f"writings {part}", seed, again)
    return written(strokes.repeat(each, 0), params.hand, params.noise, rng).reshape(count, each, SIZE, SIZE)


def sets_of(params: Params, seed: int) -> Sets:
    """What one seed trains on, chooses its threshold by, and is tested with: identities of three sets, none in two."""
    many, each = strangers(params), EACH[params.data]
    if params.data == "symbols":
        return Sets(
            symbols(params, seed, "train", params.identities, writings(params)),
            symbols(params, seed, "validation", many, each),
            symbols(params, seed, "unseen", many, each),
            symbols(params, seed, "train", min(params.identities, many), each, again=1),
        )
    x, y = mnist()
    rng = stream("identities", seed)
    order = rng.permutation(DIGITS)
    own = [rng.permutation(np.flatnonzero(y == c)) for c in order]
    pictures = x[:, 2:26, 2:26] + params.noise * rng.standard_normal((len(x), SIZE, SIZE)).astype(np.float32)
    train, validation, unseen = np.split(np.arange(DIGITS), np.cumsum(APART)[:-1])

    def of(classes: np.ndarray, first: int, n: int) -> np.ndarray:
        return np.stack([pictures[own[c][first : first + n]] for c in classes])

    n = writings(params)
    return Sets(of(train, 0, n), of(validation, 0, each), of(unseen, 0, each), of(train[:many], n, each))
