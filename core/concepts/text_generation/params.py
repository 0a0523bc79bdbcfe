"""Text generation: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, integer, number, shape, text, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.concepts.text_generation.own import divisible
from core.takeaway.weights import recurrent

ENGINE = "stacked torch"
DIVERGES = "bits"
CORPORA = ("names", "prose", "idioms")
EMBEDDING = 48  # units that stand for a character
SAMPLED = (0.3, 0.7, 1.0, 1.5)  # temperatures of the samples
WARMTHS = (0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)  # temperatures at which many samples are counted
HEATS = tuple(round(0.5 + 0.05 * i, 2) for i in range(31))  # temperatures at which the test text is predicted
SPLITS = ("train", "validation", "test")
PACKERS = ("gzip", "xz")
FEATURES = ("place", "place_in_word", "word_end", "vowel", "capital", "quoted", "bracketed", "end")


def cut(params: Params) -> bool:
    """Whether passages are longer than a window."""
    return bool(params.own) or params.corpus == "prose"


@dataclass(frozen=True)
class Params(BaseParams):
    """A recurrent network that predicts the next character. Seed i of `seeds` draws split and batches data_seed + i,
    weights and samples weight_seed + i."""

    corpus: str = choice("names", CORPORA, applies=lambda p: not p.own)
    own: str = upload("text", characters=(2000, 300_000), distinct=(5, 1500), usable=divisible)
    cell: str = choice("lstm", ("rnn", "gru", "lstm", "peephole"))
    units: int = integer(192, 8, 256, step=8)
    layers: int = integer(1, 1, 3)
    steps: int = integer(640, 16, 5000)
    lr: float = number(0.01, 1e-5, 1.0, log=True)
    dropout: float = number(0.5, 0.0, 0.9, step=0.05)
    batch: int = integer(128, 4, 512)
    window: int = integer(64, 8, 256, step=8, applies=cut)
    seeds: int = integer(3, 1, 20)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Characters are code points, 0 after a text's end. What is found after training only is NaN until then."""

    parameters: int
    characters: int  # of the training text of seed 0
    vocabulary: np.ndarray = array("symbol", dtype="uint32")
    at: np.ndarray = array("tick+", "steps", dtype="int64")
    bits: np.ndarray = array("seed tick+ split", "bits/character", dtype="float64")
    bytes_per_character: np.ndarray = array("seed", dtype="float64")  # of the test text, in UTF-8
    # Other predictors of the same text, validation and test (packers: test); they come shortly after the start.
    ngram: np.ndarray = array("seed order part", "bits/character", dtype="float64", fill=np.nan)
    packed: np.ndarray = array("seed packer", "bits/character", dtype="float64", fill=np.nan)
    # Texts of seed 0, all from the same random numbers: of the network, and of the best n-gram in the end.
    sample: np.ndarray = array("tick+ temperature passage place", dtype="uint32")
    # 1 where it stands in the training text
    copied: np.ndarray = array("tick+ temperature passage place", dtype="uint8")
    counted: np.ndarray = array("temperature passage place", dtype="uint32")
    counted_copied: np.ndarray = array("temperature passage place", dtype="uint8")
    # After training, of every seed: shares of many samples, and the test text at other temperatures.
    distinct: np.ndarray = array("seed warmth", dtype="float64", fill=np.nan)
    from_training: np.ndarray = array("seed warmth", dtype="float64", fill=np.nan)
    from_held_out: np.ndarray = array("seed warmth", dtype="float64", fill=np.nan)
    tempered: np.ndarray = array("seed heat", "bits/character", dtype="float64", fill=np.nan)
    # What single units follow: correlation of the best unit before and after training (found on one half of the test
    # passages, measured on the other); of every unit of seed 0, its states over a test text with it.
    followed: np.ndarray = array("seed moment feature", dtype="float64", fill=np.nan)
    follows: np.ndarray = array("half unit feature", dtype="float64", fill=np.nan)
    reading: np.ndarray = array("letter+", dtype="uint32")
    activation: np.ndarray = array("unit letter+", "1/127", dtype="int8")


@dataclass(frozen=True)
class Prompt(BaseParams):
    """How to go on with a text: only the `top_k` likeliest characters (0: all), of those the likeliest that together
    reach `top_p`."""

    prompt: str = text("", 200)
    temperature: float = number(0.7, 0.05, 2.0, step=0.05)
    top_k: int = integer(0, 0, 100)
    top_p: float = number(1.0, 0.05, 1.0, step=0.05)
    length: int = integer(200, 1, 400)
    luck: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Written(BaseResult):
    """The prompt and what the network of seed 0 went on with."""

    letters: np.ndarray = array("letter")  # code points
    chance: np.ndarray = array("letter")  # probability the network gave each, as it was trained (temperature 1)
    copied: np.ndarray = array("letter")  # 1 where it stands in the training text
    prompted: np.ndarray = array("")  # how many letters are the prompt's
    unknown: np.ndarray = array("symbol")  # characters of the prompt that the network has never seen; left out


ASKS = (Ask("write", Prompt, Written),)

# Of each corpus about: how many characters there are, how long a passage is, and the longest that is written.
SIZES = {"names": (53, 12, 16), "prose": (98, 110, 200), "idioms": (1000, 5, 8)}


def sizes(params: Params) -> tuple[int, int, int]:
    return (shape(params.own)[1] + 1, 110, 200) if params.own else SIZES[params.corpus]


def sample_shape(params: Params) -> tuple[int, int]:
    """How many passages are written at every temperature, and of how many characters at most."""
    places = sizes(params)[2]
    return max(4, min(24, 400 // places)), places


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks [seeds, …]; symbol i is `vocabulary[i]` of the Result. The text they learned from stays behind."""
    params, symbols = result.params, len(result.vocabulary)
    return recurrent(state["weights"], params.cell, (symbols, *[params.units] * params.layers, symbols), EMBEDDING)


def cost(params: Params) -> Cost:
    """Steps, and floating-point operations per step: forward and backward take about 6 per weight and character; what
    is done character by character has a cost of its own, whatever its size."""
    symbols, length, _ = sizes(params)
    length = min(params.window, length) if cut(params) else length
    gates = {"rnn": 1, "gru": 3}.get(params.cell, 4)
    inputs = EMBEDDING + (params.layers - 1) * params.units
    weights = gates * params.units * (inputs + params.layers * params.units) + symbols * (params.units + EMBEDDING)
    characters = params.seeds * params.batch * length
    numbers = characters * (8 * gates * params.units * params.layers + 4 * symbols) + 8 * params.seeds * weights
    calls = 4e6 * length * params.layers
    return Cost(params.steps, 6.0 * weights * characters + 10.0 * numbers + calls, 4.0 * numbers)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    """Files of installed packages whose content the run depends on."""
    found = {
        "names": ("faker", "providers/person/en/__init__.py"),
        "prose": ("pydoc_data", "topics.py"),
        "idioms": ("pypinyin", "phrases_dict.json"),
    }
    return () if params.own else (found[params.corpus],)


PROSE = {"corpus": "prose", "batch": 32, "dropout": 0.1, "seeds": 1}
IDIOMS = {"corpus": "idioms", "seeds": 1}

PRESETS = (
    Preset("names", {}),
    Preset("prose", PROSE),
    Preset("idioms", IDIOMS),
    Preset("plain", {"cell": "rnn"}),
    Preset("small", {"units": 16, "dropout": 0.0}),
    Preset("overfit", {"units": 256, "dropout": 0.0, "seeds": 1}),
)

TINY = Params(units=8, steps=16, batch=8, dropout=0.2, seeds=2)
TRIAL = {"seeds": 2, "steps": 20}
