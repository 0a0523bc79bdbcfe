"""Batch normalization: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, shape, upload
from core.concept.parts import Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import stepping, weight_count
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
FURTHER = ("shift", "serving", "invariance")
WITHOUT = ("lr", "other")
# without | batch norm before the activation | after it | layer norm before it | batch norm without γ and β | with noise
# behind it | trained in evaluation mode (wrong)
NORMS = ("none", "before", "after", "layer", "bare", "noisy", "eval")
RATES = tuple(round(10 ** (k / 2), 4) for k in range(-6, 2))
GOOD = 0.1  # a rate is good from so much below the best test accuracy of all networks and rates on
POINTS, NOISE = 800, 0.05  # of the plane
DATA = {"digits": (1797, 64, 10), "spiral": (POINTS, 2, 2)}  # rows, features, classes
TICKS = 10  # moments that are measured, at most, besides the start


@dataclass(frozen=True)
class Net(BaseParams):
    """A network of the comparison: what is normalised in its hidden layers, and where."""

    norm: str = choice("before", NORMS)


def of(*norms: str) -> tuple[Net, ...]:
    return tuple(Net(norm=norm) for norm in norms)


@dataclass(frozen=True)
class Params(BaseParams):
    """Networks on one problem. Seed i of `seeds` draws split, order and noise data_seed + i, and weights
    weight_seed + i, the same for every network and rate."""

    depth: int = integer(6, 1, 12)
    nets: tuple[Net, ...] = rows(
        of("none", "before", "layer"), Net, 1, len(NORMS), fresh=lambda norm, net: Net(norm=norm)
    )
    data: str = choice("digits", ("digits", "spiral"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(40, 5000), features=(1, 64), classes=(2, 20))
    rule: str = choice("momentum", ("sgd", "momentum", "adam"))
    lr: float = number(0.03, 1e-4, 10.0, log=True)
    other: str = choice("brighter", ("brighter", "inverted", "same"))
    epochs: int = integer(10, 1, 60)
    batch: int = integer(64, 2, 512)
    width: int = integer(24, 2, 64)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Every network at every rate of RATES, measured with running averages. Who diverged is never right."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    validation: np.ndarray = array("net rate seed tick+")  # accuracy
    test: np.ndarray = array("net rate seed tick+")


def table_shape(params: Params) -> tuple[int, int, int]:
    """Training examples, features and classes."""
    rows, inputs, outputs = shape(params.own) if params.own else DATA[params.data]
    return round(0.6 * rows), inputs, outputs


def sizes(params: Params) -> tuple[int, ...]:
    """Units of every layer, from inputs to outputs."""
    _, inputs, outputs = table_shape(params)
    return (inputs, *[params.width] * params.depth, outputs)


def batch_of(params: Params) -> int:
    """Examples of a step, where there are as many."""
    return min(params.batch, table_shape(params)[0])


def steps_of(params: Params) -> int:
    """Of a whole run: examples that do not fill a batch are passed over in their epoch."""
    return params.epochs * (table_shape(params)[0] // batch_of(params))


def ticks(last: int, count: int) -> np.ndarray:
    """At most `count` + 1 steps after which something is measured: closer together at first."""
    return np.unique((last * np.linspace(0, 1, count + 1) ** 1.5).round().astype(int))


def named(rows: np.ndarray, layers: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Rows of `Normed.state` by the names of torch.nn: {"0.weight": …, "0.bias": …, "0.norm.weight": …,
    "0.norm.bias": …, "1.weight": …, "0.norm.running_mean": …, "0.norm.running_var": …}."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, (i, o) in enumerate(pairwise(layers)):
        shapes |= {f"{k}.weight": (o, i), f"{k}.bias": (o,)}
        shapes |= {f"{k}.norm.{name}": (o,) for name in ("weight", "bias") if k < len(layers) - 2}
    for k, o in enumerate(layers[1:-1]):
        shapes |= {f"{k}.norm.running_{name}": (o,) for name in ("mean", "var")}
    return cut(rows, shapes)


def every(state: dict[str, np.ndarray], layers: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Several such networks, each by its name: {"before.0.weight": …}."""
    return {f"{name}.{key}": part for name, rows in state.items() for key, part in named(rows, layers).items()}


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [rates, seeds, …] by their place in `nets`."""
    return every(state, sizes(result.params))


def member_cost(params: Params, batch: int) -> tuple[float, float]:
    """Operations of a step and bytes of one member: normalising takes about as long as a layer of 60 inputs."""
    count = weight_count(sizes(params)) + 60 * params.width * params.depth
    return stepping(count, batch), 4.0 * (12 * count + 20 * batch * sum(sizes(params)))


def cost(params: Params) -> Cost:
    members = len(RATES) * params.seeds
    flops, memory = member_cost(params, batch_of(params))
    rows = table_shape(params)[0] / 0.6
    measured = 2.0 * weight_count(sizes(params)) * rows * TICKS / steps_of(params)
    orders = 12.0 * params.seeds * rows * (params.epochs + sizes(params)[0])
    held = members * (memory + 12.0 * rows * params.width) + orders
    return Cost(steps_of(params), len(params.nets) * members * (flops + measured), held, members)


PRESETS = (
    Preset("band", {}, "rates"),
    Preset("shallow", {"depth": 1}, "rates"),
    Preset("deep", {"depth": 12}, "rates"),
    Preset("places", {"nets": of("before", "after", "bare")}, "rates"),
    Preset("eval", {"nets": of("none", "before", "eval")}, "rates"),
    Preset("adam", {"rule": "adam"}, "rates"),
    Preset("tiny_batch", {"batch": 2, "epochs": 1}, "rates"),
    Preset("noise", {"nets": of("none", "before", "noisy")}, "rates"),
    Preset("shift", {"lr": 0.01}, "moved"),
    Preset("small_batches", {"depth": 2}, "serving"),
    Preset("frozen", {"other": "inverted"}, "drift"),
    Preset("scale", {"depth": 3}, "scale"),
)

TINY = Params(depth=2, nets=of("none", "before", "noisy"), data="spiral", epochs=4, batch=32, width=4, seeds=2)
TRIAL = {"seeds": 2, "epochs": 1, "depth": 2, "width": 4, "batch": 256}
