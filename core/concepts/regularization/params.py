"""Regularisation: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
FURTHER = ("table", "looks", "nets")
BOUNDARY = ("exponent", "over")  # fields of this experiment alone
POINTS = ("data", "noise", "examples")  # of this one and the networks
TABLE = ("own", "noise_columns", "ratio", "folds", "table_steps")
LOOKS = ("looks", "held")
NETS = ("width", "lr", "steps")
WITHOUT = (*TABLE, *LOOKS, *NETS, "weight_seed")
# Penalties at which errors are measured, falling; the reader's own is among them
GRID = tuple(10.0 ** (k / 2) for k in range(4, -13, -1))
REACH = 1.8  # the plane is drawn within ±REACH
SIDE = 9  # SIDE² bumps cover it
PIXELS = 56  # a side of the picture
DIABETES = (442, 11)  # rows and columns of the table, its target among them


@dataclass(frozen=True)
class Params(BaseParams):
    """Penalties of one kind or another. Seed i of `seeds` draws data data_seed + i and weights weight_seed + i."""

    exponent: float = number(-5.0, -6.0, 2.0, step=0.5)  # λ = 10^exponent
    data: str = choice("moons", ("moons", "rings", "xor", "spiral", "blobs"))
    noise: float = number(0.3, 0.0, 1.0, step=0.05)
    examples: int = integer(60, 20, 400, step=20)
    over: str = choice("weights", ("weights", "examples"))  # wrong: a penalty for every example
    own: str = upload("table", rows=(60, 5000), features=(3, 21), classes=(0, 0))
    noise_columns: int = integer(10, 0, 40)
    ratio: float = number(0.5, 0.0, 1.0, step=0.05)
    folds: int = integer(5, 2, 20)
    table_steps: int = integer(1500, 20, 5000, step=20)
    looks: int = integer(60, 1, 400)
    held: int = integer(200, 20, 2000, step=20)
    width: int = integer(40, 2, 128)
    lr: float = number(0.02, 1e-4, 0.1, log=True)
    steps: int = integer(400, 20, 2000, step=20)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Logistic regression on bumps that cover the plane, at one penalty after the other, the heaviest first; the
    reader's own is among them."""

    penalty: np.ndarray = array("place+", dtype="float64")
    error: np.ndarray = array("seed place+ set", dtype="float64")  # share of mistakes on training and fresh examples
    size: np.ndarray = array("seed place+", dtype="float64")  # Euclidean norm of the weights, bias aside
    turns: np.ndarray = array("seed place+", "turns", dtype="float64")  # curvature along the whole boundary
    # The first seed: training examples, and P(class 1) at the reader's own penalty.
    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example", dtype="int64")
    region: np.ndarray = array("own+ row column", "1/255", dtype="uint8")


def columns(params: Params) -> int:
    """Inputs of the table, those of pure noise among them."""
    return (shape(params.own)[1] if params.own else DIABETES[1]) - 1 + params.noise_columns


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The models [seeds, …] at the reader's own penalty, a linear layer on the bumps, by the names of torch.nn."""
    return {"0.weight": state["weights"][:, None, :-1], "0.bias": state["weights"][:, -1:]}


def cost(params: Params) -> Cost:
    """Newton's method makes and solves a system of SIDE² unknowns a few times per penalty."""
    step = 10 * params.examples * SIDE**4 + 3.0 * SIDE**6 + 2e6
    return Cost(len(GRID), params.seeds * step)


PRESETS = (
    Preset("too_little", {}, "boundary"),
    Preset("right", {"exponent": -2.0}, "boundary"),
    Preset("too_much", {"exponent": 1.5}, "boundary"),
    Preset("nothing_to_cure", {"exponent": -2.0, "noise": 0.0, "examples": 400}, "boundary"),
    Preset("summed", {"exponent": -2.0, "over": "examples"}, "boundary"),
    Preset("many_columns", {"noise_columns": 30}, "zeros"),
    Preset("no_noise_columns", {"noise_columns": 0}, "paths"),
    Preset("many_looks", {"looks": 300}, "looks"),
    Preset("few_held", {"held": 40}, "looks"),
)

TINY = Params(examples=20, noise_columns=2, table_steps=40, looks=8, held=20, width=4, steps=20, seeds=2)
TRIAL = {"seeds": 2, "width": 4, "steps": 20, "table_steps": 40}
