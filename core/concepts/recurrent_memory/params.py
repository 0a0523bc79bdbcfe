"""Recurrent memory: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, text
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Layers,
    Recurrent,
    Shape,
    activation_bytes,
    multiply_adds,
    parameter_count,
    parameters,
    training_step,
)
from core.takeaway.weights import cut

ENGINE = "unrolled torch"
DEVICES = ("cpu",)
FURTHER = ("cliff", "names")
WITHOUT = ("clips", "threshold", "readers", "typed")
DIVERGES = "error"

KINDS = ("rnn", "lstm", "peephole", "gru", "fed_back", "cnn", "hand")
GATED = ("lstm", "peephole", "gru")
# The error of always answering with the mean: variances of a uniform number (1/12), of the sum of two, of a bit
BASELINES = {"adding": 1 / 6, "ahead": 1 / 6, "latch": 1 / 12, "echo": 1 / 12, "copy": 1 / 4, "parity": 1 / 4}
BITS = 3  # that are to be copied
SOLVED = 0.06  # of the baseline: a task is solved below; 0.01 for the adding problem
TESTED = 256  # sequences for the error at most, and twice as many to look into
TICKS, LOOKS = 24, 3  # moments after the start at which errors are measured, and networks looked into
SHOWN = 8  # units of a layer that are shown
QUANTITIES = ("input", "forget", "output", "cell", "reset", "update", "state")  # of a unit


def learns(net: Net) -> bool:
    return net.cell != "hand"


def recurrent(net: Net) -> bool:
    return net.cell in ("rnn", *GATED)


@dataclass(frozen=True)
class Net(BaseParams):
    """opened: the first bias of the forget gate, of a GRU of its update gate. layers: of a CNN log₂ of how far it
    sees. carried (wrong): every sequence begins with the state in which another one ended. clip: longer gradients are
    made so long; 0: none is."""

    cell: str = choice("lstm", KINDS)
    opened: float = number(1.0, -3.0, 5.0, step=0.5, applies=lambda n: n.cell in GATED)
    start: str = choice("torch", ("torch", "orthogonal"), applies=recurrent)
    layers: int = integer(1, 1, 7, applies=lambda n: recurrent(n) or n.cell == "cnn")
    both: bool = flag(False, applies=recurrent)
    carried: bool = flag(False, applies=lambda n: recurrent(n) and not n.both)
    clip: float = number(1.0, 0.0, 100.0, applies=learns)


RNN, LSTM, GRU = Net(cell="rnn"), Net(), Net(cell="gru", opened=0.0)
CLIPS = ("none", "norm", "tensor", "above")
READERS = ("rnn", "lstm", "gru", "both", "padding", "letters")


@dataclass(frozen=True)
class Clip(BaseParams):
    """What is made of a gradient that is longer than the threshold."""

    kind: str = choice("norm", CLIPS)


@dataclass(frozen=True)
class Reader(BaseParams):
    """Who reads names; "padding" (wrong) and "letters" (a control) are a GRU's state at the padding, and counts."""

    kind: str = choice("lstm", READERS)


FOUR = tuple(Reader(kind=kind) for kind in ("rnn", "lstm", "gru", "letters"))


@dataclass(frozen=True)
class Params(BaseParams):
    """Networks that answer when a sequence has ended. Seed i of `seeds` draws sequences data_seed + i and weights
    weight_seed + i; all networks see the same."""

    length: int = integer(20, 4, 200)
    task: str = choice("adding", BASELINES)
    nets: tuple[Net, ...] = rows((RNN, LSTM, GRU), Net, 1, 8)
    clips: tuple[Clip, ...] = rows((Clip(kind="none"), Clip()), Clip, 1, 4)
    threshold: float = number(0.3, 0.01, 100.0, log=True)
    readers: tuple[Reader, ...] = rows(FOUR, Reader, 1, 6)
    typed: str = text("bellini", 24)
    rule: str = choice("adam", ("adam", "sgd", "momentum"))
    rate: float = number(0.01, 1e-5, 1.0, log=True)
    steps: int = integer(500, 10, 5000)
    batch: int = integer(32, 4, 128)
    units: int = integer(16, 2, 64)
    seeds: int = integer(10, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Errors at some steps; an example of the first seed; at a few looks what is inside. What a network has not is no
    number: gates, or a gradient through time where the state goes both ways."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    error: np.ndarray = array("net seed tick+")  # mean squared error on test sequences
    norm: np.ndarray = array("net seed tick+")  # the longest gradient since the tick before, as it was before clipping
    example: np.ndarray = array("channel time")
    truth: np.ndarray = array("output")
    said: np.ndarray = array("net output tick+")
    look: np.ndarray = array("look+", "steps", dtype="int64")
    # How much the answer depends on the state at a step, over how much it depends on the last one
    through: np.ndarray = array("net seed look+ time", fill=np.nan)
    # Share of the variance of what came in at a step that a linear readout of the last state explains
    held: np.ndarray = array("net seed look+ time", fill=np.nan)
    mean_gate: np.ndarray = array("net seed look+ quantity mark", fill=np.nan)  # without a mark, and with
    inside: np.ndarray = array("net look+ quantity unit time", fill=np.nan)  # of the example


def outputs(params: Params) -> int:
    return BITS if params.task == "copy" else 1


def read(params: Params, net: Net) -> int:
    """How many steps a network sees: where the answer lies ahead, half of them, unless it goes both ways."""
    return params.length // 2 if params.task == "ahead" and not net.both else params.length


def used(params: Params) -> tuple[Net, ...]:
    """Those that this task allows: only two tasks have a cell that is set by hand."""
    return tuple(n for n in params.nets if learns(n) or params.task in ("adding", "latch")) or (LSTM,)


def architecture(params: Params, net: Net) -> tuple[Layers, Shape]:
    """A network, and the shape of what it sees. Of a network whose output is fed back (Jordan, 1986) it is one step,
    the output among its inputs. A causal dilated CNN (van den Oord et al., 2016) is read at the end only: windows that
    touch compute that one output."""
    end = Dense(outputs(params))
    if net.cell == "cnn":
        tree = (Conv(params.units, 2, 2, 0), Act()) * net.layers
        return (*tree, Flatten(), end), (2, 2**net.layers)
    if net.cell == "fed_back":
        return (Dense(params.units), Act("tanh"), end), (2 + outputs(params),)
    if net.cell == "hand":
        return (Recurrent(1, "lstm", last=True), end), (2, params.length)
    about: dict[str, Any] = {"opened": net.opened, "orthogonal": net.start == "orthogonal", "both": net.both}
    stack = [Recurrent(params.units, net.cell, last=k == net.layers - 1, **about) for k in range(net.layers)]
    if ahead(params, net):
        stack[-1] = Recurrent(params.units, net.cell, **about)
    return (*stack, Conv(1, 1) if ahead(params, net) else end), (2, read(params, net))


def ahead(params: Params, net: Net) -> bool:
    """Whether it answers in the middle of what it sees."""
    return params.task == "ahead" and net.both


def tested(params: Params) -> int:
    """Sequences for the error."""
    return min(8 * params.batch, TESTED)


def ticks(params: Params) -> np.ndarray:
    return np.unique(np.linspace(0, params.steps, TICKS + 1).round().astype(int))


def looks(params: Params) -> np.ndarray:
    return np.unique(np.linspace(0, params.steps, LOOKS).round().astype(int))


def weights(result: Any, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks, "net 1.0.weight_ih_l0": [seeds, …] and so on."""
    found: dict[str, np.ndarray] = {}
    for k, net in enumerate(used(result.params)):
        parts = cut(state[f"net {k}"], parameters(*architecture(result.params, net)))
        found |= {f"net {k + 1}.{name}": part for name, part in parts.items()}
    return found


def cost(params: Params) -> Cost:
    """A step of time has a cost of its own, whatever its size."""
    flops = memory = 0.0
    for net in used(params):
        layers, shape = architecture(params, net)
        steps = 1 if net.cell == "cnn" else read(params, net) * net.layers * (1 + net.both)
        again = params.length if net.cell == "fed_back" else 1
        flops += params.seeds * again * training_step(layers, shape, params.batch) + 1.5e6 * steps
        flops += params.seeds * again * 2 * multiply_adds(layers, shape) * tested(params) * TICKS / params.steps
        memory += params.seeds * (
            48.0 * parameter_count(layers, shape) + activation_bytes(layers, shape, 2 * tested(params))
        )
    return Cost(params.steps, flops, memory, len(used(params)) * params.seeds)


def typed_sequence(typed: str) -> tuple[list[float], list[bool]]:
    """Numbers and whether they are marked: "0.2 0.9* 0.4*"; what is no number between 0 and 1 is left out."""
    values, marks = [], []
    for word in typed.replace(",", " ").split():
        try:
            value = float(word.rstrip("*"))
        except ValueError:
            continue
        if 0 <= value <= 1:
            values.append(value)
            marks.append(word.endswith("*"))
    return values, marks


@dataclass(frozen=True)
class Sequence(BaseParams):
    """Numbers from 0 to 1; those with a star are marked."""

    sequence: str = text("0.9 0.2* 0.7 0.4 0.1 0.8* 0.3 0.6", 400)


@dataclass(frozen=True)
class Answer(BaseResult):
    """What the networks of the first seed make of it."""

    example: np.ndarray = array("channel time")
    truth: np.ndarray = array("output")
    said: np.ndarray = array("net output")
    inside: np.ndarray = array("net quantity unit time")


ASKS = (Ask("sequence", Sequence, Answer),)

PLAIN, ORTHOGONAL = (Net(cell="rnn", start=start) for start in ("torch", "orthogonal"))
CNN, BOTH, CARRIED = (
    Net(cell="cnn", layers=5),
    Net(cell="gru", opened=0.0, both=True),
    Net(cell="gru", opened=0.0, carried=True),
)
UNCLIPPED = Net(cell="rnn", clip=0.0)
BIASES = tuple(Net(opened=opened) for opened in (-2.0, 1.0, 3.0))
VARIANTS = (LSTM, Net(cell="peephole"), Net(cell="gru", opened=0.0, layers=2), Net(cell="fed_back"))
PRESETS = (
    Preset("twenty", {}, "answers"),
    Preset("short", {"length": 8, "nets": (PLAIN, ORTHOGONAL)}, "answers"),
    Preset("hundred", {"length": 100, "nets": (ORTHOGONAL, LSTM, GRU), "steps": 1200, "seeds": 3}, "answers"),
    Preset("by_hand", {"nets": (Net(cell="hand"), LSTM), "seeds": 5}, "gates"),
    Preset("latch", {"task": "latch", "nets": (Net(cell="hand"), LSTM), "seeds": 5}, "gates"),
    Preset("forget_bias", {"nets": BIASES, "seeds": 5}, "through"),
    Preset("variants", {"nets": VARIANTS, "seeds": 5}, "answers"),
    Preset("cnn", {"nets": (Net(cell="cnn", layers=4), CNN)}, "answers"),
    Preset("ahead", {"task": "ahead", "nets": (GRU, BOTH)}, "answers"),
    Preset("carried", {"nets": (GRU, CARRIED), "steps": 300}, "error"),
    Preset("clipping", {"nets": (PLAIN, UNCLIPPED, ORTHOGONAL)}, "norm"),
    Preset("copy", {"task": "copy", "nets": (PLAIN, ORTHOGONAL, LSTM, GRU), "seeds": 5}, "answers"),
    Preset("echo", {"task": "echo", "nets": (PLAIN, ORTHOGONAL, LSTM, GRU), "seeds": 5}, "held"),
    Preset("parity", {"task": "parity", "length": 8, "nets": (PLAIN, LSTM, GRU), "seeds": 5}, "answers"),
    Preset("cliff", {"clips": tuple(Clip(kind=kind) for kind in CLIPS), "seeds": 20}, "cliff"),
    Preset("padding", {"readers": (Reader(kind="gru"), Reader(kind="padding"), Reader(kind="letters"))}, "names"),
)

SOME = (RNN, Net(cell="peephole", layers=2), Net(cell="gru", carried=True), Net(cell="cnn", layers=2))
TINY = Params(length=6, units=3, steps=28, batch=4, seeds=2, nets=(*SOME, Net(cell="hand"), Net(cell="fed_back")))
TRIAL = {"seeds": 2, "steps": 10, "batch": 4, "length": 8}
