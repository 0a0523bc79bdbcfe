"""Data augmentation: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Layers,
    Mean,
    Pool,
    activation_bytes,
    multiply_adds,
    parameter_count,
    parameters,
    training_step,
)
from core.takeaway.weights import cut

ENGINE = "stacked torch"
FURTHER = ("sizes", "picture")
WITHOUT = ("picture",)
# How far each change goes unless it is said: a share of the length (move, cut) or of a half turn, a factor less 1
# (stretch, scale), a deviation (noise), a probability (mirror, upside)
STRENGTHS = {
    "move": 0.5,
    "stretch": 0.3,
    "rotate": 0.1,
    "scale": 0.3,
    "noise": 0.5,
    "cut": 0.2,
    "mirror": 0.5,
    "upside": 0.5,
}
RULES = ("none", *STRENGTHS, "chain", "fresh")
MET = ("noise", "move", "stretch", "scale", "cut")
HELD, TESTED = 500, 1000  # signals for validation, for each test set
MOST = 3000  # training signals
DIGITS = 1797
TICKS = 12  # moments that are measured, at most, besides the start
COPIES = 6  # of one example that are shown
CHANNELS = 8, 16, 16


def changes(way: Way) -> bool:
    return way.rule in STRENGTHS


def fresh(rule: str, way: Way | None) -> Way:
    return Way(rule=rule, strength=STRENGTHS.get(rule, 0.5))


@dataclass(frozen=True)
class Way(BaseParams):
    """What is done to every training example, anew at every step. A chain is all that stands above it in the list, one
    after another."""

    rule: str = choice("none", RULES)
    strength: float = number(0.5, 0.0, 1.0, step=0.01, applies=changes)


def of(*rules: str, **strengths: float) -> tuple[Way, ...]:
    return tuple(Way(rule=rule, strength=strengths.get(rule, STRENGTHS.get(rule, 0.5))) for rule in rules)


@dataclass(frozen=True)
class Params(BaseParams):
    """Ways to train on few examples. Seed i of `seeds` draws examples, order and changes data_seed + i and weights
    weight_seed + i, the same for every way, which all take the same number of steps."""

    count: int = integer(100, 20, MOST, step=20)
    ways: tuple[Way, ...] = rows(
        of("none", "move", "stretch", "noise", "chain", "mirror", "fresh"), Way, 1, 10, fresh=fresh
    )
    data: str = choice("signals", ("signals", "digits"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(40, 5000), features=(8, 64), classes=(2, 20))
    picture: str = upload("image", height=(16, 128), width=(16, 128), channels=(3, 3))
    met: str = choice("noise", MET)
    met_strength: float = number(1.0, 0.0, 1.0, step=0.01)
    judged: str = choice("clean", ("clean", "augmented"))
    network: str = choice("perceptron", ("perceptron", "convolution"))
    steps: int = integer(800, 10, 5000)
    batch: int = integer(25, 4, 256)
    rate: float = number(0.003, 1e-5, 0.1, log=True)
    width: int = integer(48, 2, 256, applies=lambda p: p.network == "perceptron")
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Every way at some steps. Test examples are changed for `met` alone, validation examples where they are `judged`
    augmented."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    train: np.ndarray = array("way seed tick+")  # accuracy on the training examples as they are
    validation: np.ndarray = array("way seed tick+")
    test: np.ndarray = array("way seed tick+")
    met: np.ndarray = array("way seed tick+")  # on test examples changed as `met` says
    by_class: np.ndarray = array("way seed tick+ class")  # accuracy on test examples of a class
    example: np.ndarray = array("feature")  # one of the first seed's
    copies: np.ndarray = array("way copy feature")  # as the ways change it; of fresh data others of its class


def image(params: Params) -> bool:
    """Whether examples are images."""
    return not params.own and params.data == "digits"


def generated(params: Params) -> bool:
    return not params.own and params.data == "signals"


def examples(params: Params) -> tuple[int, int, int]:
    """Examples there are for training, validation and each test set."""
    if generated(params):
        return MOST, HELD, TESTED
    there = shape(params.own)[0] if params.own else DIGITS
    first, second = round(0.6 * there), round(0.8 * there)
    return first, second - first, there - second


def form(params: Params) -> tuple[int, ...]:
    """Of an example: a length, or two sides."""
    return (8, 8) if image(params) else (shape(params.own)[1] if params.own else 40,)


def classes(params: Params) -> int:
    return shape(params.own)[2] if params.own else 10


def counted(params: Params) -> int:
    """Training examples that are used."""
    return min(params.count, examples(params)[0])


def used(params: Params) -> tuple[Way, ...]:
    """The ways that these data allow: only images are rotated, only what is made by rule can be drawn afresh."""
    barred = {"rotate": image(params), "fresh": generated(params)}
    return tuple(way for way in params.ways if barred.get(way.rule, True)) or (Way(),)


def reference(ways: tuple[Way, ...]) -> int:
    """The place of the way that others are compared with: nothing changed, or else the first."""
    return next((i for i, way in enumerate(ways) if way.rule == "none"), 0)


def architecture(params: Params) -> tuple[Layers, tuple[int, ...]]:
    """The network, and the shape of what it sees."""
    if params.network == "perceptron":
        hidden = (Dense(params.width), Act()) * 2
        return (*hidden, Dense(classes(params))), (int(np.prod(form(params))),)
    one, two, three = CHANNELS
    k = 3 if image(params) else 5
    layers = (Conv(one, k), Act(), Pool(2), Conv(two, k), Act(), Pool(2), Conv(three, k), Act(), Mean())
    return (*layers, Dense(classes(params))), (1, *form(params))


def ticks(steps: int) -> np.ndarray:
    """Steps after which everything is measured: closer together at first."""
    return np.unique((steps * np.linspace(0, 1, TICKS + 1) ** 1.5).round().astype(int))


def weights(result: Any, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [ways, seeds, …]."""
    return cut(state["weights"], parameters(*architecture(result.params)))


def member_cost(params: Params, measured: float) -> tuple[float, float]:
    """Operations of a step of one member, its changed examples included, and bytes; `measured` examples in all."""
    net, batch = architecture(params), params.batch
    flops = training_step(*net, batch) + 60.0 * batch * np.prod(form(params))
    looks = 2.0 * multiply_adds(*net) * measured * TICKS / params.steps
    return flops + looks, 48.0 * parameter_count(*net) + 2 * activation_bytes(*net, batch)


def cost(params: Params) -> Cost:
    members = len(used(params)) * params.seeds
    seen = counted(params) + examples(params)[1] + 2 * examples(params)[2]
    flops, memory = member_cost(params, seen)
    kept = activation_bytes(*architecture(params), seen) * params.seeds
    return Cost(params.steps, members * flops, members * memory + kept, members)


ON_DIGITS: dict[str, Any] = {"data": "digits", "met": "move", "met_strength": 0.13}
STEPS = tuple(Way(rule="noise", strength=strength) for strength in (0.0, 0.1, 0.3, 0.6, 1.0))

PRESETS = (
    Preset("few", {}, "gains"),
    Preset("many", {"count": 1600}, "gains"),
    Preset("upside", {"count": 400, "ways": of("none", "move", "mirror", "upside")}, "classes"),
    Preset(
        "convolution",
        {"network": "convolution", "count": 400, "seeds": 3, "ways": of("none", "move", "noise", "fresh")},
        "gains",
    ),
    Preset(
        "digits",
        ON_DIGITS | {"ways": of("none", "move", "stretch", "rotate", "noise", "cut", "mirror", move=0.13, noise=0.3)},
        "gains",
    ),
    Preset("too_much", ON_DIGITS | {"ways": STEPS, "met": "noise", "met_strength": 0.6}, "gains"),
    Preset("validated", ON_DIGITS | {"ways": STEPS, "judged": "augmented"}, "validated"),
    Preset("sizes", {"ways": of("none", "move", "stretch", "noise", "chain")}, "sizes"),
)

TINY = Params(ways=of("none", "noise", "chain", "mirror", "fresh"), count=40, steps=12, batch=8, width=8, seeds=2)
TRIAL = {"seeds": 2, "steps": 10, "batch": 8, "width": 8}
