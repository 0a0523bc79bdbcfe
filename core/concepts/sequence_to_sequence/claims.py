"""What is said of sequences that become others, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.sequence_to_sequence.pairs import MADE
from core.concepts.sequence_to_sequence.params import ATTENTION, BLIND, LAST, PRESETS, WIDTHS, Net, Params, sizes
from core.conclusions.measures import Contenders, Fits, Measure, more_or_less, preset, unseen

NETS = Contenders(lambda params: params.nets)
ENDLESS, TURNED, HALF = Net("attention", ends=False), Net(turned=True), Net(told=0.5)


def whole(result: Any) -> np.ndarray:
    """Share of answers without a mistake in the end, of lengths as in training, [net, seed]."""
    return result.by_size[:, :, -1, result.inside].astype(float).mean(2)


def at(share: float) -> Callable[[Any], np.ndarray]:
    """The same at so many times the longest length in training."""

    def value(result: Any) -> np.ndarray:
        place = int(np.abs(result.size - share * result.params.length).argmin())
        return result.by_size[:, :, -1, place].astype(float)

    return value


def flattered(result: Any) -> np.ndarray:
    """Share of symbols right when told those before, less that when free."""
    return (result.forced[:, :, -1] - result.free[:, :, -1]).astype(float)


def free(result: Any) -> np.ndarray:
    return result.free[:, :, -1].astype(float)


def beam(width: int) -> Callable[[Any], np.ndarray]:
    return lambda result: result.beam[:, :, -1, WIDTHS.index(width)].astype(float)


def bleu(result: Any) -> np.ndarray:
    return result.bleu[:, :, -1, -1].astype(float)


def held(what: int) -> Callable[[Any], np.ndarray]:
    """Share of the last state's variance between first symbols (0), between lengths (2)."""
    return lambda result: result.held[:, :, -1, what].astype(float)


def ratio(result: Any) -> np.ndarray:
    return result.ratio[:, :, -1].astype(float)


def moves(result: Any) -> np.ndarray:
    return result.moves[:, :, -1].astype(float)


def made(params: Params) -> bool:
    """Whether sources may be of any length."""
    return params.task in MADE and not params.own


def run(task: str = "reverse", steps: int = 400) -> Fits:
    meant = {"task": task, "own": "", "length": 8, "units": 32, "steps": steps, "batch": 32, "lr": 0.01}
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", **changes: Any) -> Claim:
    """At the default with changes, on the seeds that decide."""
    return Claim(id, measure, unseen(Params(), 20, **changes), smallest, direction)


reverse, dates, numbers = run(), run("dates", 240), run("numbers")
DATES: dict[str, Any] = {"task": "dates", "steps": 240, "nets": (LAST, ATTENTION, BLIND)}
NUMBERS: dict[str, Any] = {"task": "numbers"}
TURNS: dict[str, Any] = {"task": "copy", "nets": (LAST, TURNED)}
FOUR: dict[str, Any] = {"nets": (LAST, ATTENTION, BLIND, HALF)}  # one run for all that is said of turning round
CLAIMS = (
    claim("falls", NETS.more(at(0.25), LAST, LAST, reverse, over=at(1)), 0.5, **FOUR),
    claim("holds", NETS.more(at(0.25), ATTENTION, ATTENTION, reverse, over=at(1)), 0.1, "below", **FOUR),
    claim("beyond", NETS.more(at(1), ATTENTION, ATTENTION, reverse, over=at(1.5)), 0.5, **FOUR),
    claim("flatters", NETS.alone(flattered, LAST, reverse), 0.05, **FOUR),
    claim("flatters_less", NETS.alone(flattered, ATTENTION, reverse), 0.02, "below", **FOUR),
    claim("beam", NETS.more(beam(8), LAST, LAST, reverse, over=beam(1)), 0.05, "within", **FOUR),
    claim("first_held", NETS.more(held(0), LAST, ATTENTION, reverse), 0.02, **FOUR),
    claim("length_held", NETS.more(held(2), ATTENTION, LAST, reverse), 0.05, **FOUR),
    claim("copy_falls", NETS.more(at(0.25), LAST, LAST, run("copy"), over=at(1)), 0.5, **TURNS),
    claim("turned", NETS.more(free, TURNED, LAST, run("copy")), 0.02, **TURNS),
    claim("told", NETS.more(whole, LAST, HALF, reverse), 0.05, **FOUR),
    claim("blind_reverse", NETS.more(whole, ATTENTION, BLIND, reverse), 0.1, "within", **FOUR),
    claim("dates", NETS.more(whole, ATTENTION, LAST, dates), 0.3, **DATES),
    claim("blind_dates", NETS.more(whole, ATTENTION, BLIND, dates), 0.2, **DATES),
    claim("bleu", NETS.more(bleu, LAST, LAST, dates, over=whole), 0.2, **DATES),
    claim("numbers", NETS.more(whole, ATTENTION, LAST, numbers), 0.2, **NUMBERS),
)

MISTAKES = (
    Mistake("blind", "worse", preset(Params(), PRESETS, "dates"), NETS.more(moves, ATTENTION, BLIND), 0.1, "looks"),
    Mistake("endless", "output", preset(Params(), PRESETS, "endless"), NETS.alone(ratio, ENDLESS), 1.5, "bleu"),
)
PREDICTIONS = (
    more_or_less(
        "beyond",
        {"inside": NETS.alone(at(1), ATTENTION, made), "outside": NETS.alone(at(1.5), ATTENTION, made)},
        "{:.0%}".format,
        length=lambda params: params.length,
        far=lambda params: sizes(params)[-1],
    ),
)
