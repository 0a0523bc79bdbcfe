"""In which encoding a text was written: what its bytes prove, or else what its characters make likely.

UTF-8 and UTF-16 prove themselves. All other encodings read almost any bytes as something, so the likeliest is a guess,
which a page says and lets its reader change. The guess asks, for each candidate, how probable its characters are in
the languages that use it (a share and a count of signs for each kind of character, below): of a text of a few words the
right one is found, where statistics of whole languages need a page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from math import log

BOMS = ((b"\xef\xbb\xbf", "utf_8"), (b"\xff\xfe", "utf_16_le"), (b"\xfe\xff", "utf_16_be"))
SAMPLE = 4000  # bytes beyond ASCII that are looked at, each with its neighbours
MIXED = log(0.03)  # a sign of another alphabet right beside an ASCII letter
CAPITAL = log(0.3)  # a word that begins with a capital, or stands in capitals
CAPITALS = log(0.02)  # a capital after a small letter
DOUBLED = log(0.15)  # two accented letters in a row, in a text of Latin letters
UNUSUAL = log(1e-6)  # any other character

Kind = tuple[float, int, Callable[[str], bool]]  # share of the characters beyond ASCII, how many there are, which


def _signs(share: float, signs: str) -> Kind:
    known = frozenset(signs)
    return share, len(known), known.__contains__


def _between(share: float, first: str, last: str) -> Kind:
    return share, ord(last) - ord(first) + 1, lambda c: first <= c <= last


def _lead(share: float, count: int, encoding: str, first: int, last: int) -> Kind:
    """Characters by the first of their two bytes: the standards put common ones into rows of their own."""

    def of(c: str) -> bool:
        pair = c.encode(encoding, "ignore")
        return len(pair) == 2 and first <= pair[0] <= last

    return share, count, of


WIDE = "，。、；：？！“”‘’（）《》〈〉「」『』【】…—·～　"
WESTERN = "–—‘’“”„…•«»°±µ²·€£§©®"

# Candidates in the order in which ties are decided: how often each kind of character stands in such texts.
CANDIDATES: dict[str, tuple[Kind, ...]] = {
    "gb18030": (_signs(0.1, WIDE), _lead(0.85, 3755, "gb2312", 0xB0, 0xD7), _lead(0.04, 3008, "gb2312", 0xD8, 0xF7)),
    "big5": (_signs(0.1, WIDE), _lead(0.85, 5401, "big5", 0xA4, 0xC6), _lead(0.03, 7652, "big5", 0xC9, 0xF9)),
    "cp932": (
        _signs(0.1, WIDE),
        _between(0.4, "ぁ", "ん"),
        _between(0.15, "ァ", "ー"),
        _lead(0.33, 2965, "euc_jp", 0xB0, 0xCF),
        _lead(0.01, 3390, "euc_jp", 0xD0, 0xF4),
    ),
    "euc_jp": (
        _signs(0.1, WIDE),
        _between(0.4, "ぁ", "ん"),
        _between(0.15, "ァ", "ー"),
        _lead(0.33, 2965, "euc_jp", 0xB0, 0xCF),
        _lead(0.01, 3390, "euc_jp", 0xD0, 0xF4),
    ),
    "cp949": (_signs(0.02, WIDE), _lead(0.96, 2350, "euc_kr", 0xB0, 0xC8), _lead(0.005, 4888, "euc_kr", 0xCA, 0xFD)),
    "cp874": (_signs(0.65, "านรอกเงมลวยสต่้ดท"), _between(0.34, "ก", "๛"), _signs(0.005, WESTERN)),
    "cp1252": (_signs(0.88, "äöüßéèàçñáíóúâêîôåæøãõ"), _signs(0.05, "ëïùûœìòÿý¿¡"), _signs(0.06, WESTERN)),
    "cp1250": (_signs(0.5, "áéíóúýčďěňřšťůžäľĺŕőű"), _signs(0.4, "ąćęłńśźżăâîșțşţöüđß"), _signs(0.06, WESTERN)),
    "cp1254": (_signs(0.9, "ığşçöü"), _signs(0.06, WESTERN)),
    "cp1251": (
        _signs(0.6, "оеаинтсрвлк"),
        _between(0.3, "а", "я"),
        _signs(0.03, "ёіїєґўљњћђџ№"),
        _signs(0.02, WESTERN),
    ),
    "koi8_r": (_signs(0.6, "оеаинтсрвлк"), _between(0.3, "а", "я")),
    "cp1253": (
        _signs(0.6, "αοιετσνηυρπκ"),
        _between(0.25, "α", "ω"),
        _signs(0.1, "άέήίόύώϊϋΐΰ"),
        _signs(0.02, WESTERN),
    ),
}
LATIN = ("cp1252", "cp1250", "cp1254")
RARE = {
    "koi8_r": log(0.001),
    "cp1250": log(0.3),
    "cp1253": log(0.3),
    "cp1254": log(0.1),
}  # written today
ENCODINGS = ("utf_8", "utf_16_le", "utf_16_be", *CANDIDATES)  # what a reader can choose from
BEYOND = re.compile(rb"[^\x80-\xff]?[\x80-\xff][\x40-\xff]*")


def marked(content: bytes) -> tuple[str, int]:
    """The encoding that a text proves to be in without being read, and the bytes of its mark; else "" and 0."""
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return encoding, len(mark)
    if b"\0" in content:  # UTF-16 without a mark: the high bytes of digits and commas are 0
        return ("utf_16_le" if content[1::2].count(0) > content[::2].count(0) else "utf_16_be"), 0
    return "", 0


def likely(content: bytes) -> list[str]:
    """The candidates for a text that is not Unicode, the likeliest first."""
    words: list[bytes] = []
    size = 0
    for found in BEYOND.finditer(content):
        words.append(found[0][:SAMPLE])
        size += len(words[-1])
        if size > SAMPLE:
            break
    scores = {encoding: _likelihood(b"\n".join(words), encoding) for encoding in CANDIDATES}
    return sorted(scores, key=lambda encoding: -scores[encoding])


def _likelihood(sample: bytes, encoding: str) -> float:
    """Logarithm of how likely these bytes are in a text of this encoding."""
    text = sample.decode(encoding, "replace")
    total, latin = RARE.get(encoding, 0.0), encoding in LATIN
    for c, count in Counter(text.lower()).items():
        if c > "\x7f":
            total += count * next((log(p / n) for p, n, has in CANDIDATES[encoding] if has(c)), UNUSUAL)
    for a, b in zip("\n" + text, text):
        if a <= "\x7f" and b <= "\x7f":
            continue
        if b > "\x7f" and b.isupper() and not a.isupper():
            total += CAPITALS if a.islower() else CAPITAL
        if latin:
            total += DOUBLED * (a > "\x7f" and b > "\x7f")
        elif (a.isascii() and a.isalpha()) or (b.isascii() and b.isalpha()):
            total += MIXED
    return total
