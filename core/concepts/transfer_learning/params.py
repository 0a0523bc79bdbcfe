"""Transfer learning: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

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
    Norm,
    Pool,
    Shape,
    activation_bytes,
    buffers,
    parameters,
    training_step,
)
from core.ml.data import FILES
from core.ml.mnist import MNIST
from core.ml.signals import LENGTH
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu",)
DIVERGES = "loss"
FURTHER = ("layers", "tasks", "pictures")
# from new weights | features that nobody trained, frozen | those of the source, frozen | all trained on | the head
# first, then all (Kumar et al., 2022) | frozen, but batch norms go on averaging (wrong) | frozen, inputs not scaled as
# those of the source were (wrong)
KINDS = ("scratch", "random", "frozen", "tuned", "head_first", "drift", "unscaled")
DATA = ("signals", "mnist", "digits")
LADDER = (1, 4, 16, 64)  # labelled examples per class
CHANNELS = (16, 16, 32)
SOURCE_BATCH = 64
HELD = 300  # examples of the source that are kept back, at most
TEST = 400  # signals of the target
KNOWN = 7  # signals and digits below it are the source, the others the target
TICKS = 5  # moments that are measured besides the start


@dataclass(frozen=True)
class Way(BaseParams):
    """What is done with the features of the source. body: their learning rate over that of the head."""

    kind: str = choice("frozen", KINDS)
    body: float = number(1.0, 0.001, 1.0, log=True, applies=lambda way: way.kind in ("tuned", "head_first"))


def of(*kinds: str) -> tuple[Way, ...]:
    return tuple(Way(kind=kind) for kind in kinds)


@dataclass(frozen=True)
class Params(BaseParams):
    """A network trained on a source, then put to a target with few labels. Seed i of `seeds` draws examples and their
    order data_seed + i, weights weight_seed + i; untrained features are those the source started from."""

    ways: tuple[Way, ...] = rows(
        of("scratch", "random", "frozen", "tuned"), Way, 1, len(KINDS), fresh=lambda kind, way: Way(kind=kind)
    )
    data: str = choice("signals", DATA, applies=lambda p: not p.own)
    own: str = upload("table", rows=(60, 5000), features=(8, 128), classes=(4, 20))
    source: int = integer(2000, 20, 4000, step=20)  # examples, or as many as there are
    pretraining: int = integer(500, 0, 2000, step=10)
    reversed: float = number(0.5, 0.0, 0.5, step=0.05)  # share of the source whose sign is
    labels: int = integer(10, 1, LADDER[-1])
    steps: int = integer(120, 2, 1000)
    batch: int = integer(32, 4, 128)
    lr: float = number(0.01, 1e-5, 1.0, log=True)
    seeds: int = integer(5, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Everything in evaluation mode. Splits: the target's test examples, and the same with their signs reversed."""

    labels: np.ndarray = array("count", "per class", dtype="int64")
    tick: np.ndarray = array("tick+", "steps", dtype="int64")  # on the target
    loss: np.ndarray = array("way count seed tick+ split", "nats")
    accuracy: np.ndarray = array("way count seed tick+ split")
    source: np.ndarray = array("seed end+")  # accuracy at the source, before the target
    # … and afterwards, with the source's head back on; NaN of ways that never learned it
    kept: np.ndarray = array("way count seed end+", fill=np.nan)


def classes(params: Params) -> tuple[int, int]:
    """Of the source and of the target."""
    if params.own:
        whole = shape(params.own)[2]
        return whole - max(2, 3 * whole // 10), max(2, 3 * whole // 10)
    return (10, 10) if params.data == "mnist" else (KNOWN, 10 - KNOWN)


def shape_of(params: Params) -> Shape:
    """Of one example: a row of numbers, or a picture."""
    if params.own:
        return (1, shape(params.own)[1])
    return (1, LENGTH) if params.data == "signals" else (1, 8, 8)


def blocks(params: Params) -> list[Layers]:
    """The features, three convolutions in turn."""
    first, second, third = CHANNELS
    kernel = 5 if len(shape_of(params)) == 2 else 3
    return [
        (Conv(first, kernel, bias=False), Norm(), Act(), Pool()),
        (Conv(second, bias=False), Norm(), Act(), Pool()),
        (Conv(third, bias=False), Norm(), Act(), Mean()),
    ]


def body(params: Params) -> Layers:
    return tuple(layer for block in blocks(params) for layer in block)


def network(params: Params, units: int) -> Layers:
    return (*body(params), Dense(units))


def examples(params: Params) -> int:
    """Of the source, at most."""
    if params.own:
        return min(params.source, shape(params.own)[0])
    return min(params.source, 1100) if params.data == "digits" else params.source


def ticks(steps: int) -> np.ndarray:
    """At equal distances of their logarithms: most happens early."""
    return np.unique(np.r_[0, np.geomspace(min(5, steps), steps, TICKS).round().astype(int)])


def learned(way: Way) -> bool:
    """Whether it has the features of the source."""
    return way.kind not in ("scratch", "random")


def whole(params: Params, units: int) -> dict[str, tuple[int, ...]]:
    net = network(params, units)
    return parameters(net, shape_of(params)) | buffers(net, shape_of(params))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The source's network [seeds, …] and that of every way [counts, seeds, …]: {"source.0.weight": …,
    "2.0.weight": …}."""
    found: dict[str, np.ndarray] = {}
    for name, values in state.items():
        parts = cut(values, whole(result.params, classes(result.params)[name != "source"]))
        found |= {f"{name}.{key}": part for key, part in parts.items()}
    return found


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    if params.own or params.data == "signals":
        return ()
    return FILES["digits"] + (MNIST if params.data == "mnist" else ())


def source_cost(params: Params) -> tuple[float, float]:
    """Operations of all of the source's training, and bytes: so small a step takes as long as some millions."""
    net, example = network(params, classes(params)[0]), shape_of(params)
    step = params.seeds * training_step(net, example, SOURCE_BATCH) + 2e7
    data = 12.0 * params.seeds * prod(example) * (examples(params) + LADDER[-1] * classes(params)[1] + 1000)
    return params.pretraining * step, data + params.seeds * activation_bytes(net, example, TEST)


def target_cost(params: Params, counts: int, open: float, frozen: float) -> float:
    """Operations of all steps on the target of networks that are trained as a whole, and of heads."""
    net, members = network(params, classes(params)[1]), counts * params.seeds
    step = members * training_step(net, shape_of(params), params.batch)
    measured = 1 + 10 * TICKS / params.steps
    return params.steps * (open * (1.3 * step * measured + 2e7) + frozen * (0.06 * step + 1e7))


def cost(params: Params) -> Cost:
    before, memory = source_cost(params)
    shares = {"random": 0.0, "frozen": 0.0, "unscaled": 0.0, "head_first": 0.5, "drift": 0.4}
    open = sum(shares.get(way.kind, 1.0) for way in params.ways)
    after = target_cost(params, len(LADDER), open, len(params.ways) - open)
    steps = params.pretraining + params.steps
    return Cost(steps, (before + after) / steps, memory * len(LADDER), len(LADDER) * params.seeds)


PRESETS = (
    Preset("labels", {}, "labels"),
    Preset("digits", {"data": "digits"}, "labels"),
    Preset("mnist", {"data": "mnist"}, "labels"),
    Preset("reversed", {"ways": of("frozen", "tuned", "head_first")}, "reversed"),
    Preset("never", {"ways": of("frozen", "tuned", "head_first"), "reversed": 0.0}, "reversed"),
    Preset("rates", {"ways": tuple(Way(kind="tuned", body=rate) for rate in (1.0, 0.1, 0.01))}, "reversed"),
    Preset("little", {"source": 100}, "labels"),
    Preset("drift", {"ways": of("drift", "frozen")}, "kept"),
    Preset("unscaled", {"ways": of("unscaled", "frozen", "random")}, "labels"),
)  # fmt: skip

TINY = Params(ways=of("frozen", "tuned"), source=100, pretraining=3, steps=4, batch=8, seeds=2)
TRIAL = {"seeds": 2, "source": 100, "pretraining": 2, "steps": 2, "batch": 8}
