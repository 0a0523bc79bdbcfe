"""Segmentation: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, drawing, integer, number
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import (
    Act,
    Conv,
    Layers,
    Norm,
    Parameters,
    Shape,
    activation_bytes,
    buffers,
    parameters,
    training_step,
)
from core.ml.data import FILES
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
DIVERGES = "loss"
FURTHER = ("upsampling", "losses")
CLASSES = ("paper", "bar", "triangle", "0", "1")  # of a pixel
OFTEN = {"bar": 3, "triangle": 3, "0": 3, "1": 1}  # how many objects of ten are what
RARE = "1"
SIZE = 24  # pixels of a scene along a side
SIDES, COUNT = (8, 13), (1, 3)  # pixels of objects; how many a scene has
CHANNELS = 8
DEEPEST = 3  # how often sides can be halved
BATCH = 16
TICKS = 8  # moments measured, besides the start
SHOWN = 3  # test scenes that are seen, of the first seed: those with most classes
NETS = ("without", "with")  # shortcuts from a side to the same side
BASELINES = ("paper", "grey")  # every pixel is paper; the commonest class of its grey
MEASURES = ("accuracy", "iou", "boundary", "absent")  # the last is wrong: who is absent counts as found
SHIFT = 2  # pixels by which pictures are moved, at most
DISTANCES = (1, 2, 3, 4)  # pixels from the nearest border; the last: and more
SIDES_ASKED = ("24", "32", "48")
WITHOUT: tuple[str, ...] = ()


@dataclass(frozen=True)
class Params(BaseParams):
    """Scenes, and networks that are trained on them. Seed i of `seeds` draws scenes data_seed + i and weights
    weight_seed + i."""

    depth: int = integer(2, 1, DEEPEST)
    noise: float = number(0.1, 0.0, 0.6, step=0.05)
    moved: str = choice("none", ("none", "both", "picture"))  # the last is wrong: the mask stays where it was
    examples: int = integer(500, 20, 4000, step=20)
    tested: int = integer(100, 10, 600, step=10)
    steps: int = integer(200, 1, 3000)
    lr: float = number(0.02, 1e-5, 10.0, log=True)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Two networks of the same weights, measured on test scenes whose digits nobody trained on."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+", "nats")  # mean over pixels of test scenes
    score: np.ndarray = array("net seed tick+ measure")
    base: np.ndarray = array("baseline seed measure")
    scene: np.ndarray = array("scene row column")
    truth: np.ndarray = array("scene row column", dtype="uint8")  # places in CLASSES
    said: np.ndarray = array("net tick+ scene row column", dtype="uint8")
    by_class: np.ndarray = array("net seed end+ class", fill=np.nan)  # IoU
    wrong: np.ndarray = array("net seed end+ distance", fill=np.nan)  # share of pixels, by their distance to a border
    pixels: np.ndarray = array("class")  # share of test pixels, mean over seeds


@dataclass(frozen=True)
class Drawn(BaseParams):
    """A scene of any size; a picture drawn by hand lies over its upper left corner."""

    pixels: str = drawing(SIZE, SIZE)
    side: str = choice("24", SIDES_ASKED)
    scene: int = integer(0, 0, 999)


@dataclass(frozen=True)
class Segmented(BaseResult):
    """What the first seed's networks say of it."""

    picture: np.ndarray = array("row column")
    said: np.ndarray = array("net row column", dtype="uint8")


ASKS = (Ask("segment", Drawn, Segmented),)


def stages(depth: int) -> dict[str, tuple[Layers, Shape]]:
    """The parts of a network between which sides are halved (max pooling) and doubled (`networks.py`), with what comes
    into them: one convolution each, and behind the last the classes."""
    found: dict[str, tuple[Layers, Shape]] = {}
    block: Layers = (Conv(CHANNELS), Norm(), Act())
    for k in range(depth + 1):
        found[f"down.{k}"] = block, (CHANNELS if k else 1, SIZE >> k, SIZE >> k)
    for k in reversed(range(depth)):
        found[f"up.{k}"] = block, (CHANNELS, SIZE >> k, SIZE >> k)
    return found | {"head": ((*block, Conv(len(CLASSES), 1)), (CHANNELS, SIZE, SIZE))}


def sizes(depth: int) -> Parameters:
    """Shapes of all weights by the names of torch.nn, in the order in which a row holds them, then what norms keep."""
    found = stages(depth).items()
    learnt = {f"{stage}.{name}": size for stage, part in found for name, size in parameters(*part).items()}
    return learnt | {f"{stage}.{name}": size for stage, part in found for name, size in buffers(*part).items()}


def moments(steps: int) -> np.ndarray:
    """At most TICKS + 1 steps after which something is measured, more of them early on."""
    part = np.linspace(0, 1, min(steps, TICKS) + 1) ** 1.5
    return np.unique((steps * part).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By the names of torch.nn: {"down.0.0.weight": [nets, seeds, 8, 1, 3, 3], …}; with what norms keep."""
    return cut(state["nets"], sizes(result.params.depth))


def cost_of(params: Params, nets: int) -> Cost:
    """Of so many networks a seed."""
    looks = params.tested * (TICKS + 2) / 3 / BATCH / params.steps
    parts, members = stages(params.depth).values(), nets * params.seeds
    flops = sum(training_step(*part, BATCH) for part in parts) * (1 + looks)
    painted = 1e7 * params.seeds * (params.examples + params.tested) / params.steps  # on the processor
    memory = sum(activation_bytes(*part, params.tested) for part in parts)
    scenes = 4.0 * params.seeds * (params.examples + params.tested) * SIZE**2 * 3
    return Cost(params.steps, members * flops + painted, members * memory + scenes, members)


def cost(params: Params) -> Cost:
    return cost_of(params, len(NETS))


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return FILES["digits"]


PRESETS = (
    Preset("deep", {}, "scene"),
    Preset("flat", {"depth": 1}, "scene"),
    Preset("noisy", {"noise": 0.4}, "scene"),
    Preset("few", {"examples": 40}, "scene"),
    Preset("moved", {"moved": "both", "examples": 40}, "scene"),
    Preset("apart", {"moved": "picture"}, "scene"),
)

TINY = Params(examples=20, tested=10, steps=3, depth=1, seeds=2)
TRIAL = {"seeds": 1, "examples": 20, "tested": 10, "steps": 2}
