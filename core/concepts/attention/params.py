"""Attention and transformers: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, rows, string
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
DIVERGES = "loss"
SYMBOLS = 10
LONGEST = 12  # prompt that can be trained on; tests go to twice as long
FARTHEST = 2 * LONGEST + 2  # place of the separator in a table of learned positions
TASKS = ("reverse", "shift", "copy", "sort")
POSITIONS = ("learned", "none", "sinusoidal", "rotary")
# √ of a key's numbers | nothing | √ of the whole width (wrong) | √ of a key's, masked behind the softmax (wrong)
SCORES = ("key", "none", "width", "late")
TICKS = 10  # moments that are measured besides the start
TESTED = 100  # prompts
DIMENSIONS = (4, 16, 64, 256, 1024)  # of random queries and keys
KEYS = 8  # that a random query looks at
PI = "31415926"


@dataclass(frozen=True)
class Net(BaseParams):
    """A transformer; several stand side by side."""

    positions: str = choice("learned", POSITIONS)
    mask: str = choice("full", ("full", "causal"))  # of the prompt; the answer is always causal
    layers: int = integer(1, 1, 3)
    heads: int = integer(1, 1, 4)
    norm: str = choice("pre", ("pre", "post"))
    scores: str = choice("key", SCORES)


LEARNED, NONE = Net(), Net("none")


@dataclass(frozen=True)
class Params(BaseParams):
    """Transformers on one task. Seed i of `seeds` draws prompts data_seed + i and weights weight_seed + i; tensors of
    one name and shape start alike in all nets. Where lengths vary a step has one, the same for all seeds."""

    task: str = choice("reverse", TASKS)
    nets: tuple[Net, ...] = rows((LEARNED, NONE), Net, 1, 4)
    length: int = integer(8, 2, LONGEST)
    shortest: int = integer(LONGEST, 1, LONGEST)  # length of a prompt in training; at most `length`
    width: int = integer(16, 8, 64, step=8)
    steps: int = integer(240, 1, 3000)
    batch: int = integer(64, 1, 256)
    lr: float = number(0.01, 1e-4, 0.1, log=True)
    warmup: int = integer(20, 0, 1000)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Answers are decoded freely, of test prompts of `length` symbols where no axis says otherwise. Heads are counted
    through all layers; those that a net has not are NaN."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("net seed tick+", "nats")  # of a symbol, told those before it
    right: np.ndarray = array("net seed tick+")  # share of symbols
    whole: np.ndarray = array("net seed tick+")  # share of answers without a mistake
    entropy: np.ndarray = array("net seed tick+", "nats")  # of the attention of an answering token, last layer
    look: np.ndarray = array("net tick+ query key")  # first seed, last layer: from the answer to the prompt, mean
    blind: np.ndarray = array("seed")  # the most that can be expected without the order: of symbols
    blind_whole: np.ndarray = array("seed")  # of answers
    sorts: np.ndarray = array("net end+ head query key", fill=np.nan)  # as look, of every head
    removed: np.ndarray = array("net seed end+ head", fill=np.nan)  # `right` without this head
    by_length: np.ndarray = array("net seed end+ size")  # `right` of prompts of other lengths
    # The most that outputs move when a later symbol of the answer is another
    leak: np.ndarray = array("net seed end+")
    # Of random queries and KEYS random keys, scores over √d and as they are: entropy of the softmax over its largest,
    # and the trace 1 − Σp² of its derivative over its largest
    even: np.ndarray = array("divided seed dimension")
    passes: np.ndarray = array("divided seed dimension")


@dataclass(frozen=True)
class Prompt(BaseParams):
    """A sequence of the reader's own, and which place of the answer of which net is looked into."""

    digits: str = string(PI, "0123456789", 2 * LONGEST)
    net: int = integer(1, 1, 4)
    place: int = integer(1, 1, 2 * LONGEST)
    head: int = integer(1, 1, 4)


@dataclass(frozen=True)
class Looked(BaseResult):
    """Tokens are START, prompt, separator, answer so far. First seed, last layer, one head."""

    prompt: np.ndarray = array("symbol", dtype="int64")
    truth: np.ndarray = array("symbol", dtype="int64")
    said: np.ndarray = array("net symbol", dtype="int64")
    attention: np.ndarray = array("query token")
    place: np.ndarray = array("", dtype="int64")
    query: np.ndarray = array("unit")
    keys: np.ndarray = array("token unit")
    values: np.ndarray = array("token unit")
    score: np.ndarray = array("token", fill=np.nan)  # NaN where it is not seen


ASKS = (Ask("sequence", Prompt, Looked),)


def per_layer(width: int) -> dict[str, tuple[int, ...]]:
    """Weights of a torch.nn.TransformerEncoderLayer."""
    return {
        "self_attn.in_proj_weight": (3 * width, width), "self_attn.in_proj_bias": (3 * width,),
        "self_attn.out_proj.weight": (width, width), "self_attn.out_proj.bias": (width,),
        "linear1.weight": (2 * width, width), "linear1.bias": (2 * width,),
        "linear2.weight": (width, 2 * width), "linear2.bias": (width,),
        "norm1.weight": (width,), "norm1.bias": (width,), "norm2.weight": (width,), "norm2.bias": (width,),
    }  # fmt: skip


def parameters_of(net: Net, width: int) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights by name, in the order of a row."""
    found: dict[str, tuple[int, ...]] = {"embedding.weight": (SYMBOLS + 2, width)}
    if net.positions == "learned":
        found["position.weight"] = (2 * FARTHEST, width)
    for k in range(net.layers):
        found |= {f"layers.{k}.{name}": size for name, size in per_layer(width).items()}
    if net.norm == "pre":
        found |= {"norm.weight": (width,), "norm.bias": (width,)}
    return found | {"linear.weight": (SYMBOLS, width), "linear.bias": (SYMBOLS,)}


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every net [seeds, …]: layers as torch.nn.TransformerEncoderLayer, Embedding, LayerNorm and Linear have them."""
    nets = [parameters_of(net, result.params.width) for net in result.params.nets]
    return {f"{i}.{name}": part for i, size in enumerate(nets) for name, part in cut(state[f"{i}"], size).items()}


def sees_order(net: Net) -> bool:
    """Whether the order of the prompt can be known to it: from positions, or from a causal mask in a layer below the
    last, in which a token's state depends on how many stand before it."""
    return net.positions != "none" or (net.mask == "causal" and net.layers > 1)


def sizes(params: Params) -> list[int]:
    """Lengths that are tested in the end."""
    return sorted({*range(2, 2 * params.length + 1, 2), params.length})


def ticks(steps: int) -> np.ndarray:
    return np.unique(np.linspace(0, steps, TICKS + 1).round().astype(int))


def cost(params: Params) -> Cost:
    """A step of a layer of a small net takes as long as some millions of operations, whatever it has to do."""
    flops = memory = 0.0
    for net in params.nets:
        tokens = params.batch * (2 * params.length + 1)
        weights_per_token = net.layers * (8 * params.width**2 + 4 * params.length * params.width) + 25 * params.width
        step = params.seeds * tokens * (6.0 * weights_per_token + 400.0 * params.width * net.layers) + 1e7 * net.layers
        flops += step * (1 + 1500 / params.steps * TESTED / (TESTED + params.batch))
        memory += params.seeds * tokens * net.layers * (100.0 * params.width + 30.0 * net.heads * params.length)
    return Cost(params.steps, flops, memory + 4e7, params.seeds)


UNSCALED, FOUR = Net(scores="none"), Net(heads=4)
HAVIV = {"nets": (Net("none", "causal"), Net("none", "causal", 2, 2)), "length": 6, "steps": 600, "lr": 0.02}
MIXED = {"shortest": 4, "nets": (LEARNED, Net("sinusoidal"), Net("rotary"))}
PRESETS = (
    Preset("reverse", {}, "look"),
    Preset("sort", {"task": "sort"}, "look"),
    Preset("causal", HAVIV, "look"),
    Preset("lengths", MIXED, "lengths"),
    Preset("heads", {"nets": (FOUR, Net(heads=4, layers=2))}, "heads"),
    Preset("scores", {"nets": (LEARNED, UNSCALED)}, "softmax"),
    Preset("norms", {"nets": (LEARNED, Net(norm="post")), "warmup": 0, "lr": 0.05}, "training"),
    Preset("late", {"nets": (LEARNED, Net(scores="late"))}, "leak"),
    Preset("width", {"nets": (FOUR, Net(heads=4, scores="width"))}, "training"),
)

TINY = Params(length=3, steps=16, batch=4, seeds=2)
TRIAL = {"seeds": 2, "steps": 2, "batch": 2, "length": 3}
