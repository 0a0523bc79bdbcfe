"""A Result made up instead of trained: known values in the arrays that a test is about, and nothing in the others."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np

from core.concept.params import BaseParams
from core.concept.result import BaseResult, axes
from core.ml.data import SHARES, digits

SPLIT = {100 * share for share in SHARES}  # numbers that texts of several concepts repeat
DIGITS = {np.sqrt(digits()[0].shape[1]), len(np.unique(digits()[1]))}

R = TypeVar("R", bound=BaseResult)


def known(
    cls: type[R], params: BaseParams, fill: float = np.nan, sizes: dict[str, int] | None = None, **given: Any
) -> R:
    """A finished Result of these Params.

    given: its fields that are known. Of the others, arrays hold `fill` and plain numbers are 1.
    sizes: of axes by name (without +). Those that a given array has, and the seeds of the Params, are known already;
        any other axis has no length.
    """
    declared = {name: [axis.rstrip("+") for axis in names] for name, names in axes(cls).items()}
    found = {"seed": getattr(params, "seeds", 0)} | (sizes or {})
    for name in declared.keys() & given.keys():
        found |= dict(zip(declared[name], np.shape(given[name]), strict=True))
    values: dict[str, Any] = {"params": params, "step": 1, "total": 1}
    for field in dataclasses.fields(cls):
        if field.name in declared:
            values[field.name] = np.full([found.get(axis, 0) for axis in declared[field.name]], fill)
        else:
            values.setdefault(field.name, 1)
    return cls(**values | given)
