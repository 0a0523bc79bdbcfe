"""Bias and variance: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
FURTHER = ("learning", "networks", "descent")
NETWORKS = ("activation", "steps", "lr")  # fields of networks alone
DOUBLE = ("wrong", "examples", "ridge")  # of double descent alone
WITHOUT = (*NETWORKS, *DOUBLE, "weight_seed")
MOST = 12  # the highest degree
CLOUD = 30  # fits of the first seed that are shown
PLACES = 81  # where fits are looked at: nodes of Gauss and Legendre, as the variance of polynomials is at the edges


def drawn(params: Params) -> bool:
    """Whether the points are drawn around a curve that is known."""
    return not params.own


@dataclass(frozen=True)
class Params(BaseParams):
    """Many models from many training sets. Seed i of `seeds` draws all of its training sets by data_seed + i and all
    first weights by weight_seed + i."""

    degree: int = integer(1, 0, MOST)
    data: str = choice("wave", ("wave", "line", "jump"), applies=drawn)
    own: str = upload("table", rows=(30, 500), features=(2, 2), classes=(0, 0))  # x and y, without labels
    points: int = integer(25, 15, 200)
    noise: float = number(0.3, 0.05, 1.0, step=0.05, applies=drawn)
    places: str = choice("parts", ("parts", "even", "anywhere"), applies=drawn)
    sets: int = integer(100, 2, 400)
    corrected: bool = flag(True, applies=drawn)  # wrong: the variance of the mean of the fits counts as bias
    fresh: bool = flag(True, applies=drawn)  # wrong: the test points are those of the training set
    activation: str = choice("relu", ("relu", "tanh"))
    steps: int = integer(1000, 10, 5000, step=10)
    lr: float = number(0.02, 1e-5, 10.0, log=True)
    wrong: float = number(0.15, 0.0, 0.4, step=0.05)
    examples: int = integer(40, 10, 60)
    ridge: float = number(0.1, 1e-6, 100.0, log=True)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Polynomials of every degree on one training set after another. On the reader's own points the curve is not known:
    `bias` is then bias² and noise in one."""

    tick: np.ndarray = array("tick+", "sets", dtype="int64")
    bias: np.ndarray = array("degree seed tick+", dtype="float64")  # squared
    variance: np.ndarray = array("degree seed tick+", dtype="float64")
    test: np.ndarray = array("degree seed tick+", dtype="float64")  # mean squared error on fresh points
    train: np.ndarray = array("degree seed tick+", dtype="float64")  # on the points of the training set
    # The first seed: the curve (NaN where it is not known), fits of the chosen degree, their mean, the first set.
    place: np.ndarray = array("place", dtype="float64")
    truth: np.ndarray = array("place", dtype="float64")
    fit: np.ndarray = array("curve place", fill=np.nan)
    mean: np.ndarray = array("tick+ place")
    x: np.ndarray = array("example", dtype="float64")
    y: np.ndarray = array("example", dtype="float64")


def size_of_sets(params: Params) -> int:
    """Points of a training set; of the reader's own at most every other one, as the rest is for the test."""
    return min(params.points, shape(params.own)[0] // 2) if params.own else params.points


def moments(last: int) -> np.ndarray:
    """Numbers of training sets after which errors are taken apart."""
    return np.array([n for n in (2, 3, 5, 10, 20, 50, 100, 200) if n < last] + [last])


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The chosen degree's fits [seeds, sets, …] as a layer on the Legendre polynomials of degree 1, 2, …"""
    found = state["coefficients"]
    return {"0.weight": found[..., None, 1:], "0.bias": found[..., :1]}


def cost(params: Params) -> Cost:
    """A step fits every degree to one training set of every seed."""
    judged = shape(params.own)[0] if params.own else 2 * PLACES
    return Cost(params.sets, 3e5 + params.seeds * (4.0 * size_of_sets(params) + 8.0 * judged) * (MOST + 1) ** 2)


PRESETS = (
    Preset("rigid", {}, "fits"),
    Preset("right", {"degree": 6}, "fits"),
    Preset("flexible", {"degree": MOST}, "fits"),
    Preset("line", {"data": "line"}, "fits"),
    Preset("jump", {"data": "jump", "degree": 6}, "fits"),
    Preset("many", {"points": 100, "degree": MOST}, "fits"),
    Preset("even", {"places": "even", "degree": 6}, "gap"),
    Preset("anywhere", {"places": "anywhere", "degree": 6}, "fits"),
    Preset("uncorrected", {"sets": 3, "corrected": False}, "gap"),
    Preset("not_fresh", {"fresh": False}, "gap"),
    Preset("tanh", {"activation": "tanh"}, "networks"),
    Preset("clean", {"wrong": 0.0}, "descent"),
)

TINY = Params(sets=4, points=16, steps=20, examples=10, seeds=2)
TRIAL = {"seeds": 2, "sets": 3, "steps": 10, "examples": 10}
