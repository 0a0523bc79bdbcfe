"""Feature scaling: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array

ENGINE = "numpy"
DEVICES = ("cpu",)
FURTHER = ("rules", "tables", "lighting")
WITHOUT = ("data", "optimizer", "epochs")
PLANE = ("stretch", "offset", "outlier", "scalings", "rates")  # of this experiment alone
TABLES = {
    "units": (1797, 64, 10),
    "digits": (1797, 64, 10),
    "wine": (178, 13, 3),
    "breast_cancer": (569, 30, 2),
    "iris": (150, 4, 3),
}
FIRST = 60  # steps each of which is recorded; later ones are farther apart


def drawn(params: Params) -> bool:
    return not params.own


@dataclass(frozen=True)
class Scaling(BaseParams):
    """A way to scale features, fitted on the training examples."""

    rule: str = choice("standardised", ("raw", "standardised", "whitened", "min_max", "plus"))


def fresh(rule: str, scaling: Scaling | None) -> Scaling:
    return Scaling(rule=rule)


RAW, STANDARDISED, WHITENED = Scaling(rule="raw"), Scaling(), Scaling(rule="whitened")
MIN_MAX, PLUS = Scaling(rule="min_max"), Scaling(rule="plus")


@dataclass(frozen=True)
class Params(BaseParams):
    """One problem in several units. Seed i of `seeds` draws the data data_seed + i and first weights weight_seed + i,
    the same for every scaling."""

    stretch: float = number(30.0, 1.0, 1000.0, log=True, applies=drawn)
    correlation: float = number(0.9, 0.0, 0.99, step=0.01, applies=drawn)
    data: str = choice("units", tuple(TABLES), applies=drawn)
    own: str = upload("table", rows=(20, 5000), features=(2, 64), classes=(2, 10))
    offset: float = number(0.0, 0.0, 10.0, step=0.5, applies=drawn)
    outlier: float = number(0.0, 0.0, 100.0, step=5.0, applies=drawn)
    scalings: tuple[Scaling, ...] = rows((RAW, STANDARDISED, WHITENED), Scaling, 1, 6, fresh=fresh)
    rates: str = choice("best", ("best", "equal"))
    points: int = integer(200, 20, 2000, step=20, applies=drawn)
    steps: int = integer(20_000, 100, 50_000, step=100)
    target: float = number(1e-4, 1e-8, 0.1, log=True)
    optimizer: str = choice("sgd", ("sgd", "adam"))
    epochs: int = integer(20, 1, 200)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Gradient descent on the squared error of a linear model of two features, in every scaling from the same model."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    gap: np.ndarray = array("scaling seed tick+", dtype="float64")  # loss above the lowest, as a share of the start's
    reached: np.ndarray = array("scaling seed", "steps", dtype="float64", fill=np.nan)  # the target; NaN: not yet
    condition: np.ndarray = array("scaling seed", dtype="float64")  # largest over smallest curvature
    rate: np.ndarray = array("scaling seed", dtype="float64")
    angle: np.ndarray = array("scaling seed", "degrees", dtype="float64")  # from downhill to the way to the lowest
    # The first seed: where both weights are, where the loss is lowest, and the loss around, with the best bias.
    path: np.ndarray = array("scaling tick+ weight", dtype="float64")
    lowest: np.ndarray = array("scaling weight", dtype="float64")
    across: np.ndarray = array("scaling column", dtype="float64")
    up: np.ndarray = array("scaling row", dtype="float64")
    surface: np.ndarray = array("scaling row column")


def table_shape(params: Params) -> tuple[int, ...]:
    """Rows, features and classes of the table."""
    return tuple(shape(params.own)) if params.own else TABLES[params.data]


def ticks(last: int) -> list[int]:
    """Steps that are recorded: all of the first, then pairs farther and farther apart, since a path that goes back and
    forth across a valley is on either side of it after two steps."""
    later = np.geomspace(FIRST, max(last, FIRST), 100).round().astype(int)
    return [step for step in sorted({*range(FIRST), *later.tolist(), *(later + 1).tolist()}) if step <= last]


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The models [scalings, seeds, …] by the names of torch.nn."""
    return {"0.weight": state["weights"][..., None, :-1], "0.bias": state["weights"][..., -1:]}


def cost(params: Params) -> Cost:
    """Of so small models forty steps take about as long as what other engines call one."""
    return Cost(-(-params.steps // 40), 800.0 * len(params.scalings) * params.seeds + 1e5)


PRESETS = (
    Preset("stretched", {}, "paths"),
    Preset("uncorrelated", {"correlation": 0.0}, "paths"),
    Preset("thousand", {"stretch": 1000.0}, "paths"),
    Preset("same_rate", {"rates": "equal", "steps": 50_000}, "descent"),
    Preset(
        "outlier", {"stretch": 1.0, "correlation": 0.0, "outlier": 100.0, "scalings": (STANDARDISED, MIN_MAX)}, "paths"
    ),
    Preset("no_outlier", {"stretch": 1.0, "correlation": 0.0, "scalings": (STANDARDISED, MIN_MAX)}, "paths"),
    Preset("plus", {"stretch": 1.0, "offset": 3.0, "scalings": (RAW, STANDARDISED, PLUS)}, "paths"),
    Preset("units", {"seeds": 3}, "tables"),
    Preset("units_adam", {"optimizer": "adam", "seeds": 3}, "tables"),
    Preset("pixels", {"data": "digits", "seeds": 3}, "tables"),
    Preset("leak", {"data": "breast_cancer"}, "tables"),
    Preset("small_table", {"data": "wine", "epochs": 50}, "tables"),
)

TINY = Params(
    stretch=3.0, offset=1.0, scalings=(RAW, STANDARDISED, WHITENED, MIN_MAX, PLUS), points=20, steps=100, data="iris",
    epochs=2, seeds=2,
)  # fmt: skip
TRIAL = {"seeds": 2, "steps": 100, "epochs": 1}
