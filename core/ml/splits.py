"""The data that most pages offer, divided: points in the plane, digits, or a reader's own table. No torch."""

from __future__ import annotations

from core.ml.data import Data, digits, points, split, standardised
from core.ml.own import table


def three_splits(data: str, own: str, count: int, noise: float, seed: int) -> Data:
    """The three splits of what a page names: a reader's own table (standardised), the digits, or `count` points."""
    if own:
        return standardised(split(*table(own), seed))
    return split(*(digits() if data == "digits" else points(data, count, noise, seed)), seed)
