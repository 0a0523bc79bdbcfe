"""What is said of one-shot learning, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.one_shot.identities.params import LADDER
from core.concepts.one_shot.identities.params import ROWS as KNOWN
from core.concepts.one_shot.losses.params import ROWS as NETS
from core.concepts.one_shot.params import GALLERY, PRESETS, ROWS, Params, ways
from core.conclusions.measures import Fits, Measure, anything, finished, more_or_less, preset, unseen

Numbers = Callable[[Any], np.ndarray]  # a Result → [seed]
COMMON = ("images", "hand", "noise", "lr", "margin")
TRAINED, UNTRAINED, PIXELS = (ROWS.index(name) for name in ROWS)


def as_is(*more: str, **given: Any) -> Fits:
    """Whether settings are the default's, but for those given."""
    meant = Params(**given)
    return lambda p: all(getattr(p, name) == getattr(meant, name) for name in (*COMMON, *more, *given))


MAIN = as_is("loss", "identities", "steps", "data", "test")
DIGITS = as_is("loss", "steps", "test", data="digits")
ALL = as_is("identities", "updates", "data")
COUNTS = as_is("loss", "updates")


def ended(value: Numbers, fits: Fits = MAIN) -> Measure:
    """Of the first experiment, whose last arrays are then there."""
    return finished(lambda r: value(r) if r.roc.shape[2] else None, fits)


def less(one: Numbers, other: Numbers) -> Numbers:
    return lambda r: one(r).astype(float) - other(r)


def reached(name: str) -> Numbers:
    return lambda r: getattr(r, name)[:, -1].astype(float)


def among(name: str, size: int, row: int = TRAINED) -> Numbers:
    return lambda r: getattr(r, name)[row, :, -1, GALLERY.index(size)].astype(float)


def nearest(row: int) -> Numbers:
    """Accuracy of the nearest of a few enrolled."""
    return lambda r: among("identified", ways(r.params), row)(r)


def net(name: str, values: str = "oneshot") -> Numbers:
    return lambda r: getattr(r, values)[NETS.index(name), :, -1].astype(float)


def left(name: str) -> Numbers:
    """Mean distance of different ones in the end, over what it was."""
    return lambda r: r.apart[NETS.index(name), :, -1, 1] / r.apart[NETS.index(name), :, 0, 1]


def known(row: str, count: int) -> Numbers:
    return lambda r: r.oneshot[KNOWN.index(row), LADDER.index(count), :, -1].astype(float)


def trained(value: Numbers, fits: Fits = ALL) -> Measure:
    """Of a further experiment at its end."""
    return finished(lambda r: value(r) if len(r.tick) > 1 else None, fits)


def claim(id: str, measure: Measure, smallest: float, direction: str = "above", of: str = "", **given: Any) -> Claim:
    return Claim(id, measure, unseen(Params(**given), 20), smallest, direction, of=of)


FEW, MANY = LADDER[0], LADDER[-1]
SMALL, LARGE = GALLERY[0], GALLERY[-1]
CLAIMS = (
    claim("pixels", ended(less(nearest(TRAINED), nearest(PIXELS))), 0.1),
    claim("untrained", ended(less(nearest(TRAINED), nearest(UNTRAINED))), 0.2),
    claim("acquainted", ended(less(reached("oneshot_seen"), reached("oneshot"))), 0.02),
    claim("crowd", ended(less(among("identified", SMALL), among("identified", LARGE))), 0.1),
    claim("strangers", ended(less(among("stranger", LARGE), among("stranger", SMALL))), 0.2),
    claim("digits", ended(less(nearest(TRAINED), nearest(PIXELS)), DIGITS), 0.05, "below", data="digits"),
    claim("digits_seen", ended(less(reached("area_seen"), reached("area")), DIGITS), 0.1, data="digits"),
    claim("triplets", trained(less(net("semi_hard"), net("siamese"))), 0.05, of="losses"),
    claim("classifier", trained(less(net("semi_hard"), net("classifier"))), 0.02, of="losses"),
    claim("hard", trained(left("hard")), 0.2, "below", of="losses"),
    claim("no_margin", trained(left("contrastive_0")), 0.2, "below", of="losses"),
    claim("ranks", trained(less(net("contrastive"), net("contrastive_0"))), 0.05, of="losses"),
    claim("no_margin_triplets", trained(left("all_0")), 0.2, "below", of="losses"),
    claim("ranks_triplets", trained(less(net("all"), net("all_0"))), 0.1, "within", of="losses"),
    claim("few", trained(less(known("unseen", FEW), known("pixels", FEW)), COUNTS), 0.05, "below", of="identities"),
    claim("more", trained(less(known("unseen", MANY), known("unseen", FEW)), COUNTS), 0.1, of="identities"),
)

PREDICTIONS = (
    more_or_less("pixels", {"trained": ended(nearest(TRAINED), anything), "pixels": ended(nearest(PIXELS), anything)},
                 "{:.3f}".format, ways=ways),
    more_or_less("few", {"trained": trained(known("unseen", FEW), anything),
                         "pixels": trained(known("pixels", FEW), anything)}, "{:.3f}".format, "identities"),
)  # fmt: skip


def right_at(result: Any) -> np.ndarray:
    """Accuracy at the threshold that is used."""
    return 1 - (reached("taken")(result) + reached("refused")(result)) / 2


def mistake(id: str, sign: str, value: Numbers, symptom: float) -> Mistake:
    return Mistake(id, sign, preset(Params(), PRESETS, id), ended(value, anything), symptom, "pairs")


MISTAKES = (
    mistake("half", "worse", less(reached("fair"), right_at), 0.1),
    mistake("seen", "flattering", less(right_at, reached("fair")), 0.02),
    mistake("precision", "flattering", less(reached("said"), right_at), 0.1),
)
