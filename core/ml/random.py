"""Random numbers as arguments: a stream is named, seeded, and the same in every engine and process."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

WORD = 0xFFFFFFFF


def stream(name: str, seed: int, *more: int) -> np.random.Generator:
    """A generator that depends on its name and seeds only (Philox; Salmon et al., 2011, counter-based).

    Streams of different names or seeds are independent, so the data, the weights and the order of the
    batches can each be changed while the others stay.
    """
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence([zlib.crc32(name.encode()), seed], spawn_key=more))
    )


def philox(counter: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Four words of 32 random bits for every counter and key: Philox4x32-10 (Salmon et al., 2011).

    Every part is a whole number below 2³², or an array (numpy, torch) of such numbers as int64; they broadcast. The
    same arithmetic serves all of them, so that every engine has the same bits, in whatever order it asks for them.
    """
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57  # as int64 they may turn negative: hence the masks after the shifts
        a, b, c, d = (q >> 32 & WORD) ^ b ^ k, q & WORD, (p >> 32 & WORD) ^ d ^ m, p & WORD
        k, m = k + 0x9E3779B9 & WORD, m + 0xBB67AE85 & WORD
    return a, b, c, d
