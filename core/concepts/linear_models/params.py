"""Linear models: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
FURTHER = ("descent", "three", "calibration", "features")
WITHOUT = ("loss", "steps", "middle", "examples", "width", "epochs")
PROBLEM = ("data", "own", "distance", "clump", "points", "spread", "offset", "methods")  # of this experiment alone
TABLES = {"iris": (150, 4, 3), "breast_cancer": (569, 30, 2), "diabetes": (442, 10, 2), "digits": (1797, 64, 10)}
NEWTON = 16  # steps of Newton's method; the closed form takes one


def fresh(rule: str, method: Method | None) -> Method:
    """A method of this rule with the settings of the one it replaces."""
    return method.replace(rule=rule) if method else Method(rule=rule)


def convex(method: Method) -> bool:
    """Whether its loss has a slope; mistakes are searched for, where two classes lie in a plane."""
    return method.rule in ("least_squares", "logistic")


@dataclass(frozen=True)
class Method(BaseParams):
    """A way to choose the weights of a linear model: what it makes small, with λ/2 · Σ w² on top."""

    rule: str = choice("logistic", ("least_squares", "logistic", "fewest_mistakes", "mistakes_gradient"))
    penalty: float = number(0.001, 1e-6, 1000.0, log=True, applies=convex)
    on_bias: bool = flag(False, applies=convex)  # wrong: λ is put on the bias, too


def drawn(params: Params) -> bool:
    return not params.own and params.data == "clump"


def in_plane(params: Params) -> bool:
    """Whether there is a line to look at: two features, two classes."""
    return table_shape(params)[1:] == (2, 2)


SQUARES, LOGISTIC = Method(rule="least_squares"), Method()
FEWEST, GRADIENT = Method(rule="fewest_mistakes"), Method(rule="mistakes_gradient")
HEAVY, WRONG = Method(penalty=0.1), Method(penalty=0.1, on_bias=True)
MISTAKES_TOO = (SQUARES, LOGISTIC, FEWEST, GRADIENT)


@dataclass(frozen=True)
class Params(BaseParams):
    """Linear models on one problem. Seed i of `seeds` draws the data data_seed + i and first weights weight_seed + i,
    the same for every method."""

    data: str = choice("clump", ("clump", *TABLES), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 20_000), features=(1, 64), classes=(2, 10))
    distance: float = number(10.0, 0.0, 20.0, step=0.5, applies=drawn)
    clump: int = integer(25, 0, 100, step=5, applies=drawn)
    points: int = integer(100, 20, 400, step=10, applies=drawn)
    spread: float = number(0.5, 0.1, 2.0, step=0.1, applies=drawn)
    offset: float = number(0.0, 0.0, 20.0, step=1.0, applies=drawn)
    methods: tuple[Method, ...] = rows((SQUARES, LOGISTIC), Method, 1, 6, fresh=fresh)
    loss: str = choice("squared", ("squared", "logistic"))
    steps: int = integer(200, 10, 2000, step=10)
    middle: float = number(0.0, 0.0, 4.0, step=0.1)
    examples: int = integer(60, 20, 400, step=20)
    width: int = integer(64, 4, 128)
    epochs: int = integer(100, 1, 1000)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Every method after every step: the closed form is there after one, Newton's method takes a few."""

    accuracy: np.ndarray = array("method seed step+ split")
    moved: np.ndarray = array("method seed", dtype="float64")  # how far the weights are from where they started
    # The first seed: its training points (empty off the plane), and the weights of every step as in core/ml/linear.py.
    x: np.ndarray = array("example feature", dtype="float64")
    y: np.ndarray = array("example", dtype="int64")
    path: np.ndarray = array("method step+ class input", dtype="float64")


def used(params: Params) -> tuple[Method, ...]:
    """The methods that these data allow."""
    return tuple(m for m in params.methods if convex(m) or in_plane(params)) or (SQUARES, LOGISTIC)


def table_shape(params: Params) -> tuple[int, ...]:
    """Rows, features and classes."""
    if params.own:
        return tuple(shape(params.own))
    return (params.points + params.clump, 2, 2) if params.data == "clump" else TABLES[params.data]


def training(params: Params) -> int:
    """How many examples there are to learn from."""
    return table_shape(params)[0] if drawn(params) else round(0.6 * table_shape(params)[0])


def ticks(last: int, count: int) -> np.ndarray:
    """At most `count` + 1 steps after which something is measured: closer together at first."""
    return np.unique((last * np.linspace(0, 1, count + 1) ** 1.5).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The models [methods, seeds, …] by the names of torch.nn."""
    return {"0.weight": state["weights"][..., :-1], "0.bias": state["weights"][..., -1]}


def cost(params: Params) -> Cost:
    """A step of Newton's method makes and solves a system of classes × inputs; a search tries a line for every pair."""
    _, features, classes = table_shape(params)
    size, n, searches = classes * (features + 1), training(params), sum(not convex(m) for m in used(params))
    step = len(used(params)) * (n * size**2 + size**3 + 3e5)
    return Cost(NEWTON, params.seeds * (step + 4 * n**3 * searches / NEWTON))


PRESETS = (
    Preset("clump", {}, "line"),
    Preset("near", {"distance": 0.0}, "line"),
    Preset("mistakes", {"spread": 1.0, "methods": MISTAKES_TOO}, "line"),
    Preset("origin", {"offset": 10.0, "distance": 3.0, "methods": (HEAVY, WRONG)}, "line"),
    Preset("off_the_row", {"middle": 2.0}, "row"),
    Preset("curved", {"loss": "logistic"}, "descent"),
    Preset("iris", {"data": "iris"}, "accuracy"),
    Preset("breast_cancer", {"data": "breast_cancer"}, "accuracy"),
    Preset("diabetes", {"data": "diabetes"}, "descent"),
    Preset("digits", {"data": "digits", "seeds": 3}, "accuracy"),
)

TINY = Params(points=20, clump=5, methods=MISTAKES_TOO, steps=200, epochs=40, width=8, examples=20, seeds=2)
TRIAL = {"seeds": 2, "steps": 20, "epochs": 1}
