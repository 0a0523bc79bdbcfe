"""Sequence to sequence: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, text, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.concepts.sequence_to_sequence.pairs import EACH, GROUPS, LOCALES, LONGEST, MADE, usable
from core.ml.architecture import Embed, Layers, Recurrent, parameters
from core.takeaway.weights import cut

ENGINE = "unrolled torch"
DEVICES = ("cpu",)
DIVERGES = "loss"
# What the decoder is given of the source at every step: its last state | a mean of all states, weighted by how well
# they fit what it asks for | the same weighted by its own state alone (wrong)
KINDS = ("last", "attention", "blind")
EMBEDDING = 16
FARTHEST = 40  # places that blind attention has weights for
TICKS = 8  # moments that are measured besides the start
WIDTHS = (1, 2, 4, 8)  # of beams
PARTS = ("1", "2", "3", "4", "brevity", "bleu")
BEAMED = 10  # prompts of every length for beams
PROMPT = FARTHEST  # letters that can be typed


@dataclass(frozen=True)
class Net(BaseParams):
    """An encoder and a decoder (GRU each); several stand side by side. turned: the source is read backwards (Sutskever
    et al., 2014). told: how often in training the decoder is given the right symbol before, not its own (Bengio et al.,
    2015). ends: whether it is taught to say that an answer ends."""

    kind: str = choice("last", KINDS)
    turned: bool = flag(False)
    told: float = number(1.0, 0.0, 1.0, step=0.05)
    ends: bool = flag(True)


LAST, ATTENTION, BLIND = (Net(kind) for kind in KINDS)


@dataclass(frozen=True)
class Params(BaseParams):
    """Networks on one task. Seed i of `seeds` draws pairs data_seed + i and weights weight_seed + i; tensors of one
    name and shape start alike in all nets."""

    task: str = choice("reverse", (*MADE, "dates", "numbers"), applies=lambda p: not p.own)
    own: str = upload("text", characters=(200, 1_000_000), distinct=(2, 500), usable=usable)
    nets: tuple[Net, ...] = rows((LAST, ATTENTION), Net, 1, 4)
    length: int = integer(8, 2, 20, applies=lambda p: p.task in MADE and not p.own)
    units: int = integer(32, 8, 128, step=8)
    steps: int = integer(400, 1, 5000)
    batch: int = integer(32, 1, 256)
    lr: float = number(0.01, 1e-4, 0.1, log=True)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Answers are decoded freely, the likeliest symbol each, of test prompts; `inside` says which sizes of these are as
    in training, and where no axis names the size it is of those."""

    symbols: np.ndarray = array("side symbol letter", dtype="uint32")  # code points, then zeros
    size: np.ndarray = array("size", "symbols")
    inside: np.ndarray = array("size", dtype="bool")
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+", "nats")  # of a symbol, told those before it
    forced: np.ndarray = array("net seed tick+")  # share of symbols right, with the end, told those before
    free: np.ndarray = array("net seed tick+")  # the same after its own symbols
    by_size: np.ndarray = array("net seed tick+ size")  # share of answers without a mistake
    source: np.ndarray = array("place", dtype="int64")  # of one test prompt of the first seed
    target: np.ndarray = array("answer", dtype="int64")
    said: np.ndarray = array("net tick+ answer", dtype="int64", fill=-1)
    look: np.ndarray = array("net tick+ answer place")  # weights of the states of the source
    ratio: np.ndarray = array("net seed end+")  # length of all answers over that of the right ones
    bleu: np.ndarray = array("net seed end+ part")
    beam: np.ndarray = array("net seed end+ width")  # share of answers without a mistake
    likely: np.ndarray = array("net seed end+ width", "nats")  # log probability of the answer that is found
    moves: np.ndarray = array("net seed end+")  # how far weights move where the states are those of another source
    map: np.ndarray = array("net end+ point axis")  # last states of the encoder, two principal components, first seed
    map_symbol: np.ndarray = array("point", dtype="int64")  # the last symbol that was read, and how many were
    map_length: np.ndarray = array("point", dtype="int64")
    # Share of the last state's variance between first symbols, last symbols, lengths
    held: np.ndarray = array("net seed end+ what")


@dataclass(frozen=True)
class Prompt(BaseParams):
    """A source of the reader's own; empty is the example of the Result. Which net's beam is shown, and how wide."""

    typed: str = text("", PROMPT)
    net: int = integer(1, 1, 4)
    width: int = integer(4, 1, 8)


@dataclass(frozen=True)
class Translated(BaseResult):
    """What the networks of the first seed make of it."""

    symbols: np.ndarray = array("side symbol letter", dtype="uint32")
    source: np.ndarray = array("place", dtype="int64")
    said: np.ndarray = array("net answer", dtype="int64")
    look: np.ndarray = array("net answer place")
    best: np.ndarray = array("rank answer", dtype="int64")  # of the beam
    likely: np.ndarray = array("rank", "nats")


ASKS = (Ask("translate", Prompt, Translated),)


def sizes(params: Params) -> list[int]:
    """Lengths of test prompts of digits: up to one and a half times the longest in training."""
    return sorted({max(1, round(params.length * k / 8)) for k in range(1, 13)})


def layers(count: int, units: int) -> Layers:
    """An encoder or a decoder that reads so many symbols."""
    return (Embed(count, EMBEDDING), Recurrent(units, "gru"))


def parameters_of(net: Net, counts: tuple[int, int], units: int) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights by name, in the order of a row. counts: of symbols; the decoder reads and says an end, too.
    Attention is that of Luong et al. (2015), "general"."""
    found: dict[str, tuple[int, ...]] = {}
    for name, count in zip(("encoder", "decoder"), (counts[0], counts[1] + 1)):
        found |= {f"{name}.{key}": size for key, size in parameters(layers(count, units), (1, 1)).items()}
    if net.kind != "last":
        found["score.weight"] = (units if net.kind == "attention" else FARTHEST, units)
    found |= {"mix.weight": (units, 2 * units), "mix.bias": (units,)}
    return found | {"out.weight": (counts[1] + 1, units), "out.bias": (counts[1] + 1,)}


def counts_of(symbols: np.ndarray) -> tuple[int, int]:
    """How many symbols there are on both sides."""
    there = (symbols[:, :, 0] > 0).sum(1)
    return int(there[0]), int(there[1])


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every net [seeds, …]: encoder and decoder as torch.nn.Embedding and GRU, the rest as Linear have them."""
    counts = counts_of(result.symbols)
    found: dict[str, np.ndarray] = {}
    for i, net in enumerate(result.params.nets):
        shapes = parameters_of(net, counts, result.params.units)
        found |= {f"{i}.{name}": part for name, part in cut(state[f"{i}"], shapes).items()}
    return found


def ticks(steps: int) -> np.ndarray:
    return np.unique(np.linspace(0, steps, TICKS + 1).round().astype(int))


def places(params: Params) -> tuple[float, float]:
    """Symbols of a source and of an answer, about."""
    if params.own:
        return LONGEST / 2, LONGEST / 2
    return {"dates": (30.0, 11.0), "numbers": (5.0, 9.0)}.get(params.task, (params.length, params.length + 1.0))


def cost(params: Params) -> Cost:
    """A step of a sequence of a small net takes as long as some hundred thousand operations, whatever it has to do."""
    (source, target), flops, memory = places(params), 0.0, 0.0
    tested = EACH * (GROUPS if params.own or params.task not in MADE else len(sizes(params)))
    for net in params.nets:
        inside = 6 * params.units * (params.units + EMBEDDING)
        own = 2 * source * target * params.units * (net.kind != "last") + 60.0 * params.units * target
        one = (source + target) * inside + own + 400.0 * params.units * (source + target)
        step = 3.0 * params.seeds * params.batch * one + 4e5 * (source + target) * (1 + 3 * (net.told < 1))
        test = params.seeds * tested * one + 2e6 * (source + 3 * target)
        flops += step + (TICKS + 8) * test / params.steps
        memory += 40.0 * params.seeds * max(params.batch, tested) * (source + target) * params.units
    return Cost(params.steps, flops, memory + 6e7, params.seeds * len(params.nets))


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    """Files of installed packages whose content the run depends on."""
    if params.own or params.task != "dates":
        return ()
    return tuple(("babel", f"locale-data/{locale[:2]}.dat") for locale in sorted({name for name, _ in LOCALES}))


PRESETS = (
    Preset("reverse", {}, "lengths"),
    Preset("autoencoder", {"task": "copy", "nets": (LAST, Net(turned=True), ATTENTION)}, "lengths"),
    Preset("dates", {"task": "dates", "nets": (LAST, ATTENTION, BLIND), "seeds": 1}, "looks"),
    Preset("numbers", {"task": "numbers"}, "looks"),
    Preset("blind", {"nets": (ATTENTION, BLIND)}, "lengths"),
    Preset("told", {"nets": (LAST, Net(told=0.5), Net(told=0.0))}, "training"),
    Preset("endless", {"nets": (ATTENTION, Net("attention", ends=False))}, "bleu"),
)

TINY = Params(length=3, steps=12, units=8, batch=4, seeds=2)
TRIAL = {"seeds": 2, "steps": 2, "batch": 2, "length": 3}
