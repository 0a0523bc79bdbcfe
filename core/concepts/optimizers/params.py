"""Optimizers on surfaces: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.rules import Contender, usual

ENGINE = "stacked torch"
DEVICES = ("cpu",)
DIVERGES = "height"
FURTHER = ("averages",)
WITHOUT = ("beta", "signal", "own", "scatter")

TILT = 0.15  # of the double well: how much lower one well lies


class Surface(NamedTuple):
    """What is known of a surface: the part of the plane that is shown, its customary start, its lowest value."""

    box: tuple[float, float, float, float]  # x from, to; y from, to
    start: tuple[float, float]
    lowest: float
    minima: tuple[tuple[float, float], ...]  # the places where it is lowest


def _tilted() -> Surface:
    """The double well ¼ (x² − 1)² + tilt · x + ½ y² has its lower minimum at the least root of x³ − x + tilt."""
    x = float(np.roots([1, 0, -1, TILT]).real.min())
    return Surface((-2, 2, -1.2, 1.2), (1.7, 0.9), (x * x - 1) ** 2 / 4 + TILT * x, ((x, 0.0),))


SURFACES = {
    "quadratic": Surface((-5, 5, -3.5, 2.5), (-4, 1), 0.0, ((0, 0),)),
    "rosenbrock": Surface((-2.5, 2.5, -1, 2), (-1.2, 1), 0.0, ((1, 1),)),
    "saddle": Surface((-2, 2, -1.2, 1.2), (0.001, 1), 0.0, ((-1, 0), (1, 0))),
    "tilted": _tilted(),
    "beale": Surface((-2, 4.5, -2, 2), (1, 1), 0.0, ((3, 0.5),)),
    "himmelblau": Surface(
        (-7, 7, -4.5, 4.5),
        (0, 0),
        0.0,
        ((3, 2), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)),
    ),
    "plateau": Surface((-5, 5, -3, 3), (-4, 2), 0.0, ((0, 0),)),
    "bumpy": Surface((-5, 5, -3, 3), (3.4, -2.4), 0.0, ((0, 0),)),
    "cliff": Surface((2, 8.5, -4, -0.1), (7, -2), 0.0, ()),  # lowest along a curve
}
NETWORK = "network"  # the loss of a tiny network on XOR: more than two dimensions

# Log-spaced rates that are tried for every contender, and, of the figure with both, rates and memories.
RATES = np.round(np.logspace(-4, 2, 181), 12)  # 30 a decade
PAD_RATES = RATES[::5]
MEMORIES = np.array([0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99])
MEMORY = {"momentum": "momentum", "nesterov": "momentum", "rmsprop": "alpha", "adadelta": "rho"}
MEMORY |= dict.fromkeys(("adam", "adamw", "nadam", "radam", "amsgrad", "lion"), "beta1")
WIDTHS = (1, 2, 3, 4, 6, 8)  # hidden units of the networks

FOUR = (
    Contender(rule="sgd", lr=0.02),
    Contender(rule="momentum", lr=0.02),
    Contender(rule="nesterov", lr=0.02),
    Contender(rule="adam", lr=0.3),
)
FAMILIAR = {c.rule: c for c in FOUR}


def fresh(rule: str, contender: Contender | None) -> Contender:
    """A contender of this rule at a rate that suits bowls a few units wide."""
    # A decay that pulls to (0, 0) is no help where the minimum lies elsewhere, and undue help where it lies there.
    found = FAMILIAR.get(rule, usual(rule, 1.0 if rule == "adadelta" else 0.1))
    return replace(found, weight_decay=1e-4) if rule == "adamw" else found


def in_plane(params: Params) -> bool:
    return params.surface != NETWORK


@dataclass(frozen=True)
class Params(BaseParams):
    """Contenders on one surface, from one start and from `seeds` further ones. Start i of them is drawn from
    weight_seed + i, its gradient noise and its noisy signal from data_seed + i, the same for every contender."""

    contenders: tuple[Contender, ...] = rows(FOUR, Contender, 1, 12, fresh=fresh)
    surface: str = choice("quadratic", (*SURFACES, NETWORK))
    conditioning: float = number(100.0, 1.0, 1e4, log=True, applies=lambda p: p.surface == "quadratic")
    angle: float = number(30.0, 0.0, 90.0, step=1.0, applies=lambda p: p.surface == "quadratic")
    rates: str = choice("best", ("best", "given"))
    placed: bool = flag(False, applies=in_plane)
    x: float = number(-4.0, -10.0, 10.0, step=0.01, applies=lambda p: in_plane(p) and p.placed)
    y: float = number(1.0, -10.0, 10.0, step=0.01, applies=lambda p: in_plane(p) and p.placed)
    steps: int = integer(300, 10, 2000, step=10)
    target: float = number(1e-4, 1e-8, 0.5, log=True)
    noise: float = number(0.0, 0.0, 10.0, step=0.05, applies=in_plane)
    layout: str = choice("grid", ("grid", "random"), applies=in_plane)
    seeds: int = integer(100, 1, 400)
    beta: float = number(0.9, 0.0, 0.99, step=0.01)
    signal: str = choice("wave", ("wave", "ramp", "constant"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 2000), features=(1, 1), classes=(0, 0))
    scatter: float = number(0.4, 0.0, 2.0, step=0.05)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Where every contender went. Heights are f − f*, the distance to the lowest value of the surface; NaN is a
    contender that left all bounds. Counts of steps are NaN where the target was not reached within the run."""

    # The surface and the sweep: every contender from the one start, at every rate.
    column: np.ndarray = array("column", dtype="float64")  # x of the field's columns
    row: np.ndarray = array("row", dtype="float64")  # y of its rows
    field: np.ndarray = array("row column")  # heights
    rate: np.ndarray = array("tried", dtype="float64")
    # From when on the height stays under the target
    sweep: np.ndarray = array("contender tried", "steps", dtype="float64", fill=np.nan)
    # With the contender's β (μ, α, ρ) changed too
    pad: np.ndarray = array("contender memory pad_rate", "steps", dtype="float64", fill=np.nan)
    # The rate taken: the best of the sweep, or the one given
    chosen: np.ndarray = array("contender", dtype="float64", fill=np.nan)
    # The path from the one start. Move t goes from place t to place t + 1.
    path: np.ndarray = array("contender place+ axis", dtype="float64")
    height: np.ndarray = array("contender place+", dtype="float64")
    gradient: np.ndarray = array("contender move+ axis", dtype="float64")
    # What takes the place of the gradient: b, m̂, or the gradient
    average: np.ndarray = array("contender move+ axis", dtype="float64")
    # Rate of each coordinate: step = −scale · average
    scale: np.ndarray = array("contender move+ axis", dtype="float64")
    reached: np.ndarray = array("contender", "steps", dtype="float64", fill=np.nan)
    # Every start: a grid or drawn at random.
    frame: np.ndarray = array("frame+", "steps", dtype="int64")
    swarm: np.ndarray = array("contender seed frame+ axis")
    pace: np.ndarray = array("contender seed frame+", fill=np.nan)  # length of the next step
    reached_by: np.ndarray = array("contender seed", "steps", dtype="float64", fill=np.nan)
    # Mean distance from the minimum along x and along y
    extent: np.ndarray = array("contender seed axis", dtype="float64", fill=np.nan)
    # Networks on XOR instead.
    loss: np.ndarray = array("contender width seed", "nats", dtype="float64", fill=np.nan)
    right: np.ndarray = array("contender width seed", dtype="float64")  # of the four points


def cost(params: Params) -> Cost:
    """A sweep and a run, each of `steps` steps over all members."""
    contenders = len(params.contenders)
    tried = contenders * (len(RATES) + len(PAD_RATES) * len(MEMORIES))
    members = max(tried, contenders * (params.seeds + 1))
    if params.surface == NETWORK:
        members = 7 * contenders * len(WIDTHS) * max(params.seeds, 120)
    return Cost(2 * params.steps, 1000.0 * members, 80.0 * members * params.steps)  # bytes: tables of the rules


def start_of(params: Params) -> tuple[float, float]:
    """Where the path begins."""
    return (params.x, params.y) if params.placed else SURFACES[params.surface].start


def _of(*rules: str, **settings: Any) -> tuple[Contender, ...]:
    return tuple(replace(fresh(rule, None), **settings) for rule in rules)


WITH_ADAGRAD = _of("sgd", "momentum", "adagrad", "adam")

PRESETS = (
    Preset("ravine", {}),
    Preset("bowl", {"conditioning": 1.0}),
    Preset("aligned", {"contenders": WITH_ADAGRAD, "angle": 0.0}),
    Preset("rotated", {"contenders": WITH_ADAGRAD}),
    Preset("one_rate", {"contenders": _of("sgd", "momentum", "nesterov", "adam", lr=0.01), "rates": "given"}),
    Preset(
        "correction",
        {
            "contenders": (
                replace(fresh("adam", None), lr=0.1),
                replace(fresh("adam", None), lr=0.1, correction=False),
            ),
            "rates": "given",
        },
    ),
    Preset("saddle", {"surface": "saddle", "contenders": _of("sgd", "momentum", "adam", lr=0.1), "rates": "given"}),
    Preset("wells", {"surface": "tilted", "contenders": _of("sgd", "momentum", "adam")}),
    Preset("cliff", {"surface": "cliff", "contenders": _of("sgd", "momentum", "adagrad", "adam")}),
    Preset("noise", {"conditioning": 10.0, "noise": 2.0, "target": 0.01}),
    Preset("xor", {"surface": NETWORK, "contenders": _of("sgd", "momentum", "adam"), "seeds": 200}),
)

TINY = Params(
    contenders=(Contender(rule="sgd", lr=0.01), Contender(rule="adam", lr=0.1)),
    steps=20,
    noise=0.1,
    layout="random",
    seeds=3,
)
TRIAL = {"seeds": 2, "steps": 20}
