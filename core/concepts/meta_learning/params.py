"""Meta-learning: what can be turned, what comes back from sinusoids, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, points, rows
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu",)
DIVERGES = "error"
FURTHER = ("glyphs", "quadratic")
# MAML | one network for all tasks | first-order MAML | Reptile | the untrained start of all | MAML whose loss of some
# points, a mean already, is divided by their number once more (wrong)
KINDS = ("maml", "joint", "fomaml", "reptile", "scratch", "twice")
SIZES = (1, 40, 40, 1)  # units of every layer
REACH, HIGHEST = 5.0, 5.0  # x lies within ±REACH, amplitudes are 0.1 … HIGHEST
LOWEST = 0.1
QUERY = 10  # points on which an adapted network is judged in meta-training
TESTED = 30  # unseen tasks a seed
MOST = 10  # gradient steps after which it is measured how well a start has adapted
COUNTS = (1, 2, 5, 10, 20)  # points to adapt to
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03)  # of the steps of adapting
PARTS = ("whole", "head", "body", "other")  # what adapts: all layers, the last, all others; all, but on another task
TICKS = 6  # moments that are measured besides the start
GRID = 41  # places at which a fit is drawn, and judged


@dataclass(frozen=True)
class Way(BaseParams):
    """How a start is found."""

    kind: str = choice("maml", KINDS)


def of(*kinds: str) -> tuple[Way, ...]:
    return tuple(Way(kind=kind) for kind in kinds)


@dataclass(frozen=True)
class Params(BaseParams):
    """Seed i of `seeds` draws all tasks from data_seed + i and first weights from weight_seed + i: the same for all
    ways."""

    ways: tuple[Way, ...] = rows(
        of("maml", "joint", "fomaml", "reptile", "scratch"), Way, 1, len(KINDS), fresh=lambda kind, way: Way(kind=kind)
    )
    points: int = integer(5, 1, 20)
    rate: float = number(0.02, 1e-4, 1.0, log=True)
    inner: int = integer(1, 1, 5)
    steps: int = integer(500, 2, 5000)
    tasks: int = integer(8, 1, 40)
    lr: float = number(0.01, 1e-5, 100.0, log=True)
    shots: int = integer(1, 1, 5)
    steepest: float = number(8.0, 1.0, 9.0, step=0.5)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


WITHOUT = ("shots", "steepest")


@dataclass(frozen=True)
class Result(BaseResult):
    """Squared errors are means over unseen tasks, the same for all ways."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")  # of meta-training
    error: np.ndarray = array("way seed tick+ move")  # after 0 … MOST steps of adapting
    floor: np.ndarray = array("seed")  # of the best function that does not adapt
    shown: np.ndarray = array("point xy")  # of the first seed's first unseen task, what is adapted to
    truth: np.ndarray = array("grid")
    fit: np.ndarray = array("way tick+ move grid")
    by_points: np.ndarray = array("way seed end+ count", fill=np.nan)  # after MOST steps
    by_rate: np.ndarray = array("way seed end+ rate", fill=np.nan)
    parts: np.ndarray = array("way seed end+ part", fill=np.nan)
    moved: np.ndarray = array("way seed end+ layer", fill=np.nan)  # distance over the norm of where it began


@dataclass(frozen=True)
class Own(BaseParams):
    """A reader's own points, and how far the starts adapt to them."""

    marks: tuple[tuple[float, ...], ...] = points(
        ((-4.0, 1.5), (-2.5, -2.0), (-0.5, -2.5), (1.5, 3.0), (3.5, 0.5)), -REACH, REACH, 1, 20
    )
    moves: int = integer(1, 0, 100)
    rate: float = number(0.02, 1e-4, 1.0, log=True)


@dataclass(frozen=True)
class Fits(BaseResult):
    """What the networks of the first seed make of them, and the mean squared error at the points."""

    fit: np.ndarray = array("way grid")
    error: np.ndarray = array("way")


ASKS = (Ask("adapt", Own, Fits),)


def places() -> np.ndarray:
    """At which fits are drawn and judged."""
    return np.linspace(-REACH, REACH, GRID)


def best_still(x: np.ndarray) -> np.ndarray:
    """The mean over all tasks, which no function that does not adapt can beat: amplitudes and phases are independent,
    and sin(x + φ) over φ in [0, π] is (2/π) cos x in the mean."""
    return (LOWEST + HIGHEST) / 2 * 2 / np.pi * np.cos(x)


def ticks(steps: int) -> np.ndarray:
    """Closer together at first: most happens early."""
    return np.unique(np.r_[0, np.geomspace(min(5, steps), steps, TICKS).round().astype(int)])


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Starts [ways, seeds, …]."""
    return perceptron(state["weights"], SIZES)


def cost(params: Params) -> Cost:
    """A step trains every way, which has its own number of passes; adapting to the unseen tasks comes on top."""
    passes = {"maml": 6.0, "twice": 6.0, "fomaml": 3.0, "reptile": 6.0, "joint": 2.0, "scratch": 0.0}
    each = sum(passes[way.kind] for way in params.ways) * (1 + 0.25 * params.inner)
    members, measured = params.seeds * params.tasks, params.seeds * TESTED * len(params.ways)
    looked = (TICKS + len(COUNTS) + len(RATES) + len(PARTS)) * MOST * 4.0 * measured / params.steps
    operations = weight_count(SIZES) * (params.points + QUERY) * 4.0 * (each * members + looked)
    return Cost(params.steps, operations + 4e6 * each, 400.0 * weight_count(SIZES) * params.seeds * TESTED)


PRESETS = (
    Preset("few", {}, "fit"),
    Preset("two", {"points": 2}, "points"),
    Preset("rates", {"rate": 0.005}, "rates"),
    Preset("three", {"ways": of("maml", "joint", "fomaml"), "inner": 3}, "steps"),
    Preset("twice", {"ways": of("maml", "twice")}, "steps"),
    Preset("glyphs", {"shots": 5}, "glyphs"),
    Preset("quadratic", {"inner": 3}, "quadratic"),
    Preset("alike", {"steepest": 1.0}, "quadratic"),
)

TINY = Params(ways=of("maml", "joint"), points=2, steps=3, tasks=2, seeds=2)
TRIAL = {"steps": 2, "tasks": 2, "seeds": 2}
