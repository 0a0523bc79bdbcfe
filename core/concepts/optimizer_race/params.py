"""The optimizer race: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import order_bytes, population_bytes, stepping, weight_count
from core.ml.rules import ADAM_LIKE, Contender, usual
from core.takeaway.weights import perceptron

ENGINE = "stacked torch"
DEVICES = ("cpu", "fused", "cuda", "mps")
DIVERGES = "loss"
POINTS = ("spiral", "rings", "xor", "moons", "blobs")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu", "identity")
SWEEP_TICKS = 15  # a sweep is measured so often, at most, besides before training
MOMENTS, WALKED = 60, 10_000_000  # weights of the first seed kept for the slice: how often, how many numbers, at most
AT_ONCE = 4_000_000  # weights of networks of the slice whose loss is computed together
SIDE, SLICED = (9, 33), 5e9  # networks along a side of the slice; weights × examples computed for it, about at most

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
    the same for every contender. A sweep tries η · factorᵏ for k = −sweep … sweep beside each contender's own η."""

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
    sweep: int = integer(0, 0, 12)
    factor: float = number(5.0, 1.1, 10.0, step=0.1, applies=lambda p: p.sweep > 0)
    surface: bool = flag(False)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Losses and accuracies of every member after every epoch, in a sweep after some (tick 0 is before training)."""

    steps_per_epoch: int
    parameters: int
    epoch: np.ndarray = array("tick+", "epochs", dtype="int64")
    # The race at the rates given, and at all rates: those given are the middle column.
    loss: np.ndarray = array("contender seed tick+ split", "nats")
    accuracy: np.ndarray = array("contender seed tick+ split")
    rate: np.ndarray = array("contender rate", dtype="float64")
    sweep_loss: np.ndarray = array("contender rate seed tick+ split", "nats")
    sweep_accuracy: np.ndarray = array("contender rate seed tick+ split")
    step_seconds: np.ndarray = array("contender", "s", dtype="float64", measured=True)
    # Seed 0 on points only (empty otherwise): the training and test points, and the probability of class 1 on a grid.
    x: np.ndarray = array("example feature")
    y: np.ndarray = array("example", dtype="int64")
    region_epoch: np.ndarray = array("frame+", "epochs", dtype="int64")
    region: np.ndarray = array("contender frame+ row column", "1/255", dtype="uint8")
    # Seed 0 at the rates given, where `surface` asks for it, when training is over: paths in a plane through the start
    # (coordinates in weights), the training loss on them and how far they are from the start in all dimensions; the
    # training loss on the plane, with the coordinates of its columns and rows.
    moment: np.ndarray = array("moment+", "steps", dtype="int64")
    path: np.ndarray = array("contender moment+ direction")
    path_loss: np.ndarray = array("contender moment+", "nats")
    moved: np.ndarray = array("contender moment+")
    slice_at: np.ndarray = array("slice_row+ direction")
    slice_loss: np.ndarray = array("slice_row+ slice_column+", "nats")


def task(params: Params) -> Params:
    """What contenders of several runs must have in common to be ranked together: all but themselves and their rates."""
    return params.replace(contenders=FAIR, sweep=0, factor=5.0, surface=False)


def sizes(params: Params) -> tuple[int, ...]:
    """Units of every layer, from inputs to outputs."""
    _, inputs, outputs = table_shape(params)
    return (inputs, *[params.width] * params.depth, outputs)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [contenders, seeds, …] at the rates given."""
    return perceptron(state["weights"], sizes(result.params))


def table_shape(params: Params) -> tuple[int, ...]:
    """Examples, features and classes of the data."""
    return shape(params.own) if params.own else (params.points, 2, 2) if on_points(params) else (1797, 64, 10)


def rates(params: Params) -> np.ndarray:
    """The learning rates of every contender [contender, rate], its own in the middle, within a contender's bounds."""
    own = np.array([c.lr for c in params.contenders])
    factors = params.factor ** np.arange(-params.sweep, params.sweep + 1.0)
    return np.clip(own[:, None] * factors, 1e-7, 100.0)


def measured(params: Params) -> np.ndarray:
    """The epochs after which the three splits are measured: all, of a sweep SWEEP_TICKS at most."""
    ticks = min(params.epochs, SWEEP_TICKS) if params.sweep else params.epochs
    return np.linspace(0, params.epochs, ticks + 1).round().astype(int)


def moments(params: Params, total: int) -> np.ndarray:
    """The steps, of `total`, at which the first seed's weights are kept for the slice, closer at the beginning."""
    most = max(2, min(MOMENTS, WALKED // (weight_count(sizes(params)) * len(params.contenders))))
    return np.unique((total * np.linspace(0, 1, most + 1) ** 2).round().astype(int))


def side(params: Params) -> int:
    """Networks along a side of the slice through the loss surface: fewer of large ones."""
    return int(np.clip((SLICED / weight_count(sizes(params)) / (0.6 * table_shape(params)[0])) ** 0.5, *SIDE))


def cost(params: Params) -> Cost:
    """Training, measuring, and the slice where it is asked for."""
    total = table_shape(params)[0]
    examples = round(0.6 * total)
    weights = weight_count(sizes(params))
    tried = 2 * params.sweep + 1
    members = len(params.contenders) * tried * params.seeds
    batch = min(params.batch, examples)
    steps = params.epochs * -(-examples // batch)
    kept = len(moments(params, steps)) * len(params.contenders) * params.surface
    looking = members * total * len(measured(params)) + (side(params) ** 2 + kept) * examples * params.surface
    slicing = 8 * weights * kept + 5 * min(side(params) ** 2 * weights, AT_ONCE) * params.surface
    memory = population_bytes(sizes(params), members, batch, params.seeds, total) + 4.0 * slicing
    averaging = sum(c.rule in ADAM_LIKE for c in params.contenders)  # tables by step, per member or per setting
    tables = steps * tried * (48 * averaging * params.seeds + 36 * len(params.contenders))
    memory += order_bytes(params.seeds, examples, params.epochs) + tables
    return Cost(steps, members * stepping(weights, batch) + 2 * weights * looking / steps, memory, members)


FEW = tuple(c for c in FAIR if c.rule in ("sgd", "momentum", "rmsprop", "adam"))


def _all_at(lr: float) -> tuple[Contender, ...]:
    return tuple(Contender(rule=c.rule, lr=lr) for c in FAIR)


PRESETS = (
    Preset("tuned", {"contenders": _all_at(0.01), "sweep": 3}),
    Preset("fair", {}),
    Preset("fast", {"contenders": _all_at(0.1)}),
    Preset("same_reach", {"contenders": (Contender(rule="sgd", lr=0.1), Contender(rule="momentum", lr=0.01))}),
    Preset(
        "sensitivity",
        {
            "data": "moons",
            "contenders": _all_at(0.01),
            "sweep": 12,
            "factor": 2.0,
            "seeds": 8,
            "points": 320,
            "noise": 0.15,
            "width": 8,
            "activation": "tanh",
            "batch": 10,
            "epochs": 250,
        },
        "sensitivity",
    ),
    Preset(
        "paths",
        {
            "data": "moons",
            "contenders": (
                Contender(rule="sgd", lr=0.3),
                Contender(rule="momentum", lr=0.1),
                Contender(rule="rmsprop", lr=0.01),
                Contender(rule="adam", lr=0.03),
            ),
            "width": 16,
            "noise": 0.1,
            "epochs": 100,
            "surface": True,
        },
        "slice",
    ),
    Preset(
        "stuck",
        {
            "data": "xor",
            "contenders": FEW,
            "width": 2,
            "epochs": 150,
            "batch": 10,
            "seeds": 12,
        },
    ),
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
        "regions",
    ),
    Preset("diverges", {"contenders": _all_at(3.0), "activation": "leaky_relu"}, "loss"),
)

TINY = Params(
    contenders=(Contender(rule="sgd", lr=0.1), Contender(rule="adam", lr=0.01)),
    data="moons",
    points=80,
    epochs=3,
    seeds=2,
    width=4,
    batch=16,
    sweep=1,
    surface=True,
)
TRIAL = {"seeds": 2, "epochs": 1}
