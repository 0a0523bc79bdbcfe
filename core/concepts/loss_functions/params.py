"""Loss functions: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
DIVERGES = "output"
FURTHER = ("surface", "classifier", "outliers")
NEURON = ("wrong", "losses", "rate", "steps", "ones")  # fields of this experiment alone
SURFACE = ("overlap", "examples")
CLASSIFIER = ("data", "own", "wrong_labels", "epochs", "width")
OUTLIERS = ("outliers", "height", "delta", "added")
WITHOUT = (*SURFACE, *CLASSIFIER, *OUTLIERS)
LOSSES = ("squared", "cross_entropy", "linear", "absolute", "hinge", "zero_one", "no_minus", "naive")
TABLES = {"digits": (1797, 64, 10), "iris": (150, 4, 3), "breast_cancer": (569, 30, 2)}
SEEN = 10  # labels whose likelihood is looked at
TICKS = 100  # moments recorded, at most, besides the start


@dataclass(frozen=True)
class Neuron(BaseParams):
    """What a neuron makes small, and at how many times the common learning rate."""

    loss: str = choice("squared", LOSSES)
    times: float = number(1.0, 0.001, 1000.0, log=True)


@dataclass(frozen=True)
class Point(BaseParams):
    """A point the reader placed; it belongs to the data of every seed."""

    x: float = number(0.0, -1.0, 1.0, step=0.01)
    y: float = number(0.0, -40.0, 40.0, step=0.1)


def fresh(loss: str, neuron: Neuron | None) -> Neuron:
    return neuron.replace(loss=loss) if neuron else Neuron(loss)


def of(*losses: str) -> tuple[Neuron, ...]:
    return tuple(Neuron(loss) for loss in losses)


@dataclass(frozen=True)
class Params(BaseParams):
    """Losses compared. Seed i of `seeds` draws data data_seed + i and weights weight_seed + i, the same for all."""

    wrong: float = number(6.0, -2.0, 20.0, step=0.5)
    losses: tuple[Neuron, ...] = rows(of("squared", "cross_entropy"), Neuron, 1, 8, fresh=fresh)
    rate: float = number(0.5, 0.001, 100.0, log=True)
    steps: int = integer(200, 10, 3000, step=10)
    ones: int = integer(7, 0, SEEN)
    overlap: float = number(0.5, 0.0, 3.0, step=0.1)
    examples: int = integer(40, 4, 400, step=4)
    data: str = choice("digits", tuple(TABLES), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 20_000), features=(1, 64), classes=(2, 10))
    wrong_labels: float = number(0.0, 0.0, 0.8, step=0.05)
    epochs: int = integer(8, 1, 100)
    width: int = integer(32, 1, 128)
    outliers: int = integer(3, 0, 15)
    height: float = number(10.0, 0.0, 30.0, step=0.5)
    delta: float = number(0.5, 0.01, 10.0, log=True)
    added: tuple[Point, ...] = rows((), Point, 0, 20)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """One neuron σ(w x + b) with one example of target 0, from w x + b = `wrong`, under every loss."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    output: np.ndarray = array("loss seed tick+", dtype="float64")  # its answer, 0 … 1
    gradient: np.ndarray = array("loss seed tick+", dtype="float64")  # length of that of the loss in (w, b)
    # Losses and their slopes over the weighted sum, at target 0.
    z: np.ndarray = array("point", dtype="float64")
    value: np.ndarray = array("loss point", dtype="float64")
    slope: np.ndarray = array("loss point", dtype="float64")
    # Of SEEN labels, `ones` of which are 1, if each is 1 with probability `chance`.
    chance: np.ndarray = array("chance", dtype="float64")
    likelihood: np.ndarray = array("chance", dtype="float64")


def moments(last: int, count: int = TICKS) -> np.ndarray:
    """At most `count` + 1 steps after which something is measured: closer together at first."""
    return np.unique((last * np.linspace(0, 1, count + 1) ** 1.5).round().astype(int))


def table_shape(params: Params) -> tuple[int, ...]:
    """Rows, features and classes of the classifier's data."""
    return tuple(shape(params.own)) if params.own else TABLES[params.data]


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The neurons [losses, seeds, …] by the names of torch.nn."""
    return {"0.weight": state["weights"][..., :1, None], "0.bias": state["weights"][..., 1:]}


def cost(params: Params) -> Cost:
    return Cost(params.steps, 1e4 * len(params.losses) + 100.0 * params.seeds)


PRESETS = (
    Preset("stuck", {}, "neuron"),
    Preset("unsure", {"wrong": 0.0}, "neuron"),
    Preset("linear", {"losses": of("squared", "linear", "cross_entropy")}, "neuron"),
    Preset("flat", {"losses": of("absolute", "zero_one", "hinge"), "wrong": 3.0}, "logit"),
    Preset("two_rates", {"losses": (Neuron(times=1000.0), Neuron("cross_entropy")), "rate": 0.05}, "neuron"),
    Preset("underflow", {"losses": of("naive", "cross_entropy"), "wrong": 18.0}, "neuron"),
    Preset("no_minus", {"losses": of("no_minus", "cross_entropy"), "wrong": 1.0}, "neuron"),
    Preset("noisy", {"wrong_labels": 0.4}, "tuned"),
    Preset("no_outliers", {"outliers": 0}, "lines"),
)

TINY = Params(losses=of(*LOSSES[:-1]), wrong=2.0, steps=20, examples=8, epochs=1, width=4, seeds=2)
TRIAL = {"seeds": 2, "steps": 20, "epochs": 1}
