"""Counting instead of learning: smoothed n-grams, and compressors that have read the training text. No torch."""

from __future__ import annotations

import gzip
import lzma
from dataclasses import dataclass
from math import log2

import numpy as np

LONGEST_ORDER = 9


@dataclass(frozen=True)
class Level:
    """Counts of what follows contexts of one length, by sorted keys: a context's key · symbols + the symbol.

    discounted: per key its count less its discount. total, rest: per context the sum of its counts, and the share that
    the discounts leave for shorter contexts.
    """

    keys: np.ndarray
    discounted: np.ndarray
    contexts: np.ndarray
    total: np.ndarray
    rest: np.ndarray


def level(keys: np.ndarray, counts: np.ndarray, symbols: int) -> Level:
    """A level of modified Kneser-Ney smoothing: counts of 1, 2, and 3 or more are each discounted by an amount that
    follows from how many counts are 1, 2, 3 and 4 (Chen and Goodman, 1999, equation 17). Where few counts make an
    amount zero or less, it is the one of plain Kneser-Ney, so that no probability is 0."""
    n1, n2, n3, n4 = ((counts == c).sum() for c in (1, 2, 3, 4))
    y = n1 / max(n1 + 2 * n2, 1)
    after = ((1, n1, n2), (2, n2, n3), (3, n3, n4))
    amounts = np.array([0.0, *(c - (c + 1) * y * more / max(less, 1) for c, less, more in after)])
    amounts[1:] = np.where(amounts[1:] > 0, amounts[1:], y)
    discount = np.minimum(amounts[np.minimum(counts, 3)], counts)
    contexts, first = np.unique(keys // symbols, return_index=True)
    total = np.add.reduceat(counts, first)
    return Level(keys, counts - discount, contexts, total, np.add.reduceat(discount, first) / total)


class NGrams:
    """Modified Kneser-Ney n-grams of every order up to a longest, interpolated (Chen and Goodman, 1999).

    Texts are passages as numbers below `symbols`, each ending in 0. Contexts stop at the beginning of a passage, where
    they are filled up with 0. Counts without context are one higher for every symbol (Laplace), so that none has
    probability 0.
    """

    def __init__(self, text: list[np.ndarray], symbols: int):
        self.symbols, self.longest = symbols, NGrams.orders(symbols)
        contexts, following = self.places(text)
        self.raw: list[Level] = []
        self.lower: list[Level] = []  # counts of distinct characters before: of these the shorter contexts are made
        longer = np.zeros(0, np.int64)
        for order in range(self.longest, 0, -1):
            seen = contexts[order - 1] * symbols + following
            if order == 1:
                seen = np.concatenate([seen, np.arange(symbols)])
            keys, counts = np.unique(seen, return_counts=True)
            self.raw.insert(0, level(keys, counts, symbols))
            if order < self.longest:
                before = np.bincount(np.searchsorted(keys, longer % symbols**order), minlength=len(keys))
                if order == 1:
                    before += 1
                else:  # nothing comes before the beginning of a passage
                    before = np.where(keys // symbols ** (order - 1), before, counts)
                self.lower.insert(0, level(keys, before, symbols))
            longer = keys

    @staticmethod
    def orders(symbols: int) -> int:
        """The longest order: a key must fit into 63 bits."""
        return min(LONGEST_ORDER, int(62 / log2(symbols)))

    def places(self, text: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Keys of the contexts of each length 0 … orders − 1 at every place [orders, places], and what follows."""
        following = np.concatenate(text).astype(np.int64)
        place = np.concatenate([np.arange(len(passage)) for passage in text])
        contexts = np.zeros((self.longest, len(following)), np.int64)
        for length in range(1, self.longest):
            back = np.where(place >= length, np.roll(following, length), 0)
            contexts[length] = contexts[length - 1] + back * self.symbols ** (length - 1)
        return contexts, following

    def probabilities(self, contexts: np.ndarray, following: np.ndarray) -> np.ndarray:
        """Probability of `following` [n] after `contexts` [orders, n] (keys, as from `places`) by every order:
        [orders, n]."""
        found = np.zeros((self.longest, len(following)))
        below = np.full(len(following), 1 / self.symbols)
        for k in range(self.longest):
            found[k] = self._interpolated(self.raw[k], contexts[k], following, below)
            if k < self.longest - 1:
                below = self._interpolated(self.lower[k], contexts[k], following, below)
        return found

    def _interpolated(
        self, counts: Level, contexts: np.ndarray, following: np.ndarray, below: np.ndarray
    ) -> np.ndarray:
        keys = contexts * self.symbols + following
        i = np.searchsorted(counts.keys, keys).clip(max=len(counts.keys) - 1)
        j = np.searchsorted(counts.contexts, contexts).clip(max=len(counts.contexts) - 1)
        share = np.where(counts.keys[i] == keys, counts.discounted[i], 0) / counts.total[j]
        return np.where(counts.contexts[j] == contexts, share + counts.rest[j] * below, below)

    def bits(self, text: list[np.ndarray]) -> np.ndarray:
        """Mean bits per character of a text by every order: [orders]."""
        return -np.log2(self.probabilities(*self.places(text))).mean(1)

    def written(self, uniform: np.ndarray, order: int, temperatures: np.ndarray) -> np.ndarray:
        """Passages drawn from the n-gram of an order, from uniform numbers [n, places], each at its temperature [n]:
        [n, places], 0 after the end."""
        n, places = uniform.shape
        found = np.zeros((n, places), np.int64)
        every = np.tile(np.arange(self.symbols), n)
        running = np.ones(n, bool)
        for k in range(places):
            contexts = np.zeros((self.longest, n), np.int64)
            for length in range(1, self.longest):
                back = found[:, k - length] if length <= k else 0
                contexts[length] = contexts[length - 1] + back * self.symbols ** (length - 1)
            p = self.probabilities(np.repeat(contexts, self.symbols, 1), every)[order - 1].reshape(n, -1)
            found[:, k] = np.where(running, drawn(p, uniform[:, k], temperatures), 0)
            running &= found[:, k] > 0
        return found


def drawn(p: np.ndarray, uniform: np.ndarray, temperatures: np.ndarray) -> np.ndarray:
    """Symbols [n] where the cumulative distributions of p [n, symbols] to the power of 1/temperature pass `uniform`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.log(p.astype(float)) / temperatures[:, None]
    p = np.exp(logits - logits.max(1, keepdims=True))
    total = p.cumsum(1)
    return (total < uniform[:, None] * total[:, -1:]).sum(1).clip(max=p.shape[1] - 1)


def packed(training: str, test: str) -> np.ndarray:
    """Bits per character that gzip and xz need for the test text after the training text: [2]."""
    first, both = training.encode(), (training + test).encode()
    packers = (lambda text: gzip.compress(text, mtime=0), lambda text: lzma.compress(text, preset=9))
    return np.array([8 * (len(pack(both)) - len(pack(first))) / len(test) for pack in packers])
