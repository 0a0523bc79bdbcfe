"""Windows, sums of products, and the same as matrices: convolution without a library that has it."""

from __future__ import annotations

import numpy as np

from core.concepts.convolution.params import HIGH, POOLS, WIDE, Params
from core.ml.own import image
from core.ml.photographs import photograph


def load(params: Params) -> np.ndarray:
    """The reader's picture or a photograph: [row, column, channel], 0 … 1."""
    return (image(params.own) if params.own else photograph(params.data, HIGH, WIDE)).astype(float)


def patches(
    x: np.ndarray, kernel: int, stride: int = 1, pad: tuple[int, int] = (0, 0), dilation: int = 1
) -> np.ndarray:
    """What a kernel covers at each of its places on x [height, width], with margins of zeros: [down, across, kernel,
    kernel]."""
    reach = dilation * (kernel - 1) + 1
    views = np.lib.stride_tricks.sliding_window_view(np.pad(x, pad), (reach, reach))
    return views[::stride, ::stride, ::dilation, ::dilation]


def correlated(
    x: np.ndarray, w: np.ndarray, stride: int = 1, pad: tuple[int, int] = (0, 0), dilation: int = 1
) -> np.ndarray:
    """The sum of products at every place: what deep learning calls a convolution."""
    return (patches(x, len(w), stride, pad, dilation) * w).sum((-2, -1))


def turned(w: np.ndarray) -> np.ndarray:
    """A kernel upside down and mirrored; with it the sum of products is the convolution of mathematics."""
    return w[::-1, ::-1]


def as_matrix(w: np.ndarray, high: int, wide: int, stride: int = 1, pad: tuple[int, int] = (0, 0)) -> np.ndarray:
    """The matrix of a dense layer that does the same to a flattened picture: row by output, column by input. Each
    weight is written where its product is taken."""
    k, numbers = len(w), np.arange(1, high * wide + 1).reshape(high, wide)
    places = patches(numbers, k, stride, pad).reshape(-1, k * k)  # the number of the input below every weight, 0: none
    found = np.zeros((len(places), high * wide + 1))
    np.put_along_axis(found, places, np.broadcast_to(w.ravel(), places.shape), 1)
    return found[:, 1:]


def spread(y: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """Transposed convolution by zeros: stride − 1 of them between neighbours, a margin, and the turned kernel."""
    high, wide = (stride * (side - 1) + 1 for side in y.shape)
    apart = np.zeros((high, wide))
    apart[::stride, ::stride] = y
    return correlated(apart, turned(w), 1, (len(w) - 1,) * 2)


def pooled(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows of 2 × 2 made one, in every way of POOLS, and the maxima put back where they were."""
    high, wide = (side // 2 for side in picture.shape)
    blocks = picture[: 2 * high, : 2 * wide].reshape(high, 2, wide, 2).swapaxes(1, 2).reshape(high, wide, 4)
    made = {"max": blocks.max(-1), "mean": blocks.mean(-1), "min": blocks.min(-1), "skip": blocks[..., 0]}
    back = np.zeros_like(blocks)
    np.put_along_axis(back, blocks.argmax(-1)[..., None], made["max"][..., None], -1)
    whole = back.reshape(high, wide, 2, 2).swapaxes(1, 2).reshape(2 * high, 2 * wide)
    return np.stack([made[pool] for pool in POOLS]), whole
