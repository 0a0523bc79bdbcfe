"""What is said of attention, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.attention.params import DIMENSIONS, FOUR, LEARNED, NONE, PRESETS, UNSCALED, Net, Params
from core.conclusions.measures import Contenders, Fits, Measure, finished, more_or_less, preset, unseen

NETS = Contenders(lambda params: params.nets)
LATE, WIDTH, ONE, TWO = (
    Net(scores="late"),
    Net(heads=4, scores="width"),
    Net("none", "causal"),
    Net("none", "causal", 2, 2),
)


def right(result: Any) -> np.ndarray:
    """Share of symbols right in the end, [net, seed]."""
    return result.right[:, :, -1].astype(float)


def over(result: Any) -> np.ndarray:
    """The same less what can be expected without the order."""
    return right(result) - result.blind.astype(float)


def on_the_way(result: Any) -> np.ndarray:
    """Mean over the whole training: the sooner it learns, the more."""
    return result.right.astype(float).mean(2)


def beyond(result: Any) -> np.ndarray:
    """Share right at twice the trained length."""
    return result.by_length[:, :, -1, -1].astype(float)


def costs(result: Any) -> np.ndarray:
    """What is lost of it without each head, [net, seed, head]."""
    return result.right[:, :, -1:].astype(float) - result.removed[:, :, -1].astype(float)


def spared(result: Any) -> np.ndarray:
    """Share of heads whose loss costs less than LITTLE."""
    return (costs(result) < LITTLE).mean(2)


def differ(result: Any) -> np.ndarray:
    return costs(result).max(2) - costs(result).min(2)


def leaks(result: Any) -> np.ndarray:
    return result.leak[:, :, -1].astype(float)


def first_entropy(result: Any) -> np.ndarray:
    return result.entropy[:, :, 0].astype(float)


def passed(divided: int) -> Callable[[Any], np.ndarray]:
    """What passes the derivative of the softmax, keys of 256 numbers: [seed]."""
    return lambda result: result.passes[divided, :, DIMENSIONS.index(256)].astype(float)


LITTLE = 0.05


def run(**wanted: Any) -> Fits:
    meant = {"task": "reverse", "length": 8, "shortest": 12, "width": 16, "steps": 240} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", **changes: Any) -> Claim:
    """At the default with changes, on the seeds that decide."""
    return Claim(id, measure, unseen(Params(), 20, **changes), smallest, direction)


reverse, sort, mixed = run(), run(task="sort"), run(shortest=4)
causal = run(length=6, steps=600)
SETTINGS = {p.id: dict(p.changes) for p in PRESETS}
HEADED: dict[str, Any] = {"nets": (FOUR, WIDTH)}
SCALED: dict[str, Any] = {"nets": (LEARNED, UNSCALED)}
CLAIMS = (
    claim("blind", NETS.alone(over, NONE, reverse), 0.02, "below"),
    claim("positions", NETS.more(right, LEARNED, NONE, reverse), 0.5),
    claim("one_layer", NETS.alone(over, ONE, causal), 0.02, "below", **SETTINGS["causal"]),
    claim("two_layers", NETS.alone(over, TWO, causal), 0.1, **SETTINGS["causal"]),
    claim("sort_positions", NETS.more(right, LEARNED, NONE, sort), 0.1, task="sort"),
    claim("rotary", NETS.more(right, LEARNED, Net("rotary"), mixed), 0.2, **SETTINGS["lengths"]),
    claim("beyond", NETS.more(right, LEARNED, LEARNED, mixed, over=beyond), 0.2, **SETTINGS["lengths"]),
    claim("waves_beyond", NETS.more(beyond, Net("sinusoidal"), LEARNED, mixed), 0.1, "within", **SETTINGS["lengths"]),
    claim("heads", NETS.alone(spared, FOUR, reverse), 0.5, **HEADED),
    claim("specialise", NETS.alone(differ, FOUR, reverse), 0.05, **HEADED),
    claim("width", NETS.more(on_the_way, FOUR, WIDTH, reverse), 0.01, **HEADED),
    claim("unscaled", NETS.more(right, LEARNED, UNSCALED, reverse), 0.05, "within", **SCALED),
    claim("divided", finished(passed(0)), 0.7, **SCALED),
    claim("plain", finished(passed(1)), 0.2, "below", **SCALED),
)

MISTAKES = (
    Mistake("late", "hidden", preset(Params(), PRESETS, "late"), NETS.alone(leaks, LATE), 0.01, "leak"),
    Mistake(
        "wrong_root",
        "slow",
        preset(Params(), PRESETS, "width"),
        NETS.more(first_entropy, WIDTH, FOUR),
        0.03,
        "training",
    ),
)
PREDICTIONS = (
    more_or_less(
        "order",
        {"learned": NETS.alone(right, LEARNED), "none": NETS.alone(right, NONE)},
        "{:.0%}".format,
    ),
)
