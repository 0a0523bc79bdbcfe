"""Residual networks: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, shape, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Layers,
    Mean,
    Norm,
    Residual,
    Shape,
    activation_bytes,
    buffers,
    parameters,
    training_step,
)
from core.ml.signals import LENGTH
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
DIVERGES = "loss"
FURTHER = ("copy", "rates")
# without shortcuts | with them, blocks that start at zero | blocks that start at random | blocks that end in a ReLU, so
# that what they add is never negative (wrong) | depth not handed on: always BUILT layers (wrong)
KINDS = ("plain", "residual", "random", "positive", "unread")
LADDER = (2, 8)  # depths that stand beside the deepest
BUILT = 8
CHANNELS = 8
EXAMPLES, TEST = 1000, 300  # signals
DIGITS = 1797
PROBED = 300  # training examples that are measured, at most
TICKS = 5  # moments that are measured besides the start


@dataclass(frozen=True)
class Net(BaseParams):
    """A network of the comparison: where a block's input is added to what the block gives."""

    kind: str = choice("plain", KINDS)


def of(*kinds: str) -> tuple[Net, ...]:
    return tuple(Net(kind=kind) for kind in kinds)


@dataclass(frozen=True)
class Params(BaseParams):
    """Networks on one problem, each at several depths. Seed i of `seeds` draws examples and their order data_seed + i,
    and weights weight_seed + i; layers of one name start from the same ones in all networks."""

    deepest: int = integer(20, 4, 56, step=2)
    nets: tuple[Net, ...] = rows(of("plain", "residual"), Net, 1, 5, fresh=lambda kind, net: Net(kind=kind))
    data: str = choice("signals", ("signals", "digits"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(40, 5000), features=(4, 128), classes=(2, 20))
    norm: str = choice("batch", ("batch", "layer", "none"))
    steps: int = integer(180, 1, 2000)
    batch: int = integer(64, 2, 256)
    lr: float = number(0.01, 1e-5, 1.0, log=True)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """All depths in evaluation mode, and the deepest looked into: places lie behind the first layer and behind every
    block. What a network that is less deep than it should be does not have is NaN."""

    depth: np.ndarray = array("depth", "layers", dtype="int64")
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net depth seed tick+ split", "nats")  # training, test
    accuracy: np.ndarray = array("net depth seed tick+ split")
    # Of the deepest on a batch of training examples, in training mode: root mean square of what is there, and of the
    # gradient of the loss by it.
    size: np.ndarray = array("net seed tick+ place", fill=np.nan)
    gradient: np.ndarray = array("net seed tick+ place", fill=np.nan)
    # Test accuracy of the deepest when one block is taken out, or has changed places with the next
    removed: np.ndarray = array("net seed end+ block", fill=np.nan)
    swapped: np.ndarray = array("net seed end+ pair", fill=np.nan)


@dataclass(frozen=True)
class Operation(BaseParams):
    """What is done to the deepest networks after training: blocks counted from 1, 0 is none."""

    swap: bool = flag(False)
    first: int = integer(1, 0, 27)
    second: int = integer(0, 0, 27)
    example: int = integer(0, 0, 99)


@dataclass(frozen=True)
class Outcome(BaseResult):
    """Before and after: test accuracy, and what the first seed says of one test example."""

    kind: np.ndarray = array("net", dtype="int64")  # places in KINDS
    accuracy: np.ndarray = array("net seed after")
    said: np.ndarray = array("net class after")  # probabilities
    truth: np.ndarray = array("", dtype="int64")


ASKS = (Ask("operation", Operation, Outcome),)


def blocks(depth: int) -> int:
    """Of two convolutions each, between the first convolution and the dense layer (He et al., 2016: depth 6n + 2)."""
    return (depth - 2) // 2


def adds(net: Net) -> bool:
    """Whether what comes into a block is added to what it gives."""
    return net.kind in ("residual", "random", "positive")


def built(net: Net, depth: int) -> int:
    return BUILT if net.kind == "unread" else depth


def body(norm: str, kind: str) -> Layers:
    """What a block computes. A scale of 0 behind its last layer lets it begin as the identity (Goyal et al., 2017)."""
    bias = norm == "none"  # a norm takes a bias away
    normed = lambda scale: () if bias else (Norm(norm, scale),)  # noqa: E731
    found: Layers = (Conv(CHANNELS, bias=bias), *normed(1.0), Act(), Conv(CHANNELS, bias=bias))
    return (*found, *normed(0.0 if kind == "residual" else 1.0), *((Act(),) if kind == "positive" else ()))


def layers(params: Params, net: Net, depth: int, added: bool | None = None) -> Layers:
    """A network of so many layers with weights; added: whether inputs are, where it is not as the network has it."""
    inner = body(params.norm, net.kind)
    block = Residual(inner, added=adds(net) if added is None else added)
    norm = () if params.norm == "none" else (Norm(params.norm),)
    first: Layers = (Conv(CHANNELS, 5, 2, bias=not norm), *norm, Act())
    return (*first, *(block, Act()) * blocks(built(net, depth)), Mean(), Dense(sizes(params)[2]))


def sizes(params: Params) -> tuple[int, int, int]:
    """Training examples, test examples and classes."""
    if params.own:
        examples, _, classes = shape(params.own)
        return round(0.6 * examples), examples - round(0.8 * examples), classes
    return (EXAMPLES, TEST, 10) if params.data == "signals" else (round(0.6 * DIGITS), DIGITS - round(0.8 * DIGITS), 10)


def shape_of(params: Params) -> Shape:
    """Of one example: a signal, whose numbers stand in order, or a picture."""
    if params.own:
        return (1, shape(params.own)[1])
    return (1, LENGTH) if params.data == "signals" else (1, 8, 8)


def depths(params: Params) -> list[int]:
    return [*(depth for depth in LADDER if depth < params.deepest), params.deepest]


def batch_of(params: Params) -> int:
    """Examples of a step, where there are as many."""
    return min(params.batch, sizes(params)[0])


def ticks(steps: int) -> np.ndarray:
    return np.unique(np.linspace(0, steps, TICKS + 1).round().astype(int))


def named(params: Params, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Networks by place and depth, "0.20", and what batch norms keep: {"0.20.0.weight": …, …}."""
    found: dict[str, np.ndarray] = {}
    for name, values in state.items():
        place, depth = map(int, name.split("."))
        net = layers(params, params.nets[place], depth)
        parts = cut(values, parameters(net, shape_of(params)) | buffers(net, shape_of(params)))
        found |= {f"{name}.{key}": part for key, part in parts.items()}
    return found


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …] by the names of torch.nn."""
    return named(result.params, state)


def net_cost(params: Params, net: Net, depth: int, members: int) -> tuple[float, float]:
    """Operations of a step and bytes: so small a layer takes as long as one of some millions of them."""
    found, example = layers(params, net, depth), shape_of(params)
    step = members * training_step(found, example, batch_of(params)) + 9e6 * depth
    measured = (min(PROBED, sizes(params)[0]) + sizes(params)[1]) / batch_of(params) * (TICKS + 1) / params.steps / 3
    held = activation_bytes(found, example, batch_of(params))
    return step * (1 + measured), members * held


def cost(params: Params) -> Cost:
    found = [net_cost(params, net, depth, params.seeds) for net in params.nets for depth in depths(params)]
    lesions = 2 * blocks(params.deepest) * sizes(params)[1] / batch_of(params) / params.steps / 3
    flops = sum(step for step, _ in found) * (1 + lesions)
    memory = 2 * max(held for _, held in found)
    orders = 20.0 * params.seeds * sum(sizes(params)[:2]) * 64 + 8.0 * params.seeds * params.steps * params.batch
    return Cost(params.steps, flops, memory + orders, params.seeds)


PRESETS = (
    Preset("depth", {}, "depth"),
    Preset("deep", {"deepest": 56}, "depth"),
    Preset("bare", {"norm": "none"}, "depth"),
    Preset("longer", {"steps": 360}, "depth"),
    Preset("removed", {"nets": of("plain", "residual", "random")}, "lesions"),
    Preset("positive", {"nets": of("random", "positive")}, "signal"),
    Preset("unread", {"nets": of("plain", "residual", "unread")}, "depth"),
    Preset("digits", {"data": "digits"}, "depth"),
)

TINY = Params(deepest=6, steps=6, batch=16, seeds=2)
TRIAL = {"seeds": 2, "steps": 2, "deepest": 6, "batch": 16}
