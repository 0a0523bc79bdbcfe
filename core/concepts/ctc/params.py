"""Connectionist temporal classification: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.concept.params import BaseParams, choice, drawing, flag, integer, matrix, number, rows, string
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import (
    Conv,
    Layers,
    Recurrent,
    Shape,
    activation_bytes,
    parameter_count,
    parameters,
    training_step,
)
from core.takeaway.weights import cut

ENGINE = "unrolled torch"
DEVICES = ("cpu",)
FURTHER = ("paths",)
WITHOUT = ("chances", "text")
DIVERGES = "loss"

BLANK, SYMBOLS = 10, 11  # behind the digits
HIGH, WIDE, MOST = 8, 48, 6  # pixels of a strip, and digits that it has room for
FINE = 2  # dots of the pad along a pixel
TICKS, LOOKS = 12, 3  # moments after the start, and at every which of them beam search reads as well
TESTED, BEAMED = 100, 20  # test strips at most, and those that beam search reads
BEAM, LEAST = 8, 0.01  # beginnings that it keeps, and probability from which on it tries a symbol
# CTC | with the loss divided by a text's length (wrong) | every frame told its label | without a blank
LOSSES = ("ctc", "mean", "told", "no_blank")


def aligns(net: Net) -> bool:
    return net.loss != "told"


@dataclass(frozen=True)
class Net(BaseParams):
    """prior: the power of the label prior that probabilities are divided by (Zeyer et al., 2021). both: in both
    directions."""

    loss: str = choice("ctc", LOSSES)
    prior: float = number(0.0, 0.0, 1.0, step=0.1, applies=lambda n: n.loss == "ctc")
    both: bool = flag(True)


CTC, TOLD, NO_BLANK, MEAN = (Net(loss) for loss in ("ctc", "told", "no_blank", "mean"))
PRIOR, ONE_WAY = Net(prior=0.3), Net(both=False)


@dataclass(frozen=True)
class Params(BaseParams):
    """Networks that read strips of digits. Seed i of `seeds` draws strips data_seed + i and weights weight_seed + i;
    all networks see the same strips. chances: of the small case, blank, a, b of every frame, scaled to add up to 1."""

    nets: tuple[Net, ...] = rows((CTC, TOLD), Net, 1, 6)
    stride: int = integer(2, 1, 8)  # columns of a frame
    gap: int = integer(2, 0, 8)
    digits: int = integer(5, 1, MOST)
    repeats: float = number(0.2, 0.0, 1.0)
    noise: float = number(0.1, 0.0, 1.0)
    cell: str = choice("gru", ("rnn", "gru", "lstm"))
    units: int = integer(32, 8, 64, step=8)
    steps: int = integer(240, 1, 3000)
    batch: int = integer(32, 1, 128)
    lr: float = number(0.02, 1e-4, 0.1, log=True)
    chances: tuple[tuple[float, ...], ...] = matrix(
        ((0.5, 0.4, 0.1), (0.6, 0.1, 0.3), (0.5, 0.4, 0.1)), 0.0, 1.0, step=0.05
    )
    text: str = string("a", "ab", 3)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Measured on strips of digits that nobody trained on. A symbol is a digit, or BLANK. Labels are read by
    the likeliest path, unless said otherwise. Of who diverged nothing is right."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+", "nats")  # −log p of a text, mean of those that have a path
    reported: np.ndarray = array("net seed tick+", "nats")  # what the training itself calls its loss, on these strips
    impossible: np.ndarray = array("seed")  # share of strips too long to be said in so many frames: infinite loss
    error: np.ndarray = array("net seed tick+")  # edits over labels
    blank: np.ndarray = array("net seed tick+")  # share of frames whose likeliest symbol is the blank
    covers: np.ndarray = array("net seed tick+", fill=np.nan)  # share of a digit's frames that say it
    inside: np.ndarray = array("net seed tick+", fill=np.nan)  # share of digits, in strips read right, said on own ink
    split: np.ndarray = array("net seed tick+ repeated", fill=np.nan)  # strips read wrong, without and with repeats
    look: np.ndarray = array("look+", "steps", dtype="int64")
    better: np.ndarray = array("net seed look+")  # share of strips of which beam search finds a likelier text
    gains: np.ndarray = array("net seed look+")  # edits over labels, of the likeliest path less its own
    # The first test strip of the first seed
    strip: np.ndarray = array("row column")
    truth: np.ndarray = array("place", dtype="int64")
    edge: np.ndarray = array("side place", "columns")  # where a digit's ink begins and ends
    p: np.ndarray = array("net tick+ symbol time")


@dataclass(frozen=True)
class Strip(BaseParams):
    """What is drawn, or if nothing is, digits that are typed and written with so much paper between them."""

    typed: str = string("30337", "0123456789", MOST)
    gap: int = integer(1, 0, 8)
    pixels: str = drawing(FINE * HIGH, FINE * WIDE)


@dataclass(frozen=True)
class Read(BaseResult):
    """What the networks of the first seed make of it; texts are padded with BLANK."""

    strip: np.ndarray = array("row column")
    p: np.ndarray = array("net symbol time")
    said: np.ndarray = array("net place", dtype="int64")
    beam: np.ndarray = array("net place", dtype="int64")
    chance: np.ndarray = array("net")  # that beam search gives its text


ASKS = (Ask("strip", Strip, Read),)


def network(params: Params, net: Net) -> tuple[Layers, Shape]:
    """One recurrent layer, and at every frame a score of every symbol."""
    shape = (HIGH * (params.stride + 2), -(-WIDE // params.stride))
    return (Recurrent(params.units, params.cell, both=net.both), Conv(SYMBOLS, 1)), shape


def weights(result: Any, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By the names of torch.nn, {"net 1.0.weight_ih_l0": [seeds, …], …}; the prior of every net [seeds, symbols]."""
    found: dict[str, np.ndarray] = {}
    for k, net in enumerate(result.params.nets):
        found |= {
            f"net {k + 1}.{name}": part
            for name, part in cut(state[f"net {k}"], parameters(*network(result.params, net))).items()
        }
        found[f"net {k + 1}.prior"] = state[f"prior {k}"]
    return found


def ticks(steps: int) -> np.ndarray:
    """Moments that are measured, more of them early on."""
    part = np.linspace(0, 1, TICKS + 1) ** 1.5
    return np.unique((steps * part).round().astype(int))


def tested(params: Params) -> int:
    """Strips of a test."""
    return min(4 * params.batch, TESTED)


def looks(steps: int) -> np.ndarray:
    return np.unique([*ticks(steps)[::LOOKS], steps])


def cost(params: Params) -> Cost:
    """A frame has a cost of its own, whatever its size."""
    flops = memory = 0.0
    for net in params.nets:
        layers, shape = network(params, net)
        lattice = 1000.0 * params.batch * shape[1] * (2 * params.digits + 1) * aligns(net)
        step = params.seeds * (training_step(layers, shape, params.batch) + lattice) + 2e6 * shape[1]
        flops += step * (1 + 20 * TICKS / params.steps)
        memory += params.seeds * (
            48.0 * parameter_count(layers, shape) + activation_bytes(layers, shape, params.batch + TESTED)
        )
    return Cost(params.steps, flops, memory + 2e7, len(params.nets) * params.seeds)


PRESETS = (
    Preset("strip", {}, "strip"),
    Preset("prior", {"nets": (CTC, PRIOR, TOLD)}, "where"),
    Preset("one_way", {"nets": (CTC, ONE_WAY), "steps": 400}, "where"),
    Preset("no_blank", {"nets": (CTC, NO_BLANK), "repeats": 0.5}, "repeats"),
    Preset("reduction", {"nets": (MEAN, CTC)}, "training"),
    Preset("too_short", {"stride": 8}, "training"),
    Preset("paths", {"seeds": 20}, "paths"),
)

TINY = Params(nets=(CTC, TOLD), steps=16, batch=4, seeds=2, units=8, digits=3, stride=4)
TRIAL = {"seeds": 2, "steps": 2, "batch": 2, "units": 8, "digits": 3, "stride": 4}
