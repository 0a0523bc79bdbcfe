"""Mixup: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Cut, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import order_bytes, population_bytes, stepping, weight_count
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DIVERGES = "loss"
DATA = ("moons", "spiral", "rings", "xor", "blobs", "digits")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu")
RULES = ("erm", "mixup", "manifold", "cutmix")
DIGITS, HELD = 1078, 359  # in the training split, in each of the others
TICKS = 40  # moments measured, at most
TESTED = 500  # points of a plane never trained on
ATTACKED = 200  # test examples that are attacked
EPSILONS = 7  # sizes of an attack
PGD_STEPS = 10


def mixes(method: Method) -> bool:
    return method.rule != "erm"


def fresh(rule: str, method: Method | None) -> Method:
    """A method of this rule with the settings of the one it replaces."""
    return method.replace(rule=rule) if method else Method(rule=rule)


@dataclass(frozen=True)
class Method(BaseParams):
    """A way to make training examples. λ comes from Beta(α, α), kept within ½ ± `near`."""

    rule: str = choice("mixup", RULES)
    alpha: float = number(1.0, 0.01, 64.0, log=True, applies=mixes)
    near: float = number(0.5, 0.0, 0.5, step=0.01, applies=mixes)
    first: int = integer(0, 0, 6, applies=lambda m: m.rule == "manifold")


def on_points(params: Params) -> bool:
    return not params.own and params.data != "digits"


def images(params: Params) -> bool:
    return not params.own and params.data == "digits"


STRIP = tuple(Method(alpha=alpha) for alpha in (1.0, 0.1, 0.3, 4.0, 16.0))


@dataclass(frozen=True)
class Params(BaseParams):
    """Methods on one problem. Seed i of `seeds` draws examples, wrong labels, batches, λ and boxes data_seed + i and
    weights weight_seed + i, the same for every method."""

    methods: tuple[Method, ...] = rows((Method(rule="erm"), *STRIP), Method, 1, 8, fresh=fresh)
    data: str = choice("moons", DATA, applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 20_000), features=(1, 64), classes=(2, 20))
    flipped: float = number(0.2, 0.0, 0.8, step=0.05)
    points: int = integer(100, 20, 1000, step=20, applies=lambda p: not p.own)
    unlabelled: int = integer(0, 0, 1000, step=20, applies=lambda p: not p.own)
    noise: float = number(0.1, 0.0, 0.5, step=0.01, applies=on_points)
    epochs: int = integer(200, 1, 1000)
    rate: float = number(0.003, 1e-5, 0.1, log=True)
    batch: int = integer(25, 2, 256)
    depth: int = integer(3, 1, 6)
    width: int = integer(64, 2, 256)
    activation: str = choice("relu", ACTIVATIONS)
    seeds: int = integer(8, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Every member at some epochs (tick 0 is before training), the attacks in the end, and pictures of the first seed.

    The labels of training and validation are the given ones, some of them wrong; test labels are right.
    """

    epoch: np.ndarray = array("tick+", "epochs", dtype="int64")
    loss: np.ndarray = array("method seed tick+ split", "nats")
    accuracy: np.ndarray = array("method seed tick+ split")
    confidence: np.ndarray = array("method seed tick+")  # mean largest probability on test examples
    memorised: np.ndarray = array("method seed tick+")  # share of wrong training labels that are given back
    epsilon: np.ndarray = array("size")  # of an attack: the largest change of a feature
    # Test accuracy under FGSM and PGD; NaN until the end
    attacked: np.ndarray = array("attack method seed size", fill=np.nan)
    shares: np.ndarray = array("method draw")  # λ of the first seed's batches
    # The first seed: its training examples with the given labels, which of them are wrong, and, on a plane, the
    # probability of class 1 on a grid.
    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example", dtype="int64")
    wrong: np.ndarray = array("example", dtype="bool")
    region: np.ndarray = array("method tick+ row column", "1/255", dtype="uint8")
    # What the first seed was trained on in the epoch before a tick: mixed inputs (NaN where a hidden layer was mixed
    # instead), and of each the two labels and the share of the first.
    mixed: np.ndarray = array("method tick+ sample feature", fill=np.nan)
    origin: np.ndarray = array("method tick+ sample part", fill=np.nan)


def used(params: Params) -> tuple[Method, ...]:
    """The methods that these data allow: CutMix needs images."""
    fit = tuple(m for m in params.methods if m.rule != "cutmix" or images(params))
    return fit or (Method(rule="erm"),)


def table_shape(params: Params) -> tuple[int, int, int]:
    """Training examples (those without labels too), features and classes."""
    if params.own:
        rows_, features, classes = shape(params.own)
        return round(0.6 * rows_), features, classes
    examples = params.points + params.unlabelled
    return (examples, 2, 2) if on_points(params) else (min(examples, DIGITS), 64, 10)


def labelled(params: Params) -> int:
    """How many training examples have a label."""
    return table_shape(params)[0] if params.own else params.points


def in_plane(params: Params) -> bool:
    """Whether there is a decision region to look at."""
    return table_shape(params)[1:] == (2, 2)


def sizes(params: Params) -> tuple[int, ...]:
    """Units of every layer, from inputs to outputs."""
    _, features, classes = table_shape(params)
    return (features, *[params.width] * params.depth, classes)


def ticks(params: Params) -> np.ndarray:
    """Epochs after which everything is measured."""
    return np.unique(np.linspace(0, params.epochs, min(TICKS, params.epochs) + 1).round().astype(int))


def held_back(params: Params) -> tuple[int, int]:
    """Examples for validation and test."""
    if on_points(params):
        return params.points, TESTED
    held = round(0.2 * shape(params.own)[0]) if params.own else HELD
    return held, held


def rows_at_once(params: Params) -> tuple[int, ...]:
    """Examples of a batch, of an epoch's last batch, of a measurement and of an attack on all its sizes."""
    examples, (held, tested) = table_shape(params)[0], held_back(params)
    last = examples % params.batch or params.batch
    return min(params.batch, examples), last, examples, examples + held + tested, EPSILONS * min(ATTACKED, tested)


CUT = Cut(
    {"weights": "method seed weight"},
    rows=rows_at_once,
    rests=lambda p: [p.width * n for n in rows_at_once(p)] if p.activation in ("sigmoid", "elu", "silu") else [],
)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [methods, seeds, …]."""
    return perceptron(state["weights"], sizes(result.params))


def cost(params: Params) -> Cost:
    """Forward and backward take about 6 operations per weight and example; measuring and attacks come on top."""
    examples = table_shape(params)[0]
    members = len(used(params)) * params.seeds
    weights, batch = weight_count(sizes(params)), min(params.batch, examples)
    steps = params.epochs * -(-examples // params.batch)
    held = examples / 3 if params.own else HELD if images(params) else params.points
    tested = TESTED if on_points(params) else held
    measured = len(ticks(params)) * (examples + held + tested)
    attacks = (1 + PGD_STEPS * EPSILONS) * min(ATTACKED, tested)
    once = members * weights * (2.0 * measured + 4.0 * attacks)
    flops = members * stepping(weights, batch) + once / steps
    memory = population_bytes(sizes(params), members, batch, params.seeds, examples + tested)
    return Cost(steps, flops, memory + order_bytes(params.seeds, examples, params.epochs), members)


ERM, MANIFOLD, CUTMIX = Method(rule="erm"), Method(rule="manifold"), Method(rule="cutmix")
HIDDEN = Method(rule="manifold", first=1)
ON_DIGITS: dict[str, Any] = {"data": "digits", "points": 1000, "batch": 50, "depth": 2, "width": 128, "seeds": 3}

PRESETS = (
    Preset("jagged", {}),
    Preset("spiral", {"data": "spiral", "flipped": 0.0, "noise": 0.02, "points": 200, "seeds": 4}),
    Preset("rings", {"data": "rings", "flipped": 0.0, "points": 60, "methods": (ERM, Method(alpha=8.0), *STRIP[:4])}),
    Preset("hidden", {"methods": (ERM, MANIFOLD, Method(), HIDDEN)}),
    Preset(
        "hidden_spiral",
        {
            "data": "spiral",
            "flipped": 0.0,
            "noise": 0.02,
            "points": 200,
            "seeds": 4,
            "methods": (Method(), MANIFOLD, ERM, HIDDEN),
        },
    ),
    Preset("near_half", {"methods": (ERM, Method(near=0.1), Method(), Method(near=0.25), Method(near=0.0))}),
    Preset(
        "pseudo",
        {
            "points": 20,
            "unlabelled": 400,
            "flipped": 0.0,
            "epochs": 100,
            "batch": 50,
            "methods": (ERM, Method(near=0.1), Method(), Method(alpha=0.1)),
        },
    ),
    Preset(
        "memory", {**ON_DIGITS, "flipped": 0.5, "epochs": 100, "methods": (ERM, Method(), Method(alpha=8.0), CUTMIX)}
    ),
    Preset(
        "digits",
        {**ON_DIGITS, "flipped": 0.0, "epochs": 60, "rate": 0.001, "methods": (ERM, Method(), MANIFOLD, CUTMIX)},
    ),
)

TINY = Params(
    methods=(ERM, Method(alpha=0.5), Method(rule="manifold"), Method(rule="cutmix")),
    points=20,
    unlabelled=20,
    epochs=4,
    batch=16,
    depth=2,
    width=8,
    seeds=2,
)
TRIAL = {"seeds": 2, "epochs": 1}
