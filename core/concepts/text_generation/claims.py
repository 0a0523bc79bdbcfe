"""What the notes say of networks that write, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Prediction
from core.concepts.text_generation.params import (
    FEATURES,
    HEATS,
    IDIOMS,
    PACKERS,
    PROSE,
    SPLITS,
    WARMTHS,
    Params,
    Result,
)
from core.conclusions.stats import leaning

TEST = SPLITS.index("test")
Measure = Callable[[Result], np.ndarray | None]

DECIDING: dict[str, Any] = {"data_seed": 50_000, "weight_seed": 50_000}  # seeds nobody looked at
NAMES = Params(seeds=10, **DECIDING)
SENTENCES = Params().replace(**PROSE | DECIDING | {"seeds": 5})
PHRASES = Params().replace(**IDIOMS | DECIDING | {"seeds": 5})


def best_order(result: Result) -> np.ndarray:
    """The order of the n-gram that is best on the validation text, from 1: [seed]; 0 while there is none."""
    known = np.isfinite(result.ngram).all((1, 2))
    return np.where(known, np.nan_to_num(result.ngram[:, :, 0], nan=np.inf).argmin(1) + 1, 0)


def best_ngram(result: Result) -> np.ndarray:
    """Bits per character of that n-gram on the test text: [seed]."""
    return result.ngram[np.arange(len(result.ngram)), best_order(result) - 1, 1]


def of_complete(measure: Measure, corpus: str) -> Measure:
    """The measure on a finished run on this corpus; None on any other, and on a diverged one."""

    def measured(result: Result) -> np.ndarray | None:
        if not result.complete or result.params.own or result.params.corpus != corpus:
            return None
        effects = measure(result)
        return effects if effects is not None and np.isfinite(effects).all() else None

    return measured


def below_counting(result: Result) -> np.ndarray:
    """Bits per character of the best n-gram (its order chosen on the validation text) minus the network's: [seed]."""
    return best_ngram(result) - result.bits[:, -1, TEST]


def below_gzip(result: Result) -> np.ndarray:
    return result.packed[:, PACKERS.index("gzip")] - result.bits[:, -1, TEST]


def gain(shares: np.ndarray, to: float, over: float) -> np.ndarray:
    """A share [seed, warmth] at one temperature minus that at another."""
    return shares[:, WARMTHS.index(to)] - shares[:, WARMTHS.index(over)]


def best_temperature(result: Result) -> np.ndarray:
    """How far the temperature at which the test text is predicted best is from 1: [seed]."""
    return np.array(HEATS)[result.tempered.argmin(1)] - 1


def learned(feature: str) -> Measure:
    """A measure: correlation of the unit that follows a feature best, after training minus before: [seed]."""
    k = FEATURES.index(feature)
    return lambda result: result.followed[:, 1, k] - result.followed[:, 0, k]


BITS = "bits/character"
ONE = WARMTHS.index(1.0)

CLAIMS = (
    Claim("names_counting", of_complete(below_counting, "names"), NAMES, smallest=0.01, unit=BITS),
    Claim("prose_counting", of_complete(below_counting, "prose"), SENTENCES, smallest=0.01, unit=BITS, runs=2),
    Claim("prose_gzip", of_complete(below_gzip, "prose"), SENTENCES, smallest=0.01, unit=BITS, runs=2),
    Claim("idioms_counting", of_complete(below_counting, "idioms"), PHRASES, smallest=0.01, unit=BITS, runs=2),
    Claim("cold_repeats", of_complete(lambda r: gain(r.distinct, 1.0, 0.3), "names"), NAMES, smallest=0.1),
    Claim("cold_copies", of_complete(lambda r: gain(r.from_training, 0.3, 1.0), "names"), NAMES, smallest=0.1),
    Claim("one_fits", of_complete(best_temperature, "names"), NAMES, smallest=0.1, direction="within"),
    Claim("writes_new", of_complete(lambda r: 1 - r.from_training[:, ONE], "names"), NAMES, smallest=0.5),
    Claim("unit_place", of_complete(learned("place"), "names"), NAMES, smallest=0.1),
    Claim("unit_end", of_complete(learned("end"), "names"), NAMES, smallest=0.1),
)


def counted_or_learned(result: Result) -> tuple[str, dict[str, Any]] | None:
    """Whether the network needs fewer bits for the test text than the best n-gram."""
    effects = below_counting(result).astype(float)
    if not result.complete or not np.isfinite(effects).all():
        return None
    bits = {"network": f"{result.bits[:, -1, TEST].mean():.2f}", "counting": f"{best_ngram(result).mean():.2f}"}
    return leaning(effects), {**bits, "seeds": len(effects)}


PREDICTIONS = (Prediction("counting", ("more", "even", "less"), counted_or_learned),)
