"""Inside a CNN: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, drawing, flag, integer, number, shape, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import Act, Conv, Dense, Flatten, Layers, Shape, activation_bytes, parameters, training_step
from core.ml.mnist import MNIST, SIDE
from core.ml.photographs import PHOTOGRAPHS
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES: tuple[str, ...] = ("cpu",)
PICTURE: Shape = (1, SIDE, SIDE)
UNITS = 16  # of every convolution
LAYERS: Layers = (
    *(Conv(UNITS, 5, 2), Act(), Conv(UNITS, 3, 2), Act(), Conv(UNITS, 3), Act()),
    *(Flatten(), Dense(10)),
)
NETS = ("net", "judge")  # the second has other weights and was trained on other digits
CLASSES = 10
MAPPED = ("first", "second", "third")  # layers that have maps
TAPS = ("1", "3", "5")  # what stands behind them
FIELDS = (5, 9, 17)  # pixels that one of their units sees, either way
JUMPS = (2, 4, 4)  # and from one unit to its neighbour
PLACES = ("pixels", *MAPPED, "scores")  # where classes are told apart
WEIGHTED = ("7", "4", "2", "0")  # layers with weights, from the output
METHODS = ("gradient", "guided", "cam", "places", "edges")
STRENGTHS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # of the prior
EPSILONS = (0.0, 0.05, 0.1, 0.15, 0.2)  # of ink: sizes of a disturbance
ATTACKS = ("signs", "fgsm", "transferred")
KINDS = ("trained", "untrained")
# Digits, at most: that a probe learns from, and that it is tested on; between which distances are taken, and which are
# attacked; whose saliencies are compared.
PROBED, COMPARED, EXPLAINED = 500, 200, 20
DIRECTIONS = 50  # at random, which every probe is given
SHOWN = 9  # units of a layer, and patches of each
TICKS = (0, 0.05, 0.1, 0.2, 0.5, 1)  # of training and of the ascent, in shares
LONGEST, SHORTEST = 192, 28  # pixels of an own picture
# Lengths of the axes of what is known at the end
AXES = {
    "unit": UNITS,
    "high": 14,
    "wide": 14,
    "half": 7,
    "other_half": 7,
    "layer": len(MAPPED),
    "best": SHOWN,
    "rank": SHOWN,
}
AXES |= {"field": FIELDS[-1], "other_field": FIELDS[-1], "method": len(METHODS), "replaced": len(WEIGHTED) + 1}
AXES |= {"kind": len(KINDS), "place": len(PLACES), "axis": 2, "attack": len(ATTACKS)}
AXES |= {"size": len(EPSILONS)}
INK = "0123456789abcdefg"  # a drawn pixel, from paper to ink


@dataclass(frozen=True)
class Params(BaseParams):
    """Two networks per seed. Seed i draws digits, their order and noise data_seed + i, and weights weight_seed + i."""

    digit: int = integer(3, 0, 9)
    own: str = upload("image", height=(SHORTEST, LONGEST), width=(SHORTEST, LONGEST), channels=(1, 3))
    shuffled: bool = flag(False)  # wrong labels for all: nothing can be learnt but by heart
    examples: int = integer(1500, 200, 2000, step=100)
    tested: int = integer(1000, 100, 1000, step=100)
    batch: int = integer(50, 10, 200, step=10)
    steps: int = integer(200, 1, 1000)
    ascent: int = integer(60, 1, 300)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Where no axis names the seed it is the first. Levels of pictures are from 0 (paper) to 255 or 1 (ink)."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    accuracy: np.ndarray = array("net seed tick+")  # on test digits
    moment: np.ndarray = array("moment+", "steps", dtype="int64")  # of the ascent
    picture: np.ndarray = array("row column")  # a test digit of the class, or the reader's own picture
    noise: np.ndarray = array("row column")  # from which the ascent starts
    said: np.ndarray = array("net tick+ class")  # probabilities for the picture
    noise_said: np.ndarray = array("net tick+ class")
    dream: np.ndarray = array("strength moment+ row column", "1/255", dtype="uint8")  # of the class
    dream_said: np.ndarray = array("net strength moment+ class")
    believed: np.ndarray = array("net strength seed moment+")  # probability of the class meant, mean over all classes
    # When all is over: dreams of every class
    dreams: np.ndarray = array("end+ strength class row column", "1/255", dtype="uint8")
    # What every layer makes of the picture, and what pixels count, by method, with the layers from the output on
    # replaced by random ones: none, one, …
    first: np.ndarray = array("end+ unit high wide")
    second: np.ndarray = array("end+ unit half other_half")
    third: np.ndarray = array("end+ unit half other_half")
    saliency: np.ndarray = array("end+ method replaced row column")
    # Rank correlation with the saliency of the trained network and with the edges, mean over test digits of which the
    # trained network's is not blank
    kept: np.ndarray = array("method replaced seed end+", fill=np.nan)
    outlined: np.ndarray = array("method replaced seed end+", fill=np.nan)
    blank: np.ndarray = array("method seed end+", fill=np.nan)  # share of test digits whose saliency is nothing
    # The patches of test digits that a unit answers to most; smaller ones stand in the corner.
    patches: np.ndarray = array("end+ layer best rank field other_field", "1/255", dtype="uint8")
    probe: np.ndarray = array("kind place seed end+", fill=np.nan)  # accuracy of a linear probe
    ratio: np.ndarray = array("kind place seed end+", fill=np.nan)  # distances within classes, over those between
    plane: np.ndarray = array("end+ place example axis")  # two principal components
    label: np.ndarray = array("end+ example", dtype="int64")
    attacked: np.ndarray = array("attack seed end+ size", fill=np.nan)  # accuracy


@dataclass(frozen=True)
class Drawing(BaseParams):
    """A picture that the reader drew; empty is all paper."""

    pixels: str = drawing(SIDE, SIDE, levels=len(INK))


@dataclass(frozen=True)
class Seen(BaseResult):
    """What every layer of the first network makes of it, and what pixels count."""

    picture: np.ndarray = array("row column")
    said: np.ndarray = array("net class")
    first: np.ndarray = array("end+ unit high wide")
    second: np.ndarray = array("end+ unit half other_half")
    third: np.ndarray = array("end+ unit half other_half")
    saliency: np.ndarray = array("end+ method replaced row column")


@dataclass(frozen=True)
class Unit(BaseParams):
    """A unit that shall answer as much as possible; of the scores there are as many as classes."""

    layer: str = choice("third", (*MAPPED, "scores"))
    unit: int = integer(1, 1, UNITS)
    prior: float = number(2.0, 0.0, 12.0, step=0.5)


@dataclass(frozen=True)
class Ascent(BaseResult):
    """The noise and what became of it, what the unit answered, and what the networks say."""

    pictures: np.ndarray = array("end row column")
    answered: np.ndarray = array("end")
    said: np.ndarray = array("net class")


@dataclass(frozen=True)
class Dream(BaseParams):
    """What a layer of a network sees in a photograph is made stronger: layers are counted from the input."""

    photograph: str = choice("china", tuple(PHOTOGRAPHS))
    depth: int = integer(4, 1, 17)
    strength: int = integer(12, 1, 30)


@dataclass(frozen=True)
class Dreamt(BaseResult):
    """The photograph and what became of it, from 0 to 255. pretrained: by the network of photographs, else by the
    page's own, in grey."""

    pretrained: bool
    pictures: np.ndarray = array("end row column channel", dtype="uint8")


ASKS = (Ask("draw", Drawing, Seen), Ask("unit", Unit, Ascent), Ask("dream", Dream, Dreamt))


def ticks(steps: int) -> np.ndarray:
    return np.unique(np.round(np.array(TICKS) * steps).astype(int))


def own_size(params: Params) -> tuple[int, int]:
    """Height and width in which a photograph is dreamt on."""
    return tuple(shape(params.own)[:2]) if params.own else (128, 192)  # type: ignore[return-value]


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …] by the names of torch.nn: {"net.0.weight": …, "judge.0.weight": …, "untrained.…": …}."""
    return {f"{net}.{name}": part for net, rows in state.items() for name, part in cut(rows, SHAPES).items()}


def cost(params: Params) -> Cost:
    """An ascent looks at so many pictures a step; what comes at the end is as many examples again."""
    members, once = len(NETS) * params.seeds, training_step(LAYERS, PICTURE, 1)
    pictures = len(STRENGTHS) * CLASSES
    steps = params.steps + params.ascent
    end = 3 * params.tested + 10 * min(COMPARED, params.tested) * len(EPSILONS) + 40 * EXPLAINED
    looked = params.seeds * (params.ascent * pictures + end) * once
    flops = (params.steps * members * training_step(LAYERS, PICTURE, params.batch) + looked) / steps
    held = members * (
        activation_bytes(LAYERS, PICTURE, params.tested) + 4.0 * SIDE**2 * (params.examples + params.tested)
    )
    return Cost(steps, flops, held, members)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return MNIST


SHAPES = parameters(LAYERS, PICTURE)
PRESETS = (
    Preset("fooled", {}, "fooled"),
    Preset("zero", {"digit": 0}, "fooled"),
    Preset("inside", {"digit": 8}, "maps"),
    Preset("randomised", {"digit": 5}, "saliency"),
    Preset("shuffled", {"shuffled": True}, "layers"),
    Preset("short", {"steps": 20}, "layers"),
)

TINY = Params(examples=200, tested=100, batch=10, steps=8, ascent=2, seeds=2)
TRIAL = {"seeds": 1, "steps": 2, "ascent": 2, "examples": 200, "tested": 100}
