"""A texture from Gram matrices alone: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.style_transfer.params import LOOK, OWN, Params, all_files
from core.ml.pretrained import installed

WITHOUT = OWN
data_files = all_files
TINY = Params(small=16, evaluations=6, seeds=1)
# A network, and by what the picture is changed for it; the last is the style's own pixels in another order
WAYS = {
    "trained": ("trained", "adam"),
    "trained_lbfgs": ("trained", "lbfgs"),
    "sizes": ("sizes", "adam"),
    "sizes_lbfgs": ("sizes", "lbfgs"),
    "one": ("one", "adam"),
    "random": ("random", "adam"),
    "colours": ("colours", "adam"),
    "shuffled": ("", ""),
}
RATE = 0.05  # of Adam


@dataclass(frozen=True)
class Result(BaseResult):
    """From noise, until the Gram matrices are those of the style. Pictures are of the first seed. NaN of what needs the
    trained network where it is not installed."""

    trained: bool
    style: np.ndarray = array("row column channel", "1/255", dtype="uint8")
    tick: np.ndarray = array("tick+", "evaluations", dtype="int64")
    picture: np.ndarray = array("way tick+ row column channel", "1/255", dtype="uint8")
    loss: np.ndarray = array("way seed tick+", fill=np.nan)  # the smallest until then
    repeats: np.ndarray = array(
        "way seed end+", fill=np.nan
    )  # root mean square difference of autocorrelations from the style's
    seen: np.ndarray = array("way seed end+", fill=np.nan)  # style distance, as the trained network sees it
    changed: np.ndarray = array("way seed end+", fill=np.nan)  # the largest change of any weight of the network


def cost(params: Params) -> Cost:
    looks = sum(LOOK[network] for network, _ in WAYS.values() if network and (network != "trained" or installed()))
    pixels = params.seeds * params.small**2
    return Cost(params.evaluations, 1.2 * pixels * looks, 5e8 + 2e4 * pixels)
