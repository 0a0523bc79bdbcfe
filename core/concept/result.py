"""Result: what a run gives back, as plain numbers and arrays with their axes and units written beside them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np


def array(axes: str, unit: str = "", *, dtype: str = "float32", fill: float = 0.0, measured: bool = False) -> Any:
    """A field of a Result that holds a numpy array.

    axes: the names of its axes, in order; the one that grows while the run goes on ends in "+".
    unit: of its values ("" for a pure number); dtype: their type.
    fill: what stands where nothing was recorded.
    measured: taken with a clock, so two equal runs may differ in it.
    """
    told = {"axes": tuple(axes.split()), "unit": unit, "dtype": dtype, "fill": fill, "measured": measured}
    return dataclasses.field(metadata=told)


@dataclass(frozen=True)
class BaseResult:
    """Base of every concept's Result. `step` of `total` optimization steps are done."""

    params: Any
    step: int
    total: int

    @property
    def complete(self) -> bool:
        return self.step == self.total


def arrays(result: BaseResult) -> dict[str, np.ndarray]:
    """Name → array of every array field."""
    return {f.name: getattr(result, f.name) for f in dataclasses.fields(result) if "axes" in f.metadata}


def axes(cls: type[BaseResult]) -> dict[str, tuple[str, ...]]:
    """Name → axis names of every array field; the growing axis ends in "+"."""
    return {f.name: f.metadata["axes"] for f in dataclasses.fields(cls) if "axes" in f.metadata}


def same(one: BaseResult, other: BaseResult) -> bool:
    """Equal bit for bit, measured fields aside."""
    measured = {f.name for f in dataclasses.fields(one) if f.metadata.get("measured")}
    mine, theirs = arrays(one), arrays(other)
    return one.step == other.step and all(
        mine[n].dtype == theirs[n].dtype
        and mine[n].shape == theirs[n].shape
        and mine[n].tobytes() == theirs[n].tobytes()
        for n in mine
        if n not in measured
    )
