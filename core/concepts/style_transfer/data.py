"""The pictures: photographs, textures, two patterns drawn by code, and the reader's own. No torch."""

from __future__ import annotations

import numpy as np
from PIL import Image

from core.concepts.style_transfer.params import STYLES, size
from core.ml.own import image
from core.ml.photographs import PHOTOGRAPHS, photograph
from core.ml.random import stream

FINE = 4  # places per pixel along each side, of which the mean is taken
WAVE = np.array([(20, 41, 92), (51, 128, 191), (242, 217, 128), (230, 242, 242), (26, 77, 140)]) / 255
TILE = np.array([(217, 64, 38), (242, 191, 51), (26, 89, 153), (38, 153, 140), (242, 230, 191), (128, 38, 89)]) / 255
TILES, JOINT = 70, 0.02  # how many, and how far from two of their middles a place is in the joint between them


def pattern(name: str, side: int) -> np.ndarray:
    """Waves or a mosaic of a few colours, [side, side, 3] from 0 to 1."""
    y, x = (np.indices((side * FINE,) * 2) + 0.5) / (side * FINE)
    if name == "waves":
        phase = 8 * x + 0.96 * np.sin(7 * y) + 0.8 * np.sin(9 * x + 4 * y)
        made = WAVE[np.floor(phase).astype(int) % len(WAVE)] * (0.75 + 0.5 * np.abs(phase % 1 - 0.5))[..., None]
    else:
        rng = stream("mosaic", 0)
        middles, colours = rng.random((TILES, 2)), TILE[rng.integers(0, len(TILE), TILES)]
        around = np.concatenate([middles + step for step in np.ndindex(3, 3)]) - 1  # so that it goes on beyond borders
        away = np.hypot(y[..., None] - around[:, 0], x[..., None] - around[:, 1])
        near = np.partition(away, 1, -1)
        made = colours[away.argmin(-1) % TILES] * (near[..., 1] - near[..., 0] > JOINT)[..., None]
    return made.clip(0, 1).reshape(side, FINE, side, FINE, 3).mean((1, 3)).astype(np.float32)


def square(name: str, side: int) -> np.ndarray:
    """A picture by its name, [side, side, 3] from 0 to 1."""
    return pattern(name, side) if name in ("waves", "mosaic") else photograph(name, side, side)


def picture(own: str, name: str, side: int) -> np.ndarray:
    """The reader's own picture, its longer side as long as that, or one by its name: [row, column, 3] from 0 to 1."""
    if not own:
        return square(name, side)
    high, wide = size(own, side)
    whole = Image.fromarray((image(own) * 255).round().astype(np.uint8))
    return np.asarray(whole.resize((wide, high), Image.Resampling.BICUBIC), np.float32) / 255


def pair(seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and a style, either a square of this side cut from twice as large a picture."""
    rng = stream("pair", seed)
    found = []
    for names in (tuple(PHOTOGRAPHS), STYLES):
        whole, (y, x) = square(names[rng.integers(len(names))], 2 * side), rng.integers(0, side + 1, 2)
        found.append(whole[y : y + side, x : x + side])
    return found[0], found[1]
