"""Numbers of tables: in the data they are numbers, whatever a page makes of them for its reader.

A column of a figure's table holds numbers or words, never both. What is not there is missing (empty in a CSV); where
the reason matters a column of words says it. A unit stands in the head of its column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def significant(values: Any, digits: int) -> np.ndarray:
    """Values of any shape rounded to so many significant digits."""
    found = np.asarray(values, float)
    return np.array([float(f"{value:.{digits}g}") for value in found.ravel()]).reshape(found.shape)


def whole(values: Any) -> pd.api.extensions.ExtensionArray:
    """Whole numbers as a column that may have gaps, where a value is not finite."""
    found = np.asarray(values, float)
    return pd.array([round(value) if np.isfinite(value) else None for value in found], dtype="Int64")


def spaced(count: int, most: int) -> np.ndarray:
    """Of so many rows `most` at most, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The same table in texts, for people: small numbers keep their digits, and a gap is empty."""
    return table.apply(lambda column: [_said(value) for value in column])


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
