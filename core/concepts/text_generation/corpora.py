"""Texts to learn from, as passages that stand alone, and their split. No torch."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from core.ml.random import stream

END = "\n"  # ends every passage, and is what a passage begins after
HELD_OUT = 0.1  # share of the text for validation, and again for the test
MOST_HELD_OUT = 8000  # characters, of each
SHARED = 40  # characters in common that keep two passages on one side of the split
STRETCH = 30  # characters in a row that count as copied
LONGEST = 300  # characters of a passage
FEWEST = 10  # families without which nothing can be split
COMMON = 1000  # of the characters of the idioms, those that are learned


@cache
def built_in(corpus: str) -> tuple[str, ...]:
    """The distinct passages of a corpus, in an order that depends on nothing else."""
    if corpus == "names":
        from faker.providers.person.en import Provider

        found = sorted(map(str, Provider.first_names))
    elif corpus == "prose":
        from pydoc_data.topics import topics

        found = [s for _, topic in sorted(topics.items()) for s in sentences(topic)]
    elif corpus == "idioms":
        spec = find_spec("pypinyin")
        assert spec and spec.submodule_search_locations
        file = Path(spec.submodule_search_locations[0]) / "phrases_dict.json"
        found = [phrase for phrase in json.loads(file.read_text("utf-8")) if len(phrase) == 4]
        common = {c for c, _ in Counter("".join(found)).most_common(COMMON)}
        found = [phrase for phrase in found if common.issuperset(phrase)]
    else:
        raise ValueError(f"no corpus is called {corpus!r}")
    return tuple(dict.fromkeys(found))


def pieces(own: str) -> tuple[str, ...]:
    """The distinct passages of a reader's text: its lines; those over LONGEST characters by sentences, and sentences
    over it cut where it ends. Raises ValueError where hardly anything is different."""
    found = []
    for row in own.splitlines():
        ends = r"(?<=[。！？；…])|(?<=[.!?;])\s+"
        parts = [row] if len(row) <= LONGEST else re.split(ends, row)
        found += [part[k : k + LONGEST].strip() for part in parts for k in range(0, len(part), LONGEST)]
    distinct = tuple(dict.fromkeys(part for part in found if part))
    if len(families(distinct)) < FEWEST:
        raise ValueError(f"the text needs at least {FEWEST} passages that are different")
    return distinct


def sentences(topic: str) -> list[str]:
    """The sentences of a page of Python's reference, each in one line: no code, grammar, tables or headings."""
    found = []
    for paragraph in re.split(r"\n\s*\n", topic):
        flat = " ".join(paragraph.split()).removeprefix("* ")
        if flat.endswith((".", ":")) and not re.search(r"::=|>>>|\*\*\*|\+--|\||\.\. ", flat):
            found += re.split(r"(?<=[.:;]) +(?=[A-Z])", flat)
    plain = [s for s in found if sum(c.isalpha() or c == " " for c in s) >= 0.9 * len(s)]
    return [s for s in plain if 20 <= len(s) <= LONGEST]


def families(texts: tuple[str, ...]) -> list[list[int]]:
    """Passages by index, together where they share SHARED characters in a row, directly or through others."""
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = i = parent[parent[i]]
        return i

    first: dict[str, int] = {}  # stretch of SHARED characters → the first passage with it
    for i, text in enumerate(texts):
        for k in range(len(text) - SHARED + 1):
            j = first.setdefault(text[k : k + SHARED], i)
            if j != i:
                parent[root(i)] = root(j)
    found: dict[int, list[int]] = {}
    for i in range(len(texts)):
        found.setdefault(root(i), []).append(i)
    return list(found.values())


def divided(texts: tuple[str, ...], groups: list[list[int]], seed: int) -> tuple[list[str], list[str], list[str]]:
    """Training, validation and test passages, in an order that depends on the seed; no family is on two sides."""
    wanted = min(HELD_OUT * sum(map(len, texts)), MOST_HELD_OUT)
    sides: tuple[list[str], list[str], list[str]] = ([], [], [])
    k, size = 2, 0
    for group in stream("split of text", seed).permutation(len(groups)).tolist():
        members = [texts[i] for i in groups[group]]
        sides[k].extend(members)
        size += sum(map(len, members))
        if k and size >= wanted:  # first the test text is filled, then the validation text
            k, size = k - 1, 0
    return sides


def vocabulary(texts: tuple[str, ...]) -> str:
    """Every character of a text, END first."""
    return END + "".join(sorted(set("".join(texts)) - {END}))


def copied(text: str, training: set[str], everything: str) -> np.ndarray:
    """1 for every character of a passage that is in the training text: as a whole passage, or in a stretch of at least
    STRETCH characters; uint8 [len(text)]. `everything`: the training passages joined by END."""
    mark = np.zeros(len(text), np.uint8)
    if text in training:
        mark[:] = 1
    for k in range(len(text) - STRETCH + 1):
        if text[k : k + STRETCH] in everything:
            mark[k : k + STRETCH] = 1
    return mark
