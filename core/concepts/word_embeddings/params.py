"""Word embeddings: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, text, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.concepts.word_embeddings.corpora import MOST, grammar, usable

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
FURTHER = ("reader",)
# skip-gram with negative sampling | positive PMI, cut down by an SVD | the same, shifted by log k | skip-gram on the
# text in random order | negatives drawn uniformly (wrong) | input vectors compared with output vectors (wrong)
KINDS = ("skipgram", "svd", "shifted", "shuffled", "uniform", "crossed")
COUNTED = ("svd", "shifted")
POWER = 0.75  # of the frequencies, with which negatives are drawn (Mikolov et al., 2013)
SHARED = 32  # negatives of a step, the same for all its pairs
PAIRED = 512  # pairs of a step
TICKS = 12  # moments recorded besides the start; they are ever further apart
PICKED = 40  # words on the map
NEAREST = 6
PAIRS = 400  # shown of those whose score is compared with log PMI
# a − b + c | the same without taking a away: b + c | no arithmetic: next to c | a − b + c, the three words allowed
WAYS = ("sum", "plus", "alone", "allowed")


@dataclass(frozen=True)
class Method(BaseParams):
    """A way to get a vector for every word; several stand side by side."""

    kind: str = choice("skipgram", KINDS)
    window: int = integer(2, 1, 10)
    dimension: int = integer(32, 2, 128)
    subsampled: bool = flag(False)


@dataclass(frozen=True)
class Params(BaseParams):
    """Methods on one text. Seed i of `seeds` draws pairs, negatives and the made text data_seed + i, and weights
    weight_seed + i; methods of one dimension start from the same ones."""

    methods: tuple[Method, ...] = rows((Method(), Method("shuffled")), Method, 1, 4)
    data: str = choice("docs", ("docs", "known", "phrases"), applies=lambda p: not p.own)
    own: str = upload("text", characters=(2000, 1_000_000), distinct=(5, 5000), usable=usable)
    negatives: int = integer(5, 1, 20)
    steps: int = integer(600, 1, 5000)
    lr: float = number(0.01, 1e-4, 0.1, log=True)
    seeds: int = integer(3, 1, 20)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Words are numbers below the size of the vocabulary. Where no axis names the seed it is the first."""

    vocabulary: np.ndarray = array("word letter", dtype="uint32")  # code points, then zeros
    count: np.ndarray = array("word", dtype="int64")
    pick: np.ndarray = array("pick", dtype="int64")  # words on the map
    group: np.ndarray = array("pick", dtype="int64")  # their groups: words that are used alike; all 0 where unknown
    topic: np.ndarray = array("pick", dtype="int64")  # what they speak of; all −1 where unknown
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    place: np.ndarray = array("method tick+ pick axis")  # two principal components of their unit vectors
    near: np.ndarray = array("method tick+ pick rank", dtype="int64")  # the nearest words of the vocabulary
    # Share of the words on the map whose nearest word there is of their group, of their topic
    alike: np.ndarray = array("method seed tick+", fill=np.nan)
    about: np.ndarray = array("method seed tick+", fill=np.nan)
    # Share of analogies that come out; NaN where the text has none
    analogy: np.ndarray = array("method seed end+ way", fill=np.nan)
    # u·v against PMI − log k, over all pairs that come often: correlation, root mean square of the difference, and its
    # slope on the logarithm of the frequency of the context; and some of these pairs
    follows: np.ndarray = array("method seed end+", fill=np.nan)
    off: np.ndarray = array("method seed end+", "nats", fill=np.nan)
    tilt: np.ndarray = array("method seed end+", fill=np.nan)
    score: np.ndarray = array("method end+ pair", fill=np.nan)
    pmi: np.ndarray = array("method end+ pair", "nats", fill=np.nan)
    pair: np.ndarray = array("end+ pair two", dtype="int64")  # word and context
    vector: np.ndarray = array("tick+ pick unit")  # of the first method


@dataclass(frozen=True)
class Wanted(BaseParams):
    """A word whose neighbours are asked for; empty is the first of the map."""

    word: str = text("", 40)
    method: int = integer(1, 1, 4)


@dataclass(frozen=True)
class Neighbours(BaseResult):
    """The nearest input vectors, and the largest scores with output vectors: words like it, words beside it."""

    asked: np.ndarray = array("letter", dtype="uint32")
    words: np.ndarray = array("sort rank letter", dtype="uint32")  # none where the text has no such word
    closeness: np.ndarray = array("sort rank")


ASKS = (Ask("near", Wanted, Neighbours),)


def learns(method: Method) -> bool:
    return method.kind not in COUNTED


def ticks(steps: int) -> np.ndarray:
    return np.unique((steps * (np.arange(TICKS + 1) / TICKS) ** 2).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Vectors [seeds, words, units] of every method, for torch.nn.Embedding: {"0.input.weight": …, "0.output.weight":
    …}; word i is `vocabulary[i]` of the Result."""
    return {
        f"{name}.{part}.weight": both[:, i]
        for name, both in state.items()
        for i, part in enumerate(("input", "output"))
    }


def size_of_vocabulary(params: Params) -> int:
    """About; what a reader's text has is known when it is read."""
    return MOST if params.own else {"docs": 1300, "known": len(grammar()[0]), "phrases": 1500}[params.data]


def cost(params: Params) -> Cost:
    words, flops, memory = size_of_vocabulary(params), 0.0, 0.0
    for method in params.methods:
        numbers = 2 * words * method.dimension
        step = 6.0 * PAIRED * (SHARED + 2) * method.dimension + 60.0 * numbers + 60.0 * PAIRED * method.dimension
        flops += params.seeds * step * learns(method) + 1e6 + 4.0 * words**3 / params.steps * (not learns(method))
        memory += params.seeds * (16.0 * numbers + 40.0 * PAIRED * SHARED + 8e6 * method.window)
    return Cost(params.steps, flops, memory + 24.0 * words**2, params.seeds)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    """Files of installed packages whose content the run depends on."""
    found = {"docs": (("pydoc_data", "topics.py"),), "phrases": (("pypinyin", "phrases_dict.json"),)}
    return () if params.own else found.get(params.data, ())


SKIPGRAM = Method()
PRESETS = (
    Preset("close", {}, "map"),
    Preset("phrases", {"data": "phrases"}, "map"),
    Preset("windows", {"data": "known", "methods": (Method(window=1), Method(window=4))}, "map"),
    Preset("counted", {"methods": (SKIPGRAM, Method("svd"), Method("shifted"))}, "alike"),
    Preset("analogies", {"data": "known", "methods": (SKIPGRAM, Method("svd"))}, "analogies"),
    Preset("pmi", {"data": "known", "steps": 2000, "methods": (SKIPGRAM,)}, "pmi"),
    Preset("dimensions", {"methods": tuple(Method(dimension=d) for d in (2, 8, 32))}, "alike"),
    Preset("frequent", {"methods": (SKIPGRAM, Method(subsampled=True))}, "alike"),
    Preset("uniform", {"data": "known", "steps": 2000, "methods": (SKIPGRAM, Method("uniform"))}, "pmi"),
    Preset("crossed", {"methods": (SKIPGRAM, Method("crossed"))}, "alike"),
)

TINY = Params(data="known", steps=12, seeds=2)
TRIAL = {"seeds": 2, "steps": 2}
