"""Names and their languages: sequences of different lengths, one answer each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.recurrent_memory.params import Params, Reader
from core.ml.architecture import Act, Dense, Embed, Layers, Recurrent, Shape, parameters, training_step
from core.takeaway.weights import cut

WITHOUT = ("length", "task", "nets", "clips", "threshold", "rule", "rate", "batch", "units")
DIVERGES = "loss"
LANGUAGES = ("nl_NL", "fi_FI", "hr_HR", "it_IT", "sv_SE", "es_ES")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LONGEST, SHORTEST = 24, 3  # letters; shorter names are padded
EACH, TRAINING = 370, 280  # names of a language, and those to learn from
BATCH, UNITS, WIDTH, RATE = 48, 24, 8, 0.01
TICKS = 8


@dataclass(frozen=True)
class Result(BaseResult):
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    accuracy: np.ndarray = array("reader seed tick+ split")  # training names, test names
    loss: np.ndarray = array("reader seed tick+", "nats")  # on test names
    letters: np.ndarray = array("place", dtype="int64")  # of the name that was typed, from 1 on
    # What the networks of all seeds say of it after so many letters, means
    typed: np.ndarray = array("reader language end+ place", fill=np.nan)


TINY = Params(steps=36, seeds=1, typed="ab", readers=(Reader(kind="padding"), Reader(kind="letters")))
TRIAL = {"steps": 12, "seeds": 1}


def total(params: Params) -> int:
    """Steps of training: a third of what the other tasks take."""
    return params.steps // 3


def spelled(name: str) -> list[int]:
    """Letters of a name as numbers from 1 on; without accents, and without all else."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", name.lower())
    return [LETTERS.index(c) + 1 for c in plain if c in LETTERS][:LONGEST]


def architecture(reader: Reader) -> tuple[Layers, Shape]:
    """A network, and the shape of what it sees: letters, or how often each is there."""
    end = Dense(len(LANGUAGES))
    if reader.kind == "letters":
        return (Dense(UNITS), Act(), end), (len(LETTERS),)
    cell = {"rnn": "rnn", "lstm": "lstm"}.get(reader.kind, "gru")
    units = UNITS // 2 if reader.kind == "both" else UNITS
    layer = Recurrent(units, cell, both=reader.kind == "both", last=True, opened=1.0 if cell == "lstm" else 0.0)
    return (Embed(len(LETTERS) + 1, WIDTH), layer, end), (1, LONGEST)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The networks, "reader 1.0.weight": [seeds, …] and so on."""
    found: dict[str, np.ndarray] = {}
    for k, reader in enumerate(result.params.readers):
        parts = cut(state[f"reader {k}"], parameters(*architecture(reader)))
        found |= {f"reader {k + 1}.{name}": part for name, part in parts.items()}
    return found


def cost(params: Params) -> Cost:
    flops = sum(2.0 * params.seeds * training_step(*architecture(reader), BATCH) + 4e7 for reader in params.readers)
    return Cost(total(params), flops, 4e6 * params.seeds * len(params.readers), params.seeds * len(params.readers))


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return tuple(("faker", f"providers/person/{language}/__init__.py") for language in LANGUAGES)
