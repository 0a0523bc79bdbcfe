"""Backpropagation: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
FURTHER = ("graph", "check", "bench", "speed")
WITHOUT = ("steps", "penalty")
SIZES = (2, 2, 2)  # of the network whose every number is shown
NODES = ("x1", "x2", "h1", "h2", "o1", "o2")
WEIGHTS = ("w1", "w2", "w3", "w4", "b1", "b2", "w5", "w6", "w7", "w8", "b3", "b4")  # W [to, from] by rows, then b
TARGETS = ("t1", "t2")
ENDS = (  # of every weight: from, to; a bias has an input of 1
    ("x1", "h1"), ("x2", "h1"), ("x1", "h2"), ("x2", "h2"), ("1", "h1"), ("1", "h2"),
    ("h1", "o1"), ("h2", "o1"), ("h1", "o2"), ("h2", "o2"), ("1", "o1"), ("1", "o2"),
)  # fmt: skip


@dataclass(frozen=True)
class Edit(BaseParams):
    """A number of the network that is set by hand."""

    which: str = choice("w1", (*WEIGHTS, "x1", "x2", *TARGETS))
    value: float = number(0.5, -5.0, 5.0, step=0.1)


def fresh(which: str, edit: Edit | None) -> Edit:
    return Edit(which=which, value=edit.value if edit else 0.5)


@dataclass(frozen=True)
class Params(BaseParams):
    """A network of two inputs, two hidden units and two outputs. Seed i of `seeds` draws inputs data_seed + i and
    weights weight_seed + i; the first one is shown, with what is set by hand."""

    lit: str = choice("w1", WEIGHTS)
    edited: tuple[Edit, ...] = rows((), Edit, 0, 12, fresh=fresh)
    updates: int = integer(0, 0, 100)
    lr: float = number(0.5, 0.01, 5.0, log=True)
    nudge: float = number(0.1, 0.0001, 1.0, log=True)
    activation: str = choice("tanh", ("sigmoid", "tanh", "relu"))
    loss: str = choice("squared", ("squared", "cross_entropy"))
    steps: int = integer(300, 10, 2000, step=10)
    penalty: float = number(0.001, 0.0001, 0.1, log=True)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(3, 0, 99_999)
    weight_seed: int = integer(11, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Every number of the network after every move: forward, backward, update, forward, … NaN is not yet known."""

    weight: np.ndarray = array("move+ weight", dtype="float64", fill=np.nan)
    value: np.ndarray = array("move+ node", dtype="float64", fill=np.nan)
    loss: np.ndarray = array("move+", dtype="float64", fill=np.nan)
    back: np.ndarray = array("move+ node", dtype="float64", fill=np.nan)  # ∂L/∂value: what comes back
    slope: np.ndarray = array("move+ node", dtype="float64", fill=np.nan)  # ∂value/∂(weighted sum); 1 under a softmax
    gradient: np.ndarray = array("move+ weight", dtype="float64", fill=np.nan)  # ∂L/∂weight: input · slope · back
    autograd: np.ndarray = array("move+ weight", dtype="float64", fill=np.nan)  # the same by torch
    nudged: np.ndarray = array("move+ weight", dtype="float64", fill=np.nan)  # the same by central differences
    place: np.ndarray = array("move+ place", dtype="float64", fill=np.nan)  # values of the weight that is lit
    along: np.ndarray = array("move+ place", dtype="float64", fill=np.nan)  # the loss there
    target: np.ndarray = array("output", dtype="float64")
    # Of every seed, as drawn: the largest difference from autograd over the largest gradient; the outputs
    apart: np.ndarray = array("seed", dtype="float64", fill=np.nan)
    output: np.ndarray = array("seed output", dtype="float64", fill=np.nan)


def moves(params: Params) -> int:
    """Forward and backward, and before that updates of three moves each."""
    return 3 * params.updates + 2


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The network by the names of torch.nn."""
    w = state["weights"]
    return {"0.weight": w[:4].reshape(2, 2), "0.bias": w[4:6], "2.weight": w[6:10].reshape(2, 2), "2.bias": w[10:]}


def cost(params: Params) -> Cost:
    return Cost(moves(params), 2e6 + 2e6 * params.seeds / moves(params))


PRESETS = (
    Preset("first", {}, "network"),
    Preset("learns", {"updates": 20, "lr": 2.0}, "network"),
    Preset("saturated", {"edited": (Edit("b1", 5.0), Edit("b2", 5.0))}, "network"),
    Preset("dead", {"activation": "relu", "edited": (Edit("b1", -5.0),)}, "network"),
    Preset("softmax", {"loss": "cross_entropy", "lit": "w5"}, "network"),
    Preset("coarse", {"nudge": 1.0, "lit": "w5"}, "network"),
    Preset("kinked", {"activation": "relu"}, "check"),
    Preset("slow", {"lr": 0.05, "steps": 1000}, "broken"),
)

TINY = Params(updates=1, steps=20, seeds=2)
TRIAL = {"seeds": 2, "steps": 10, "updates": 1}
