"""Convolution: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, matrix, shape, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import windows
from core.ml.photographs import PHOTOGRAPHS

ENGINE = "numpy"
DEVICES: tuple[str, ...] = ("cpu",)
FURTHER = ("algebra", "shuffled", "pooling")
SEEDS = ("seeds", "data_seed", "weight_seed")
PHOTOGRAPH = ("kernel", "row", "column", "turned", "padding", "stride", "dilation")  # fields of this experiment alone
TRAINED = ("examples", "epochs")  # of the shuffled signals
POOLED = ("updates",)
WITHOUT = (*SEEDS, *TRAINED, *POOLED)
HIGH, WIDE = 40, 60  # pixels of a photograph, and of an own picture at most
SIDE = 3  # of the kernel
POOLS = ("max", "mean", "min", "skip")  # ways to halve the sides; the last takes every second pixel
Kernel = tuple[tuple[float, ...], ...]
EDGE: Kernel = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))  # Sobel and Feldman, 1968
LEVEL: Kernel = ((-1.0, -2.0, -1.0), (0.0, 0.0, 0.0), (1.0, 2.0, 1.0))
BLUR: Kernel = ((1 / 9,) * 3,) * 3
SHARP: Kernel = ((0.0, -1.0, 0.0), (-1.0, 5.0, -1.0), (0.0, -1.0, 0.0))
SAME: Kernel = ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0))
MOVE: Kernel = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0))


@dataclass(frozen=True)
class Params(BaseParams):
    """A picture and a kernel that slides over it. In what has seeds, seed i draws data data_seed + i and weights
    weight_seed + i."""

    kernel: tuple[tuple[float, ...], ...] = matrix(EDGE, -9.0, 9.0)
    data: str = choice("china", tuple(PHOTOGRAPHS), applies=lambda p: not p.own)
    own: str = upload("image", height=(16, HIGH), width=(16, WIDE), channels=(1, 3))
    row: int = integer(12, 0, HIGH + 1)  # of the output pixel whose arithmetic is shown
    column: int = integer(28, 0, WIDE + 1)
    turned: bool = flag(False)  # the kernel upside down and mirrored: the convolution of mathematics
    padding: str = choice("same", ("same", "none", "off_by_one"))
    stride: int = integer(1, 1, 4)
    dilation: int = integer(1, 1, 4)
    examples: int = integer(1000, 100, 4000, step=100)
    epochs: int = integer(15, 1, 100)
    updates: int = integer(200, 10, 2000, step=10)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """The picture, the output (a row of it a step), and the arithmetic of one output pixel. Grey is from 0 to 1."""

    output: np.ndarray = array("down+ across", dtype="float64")
    extremes: np.ndarray = array("extreme down+", dtype="float64")  # smallest and largest of every row of the output
    picture: np.ndarray = array("row column", dtype="float64")  # the mean of the channels
    planes: np.ndarray = array("channel row column", dtype="float64")
    answers: np.ndarray = array("channel row column", dtype="float64")  # the kernel over every channel, same padding
    used: np.ndarray = array("side other", dtype="float64")  # the kernel as it lies on a patch
    at: np.ndarray = array("axis", dtype="int64")  # row and column of the pixel shown
    patch: np.ndarray = array("side other", dtype="float64")  # what the kernel covers there, 0 beyond the border
    ways: np.ndarray = array("way row column", dtype="float64")  # cross-correlation and convolution, same padding
    halved: np.ndarray = array("pool half other_half", dtype="float64")  # windows of 2 × 2 made one
    back: np.ndarray = array("whole other_whole", dtype="float64")  # the maxima put back in their places


@dataclass(frozen=True)
class Stack(BaseParams):
    """Convolutions of one kind in a row, over `sides` sides of equal length."""

    side: int = integer(32, 1, 4096)
    inputs: int = integer(20, 1, 4096)
    outputs: int = integer(30, 1, 4096)
    window: int = integer(3, 0, 64)
    stride: int = integer(1, 0, 64)
    padding: int = integer(1, 0, 64)
    dilation: int = integer(1, 0, 64)
    groups: int = integer(1, 1, 4096)
    sides: int = integer(2, 1, 3)
    depth: int = integer(3, 1, 12)


@dataclass(frozen=True)
class Sizes(BaseResult):
    """What every layer has; where one is impossible, those before it, and the reason with its numbers."""

    reason: str
    values: dict[str, int]
    side: np.ndarray = array("layer", dtype="int64")
    view: np.ndarray = array("layer", dtype="int64")  # receptive field
    parameters: np.ndarray = array("layer", dtype="int64")
    multiply_adds: np.ndarray = array("layer", dtype="float64")


ASKS = (Ask("calculate", Stack, Sizes),)


def picture_shape(params: Params) -> tuple[int, ...]:
    """Height, width and channels."""
    return tuple(shape(params.own)) if params.own else (HIGH, WIDE, 3)


def margins(params: Params) -> tuple[int, int]:
    """Rows of zeros above and below (columns left and right). Off by one has as many, but not as many on either side:
    the size is right, and everything has moved."""
    half = params.dilation * (SIDE - 1) // 2
    return {"none": (0, 0), "same": (half, half), "off_by_one": (half + 1, half - 1)}[params.padding]


def output_shape(params: Params) -> tuple[int, int]:
    high, wide, _ = picture_shape(params)
    down, across = (
        windows(side + sum(margins(params)), SIDE, params.stride, 0, params.dilation) for side in (high, wide)
    )
    return down, across


def cost(params: Params) -> Cost:
    return Cost(output_shape(params)[0], 1e6)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return () if params.own else PHOTOGRAPHS[params.data]


PRESETS = (
    Preset("edge", {}, "slide"),
    Preset("level", {"kernel": LEVEL}, "slide"),
    Preset("blur", {"kernel": BLUR}, "slide"),
    Preset("sharp", {"kernel": SHARP}, "slide"),
    Preset("move", {"kernel": MOVE}, "flip"),
    Preset("stride", {"stride": 2, "row": 6, "column": 14}, "slide"),
    Preset("dilation", {"dilation": 4}, "slide"),
    Preset("off_by_one", {"padding": "off_by_one", "kernel": SAME}, "slide"),
    Preset("flower", {"data": "flower"}, "channels"),
    Preset("scarce", {"examples": 300}, "shuffled"),
)

TINY = Params(row=2, column=3, examples=100, epochs=2, updates=10, seeds=2)
TRIAL = {"seeds": 2, "examples": 100, "epochs": 1, "updates": 10}
