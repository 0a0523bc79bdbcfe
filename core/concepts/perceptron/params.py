"""The perceptron: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, string, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
DATA = ("blobs", "overlap", "xor", "moons", "rings", "placed")
ORDERS = ("cyclic", "shuffled", "largest_mistake", "by_hand")
REACH = 1.5  # points are placed, and questions asked, within ±REACH
GRID = 100_000  # coordinates are whole multiples of 1/GRID: sums of them are exact, and so is what equals zero


@dataclass(frozen=True)
class Point(BaseParams):
    """A point the reader placed; it belongs to the data of every seed."""

    label: str = choice("plus", ("minus", "plus"))
    x: float = number(0.0, -REACH, REACH, step=0.01)
    y: float = number(0.0, -REACH, REACH, step=0.01)


def fresh(label: str, point: Point | None) -> Point:
    """A new point in the middle, or the same point in the other class."""
    return point.replace(label=label) if point else Point(label=label)


@dataclass(frozen=True)
class Params(BaseParams):
    """One neuron with a hard threshold. Seed i of `seeds` draws points and order data_seed + i and weights
    weight_seed + i; both step sizes learn from the same points, weights and order."""

    data: str = choice("blobs", DATA, applies=lambda p: not p.own)
    own: str = upload("table", rows=(10, 500), features=(2, 2), classes=(2, 2))
    n: int = integer(60, 10, 200, step=10, applies=lambda p: not p.own and p.data != "placed")
    margin: float = number(0.1, 0.001, 0.5, log=True, applies=lambda p: not p.own and p.data == "blobs")
    noise: float = number(0.1, 0.0, 1.0, step=0.01, applies=lambda p: not p.own and p.data not in ("blobs", "placed"))
    added: tuple[Point, ...] = rows((), Point, 0, 40, fresh=fresh)
    rate: float = number(1.0, 0.001, 1000.0, log=True)
    other_rate: float = number(0.1, 0.001, 1000.0, log=True)
    initial: str = choice("zero", ("zero", "random"))
    comparison: str = choice("at_most", ("at_most", "below"))
    order: str = choice("cyclic", ORDERS)
    moves: str = string("m", "nmp", 200, applies=lambda p: p.order == "by_hand")
    passes: int = integer(100, 1, 500, applies=lambda p: p.order != "by_hand")
    seeds: int = integer(8, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """What every seed did in every pass (by hand: in every move), and seed 0 update by update.

    Rate 0 is η, rate 1 is η′. Weights are (w₁, w₂, b); a point is misclassified when y (w·x + b) ≤ 0.
    """

    # Seed 0: its points, labels −1 and +1, and the course of the weights; update 0 is the start.
    x: np.ndarray = array("example feature", dtype="float64")
    y: np.ndarray = array("example", dtype="float64")
    path: np.ndarray = array("update+ weight", dtype="float64")
    corrected: np.ndarray = array("update+", dtype="int16")  # which example caused the update; −1 at the start
    missed: np.ndarray = array("update+", "examples", dtype="int16")  # misclassified after the update
    loss: np.ndarray = array("update+", dtype="float64")  # Σ −y (w·x + b) over the misclassified
    other_path: np.ndarray = array("other_update+ weight", dtype="float64")  # with η′
    # Every seed.
    mistakes: np.ndarray = array("rate seed pass+", "updates", dtype="int16")
    misclassified: np.ndarray = array("rate seed pass+", "examples", dtype="int16")  # after the pass
    # After the pass, which the rule would correct
    pending: np.ndarray = array("rate seed pass+", "examples", dtype="int16")
    # Turned w the other way than the turn before
    turned_back: np.ndarray = array("rate seed pass+", "updates", dtype="int16")
    # η: fewer examples are misclassified after them …
    fewer: np.ndarray = array("seed pass+", "updates", dtype="int16")
    fewer_smaller: np.ndarray = array("seed pass+", "updates", dtype="int16")  # … and the loss is smaller too
    # 1 while both rates corrected the same examples in the same order
    alike: np.ndarray = array("seed pass+", dtype="uint8")
    # Distance of the two weight vectors, each divided by its length
    apart: np.ndarray = array("seed pass+", dtype="float64")
    radius: np.ndarray = array("seed", dtype="float64")  # R: the largest length of (x, 1)
    # γ: the best margin of the (x, 1), rounded down; NaN where not separable
    gamma: np.ndarray = array("seed", dtype="float64")
    bound: np.ndarray = array("rate seed", "updates", dtype="float64")  # (R/γ)² from zero weights; else generalised


def activations(path: np.ndarray, rate: float, x: np.ndarray) -> np.ndarray:
    """w·x + b [moment, example] along a path of weights [moment, 3], at points [example, 2] of the grid.

    Weights are their start and `rate` times a sum of examples, a whole multiple of 1/GRID; so from zero weights the
    sign is exact.
    """
    inputs = np.rint(np.c_[x, np.ones(len(x))] * GRID).astype(np.int64)
    learned = np.rint((path - path[0]) / rate * GRID).astype(np.int64)
    return path[0] @ inputs.T / GRID + rate * (learned @ inputs.T / GRID**2)


@dataclass(frozen=True)
class Spot(BaseParams):
    """A point of the plane to be classified."""

    x: float = number(0.0, -REACH, REACH, step=0.01)
    y: float = number(0.0, -REACH, REACH, step=0.01)


@dataclass(frozen=True)
class Classified(BaseResult):
    """What the perceptron of seed 0 says of one point."""

    activation: np.ndarray = array("")  # w·x + b
    label: np.ndarray = array("")  # −1, +1; 0 exactly on the line
    distance: np.ndarray = array("")  # to the line, positive on the side of +1; NaN without a line


ASKS = (Ask("classify", Spot, Classified),)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """w₁, w₂ and b of the last line, [rates, seeds, 3]: at the η given, and at the other."""
    return {"weights": state["weights"]}


def cost(params: Params) -> Cost:
    """Rounds in which every seed makes its next update: a typical number, not a limit, as separable data end
    early. A round in NumPy takes the time of about a thousand operations per example and seed."""
    drawn = 0 if params.data == "placed" else params.n
    examples = len(params.added) + (shape(params.own)[0] if params.own else drawn)
    rounds = 0.7 * params.passes * examples
    if params.order == "by_hand":
        rounds = sum({"n": 1, "m": 1, "p": 0.7 * examples}[move] for move in params.moves)
    elif params.data == "blobs" and not params.own and not params.added and params.initial == "zero":
        rounds = min(rounds, 20 + 10 / params.margin)
    return Cost(max(1, round(rounds)), 1000.0 * params.seeds * max(examples, 1))


PRESETS = (
    Preset("separable", {}),
    Preset("xor", {"data": "xor", "passes": 50}),
    Preset("one_point", {"added": (Point(label="minus", x=0.1, y=0.7),), "passes": 50}),
    Preset("tiny_margin", {"margin": 0.003, "passes": 500}),
    Preset("scale", {"rate": 10.0, "other_rate": 0.1}),
    Preset("random_start", {"rate": 10.0, "other_rate": 0.01, "initial": "random"}),
    Preset("never_starts", {"comparison": "below"}),
    Preset("by_hand", {"order": "by_hand", "moves": "mmm"}),
)

TINY = Params(n=20, margin=0.05, initial="random", order="shuffled", passes=20, seeds=3)
TRIAL = {"seeds": 2, "passes": 3}
