"""Style transfer: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.photographs import PHOTOGRAPHS, TEXTURES
from core.ml.pretrained import PRETRAINED, installed

ENGINE = "torch"
DEVICES: tuple[str, ...] = ("cpu",)
FURTHER = ("texture", "shuffled", "depth")
# Fields of this experiment alone
OWN = (
    *("weight", "content", "own", "style", "own_style", "network", "content_layer", "style_layers", "start"),
    *("optimizer", "rate", "side", "style_side", "steps", "gram", "inputs"),
)
WITHOUT = ("small", "evaluations", "seeds")  # fields of the further experiments
LAYERS = 5
SIZES = (3, 5, 7, 11, 15)  # sides of filters of the layer that has several
FILTERS = 16  # of each size
WIDTHS = (16, 32, 64, 64, 64)  # filters of the random network, halved in between
LEAST, MOST = 16, 128  # pixels of an own picture
DRAWN = ("waves", "mosaic")  # by code
STYLES = (*DRAWN, *TEXTURES, "flower", "coffee")
TICKS, FRAMES = 8, 6  # of the transfer, and of pictures beside each other
# Operations of one evaluation with its gradient, per pixel
LOOK = {"trained": 8e4, "random": 2.1e4, "sizes": 1.3e5, "one": 1.6e4, "colours": 100.0}


@dataclass(frozen=True)
class Params(BaseParams):
    """A picture that is changed until a network sees the content of one picture and the style of another in it. In what
    has seeds, seed i draws pictures data_seed + i, and noise and random filters weight_seed + i."""

    weight: float = number(10.0, 0.01, 10_000.0, log=True)
    content: str = choice("cat", tuple(PHOTOGRAPHS), applies=lambda p: not p.own)
    own: str = upload("image", height=(LEAST, MOST), width=(LEAST, MOST), channels=(3, 3))
    style: str = choice("waves", STYLES, applies=lambda p: not p.own_style)
    own_style: str = upload("image", height=(LEAST, MOST), width=(LEAST, MOST), channels=(3, 3))
    network: str = choice("trained", ("trained", "random"))
    content_layer: int = integer(4, 1, LAYERS)
    style_layers: int = integer(LAYERS, 1, LAYERS)  # this one and all before it
    start: str = choice("content", ("content", "noise"))
    optimizer: str = choice("adam", ("adam", "lbfgs"))
    rate: float = number(0.04, 0.001, 1.0, log=True, applies=lambda p: p.optimizer == "adam")
    side: int = integer(80, LEAST, MOST, step=8)
    style_side: int = integer(80, LEAST, MOST, step=8)
    steps: int = integer(80, 5, 600, step=5)  # evaluations of the gradient
    gram: str = choice("divided", ("divided", "undivided"))
    inputs: str = choice("scaled", ("scaled", "bytes"))
    small: int = integer(32, LEAST, 64, step=8)
    evaluations: int = integer(30, 5, 400)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """The picture as it changes. Distances are relative: squared differences over the squares of what is wanted, of
    the maps of the content layer and, mean over the style layers, of Gram matrices. They are always measured as is
    right. trained: by the network trained on photographs, else by random filters."""

    trained: bool
    content: np.ndarray = array("row column channel", "1/255", dtype="uint8")
    style: np.ndarray = array("style_row style_column channel", "1/255", dtype="uint8")
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    picture: np.ndarray = array("tick+ row column channel", "1/255", dtype="uint8")
    content_distance: np.ndarray = array("tick+")
    style_distance: np.ndarray = array("tick+")
    still: np.ndarray = array("still")  # style distance of the content picture, content distance of the style picture


def ticks(steps: int, count: int = TICKS) -> np.ndarray:
    """Evaluations after which pictures are kept: closer together at first."""
    return np.unique((steps * np.linspace(0, 1, count + 1) ** 1.5).round().astype(int))


def size(own: str, side: int) -> tuple[int, int]:
    """Height and width of a picture whose longer side is scaled to this; a photograph is cut to a square."""
    if not own:
        return side, side
    high, wide = shape(own)[:2]
    longer = max(high, wide)
    return max(round(side * high / longer), 8), max(round(side * wide / longer), 8)


def sees(network: str) -> str:
    """The network that is used: the trained one may not be installed."""
    return network if network != "trained" or installed() else "random"


def cost(params: Params) -> Cost:
    pixels, look = np.prod(size(params.own, params.side)), LOOK[sees(params.network)]
    return Cost(params.steps, 1.1 * pixels * look, 4e8 + 3000.0 * pixels)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    names = [params.content] * (not params.own) + [params.style] * (not params.own_style)
    found = [file for name in names if name not in DRAWN for file in (PHOTOGRAPHS | TEXTURES)[name]]
    return (*found, *(PRETRAINED if sees(params.network) == "trained" else ()))


def all_files(params: Params) -> tuple[tuple[str, str], ...]:
    """Of an experiment whose seeds draw the pictures."""
    found = [file for name in (*PHOTOGRAPHS, *STYLES) if name not in DRAWN for file in (PHOTOGRAPHS | TEXTURES)[name]]
    return (*dict.fromkeys(found), *(PRETRAINED if installed() else ()))


PRESETS = (
    Preset("waves", {}, "transfer"),
    Preset("mosaic", {"style": "mosaic"}, "transfer"),
    Preset("brick", {"style": "brick"}, "transfer"),
    Preset("little", {"weight": 0.1}, "transfer"),
    Preset("noise", {"start": "noise", "content_layer": 3, "steps": 160}, "transfer"),
    Preset("random", {"network": "random", "content_layer": 3, "weight": 100.0}, "transfer"),
    Preset("first_layer", {"content_layer": 1}, "transfer"),
    Preset("lbfgs", {"optimizer": "lbfgs"}, "distances"),
    Preset("undivided", {"gram": "undivided", "style_side": 40, "start": "noise"}, "transfer"),
    Preset("bytes", {"inputs": "bytes"}, "transfer"),
)

TINY = Params(side=16, style_side=16, steps=10, small=16, evaluations=6, seeds=2, start="noise", network="random")
TRIAL = {"side": 16, "style_side": 16, "steps": 5, "small": 16, "evaluations": 5, "seeds": 1}
