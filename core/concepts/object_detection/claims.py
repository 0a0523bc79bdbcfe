"""What is said of object detection, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.object_detection.params import (
    CLASSES,
    CONFIDENCES,
    HITS,
    OUTCOMES,
    PRESETS,
    SUPPRESS,
    THRESHOLDS,
    WAYS,
    Params,
)
from core.concepts.object_detection.targets.params import KINDS, NETS
from core.conclusions.measures import Contenders, Fits, Measure, finished, more_or_less, preset, unseen
from core.ml.boxes import DEFINITIONS

TARGETS = Contenders(lambda params: NETS)
SHAPES = [k for k, name in enumerate(CLASSES) if not name.isdigit()]
DIGITS = [k for k, name in enumerate(CLASSES) if name.isdigit()]
HALF, LAST = THRESHOLDS.index(SUPPRESS), -1


def plainly(params: Params) -> bool:
    """Whether scenes and the detector are as they are meant; how long and at which rate it trains is free."""
    same = ("noise", "objects", "together", "anchors", "masked")
    return all(getattr(params, name) == getattr(Params(), name) for name in same)


def default(params: Params) -> bool:
    return plainly(params) and all(getattr(params, n) == getattr(Params(), n) for n in ("examples", "steps", "lr"))


def ended(value: Callable[[Any], np.ndarray], fits: Fits = default) -> Measure:
    """Of one number per seed in the end."""
    return finished(lambda result: value(result).astype(float) if result.precision.size else None, fits)


def by_way(way: str, at: int) -> Callable[[Any], np.ndarray]:
    return lambda r: r.suppressed[:, -1, WAYS.index(way), at]


def defined(name: str, level: float = HITS[0]) -> Callable[[Any], np.ndarray]:
    return lambda r: r.defined[:, -1, DEFINITIONS.index(name), HITS.index(level)]


def outcome(name: str, confidence: float) -> Callable[[Any], np.ndarray]:
    return lambda r: r.outcome[:, -1, CONFIDENCES.index(confidence), OUTCOMES.index(name)]


def less(one: Callable[[Any], np.ndarray], other: Callable[[Any], np.ndarray]) -> Callable[[Any], np.ndarray]:
    return lambda r: one(r).astype(float) - other(r)


def reached(result: Any) -> np.ndarray:
    return result.ap[:, -1]


def learnt(kind: str) -> Callable[[Any], np.ndarray]:
    """Average precision of every net on scenes of a kind, [net, seed]."""
    return lambda r: r.ap[:, -1, KINDS.index(kind)].astype(float)


def trained(params: Params) -> bool:
    return params.updates == Params().updates


def more(kind: str, one: str, other: str) -> Measure:
    return TARGETS.more(learnt(kind), one, other, trained)


def sliding(value: Callable[[Any], np.ndarray]) -> Measure:
    return finished(lambda r: value(r) if r.best.size else None, trained)


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", of: str = "", unit: str = "") -> Claim:
    return Claim(id, measure, unseen(Params(), 20), smallest, direction, unit, of=of)


CLAIMS = (
    claim("detects", ended(reached), 0.8),
    claim("rule", ended(less(reached, lambda r: r.rule)), 0.2),
    claim("bound", ended(lambda r: r.off[:, -1]), 0.7),
    claim("doubles", ended(less(by_way("class", HALF), lambda r: r.unsuppressed[:, -1])), 0.01),
    claim("strict", ended(less(by_way("class", 0), by_way("class", HALF))), 0.02, "within"),
    claim("counted", ended(less(by_way("counted", LAST), by_way("class", LAST))), 0.01),
    claim("eleven", ended(less(defined("points11"), defined("area"))), 0.03, "within"),
    claim("coco", ended(less(defined("points101"), defined("area"))), 0.01, "within"),
    claim("level", ended(less(defined("area"), defined("area", HITS[1]))), 0.1),
    claim("missed", ended(less(outcome("missed", 0.9), outcome("missed", 0.1))), 0.3),
    claim("false", ended(less(outcome("class", 0.1), outcome("class", 0.9))), 0.1),
    claim("shapes", ended(lambda r: r.by_class[:, -1, SHAPES].mean(1) - r.by_class[:, -1, DIGITS].mean(1)), 0.05),
    claim("landmarks", ended(lambda r: r.landmark[:, -1, 1] - r.landmark[:, -1, 0]), 0.2, unit="px"),
    claim("order", TARGETS.alone(learnt("two"), "order", trained), 0.1, "below", of="targets"),
    claim("matched", more("two", "matched", "order"), 0.05, of="targets"),
    claim("cells", more("three", "cells", "matched"), 0.2, of="targets"),
    claim("anchors", more("together", "anchors", "cells"), 0.02, of="targets"),
    claim("one_shape", more("two", "cells", "anchors"), 0.02, of="targets"),
    claim("masked", more("one", "anchors", "unmasked"), 0.3, of="targets"),
    claim("same", sliding(lambda r: r.difference[:, -1]), 1e-3, "below", of="window"),
    claim("cheaper", sliding(lambda r: np.full(len(r.best), r.products[0] / r.products[1])), 2.0, of="window"),
    claim("quicker", sliding(lambda r: r.seconds[0, :, -1] / r.seconds[1, :, -1]), 1.5, of="window"),
    claim("coarse", sliding(lambda r: r.best[:, -1]), 0.5, "below", of="window"),
)  # fmt: skip

APART = {"class": ended(by_way("class", HALF), lambda p: True), "across": ended(by_way("across", HALF), lambda p: True)}
PREDICTIONS = (
    more_or_less("rule", {"net": ended(reached, lambda p: True), "rule": ended(lambda r: r.rule, lambda p: True)},
                 "{:.2f}".format),
    more_or_less("two", {"anchors": TARGETS.alone(learnt("together"), "anchors"),
                         "cells": TARGETS.alone(learnt("together"), "cells")}, "{:.2f}".format, "targets"),
)  # fmt: skip
MISTAKES = (
    Mistake(
        "unmasked",
        "output",
        preset(Params(), PRESETS, "unmasked"),
        ended(lambda r: 1 - reached(r), lambda p: True),
        0.5,
        "scene",
    ),
    Mistake(
        "across",
        "output",
        preset(Params(), PRESETS, "together"),
        ended(less(by_way("class", HALF), by_way("across", HALF)), lambda p: True),
        0.02,
        "suppress",
    ),
    Mistake(
        "counted",
        "flattering",
        Params(),
        ended(less(by_way("counted", LAST), by_way("class", LAST)), lambda p: True),
        0.005,
        "suppress",
    ),
)
