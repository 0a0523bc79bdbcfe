"""What is said of CTC, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.ctc.params import CTC, MEAN, NO_BLANK, ONE_WAY, PRIOR, TOLD, Params
from core.concepts.ctc.paths.params import FRAMES, WIDTHS
from core.conclusions.measures import Contenders, Fits, Measure, finished, more_or_less, unseen

NETS = Contenders(lambda params: params.nets)


def last(name: str) -> Callable[[Any], np.ndarray]:
    """Its value in the end, [net, seed]."""
    return lambda result: getattr(result, name)[:, :, -1].astype(float)


error, blank, covers, inside = map(last, ("error", "blank", "covers", "inside"))


def most_blank(result: Any) -> np.ndarray:
    """The largest share of blank frames of all training, [net, seed]."""
    return result.blank[:, :, 1:].astype(float).max(2)


def error_then(result: Any) -> np.ndarray:
    """The label error at the moment at which most frames were blank."""
    at = result.blank[:, :, 1:].argmax(2)[..., None]
    return np.take_along_axis(result.error[:, :, 1:], at, 2)[..., 0].astype(float)


def wrong(repeated: int) -> Callable[[Any], np.ndarray]:
    """Share of strips read wrong, without repeats or with them."""
    return lambda result: result.split[:, :, -1, repeated].astype(float)


def better(look: int) -> Callable[[Any], np.ndarray]:
    """Share of strips of which beam search finds a likelier text than the likeliest path says."""
    return lambda result: result.better[:, :, look].astype(float)


def understated(result: Any) -> np.ndarray:
    """By which share the loss that is reported is smaller than −log p."""
    return 1 - last("reported")(result) / last("loss")(result)


def run(**wanted: Any) -> Fits:
    """Whether a run is as the default, but for these fields."""
    meant = {"stride": 2, "digits": 5, "steps": 240, "cell": "gru", "repeats": 0.2} | wanted
    return lambda p: all(getattr(p, name) == value for name, value in meant.items())


ALL = (CTC, TOLD, PRIOR, ONE_WAY, NO_BLANK)


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", **more: Any) -> Claim:
    """At the default with these networks, on the seeds that decide."""
    of, nets = more.pop("of", ""), more.pop("nets", ALL)
    return Claim(id, measure, unseen(Params(), 20, nets=nets, **more), smallest, direction, of=of)


default = run()
CLAIMS = (
    claim("reads", NETS.alone(error, CTC, default), 0.2, "below"),
    claim("told", NETS.more(error, TOLD, CTC, default), 0.02),
    claim("blanks", NETS.alone(most_blank, CTC, default), 0.95),
    claim("nothing", NETS.alone(error_then, CTC, default), 0.9),
    claim("peaks", NETS.alone(covers, CTC, default), 0.5, "below"),
    claim("inside", NETS.alone(inside, CTC, default), 0.9),
    claim("prior", NETS.more(covers, PRIOR, CTC, default), 0.1),
    claim("prior_error", NETS.more(error, PRIOR, CTC, default), 0.02),
    claim("repeats", NETS.more(wrong(1), NO_BLANK, CTC, default), 0.2),
    claim("no_repeats", NETS.more(wrong(0), NO_BLANK, CTC, default), 0.05),
    claim("one_way", NETS.more(error, ONE_WAY, CTC, default), 0.05),
    claim("better_end", NETS.alone(better(-1), CTC, default), 0.05, "below"),
    claim("gains", NETS.alone(last("gains"), CTC, default), 0.01, "within"),
    claim("differs", finished(lambda r: r.differs[:, -1]), 0.1, of="paths"),
    claim("short", finished(lambda r: r.differs[:, FRAMES.index(1)]), 0.01, "within", of="paths"),
    claim("beam", finished(lambda r: r.misses[WIDTHS.index(4), :, -1]), 0.02, of="paths"),
)

TOO_SHORT = Params(seeds=20, nets=(CTC,), stride=8, steps=1)
MISTAKES = (
    Mistake("reduction", "measure", Params(nets=(MEAN, CTC)), NETS.alone(understated, MEAN), 0.5, "training"),
    Mistake("too_short", "flattering", TOO_SHORT, finished(lambda r: r.impossible), 0.05, "training"),
)
PREDICTIONS = (more_or_less("told", {"ctc": NETS.alone(error, CTC), "told": NETS.alone(error, TOLD)}, "{:.0%}".format),)
