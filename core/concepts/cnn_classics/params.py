"""Classic networks: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "torchvision"
DEVICES: tuple[str, ...] = ("cpu",)
FURTHER = ("machine", "pieces")
COUNTED = ("net", "edition", "side")  # fields of this experiment alone
MACHINE = ("steps", "batch", "sgd", "adam")  # of the time machine
PIECES = ("updates",)
WITHOUT = (*MACHINE, *PIECES, "seeds", "data_seed", "weight_seed")
NETS = ("lenet", "alexnet", "vgg", "googlenet", "resnet")
# Which version of every network is meant: torchvision's (and LeNet-5 as it is taught), those of the papers, or some of
# which neither is true: AlexNet in one piece, GoogLeNet with the heads that only training has (wrong)
EDITIONS = {
    "torchvision": ("lenet", "alexnet", "vgg", "googlenet", "resnet"),
    "papers": ("lenet_1998", "alexnet_2012", "vgg", "googlenet_2014", "resnet_2015"),
    "mixed": ("lenet", "alexnet_whole", "vgg", "googlenet_heads", "resnet"),
}
VERSIONS = tuple(dict.fromkeys(version for versions in EDITIONS.values() for version in versions))
# What papers or torchvision say that they have: parameters
PUBLISHED = {
    "lenet_1998": 60_000,
    "alexnet": 61_100_840,
    "vgg": 138_357_544,
    "googlenet": 6_624_904,
    "resnet": 25_557_032,
}
LAYERS = 96  # at most, of a network
KINDS = ("conv", "dense", "pool")
DIGITS, TESTED = 4000, 500  # of MNIST, to train and to test


@dataclass(frozen=True)
class Params(BaseParams):
    """Five networks, counted; then small ones in training. Seed i of `seeds` draws digits and their order
    data_seed + i, and weights weight_seed + i."""

    net: str = choice("vgg", NETS)
    edition: str = choice("torchvision", tuple(EDITIONS))
    side: int = integer(224, 96, 512, step=32)  # of the pictures; LeNet-5's have 28 or 32
    steps: int = integer(600, 1, 5000)
    batch: int = integer(8, 1, 128)
    sgd: float = number(0.05, 1e-4, 10.0, log=True)
    adam: float = number(0.003, 1e-5, 0.1, log=True)
    updates: int = integer(200, 10, 2000, step=10)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Layers of all VERSIONS in the order of computation; a norm is counted with the convolution before it, rows that
    are no layer have kind −1."""

    kind: np.ndarray = array("version+ layer", dtype="int64")  # place in KINDS
    kernel: np.ndarray = array("version+ layer", dtype="int64")
    stride: np.ndarray = array("version+ layer", dtype="int64")
    given: np.ndarray = array("version+ layer", dtype="int64")  # channels that come in
    channels: np.ndarray = array("version+ layer", dtype="int64")
    height: np.ndarray = array("version+ layer", dtype="int64")  # and width; 1 of a vector
    view: np.ndarray = array("version+ layer", dtype="int64")  # receptive field, pixels
    parameters: np.ndarray = array("version+ layer", dtype="int64")
    multiply_adds: np.ndarray = array("version+ layer", dtype="int64")


@dataclass(frozen=True)
class Recipe(BaseParams):
    """N blocks of M convolutions and b poolings, then K dense layers (Qiu, 2020)."""

    convs: int = integer(2, 1, 5)  # M
    pools: int = integer(1, 0, 1)  # b
    blocks: int = integer(3, 1, 8)  # N
    dense: int = integer(2, 0, 2)  # K
    size: int = integer(64, 8, 512, step=8)
    kernel: int = integer(3, 1, 11, step=2)
    first: int = integer(16, 1, 512)
    doubled: bool = flag(True)  # channels, from block to block


@dataclass(frozen=True)
class Built(BaseResult):
    """Layers with weights; where one is impossible, those before it, and the reason with its numbers. Of a Squeeze the
    direct one, then the two that replace it."""

    reason: str
    values: dict[str, int]
    dense: np.ndarray = array("layer", dtype="int64")  # 1 where it is one
    channels: np.ndarray = array("layer", dtype="int64")
    height: np.ndarray = array("layer", dtype="int64")
    view: np.ndarray = array("layer", dtype="int64")
    parameters: np.ndarray = array("layer", dtype="int64")
    multiply_adds: np.ndarray = array("layer", dtype="int64")


@dataclass(frozen=True)
class Squeeze(BaseParams):
    """A convolution, directly or behind one of 1 × 1 that leaves fewer channels (Szegedy et al., 2015)."""

    size: int = integer(28, 1, 256)
    inputs: int = integer(192, 1, 2048)
    between: int = integer(16, 1, 2048)
    kernel: int = integer(5, 1, 11, step=2)
    outputs: int = integer(32, 1, 2048)


ASKS = (Ask("build", Recipe, Built), Ask("squeeze", Squeeze, Built))


def chosen(params: Params) -> str:
    """The version of the network that is looked at."""
    return EDITIONS[params.edition][NETS.index(params.net)]


def cost(params: Params) -> Cost:
    return Cost(len(VERSIONS), 3e8)


PRESETS = (
    Preset("parameters", {}, "count"),
    Preset("large", {"side": 448}, "count"),
    Preset("papers", {"edition": "papers"}, "versions"),
    Preset("mixed", {"edition": "mixed"}, "versions"),
    Preset("residual", {"net": "resnet"}, "layers"),
    Preset("longer", {"steps": 1600}, "machine"),
    Preset("fast", {"sgd": 0.3}, "history"),
    Preset("longer_pieces", {"updates": 500}, "pieces"),
)

TINY = Params(side=96, steps=10, batch=4, updates=10, seeds=2)
TRIAL = {"seeds": 2, "steps": 10, "batch": 4, "updates": 10}
