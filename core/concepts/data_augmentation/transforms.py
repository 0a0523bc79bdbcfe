"""Changes of signals and images, each by an amount that is drawn for every example. No torch.

x is [n, length] or [n, height, width]. A signal is a circle: what leaves it on one side comes back on the other. An
image has nothing, 0, around it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.concepts.data_augmentation.params import STRENGTHS, Way
from core.ml.random import stream

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def each(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A number per example [n], in a shape that goes with x."""
    return values.reshape(-1, *[1] * (x.ndim - 1))


def sampled(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Signals x [n, length] at places [n, m] between their numbers, by straight lines, around the circle."""
    low = np.floor(places).astype(int)
    left, right = (np.take_along_axis(x, (low + k) % x.shape[1], 1) for k in (0, 1))
    return left + (places - low) * (right - left)


def warped(x: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Images x [n, height, width], in which the pixel at p from the centre is what was at matrix p + shift: [n, 2, 2],
    [n, 2] (down, to the right), between pixels by straight lines."""
    n, height, width = x.shape
    centre = (np.array([height, width]) - 1) / 2
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1).reshape(-1, 2) - centre
    places = grid @ matrix.swapaxes(1, 2) + shift[:, None] + centre  # [n, pixels, 2]
    low = np.floor(places).astype(int)
    part, padded = places - low, np.pad(x, [(0, 0), (1, 1), (1, 1)])
    found = np.zeros(places.shape[:2])
    for i in (0, 1):
        for j in (0, 1):
            row = np.clip(low[..., 0] + 1 + i, 0, height + 1)
            column = np.clip(low[..., 1] + 1 + j, 0, width + 1)
            share = np.abs(1 - i - part[..., 0]) * np.abs(1 - j - part[..., 1])
            found += share * padded[np.arange(n)[:, None], row, column]
    return found.reshape(x.shape)


def move(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """By whole places, up to ± `strength` of every side."""
    most = np.round(strength * np.array(x.shape[1:])).astype(int)
    by = rng.integers(-most, most + 1, (len(x), x.ndim - 1))
    if x.ndim == 2:
        return np.take_along_axis(x, (np.arange(x.shape[1]) - by) % x.shape[1], 1)
    return warped(x, np.tile(np.eye(2), (len(x), 1, 1)), -by)


def stretch(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """About the centre, by a factor of 1/(1 + strength) to 1 + strength."""
    factor = (1 + strength) ** rng.uniform(-1, 1, len(x))
    if x.ndim == 2:
        centre = (x.shape[1] - 1) / 2
        return sampled(x, (np.arange(x.shape[1]) - centre) / factor[:, None] + centre)
    return warped(x, np.eye(2) / factor[:, None, None], np.zeros((len(x), 2)))


def rotate(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Images about their centre, by up to ± `strength` of a half turn."""
    angle = strength * np.pi * rng.uniform(-1, 1, len(x))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    return warped(x, matrix, np.zeros((len(x), 2)))


def scale(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """All numbers times a factor of 1 − strength to 1 + strength."""
    return x * each(1 + strength * rng.uniform(-1, 1, len(x)), x)


def noise(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Normal noise of this standard deviation on every number."""
    return x + strength * rng.standard_normal(x.shape)


def cut(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A window of `strength` of every side is nothing (cutout; DeVries and Taylor, 2017)."""
    gone = np.ones(x.shape, bool)
    for axis, side in enumerate(x.shape[1:], 1):
        wide = round(strength * side)
        first = rng.integers(0, side - wide + 1, len(x))
        place = np.arange(side).reshape([-1 if k == axis else 1 for k in range(x.ndim)])
        gone = gone & (place >= each(first, x)) & (place < each(first + wide, x))
    return np.where(gone, 0, x)


def mirror(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """With this probability read backwards, from right to left."""
    return np.where(each(rng.random(len(x)) < strength, x), x[..., ::-1], x)


def upside(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """With this probability upside down."""
    return np.where(each(rng.random(len(x)) < strength, x), -x if x.ndim == 2 else x[:, ::-1], x)


CHANGES: dict[str, Change] = {
    "move": move,
    "stretch": stretch,
    "rotate": rotate,
    "scale": scale,
    "noise": noise,
    "cut": cut,
    "mirror": mirror,
    "upside": upside,
}


def changed(x: np.ndarray, rule: str, strength: float, seed: int, *more: int) -> np.ndarray:
    """By draws that depend on the change, the seed and `more` alone, and not on who else is there."""
    return CHANGES[rule](x, strength, stream(f"augment {rule}", seed, *more)).astype(np.float32)


def augmented(x: np.ndarray, ways: Sequence[Way], at: int, seed: int, *more: int) -> np.ndarray:
    """Examples as the way at this place of the list changes them; a chain is every change above it, in order."""
    way = ways[at]
    steps = ways[:at] if way.rule == "chain" else [way]
    for step in steps:
        if step.rule in STRENGTHS:
            x = changed(x, step.rule, step.strength, seed, *more)
    return x
