"""What is said of word vectors, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.word_embeddings.params import PRESETS, WAYS, Method, Params
from core.concepts.word_embeddings.reader.params import LABELLED, NETS
from core.conclusions.measures import Contenders, Fits, Measure, more_or_less, preset, unseen

METHODS, READERS = Contenders(lambda params: params.methods), Contenders(lambda params: NETS)
SKIPGRAM, SHUFFLED, SVD, SHIFTED = (Method(kind) for kind in ("skipgram", "shuffled", "svd", "shifted"))
UNIFORM, CROSSED, THINNED = Method("uniform"), Method("crossed"), Method(subsampled=True)
NARROW, WIDE, FLAT = Method(window=1), Method(window=4), Method(dimension=2)


def alike(result: Any) -> np.ndarray:
    """Share of words whose nearest is of their group, in the end: [method, seed]."""
    return result.alike[:, :, -1].astype(float)


def about(result: Any) -> np.ndarray:
    return result.about[:, :, -1].astype(float)


def gained(result: Any) -> np.ndarray:
    """What training has added to that share, [method, seed]."""
    return alike(result) - result.alike[:, :, 0]


def way(name: str) -> Callable[[Any], np.ndarray]:
    """Share of analogies that come out in this way, [method, seed]."""
    return lambda result: result.analogy[:, :, -1, WAYS.index(name)].astype(float)


def last(name: str) -> Callable[[Any], np.ndarray]:
    return lambda result: getattr(result, name)[:, :, -1].astype(float)


def reading(labelled: int) -> Callable[[Any], np.ndarray]:
    """Test accuracy after so many labelled sentences, [net, seed]."""
    return lambda result: result.accuracy[:, LABELLED.index(labelled), :, -1].astype(float)


def run(data: str, **wanted: Any) -> Fits:
    meant = {"data": data, "own": "", "negatives": 5, "steps": 600, "lr": 0.01} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", of: str = "", unit: str = "", **changes: Any
) -> Claim:
    """At the default with changes, on the seeds that decide."""
    return Claim(id, measure, unseen(Params(), 20, **changes), smallest, direction, of=of, unit=unit)


docs, known, phrases, long = run("docs"), run("known"), run("phrases"), run("known", steps=2000)
MADE: dict[str, Any] = {"data": "known"}
BOTH: dict[str, Any] = {"methods": (SKIPGRAM, SHUFFLED)}
FOUR: dict[str, Any] = {"methods": (SKIPGRAM, SHUFFLED, THINNED, FLAT)}
COUNTED: dict[str, Any] = {"methods": (SKIPGRAM, SVD, SHIFTED)}
WINDOWS: dict[str, Any] = MADE | {"methods": (NARROW, WIDE)}
LONG: dict[str, Any] = MADE | {"steps": 2000, "methods": (SKIPGRAM, UNIFORM)}
ONE: dict[str, Any] = MADE | {"methods": (SKIPGRAM,)}
CLAIMS = (
    claim("close", METHODS.more(alike, SKIPGRAM, SHUFFLED, docs), 0.3, **FOUR),
    claim("control", METHODS.alone(gained, SHUFFLED, docs), 0.1, "within", **FOUR),
    claim("close_signs", METHODS.more(alike, SKIPGRAM, SHUFFLED, phrases), 0.3, data="phrases", **BOTH),
    claim("counted", METHODS.more(alike, SKIPGRAM, SVD, docs), 0.1, "within", **COUNTED),
    claim("shift", METHODS.more(alike, SVD, SHIFTED, docs), 0.1, **COUNTED),
    claim("pmi", METHODS.alone(last("follows"), SKIPGRAM, long), 0.95, **LONG),
    claim("frequency", METHODS.alone(last("tilt"), SKIPGRAM, long), 0.1, "within", **LONG),
    claim("narrow", METHODS.more(alike, NARROW, WIDE, known), 0.5, **WINDOWS),
    claim("wide", METHODS.more(about, WIDE, NARROW, known), 0.5, **WINDOWS),
    claim("sum", METHODS.more(way("sum"), SKIPGRAM, SKIPGRAM, known, over=way("alone")), 0.5, **ONE),
    claim("minus", METHODS.more(way("sum"), SKIPGRAM, SKIPGRAM, known, over=way("plus")), 0.1, **ONE),
    claim("minus_long", METHODS.more(way("sum"), SKIPGRAM, SKIPGRAM, long, over=way("plus")), 0.1, "below", **LONG),
    claim("excluded", METHODS.more(way("sum"), SKIPGRAM, SKIPGRAM, known, over=way("allowed")), 0.05, "within", **ONE),
    claim("sum_docs", METHODS.more(way("sum"), SKIPGRAM, SKIPGRAM, docs, over=way("alone")), 0.2, "below", **FOUR),
    claim("frequent", METHODS.more(alike, SKIPGRAM, THINNED, docs), 0.1, **FOUR),
    claim("flat", METHODS.more(alike, SKIPGRAM, FLAT, docs), 0.1, **FOUR),
    claim("few", READERS.more(reading(16), "fixed", "learnt"), 0.05, of="reader"),
    claim("many", READERS.more(reading(256), "fixed", "learnt"), 0.05, "within", of="reader"),
    claim("learnt_on", READERS.more(reading(16), "tuned", "fixed"), 0.03, "within", of="reader"),
    claim("any_vectors", READERS.more(reading(16), "learnt", "random"), 0.1, "within", of="reader"),
)

MISTAKES = (
    Mistake(
        "uniform", "hidden", preset(Params(), PRESETS, "uniform"), METHODS.alone(last("tilt"), UNIFORM), 0.7, "pmi"
    ),
    Mistake(
        "crossed", "output", preset(Params(), PRESETS, "crossed"), METHODS.more(alike, SKIPGRAM, CROSSED), 0.3, "alike"
    ),
)


def measured(which: Method, value: Callable[[Any], np.ndarray], field: str = "alike") -> Measure:
    """Of a run in which the field is known."""
    alone = METHODS.alone(value, which)
    return lambda result: alone(result) if getattr(result, field).size else None


def alone(name: str) -> Measure:
    return measured(SKIPGRAM, way(name), "analogy")


PREDICTIONS = (
    more_or_less("close", {"read": measured(SKIPGRAM, alike), "shuffled": measured(SHUFFLED, alike)}, "{:.0%}".format),
    more_or_less("arithmetic", {"sum": alone("sum"), "plus": alone("plus")}, "{:.0%}".format),
)
