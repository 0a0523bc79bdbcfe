"""Random numbers as arguments: a stream is named, seeded, and the same in every engine and process."""

from __future__ import annotations

import zlib

import numpy as np


def stream(name: str, seed: int, *more: int) -> np.random.Generator:
    """A generator that depends on its name and seeds only (Philox; Salmon et al., 2011, counter-based).

    Streams of different names or seeds are independent, so the data, the weights and the order of the
    batches can each be changed while the others stay.
    """
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence([zlib.crc32(name.encode()), seed], spawn_key=more))
    )
