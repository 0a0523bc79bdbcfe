"""What the notes say of networks that write, each with the measurement that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.parts import Claim
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
from core.conclusions.measures import Fits, Measure, finished, more_or_less, unseen

TEST, ONE = SPLITS.index("test"), WARMTHS.index(1.0)


def best_order(result: Result) -> np.ndarray:
    """The order of the n-gram that is best on the validation text, from 1: [seed]; 0 while there is none."""
    known = np.isfinite(result.ngram).all((1, 2))
    return np.where(known, np.nan_to_num(result.ngram[:, :, 0], nan=np.inf).argmin(1) + 1, 0)


def best_ngram(result: Result) -> np.ndarray:
    """Bits per character of that n-gram on the test text: [seed]."""
    return result.ngram[np.arange(len(result.ngram)), best_order(result) - 1, 1]


def bits(result: Result) -> np.ndarray:
    """Bits per character of the network on the test text: [seed]."""
    return result.bits[:, -1, TEST]


def below_counting(result: Result) -> np.ndarray:
    """Bits per character of the best n-gram (its order chosen on the validation text) minus the network's: [seed]."""
    return best_ngram(result) - bits(result)


def below_gzip(result: Result) -> np.ndarray:
    return result.packed[:, PACKERS.index("gzip")] - bits(result)


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


def of(corpus: str) -> Fits:
    return lambda params: not params.own and params.corpus == corpus


def _claim(id: str, measure: Measure, params: Params, smallest: float, **how: Any) -> Claim:
    """A claim that finished runs on the corpus of its own settings speak to."""
    return Claim(id, finished(measure, of(params.corpus)), params, smallest, **how)


NAMES = unseen(Params(), 10)
SENTENCES, PHRASES = (unseen(Params().replace(**corpus), 5) for corpus in (PROSE, IDIOMS))
TWICE: dict[str, Any] = {"smallest": 0.01, "unit": "bits/character", "runs": 2}

CLAIMS = (
    _claim("names_counting", below_counting, NAMES, 0.01, unit="bits/character"),
    _claim("prose_counting", below_counting, SENTENCES, **TWICE),
    _claim("prose_gzip", below_gzip, SENTENCES, **TWICE),
    _claim("idioms_counting", below_counting, PHRASES, **TWICE),
    _claim("cold_repeats", lambda r: gain(r.distinct, 1.0, 0.3), NAMES, 0.1),
    _claim("cold_copies", lambda r: gain(r.from_training, 0.3, 1.0), NAMES, 0.1),
    _claim("one_fits", best_temperature, NAMES, 0.1, direction="within"),
    _claim("writes_new", lambda r: 1 - r.from_training[:, ONE], NAMES, 0.5),
    _claim("unit_place", learned("place"), NAMES, 0.1),
    _claim("unit_end", learned("end"), NAMES, 0.1),
)

COUNTED_OR_LEARNED = {"counting": finished(best_ngram), "network": finished(bits)}
PREDICTIONS = (more_or_less("counting", COUNTED_OR_LEARNED, "{:.2f}".format),)
