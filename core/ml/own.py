"""The reader's own data, as experiments see them: found by the name that stands in the Params. No torch.

Whoever starts `train` puts the files into CONTENTS first: a worker, the command line, an exported script. They are in
the form that core/readers.py gives them: a table is CSV with a header, numbers, and last the label; a text is UTF-8;
an image is a PNG.
"""

from __future__ import annotations

import csv
import hashlib
import io

import numpy as np
from PIL import Image

from core.concept.params import shape

CONTENTS: dict[str, bytes] = {}  # name of an upload → cleaned file


def content(name: str) -> bytes:
    """The cleaned file of this name; raises ValueError where another one was given."""
    if hashlib.sha256(CONTENTS[name]).hexdigest() != name.split(":")[1]:
        raise ValueError(f"this is not the file {name}")
    return CONTENTS[name]


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Features float64 [rows, features] and classes int64 [rows], numbered in the order of their labels as text;
    without labels all are 0."""
    _, features, classes = shape(name)
    _, *rows = csv.reader(io.StringIO(content(name).decode(), newline=""))
    x = np.array([row[:features] for row in rows], float)
    labels = [row[-1] for row in rows] if classes else [""] * len(rows)
    return x, np.unique(labels, return_inverse=True)[1].astype(np.int64)


def text(name: str) -> str:
    """An uploaded text; lines end in \\n."""
    return content(name).decode()


def image(name: str) -> np.ndarray:
    """An uploaded picture, float32 [row, column, channel] from 0 (black) to 1: grey, or red, green, blue."""
    levels = np.asarray(Image.open(io.BytesIO(content(name))), np.float32) / 255
    return levels.reshape(shape(name))
