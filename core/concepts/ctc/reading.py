"""What paths say, and the ways to read (no torch). A path has one symbol per frame; it says what is left when repeats
are merged and then blanks taken out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, product

import numpy as np


def said_by(path: Sequence[int], blank: int) -> tuple[int, ...]:
    """What a path says."""
    return tuple(symbol for symbol, _ in groupby(path) if symbol != blank)


def every_path(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All paths [symbol ** time, time] under probabilities p [time, symbol], and their own [symbol ** time]."""
    time, symbols = p.shape
    paths = np.array(list(product(range(symbols), repeat=time)))
    return paths, p[np.arange(time), paths].prod(1)


def beam(p: np.ndarray, width: int, least: float = 0.0) -> dict[tuple[int, ...], float]:
    """Texts that are found likely, the likeliest first, with the probability of the paths that were kept: prefix search
    that keeps `width` beginnings (after Graves, 2012). p: [time, symbol]. Symbols below `least` are not tried."""
    blank = p.shape[1] - 1
    kept: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}  # of paths that end in a blank, that do not
    for row in p.tolist():
        found: dict[tuple[int, ...], list[float]] = {}
        tried = [k for k in range(blank) if row[k] > least]
        for text, (paused, held) in kept.items():
            here = found.setdefault(text, [0.0, 0.0])
            here[0] += (paused + held) * row[blank]
            if text:
                here[1] += held * row[text[-1]]
            for k in tried:
                more = found.setdefault((*text, k), [0.0, 0.0])
                more[1] += (paused if text and k == text[-1] else paused + held) * row[k]
        best = sorted(found.items(), key=lambda item: -sum(item[1]))[:width]
        kept = {text: (paused, held) for text, (paused, held) in best}
    return {text: sum(ends) for text, ends in kept.items()}


def edits(one: Sequence[int], other: Sequence[int]) -> int:
    """The fewest symbols to insert, take out or replace that make one text of the other (Levenshtein, 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]
