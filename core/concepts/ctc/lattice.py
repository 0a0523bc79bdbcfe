"""Connectionist temporal classification (Graves et al., 2006): all paths that say a text, summed; and the ways to read.

A path has one symbol per frame; it says what is left when repeats are merged and then blanks taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, product
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Paths(NamedTuple):
    """log p of a text over all its paths [b], −∞ where there is none; and the share of these in which a frame has a
    symbol, the posterior [b, time, symbol]: the gradient of log p by the scores."""

    log_p: Tensor
    posterior: Tensor


def summed(scores: Tensor, texts: Tensor) -> Paths:
    """Scores [b, time, symbol], log probabilities or not; texts [b, k], padded on the right with the blank, which is
    the last symbol. Forward and backward over states blank, first symbol, blank, second symbol … blank."""
    b, time, symbols = scores.shape
    blank, last = symbols - 1, 2 * (texts < symbols - 1).sum(1, keepdim=True)
    states = texts.new_full((b, 2 * texts.shape[1] + 1), blank)
    states[:, 1::2] = texts
    place = torch.arange(states.shape[1], device=texts.device)
    skips = torch.zeros_like(states, dtype=torch.bool)  # whether a state may follow the one before the last
    skips[:, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    shown = scores.gather(2, states.unsqueeze(1).expand(-1, time, -1))
    none = scores.new_tensor(-torch.inf)

    def stepped(before: Tensor, way: int) -> Tensor:
        """What arrives from the same state and from one and two before it, or behind it."""
        one, two = before.roll(way, 1), before.roll(2 * way, 1)
        edge = place if way > 0 else len(place) - 1 - place
        one = one.where(edge > 0, none)
        two = two.where(skips if way > 0 else skips.roll(-2, 1) & (edge > 1), none)
        return torch.logaddexp(torch.logaddexp(before, one), two)

    ends = (place == last) | (place == last - 1)
    alpha, beta = [shown[:, 0].where(place < 2, none)], [torch.where(ends, scores.new_zeros(()), none)]
    for t in range(1, time):
        alpha.append(shown[:, t] + stepped(alpha[-1], 1))
        beta.append(stepped(beta[-1] + shown[:, time - t], -1))
    through = torch.stack(alpha, 1) + torch.stack(beta[::-1], 1)
    log_p = through[:, -1].logsumexp(1)
    share = (through - log_p.view(-1, 1, 1)).exp()
    posterior = torch.zeros_like(scores).scatter_add_(2, states.unsqueeze(1).expand(-1, time, -1), share)
    return Paths(log_p, posterior)


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
