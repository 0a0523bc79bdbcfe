"""Error analysis: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, shape, string, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import order_bytes, population_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
FURTHER = ("knobs", "rare", "divisions")
MOVES = "ndlrectav"  # larger net, more data, longer, weight decay, ensemble, clean labels, target data, turned, views
GUESSES = "bvmo"  # the gap that a move will close most: bias, variance, mismatch, or none
BARS = ("train", "train_dev", "dev", "test")
GAPS = ("bias", "variance", "mismatch", "overfit")  # of each bar over the one before it, the first over Bayes
MOST = 8  # moves in a game
# What one move multiplies, and where it ends
WIDER, WIDEST = 4, 64
LONGER, LONGEST = 3, 3600
LARGER, LARGEST = 4, 4096
TARGETED, TARGETS = 240, 960  # examples from the place of dev and test: the first such move, and at most
L2 = 0.003  # of the first such move; the next is 3 times as strong
CLEANER = 4  # by what the share of wrong labels is divided
COPIES = 4  # networks of an ensemble
TURN, TURNED = 15, 8  # degrees, and how often an example stands in the training set with augmentation
VIEWS = 5  # of an input at test time, turned by −TURN … TURN
EXAMPLES = {"train_dev": 500, "dev": 500, "test": 2000}
SEEN = 1000  # training examples from the first place that are measured
TICKS = 6  # moments recorded, besides the start
BLOCK = 100  # steps whose batches are drawn together
GRID, REACH = 60, 1.6  # pixels along a side of the map [-REACH, REACH]²
SHOWN = 300  # test examples of the first seed on the map
QUESTIONS, HINTS = 30, 90  # points that a reader labels, and labelled ones beside them
COMPARED = ("Bayes", "network", "you")
CLASSES = 3
OWN_PARTS = (0.5, 0.1, 0.15, 0.25)  # of a reader's table: training, train-dev, dev, test


@dataclass(frozen=True)
class Setup:
    """What is trained and how: a position of the game."""

    width: int
    examples: int
    steps: int
    l2: float
    copies: int
    wrong: float
    target: int
    turned: bool
    views: bool


def on_points(params: Params) -> bool:
    return not params.own


@dataclass(frozen=True)
class Params(BaseParams):
    """Where a game begins, and its moves. Seed i of `seeds` draws data data_seed + i and weights weight_seed + i."""

    moves: str = string("", MOVES, MOST)
    guesses: str = string("", GUESSES, MOST)
    own: str = upload("table", rows=(80, 5000), features=(1, 32), classes=(2, 10))
    width: int = integer(3, 1, WIDEST)
    examples: int = integer(240, 20, LARGEST, step=20)
    shift: int = integer(15, 0, 40, applies=on_points)
    wrong: float = number(0.0, 0.0, 0.6, step=0.05, applies=on_points)
    spread: float = number(0.2, 0.05, 0.5, step=0.01, applies=on_points)
    dev: str = choice("target", ("target", "source"), applies=on_points)
    l2: float = number(0.0, 0.0, 0.1, step=0.001)
    steps: int = integer(400, 10, LONGEST, step=10)
    rate: float = number(0.02, 1e-4, 0.3, log=True)
    batch: int = integer(20, 1, 256)
    weight: int = integer(10, 1, 50)
    share: float = number(0.02, 0.01, 0.5, step=0.01)
    seeds: int = integer(10, 1, 20)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


RARE = ("weight", "share")  # fields of the experiment `rare` alone
AGAIN = ("steps", "seeds", "data_seed", "weight_seed")
WITHOUT = RARE


@dataclass(frozen=True)
class Result(BaseResult):
    """Errors at every stage of the game: stage 0 is before the first move. NaN is what cannot be known of a table."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    error: np.ndarray = array("stage seed tick+ bar")
    bayes: np.ndarray = array("seed")  # the lowest error that any rule has; the same in both places
    # Shares of all test examples by class and answer, and the same of the best rule there is.
    confusion: np.ndarray = array("stage seed end+ true said")
    bayes_confusion: np.ndarray = array("true said")
    # First seed, points only: test examples, whose answers at the end, and classes by place.
    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example", dtype="int64")
    said: np.ndarray = array("stage end+ example", dtype="int64")
    region: np.ndarray = array("stage end+ row column", dtype="uint8")
    bayes_region: np.ndarray = array("row column", dtype="uint8")


@dataclass(frozen=True)
class Labels(BaseParams):
    """What a reader says of points, one after the other."""

    labels: str = string("", "012", QUESTIONS)


@dataclass(frozen=True)
class People(BaseResult):
    """The points a reader labels, labelled ones beside them, and what each of COMPARED said: −1 is nothing yet."""

    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example", dtype="int64")
    said: np.ndarray = array("who example", dtype="int64")
    known: np.ndarray = array("hint feature")
    label: np.ndarray = array("hint", dtype="int64")


ASKS = (Ask("people", Labels, People),)


def setup(params: Params, moves: str) -> Setup:
    """The position after these moves. On a reader's own table some of them change nothing."""
    times = {move: moves.count(move) for move in MOVES}
    most = round(OWN_PARTS[0] * shape(params.own)[0]) if params.own else LARGEST
    return Setup(
        width=max(params.width, min(params.width * WIDER ** times["n"], WIDEST)),
        examples=min(params.examples * LARGER ** times["d"], most),
        steps=max(params.steps, min(params.steps * LONGER ** times["l"], LONGEST)),
        l2=max(params.l2, L2) * 3 ** min(times["r"] - 1, 2) if times["r"] else params.l2,
        copies=COPIES if times["e"] else 1,
        wrong=0.0 if params.own else params.wrong / CLEANER ** min(times["c"], 2),
        target=0 if params.own or not times["t"] else min(TARGETED * 4 ** (times["t"] - 1), TARGETS),
        turned=on_points(params) and times["a"] > 0,
        views=on_points(params) and times["v"] > 0,
    )


def stages(params: Params) -> list[Setup]:
    """All positions of the game, the first one before any move."""
    return [setup(params, params.moves[:k]) for k in range(len(params.moves) + 1)]


def open_moves(params: Params, moves: str) -> str:
    """The moves that would change something."""
    return "".join(m for m in MOVES if len(moves) < MOST and setup(params, moves + m) != setup(params, moves))


def ends(params: Params) -> tuple[int, int]:
    """Inputs and outputs of every network."""
    return shape(params.own)[1:] if params.own else (2, CLASSES)  # type: ignore[return-value]


def layout(params: Params, width: int) -> tuple[int, int, int]:
    inputs, outputs = ends(params)
    return inputs, width, outputs


def game_weights(result: BaseResult, state: dict[str, np.ndarray], setups: list[Setup]) -> dict[str, np.ndarray]:
    """{"<stage>.0.weight": [seeds, copies, out, in], …}"""
    found: dict[str, np.ndarray] = {}
    for k, one in enumerate(setups):
        named = perceptron(state[f"{k}"], layout(result.params, one.width))
        found |= {f"{k}.{name}": part for name, part in named.items()}
    return found


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return game_weights(result, state, stages(result.params))


def training_cost(params: Params, setups: list[Setup]) -> Cost:
    """All of them train as one population: as long as the longest, as wide as the widest."""
    sizes, members = layout(params, max(s.width for s in setups)), params.seeds * sum(s.copies for s in setups)
    steps, sets = max(s.steps for s in setups), params.seeds * len(setups)
    rows = max((s.examples + s.target) * (TURNED if s.turned else 1) for s in setups)
    seen = sum(EXAMPLES.values()) + SEEN + TARGETS
    looks = 2.0 * weight_count(sizes) * seen * (TICKS + 1) * (VIEWS if any(s.views for s in setups) else 1)
    flops = members * (stepping(weight_count(sizes), params.batch) + looks / steps)
    memory = population_bytes(sizes, members, params.batch, sets, rows) + order_bytes(sets, steps * params.batch, 1)
    return Cost(steps, flops, memory + 4.0 * members * (seen * (sizes[1] + 8) + steps), members)


def cost(params: Params) -> Cost:
    return training_cost(params, stages(params))


PRESETS = (
    Preset("bias", {}, "ladder"),
    Preset("wrong_move", {"moves": "ddd"}, "ladder"),
    Preset("right_move", {"moves": "nt"}, "ladder"),
    Preset("variance", {"width": 16, "examples": 60}, "ladder"),
    Preset("mismatch", {"width": 16, "examples": 960}, "ladder"),
    Preset("labels", {"width": 32, "examples": 240, "wrong": 0.2, "shift": 0, "steps": 1200}, "ladder"),
    Preset("elsewhere", {"width": 16, "examples": 960, "shift": 25, "dev": "source"}, "ladder"),
)

TINY = Params(moves="ne", guesses="bv", examples=20, steps=10, width=1, seeds=2)
TRIAL = {"seeds": 2, "steps": 10, "width": 1, "examples": 20}
