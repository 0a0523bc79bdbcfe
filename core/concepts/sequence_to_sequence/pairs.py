"""Pairs of sequences to learn from, and how answers are judged. No torch, and Babel only where dates are wanted.

A symbol is a letter, or in the answer to a number a word; sequences are rows of their numbers, and −1 behind their end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np

from core.concept.params import Refused
from core.ml.own import text
from core.ml.random import stream

DIGITS = "0123456789"
MADE = ("reverse", "copy")  # tasks whose prompts are drawn afresh for every step
POOL, GROUPS, EACH = 6000, 6, 24  # pairs of a task; test pairs: groups by length, pairs in each
# As Babel's named formats have them; the short one of en_US has a year of two digits, of 1950 to 2049
LOCALES = (
    ("en_US", "full"), ("en_US", "long"), ("en_US", "short"), ("de_DE", "full"), ("de_DE", "medium"),
    ("fr_FR", "long"), ("it_IT", "long"), ("es_ES", "long"), ("zh_CN", "full"), ("zh_CN", "short"),
)  # fmt: skip
WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
LONGEST, FEWEST = 40, 50  # letters of a side, and pairs, of a reader's own
GRAMS = 4  # longest n-grams of BLEU


@dataclass(frozen=True)
class Pairs:
    """source [seed, n, place], target [seed, n, place]."""

    source: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class Stock:
    """All pairs of a task, its symbols on both sides, and the pairs in their numbers."""

    symbols: tuple[tuple[str, ...], tuple[str, ...]]
    source: np.ndarray
    target: np.ndarray


def said_in_words(n: int) -> list[str]:
    """English words of a number below a million, without "and"."""
    if n < 20:
        return [WORDS[n]]
    if n < 100:
        return [TENS[n // 10 - 2], *(said_in_words(n % 10) if n % 10 else [])]
    size, word = (1000, "thousand") if n >= 1000 else (100, "hundred")
    return [*said_in_words(n // size), word, *(said_in_words(n % size) if n % size else [])]


def in_every_way(days: Sequence[date]) -> list[str]:
    """Every date in a format of LOCALES, one after the other."""
    from babel.dates import format_date

    named = (LOCALES[k % len(LOCALES)] for k in range(len(days)))
    return [format_date(day, form, locale=locale) for day, (locale, form) in zip(days, named)]


def own_pairs(given: str) -> list[tuple[str, str]]:
    """The pairs of a text: a line each, its two sides apart by a tab or by =."""
    found = []
    for line in given.splitlines():
        left, _, right = (line if "\t" in line else line.replace("=", "\t", 1)).partition("\t")
        left, right = left.strip(), right.strip()
        if left and right and len(left) <= LONGEST and len(right) <= LONGEST:
            found.append((left, right))
    return list(dict.fromkeys(found))


def usable(given: str) -> None:
    """Whether there are pairs enough in it; raises Refused."""
    count = len(own_pairs(given))
    if count < FEWEST:
        raise Refused("size_rows", count=count, low=FEWEST, high=100_000)


@cache
def pool(task: str, own: str) -> Stock:
    """The pairs of a task that draws from a stock, or of a reader's own text."""
    sides: list[tuple[Sequence[str], Sequence[str]]]
    rng = stream(f"pairs of {task}", 0)
    if own:
        sides = [(left, right) for left, right in own_pairs(text(own))]
    elif task == "numbers":
        numbers = np.unique(np.r_[np.arange(1000), rng.integers(1000, 100_000, POOL)])
        sides = [(str(n), said_in_words(int(n))) for n in rng.permutation(numbers)[:POOL]]
    else:
        first = date(1950, 1, 1).toordinal()
        days = [date.fromordinal(first + int(k)) for k in rng.integers(0, 36_500, POOL)]
        sides = [(said, day.isoformat()) for said, day in zip(in_every_way(days), days)]
        sides = list(dict.fromkeys(sides))
    symbols = tuple(tuple(sorted({s for pair in sides for s in pair[k]})) for k in range(2))
    rows = [numbered([pair[k] for pair in sides], symbols[k]) for k in range(2)]
    return Stock((symbols[0], symbols[1]), rows[0], rows[1])


def numbered(sequences: Sequence[Sequence[str]], symbols: Sequence[str]) -> np.ndarray:
    """Sequences as numbers of their symbols, [n, longest]; a symbol that is not known is left out."""
    at = {symbol: k for k, symbol in enumerate(symbols)}
    found = [[at[s] for s in one if s in at] for one in sequences]
    rows = np.full((len(found), max(1, *map(len, found), 1)), -1)
    for row, one in zip(rows, found):
        row[: len(one)] = one
    return rows


def solved_by_hand(task: str, source: np.ndarray) -> np.ndarray:
    """The right answers to prompts of digits [..., place]."""
    if task == "copy":
        return source
    length = (source >= 0).sum(-1, keepdims=True)
    at = length - 1 - np.arange(source.shape[-1])
    return np.where(at >= 0, np.take_along_axis(source, np.maximum(at, 0), -1), -1)


def drawn(task: str, rng: np.random.Generator, lengths: np.ndarray, longest: int) -> np.ndarray:
    """Prompts of digits [n, longest] of these lengths."""
    source = rng.integers(0, len(DIGITS), (len(lengths), longest))
    return np.where(np.arange(longest) < lengths[:, None], source, -1)


class Course:
    """What a run learns from and is tested on, for every seed its own.

    symbols: of source and target. sizes: lengths of the groups of test prompts, which stand in this order and are
    equally many each; inside: which of them are as long as those in training.
    """

    def __init__(self, task: str, own: str, length: int, sizes: Sequence[int], seeds: Sequence[int]):
        self.task, self.length, self.made = task, length, task in MADE and not own
        self.rngs = [stream("sequences", seed) for seed in seeds]
        if self.made:
            self.symbols: tuple[tuple[str, ...], ...] = (tuple(DIGITS), tuple(DIGITS))
            lengths = np.repeat(sizes, EACH)
            tests = [drawn(task, stream("test sequences", seed), lengths, int(max(sizes))) for seed in seeds]
            source = np.stack(tests)
            self.test = Pairs(source, solved_by_hand(task, source))
            self.sizes, self.inside = np.array(sizes, np.float32), np.array(sizes) <= length
            return
        stock = pool(task, own)
        self.symbols, many = stock.symbols, len(stock.source)
        each = min(EACH, many // 5 // GROUPS)
        rows, self.rest = [], []
        for seed in seeds:
            order = stream("split of pairs", seed).permutation(many)
            held = order[: each * GROUPS]
            rows.append(held[np.argsort((stock.source[held] >= 0).sum(1), kind="stable")])
            self.rest.append(order[each * GROUPS :])
        self.stock, self.test = stock, Pairs(stock.source[np.stack(rows)], stock.target[np.stack(rows)])
        lengths = (self.test.source >= 0).sum(2).reshape(len(seeds), GROUPS, each)
        self.sizes, self.inside = lengths.mean((0, 2)).astype(np.float32), np.ones(GROUPS, bool)

    def batch(self, n: int) -> Pairs:
        """The next n pairs of every seed."""
        if self.made:
            lengths = [rng.integers(1, self.length + 1, n) for rng in self.rngs]
            source = np.stack([drawn(self.task, rng, own, self.length) for rng, own in zip(self.rngs, lengths)])
            return Pairs(source, solved_by_hand(self.task, source))
        at = np.stack([rng.choice(rest, n) for rng, rest in zip(self.rngs, self.rest)])
        source, target = self.stock.source[at], self.stock.target[at]
        return Pairs(source[:, :, : longest(source)], target[:, :, : longest(target)])


def longest(rows: np.ndarray) -> int:
    return int((rows >= 0).sum(-1).max())


def bleu(said: Sequence[Sequence[int]], truth: Sequence[Sequence[int]]) -> np.ndarray:
    """BLEU of a corpus with one right answer each (Papineni et al., 2002): precisions of 1- to 4-grams, each counted at
    most as often as in the right answer, the penalty of brevity, and BLEU, the geometric mean of the precisions times
    the penalty; [6]. A precision of nothing is 0."""
    right, all_of = np.zeros(GRAMS), np.zeros(GRAMS)
    for one, other in zip(said, truth):
        for n in range(1, GRAMS + 1):
            own, wanted = (Counter(tuple(x[k : k + n]) for k in range(len(x) - n + 1)) for x in (one, other))
            right[n - 1] += (own & wanted).total()
            all_of[n - 1] += own.total()
    ours, theirs = sum(map(len, said)), sum(map(len, truth))
    brevity = 1.0 if ours >= theirs else float(np.exp(1 - theirs / ours)) if ours else 0.0
    precisions = right / np.maximum(all_of, 1)
    mean = float(np.exp(np.log(precisions).mean())) if precisions.all() else 0.0
    return np.array([*precisions, brevity, brevity * mean], np.float32)
