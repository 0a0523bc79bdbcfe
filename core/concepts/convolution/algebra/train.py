"""Convolution as a matrix, its transpose, what moves with it, what undoes it, and what an output sees."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.concepts.convolution.algebra.params import (
    BACK,
    CROP,
    DEEP,
    LENGTH,
    MOVED,
    SMALL,
    TRANSPOSED_STRIDE,
    UPSAMPLED,
    VIEWS,
    Result,
)
from core.concepts.convolution.arithmetic import as_matrix, correlated, load, pooled, spread
from core.concepts.convolution.params import SIDE, Params
from core.ml.architecture import Conv, Layers, Pool, parameter_count, places, windows
from core.ml.random import stream
from core.ml.recording import Recording, schedule

SHAPES = 40  # random shapes tried
CHANNELS = 256  # of a transposed convolution whose evenness is measured
BOARD = 8  # inputs along a side of what it is given
DECAY = 0.7  # an echo is so much of the one before
SAME = (1, 1)


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Iterator[Result]:
    """Results, each fuller than the last, seed by seed."""
    picture = load(params).mean(-1)
    rng, kernel = drawn(params, 0)
    crop = piece(picture, rng)
    made, back = undone(crop, kernel)
    pulses = impulses(rng)
    fields = [[place.field for place in places(net, (1, LENGTH))] for net in VIEWS.values()]
    record = Recording(
        Result,
        params,
        params.seeds,
        {"seed": params.seeds, "back": len(BACK), "moved": len(MOVED), "pool": 2, "board": len(UPSAMPLED)},
        pieces=np.stack([crop, made, *back]),
        layers=layers(kernel, rng),
        boards=np.stack([products(k) for k in UPSAMPLED]),
        pulses=pulses,
        echoes=echoes(pulses),
        fields=np.array([row[len(row) // DEEP - 1 :: len(row) // DEEP] for row in fields]),
        counted=np.array([parameter_count(net, (1, LENGTH)) for net in VIEWS.values()]),
    )
    for moment in schedule(params.seeds, chunk, seed=range(1, params.seeds + 1)):
        for step in moment.steps:
            record.append("seed", **measured(picture, *drawn(params, step)))
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)


def drawn(params: Params, s: int) -> tuple[np.random.Generator, np.ndarray]:
    """What draws the data of seed s, and its kernel."""
    kernel = stream("kernel", params.weight_seed + s).standard_normal((SIDE, SIDE))
    return stream("pieces", params.data_seed + s), kernel


def piece(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    top, left = (int(rng.integers(side - CROP + 1)) for side in picture.shape)
    return picture[top : top + CROP, left : left + CROP]


def measured(picture: np.ndarray, rng: np.random.Generator, w: np.ndarray) -> dict[str, object]:
    """Everything that is measured of one seed."""
    x, other = piece(picture, rng), piece(picture, rng)
    pulses = impulses(rng)
    y = correlated(x, w, TRANSPOSED_STRIDE)
    transposed = as_matrix(w, CROP - 1, CROP - 1, TRANSPOSED_STRIDE).T @ y.ravel()
    by_zeros = spread(y, w, TRANSPOSED_STRIDE)
    whole = rng.standard_normal((CROP, CROP))
    first = int((pulses > 0).argmax())
    heard = np.abs(echoes(pulses))
    return {
        "sized": np.mean([fits(rng) for _ in range(SHAPES)]),
        "dense": gap(as_matrix(w, CROP, CROP, 1, SAME) @ x.ravel(), correlated(x, w, 1, SAME).ravel()),
        "full": gap(correlated(x, whole).ravel(), as_matrix(whole, CROP, CROP) @ x.ravel()),
        "spread": gap(by_zeros.ravel(), transposed),
        "restored": by_zeros.shape == (CROP - 1, CROP - 1),
        "lost": [distance(one, x) for one in undone(x, w)[1]],
        "moved": moves(x, w),
        "uneven": [evenness(k, rng) for k in UPSAMPLED],
        "linear": [gap(apart, one) for apart, one in zip(pooled(x)[0] + pooled(other)[0], pooled(x + other)[0])][:2],
        "unpooled": in_place(x),
        "early": heard[:, :first].sum(1) / heard.sum(1),
        "seen": [np.count_nonzero(jacobian(net, rng)[middle(net)]) for net in VIEWS.values()],
    }


def gap(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


def distance(made: np.ndarray, x: np.ndarray) -> float:
    """How far the best multiple of what was made is from x, as a share of the length of x."""
    scale = (made * x).sum() / (made**2).sum()
    return float(np.linalg.norm(scale * made - x) / np.linalg.norm(x))


def fits(rng: np.random.Generator) -> bool:
    """Whether the formula gives as many places as a window takes when it is moved until it no longer fits."""
    kernel, stride, dilation = (int(n) for n in rng.integers(1, 6, 3))
    padding, reach = int(rng.integers(0, 5)), dilation * (kernel - 1) + 1
    side = int(rng.integers(reach, reach + 40))
    counted = len([start for start in range(0, side + 2 * padding, stride) if start + reach <= side + 2 * padding])
    return windows(side, kernel, stride, padding, dilation) == counted


def undone(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The piece after a convolution of the same size, and that undone: solved, and by the transposed matrix."""
    m = as_matrix(w, len(x), x.shape[1], 1, SAME)
    y = m @ x.ravel()
    found = np.linalg.lstsq(m, y, rcond=None)[0], m.T @ y
    return y.reshape(x.shape), [one.reshape(x.shape) for one in found]


def moves(x: np.ndarray, w: np.ndarray) -> list[float]:
    """How far the answer to a picture moved to the right is from the answer moved: inside, with the border, and at
    stride 2, where what is moved by one pixel cannot be moved by half an output."""
    right = np.roll(x, 1, 1)
    before, after = correlated(right, w, 1, SAME), np.roll(correlated(x, w, 1, SAME), 1, 1)
    strided = correlated(right, w, 2), correlated(x, w, 2)
    return [gap(before[2:-2, 2:-2], after[2:-2, 2:-2]), gap(before, after), gap(*strided)]


def in_place(x: np.ndarray) -> float:
    """The share of what max unpooling puts back that is where it was."""
    _, back = pooled(x)
    return float((back == x)[back > 0].mean())


def products(kernel: int) -> np.ndarray:
    """How many products meet in every output of a transposed convolution."""
    ones = np.ones((BOARD, BOARD)), np.ones((kernel, kernel))
    return spread(*ones, TRANSPOSED_STRIDE)[: 2 * BOARD, : 2 * BOARD]


def evenness(kernel: int, rng: np.random.Generator) -> float:
    """Random weights in many channels, a constant input: how much stronger (root of the mean square) the strongest of
    the four phases of the output is than the weakest, over their mean."""
    weights = rng.standard_normal((CHANNELS, kernel, kernel))
    inner = np.array([spread(np.ones((4, 4)), w, TRANSPOSED_STRIDE)[kernel:-kernel, kernel:-kernel] for w in weights])
    phases = np.array([np.sqrt((inner[:, i::2, j::2] ** 2).mean()) for i in (0, 1) for j in (0, 1)])
    return float((phases.max() - phases.min()) / phases.mean())


def layers(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The weights of a dense layer; the same where a unit sees only its patch; and where all units share theirs."""
    shared = as_matrix(kernel, SMALL, SMALL)
    own = rng.standard_normal(shared.shape)
    return np.stack([own, own * (as_matrix(np.ones_like(kernel), SMALL, SMALL) > 0), shared])


def impulses(rng: np.random.Generator) -> np.ndarray:
    """A few pulses, none in the first third."""
    found = np.zeros(LENGTH)
    found[rng.choice(np.arange(LENGTH // 3, LENGTH), 4, replace=False)] = rng.uniform(0.5, 1, 4)
    return found


def echoes(pulses: np.ndarray) -> np.ndarray:
    """yₜ = Σₖ wₖ xₜ₋ₖ, which looks back, and Σₖ wₖ xₜ₊ₖ, which looks ahead; w decays."""
    w = DECAY ** np.arange(LENGTH)
    return np.stack([np.convolve(pulses, w)[:LENGTH], np.convolve(pulses, w[::-1])[LENGTH - 1 :]])


def jacobian(net: Layers, rng: np.random.Generator) -> np.ndarray:
    """How every output depends on every input: the product of the layers' matrices, with random weights."""
    found = np.eye(LENGTH)
    for layer in net:
        if isinstance(layer, Conv):
            w, how = rng.standard_normal(layer.kernel), (layer.stride, layer.padded, layer.dilation)
        else:
            assert isinstance(layer, Pool)
            w, how = np.full(layer.size, 1 / layer.size), (layer.stepped, 0, 1)
        found = line_matrix(w, len(found), *how) @ found
    return found


def line_matrix(w: np.ndarray, length: int, stride: int, padding: int, dilation: int) -> np.ndarray:
    """The matrix of a convolution over one side."""
    found = np.zeros((windows(length, len(w), stride, padding, dilation), length + 2 * padding))
    for row in range(len(found)):
        found[row, row * stride + dilation * np.arange(len(w))] = w
    return found[:, padding : padding + length]


def middle(net: Layers) -> int:
    """The output in the middle."""
    *_, last = places(net, (1, LENGTH))
    return last.gives[1] // 2
