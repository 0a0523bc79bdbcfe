"""The optimizer race: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept import Cost, Preset
from core.ml.rules import Contender, usual
from core.params import BaseParams, choice, integer, number, rows, shape, upload
from core.result import BaseResult, array

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
POINTS = ("spiral", "rings", "xor", "moons", "blobs")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "identity")

FAIR = (
    Contender(rule="sgd", lr=0.3),
    Contender(rule="momentum", lr=0.03),
    Contender(rule="nesterov", lr=0.03),
    Contender(rule="adagrad", lr=0.03),
    Contender(rule="adadelta", lr=1.0),
    Contender(rule="rmsprop", lr=0.003),
    Contender(rule="adam", lr=0.003),
    Contender(rule="adamw", lr=0.003),
)


def fresh(rule: str, contender: Contender | None) -> Contender:
    """A contender of this rule at the rate of the fair start; at PyTorch's own where it has no place there."""
    return next((c for c in FAIR if c.rule == rule), usual(rule))


def on_points(params: Params) -> bool:
    return not params.own and params.data != "digits"


@dataclass(frozen=True)
class Params(BaseParams):
    """Contenders on one problem. Seed i of `seeds` draws split data_seed + i and weights weight_seed + i,
    the same for every contender."""

    contenders: tuple[Contender, ...] = rows(FAIR, Contender, 1, 12, fresh=fresh)
    data: str = choice("digits", ("digits", *POINTS), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 100_000), features=(1, 64), classes=(2, 20))
    epochs: int = integer(30, 1, 300)
    seeds: int = integer(5, 1, 20)
    points: int = integer(300, 60, 2000, step=20, applies=on_points)
    noise: float = number(0.05, 0.0, 1.0, step=0.01, applies=on_points)
    depth: int = integer(1, 0, 6)
    width: int = integer(32, 1, 256, applies=lambda p: p.depth > 0)
    activation: str = choice("relu", ACTIVATIONS, applies=lambda p: p.depth > 0)
    batch: int = integer(32, 1, 1024)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Losses and accuracies of every member after every epoch (tick 0 is before training)."""

    steps_per_epoch: int
    parameters: int
    epoch: np.ndarray = array("tick+", "epochs")
    loss: np.ndarray = array("contender seed tick+ split", "nats")
    accuracy: np.ndarray = array("contender seed tick+ split")
    step_seconds: np.ndarray = array("contender", "s", measured=True)
    # Seed 0 on points only (empty otherwise): the training and test points, and the probability of class 1 on a grid.
    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example")
    region_epoch: np.ndarray = array("frame+", "epochs")
    region: np.ndarray = array("contender frame+ row column", "1/255")


def sizes(params: Params) -> tuple[int, ...]:
    """Units of every layer, from inputs to outputs."""
    _, inputs, outputs = table_shape(params)
    return (inputs, *[params.width] * params.depth, outputs)


def table_shape(params: Params) -> tuple[int, ...]:
    """Examples, features and classes of the data."""
    return shape(params.own) if params.own else (params.points, 2, 2) if on_points(params) else (1797, 64, 10)


def cost(params: Params) -> Cost:
    """Steps, and floating-point operations per step: forward and backward take about 6 per weight and example."""
    examples = round(0.6 * table_shape(params)[0])
    weights = sum((i + 1) * o for i, o in zip(sizes(params), sizes(params)[1:]))
    members = len(params.contenders) * params.seeds
    batch = min(params.batch, examples)
    steps = params.epochs * -(-examples // batch)
    measuring = 2 * weights * members * examples / 0.6 * params.epochs / steps
    units = sum(sizes(params))
    numbers = 12 * weights * members + 3 * units * members * batch + 3 * units * params.seeds * examples / 0.6
    orders = 12 * params.seeds * examples * params.epochs
    stepping = 100.0 * weights * members  # an optimizer reads and writes every weight several times
    return Cost(steps, 6.0 * weights * members * batch + stepping + measuring, 4 * numbers + orders, members)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    """Files of installed packages whose content the run depends on."""
    return () if params.own or on_points(params) else (("sklearn", "datasets/data/digits.csv.gz"),)


def _all_at(lr: float) -> tuple[Contender, ...]:
    return tuple(Contender(rule=c.rule, lr=lr) for c in FAIR)


PRESETS = (
    Preset("fair", {}),
    Preset("one_rate", {"contenders": _all_at(0.01)}),
    Preset(
        "spiral",
        {
            "data": "spiral",
            "contenders": (
                Contender(rule="sgd", lr=0.1),
                Contender(rule="momentum", lr=0.1),
                Contender(rule="rmsprop", lr=0.01),
                Contender(rule="adam", lr=0.01),
            ),
            "depth": 2,
            "width": 16,
            "activation": "tanh",
            "epochs": 150,
            "batch": 20,
        },
    ),
    Preset("diverges", {"contenders": _all_at(3.0), "activation": "leaky_relu"}),
)

TINY = Params(
    contenders=(Contender(rule="sgd", lr=0.1), Contender(rule="adam", lr=0.01)),
    data="moons",
    points=80,
    epochs=3,
    seeds=2,
    width=4,
    batch=16,
)
