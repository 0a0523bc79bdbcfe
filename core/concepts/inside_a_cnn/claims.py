"""What is said of what a CNN sees, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.inside_a_cnn.params import (
    ATTACKS,
    EPSILONS,
    KINDS,
    METHODS,
    NETS,
    PLACES,
    PRESETS,
    STRENGTHS,
    Params,
)
from core.conclusions.measures import Contenders, Fits, Measure, more_or_less, preset, unseen

PRIOR = STRENGTHS.index(4.0)  # the strength that claims speak of
SIZE = EPSILONS.index(0.1)  # of an attack
SOON = 1  # the moment of the ascent after its start
OUTPUT = 1  # layers replaced: the last alone
DEEP = PLACES.index("third")
OF_NETS, OF_METHODS = Contenders(lambda params: NETS), Contenders(lambda params: METHODS)
OF_KINDS, OF_ATTACKS = Contenders(lambda params: KINDS), Contenders(lambda params: ATTACKS)
Value = Callable[[Any], np.ndarray]


def believed(strength: int, moment: int = -1) -> Value:
    """How sure of the class that is meant, [net, seed]."""
    return lambda r: r.believed[:, strength, :, moment].astype(float)


def kept(count: int) -> Value:
    """Rank correlation after so many layers were replaced, [method, seed]."""
    return lambda r: r.kept[:, count, :, -1].astype(float)


def outlined(result: Any) -> np.ndarray:
    """Rank correlation of the trained network's saliency with the edges, [method, seed]."""
    return result.outlined[:, 0, :, -1].astype(float)


def blank(result: Any) -> np.ndarray:
    """Share of digits whose saliency is nothing, [method, seed]."""
    return result.blank[..., -1].astype(float)


def at(name: str, place: str) -> Value:
    """[kind, seed]."""
    return lambda r: getattr(r, name)[:, PLACES.index(place), :, -1].astype(float)


def under(size: int) -> Value:
    """[attack, seed]."""
    return lambda r: r.attacked[:, :, -1, size].astype(float)


def run(**wanted: Any) -> Fits:
    """Whether a run is otherwise as it is by default."""
    meant = {"shuffled": False, "examples": 1500, "batch": 50, "steps": 200, "ascent": 60} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", **changes: Any) -> Claim:
    """At the default with changes, on the seeds that decide."""
    return Claim(id, measure, unseen(Params(), 20, **changes), smallest, direction)


def gained(kind: str, fits: Fits) -> Measure:
    """How much better a probe behind the third layer is than one behind the first."""
    return OF_KINDS.more(at("probe", "third"), kind, kind, fits, over=at("probe", "first"))


def nearer(kind: str, fits: Fits) -> Measure:
    """By how much distances within classes, over those between, have shrunk from the pixels to the scores."""
    return OF_KINDS.more(at("ratio", "pixels"), kind, kind, fits, over=at("ratio", "scores"))


def lost(attack: str, fits: Fits) -> Measure:
    """Accuracy that a disturbance costs."""
    return OF_ATTACKS.more(under(0), attack, attack, fits, over=under(SIZE))


default, shuffled = run(), run(shuffled=True)
CLAIMS = (
    claim("fooled", OF_NETS.alone(believed(0, SOON), "net", default), 0.9),
    claim("transfers", OF_NETS.alone(believed(0), "judge", default), 0.5),
    claim("prior", OF_NETS.more(believed(PRIOR), "judge", "judge", default, over=believed(0)), 0.02),
    claim("sure", OF_NETS.alone(believed(PRIOR), "net", default), 0.9),
    claim("deeper", gained("trained", default), 0.03),
    claim("learnt", OF_KINDS.more(at("probe", "third"), "trained", "untrained", default), 0.05),
    claim("random", gained("untrained", default), 0.02, "below"),
    claim("nearer", nearer("trained", default), 0.1),
    claim("not_nearer", nearer("untrained", default), 0.1, "within"),
    claim("gradient", OF_METHODS.alone(kept(OUTPUT), "gradient", default), 0.5, "below"),
    claim("guided", OF_METHODS.more(kept(OUTPUT), "guided", "gradient", default), 0.2),
    claim("hardly", OF_METHODS.alone(kept(OUTPUT), "guided", default), 0.8),
    claim("nothing_left", OF_METHODS.alone(kept(-1), "guided", default), 0.3),
    claim("outline", OF_METHODS.more(outlined, "guided", "gradient", default), 0.1),
    claim("maps", OF_METHODS.alone(kept(OUTPUT), "places", default), 0.5, "below"),
    claim("blank", OF_METHODS.alone(blank, "cam", default), 0.5),
    claim("attack", OF_ATTACKS.more(under(SIZE), "signs", "fgsm", default), 0.3),
    claim("signs", lost("signs", default), 0.05, "below"),
    claim("other_net", lost("transferred", default), 0.05),
    claim("no_classes", gained("trained", shuffled), 0.02, "below", shuffled=True),
    claim("private", OF_NETS.alone(believed(0), "judge", shuffled), 0.3, "below", shuffled=True),
)

MISTAKES = (
    Mistake(
        "blank", "output", preset(Params(), PRESETS, "randomised"), OF_METHODS.alone(blank, "cam"), 0.3, "saliency"
    ),
)


def measured(contenders: Contenders, field: str, value: Value, which: str) -> Measure:
    """Of a run in which the field is known."""
    alone = contenders.alone(value, which)
    return lambda result: alone(result) if getattr(result, field).size else None


NOTICES = {name: measured(OF_METHODS, "kept", kept(OUTPUT), name) for name in ("gradient", "guided")}
SECOND = {name: measured(OF_NETS, "believed", believed(k), "judge") for name, k in (("prior", PRIOR), ("none", 0))}
PREDICTIONS = (
    more_or_less("notices", NOTICES, "{:.2f}".format),
    more_or_less("prior", SECOND, "{:.0%}".format),
)
