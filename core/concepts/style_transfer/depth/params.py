"""Content and style by layer: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.style_transfer.params import LAYERS, LOOK, OWN, Params, all_files
from core.ml.pretrained import installed

WITHOUT = OWN
data_files = all_files
TINY = Params(small=16, evaluations=6, seeds=1)
# Rebuilt from a layer's maps, of either network | that layer's content with the style of all | the style of this layer
# and those before it alone
KINDS = ("trained", "random", "transferred", "texture")
RATE, WEIGHT = 0.05, 1.0  # of Adam, of the style


@dataclass(frozen=True)
class Result(BaseResult):
    """Pictures are of the first seed; textures are made for it alone. What is transferred is seen by the trained
    network, where it is installed, else by the random one."""

    trained: bool
    content: np.ndarray = array("row column channel", "1/255", dtype="uint8")
    style: np.ndarray = array("row column channel", "1/255", dtype="uint8")
    tick: np.ndarray = array("tick+", "evaluations", dtype="int64")
    picture: np.ndarray = array("kind layer tick+ row column channel", "1/255", dtype="uint8")
    psnr: np.ndarray = array("kind layer seed tick+", "dB", fill=np.nan)  # of pixels, against the content
    styled: np.ndarray = array("layer seed tick+", fill=np.nan)  # style distance of what is transferred
    alike: np.ndarray = array("layer seed tick+", fill=np.nan)  # correlation of its grey with the content's


def cost(params: Params) -> Cost:
    best = LOOK["trained"] if installed() else LOOK["random"]
    looks = LAYERS * params.seeds * (best * (0.6 * installed() + 1) + LOOK["random"]) + LAYERS * 0.7 * best
    return Cost(params.evaluations, 1.2 * params.small**2 * looks, 5e8 + 1e5 * params.small**2)
