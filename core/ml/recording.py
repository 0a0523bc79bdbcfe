"""What a run records: the moments at which it looks, and the arrays of its Result, made from their declared axes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Moment:
    """A moment at which training stands still: `step` steps are done, of which `steps` came after the moment before.

    due: what is to be recorded now, by name. last: no step is left.
    """

    step: int
    steps: range
    due: frozenset[str]
    last: bool


def schedule(total: int, chunk: int, **due: Iterable[int]) -> Iterator[Moment]:
    """The moments of a run of `total` steps, in order and each once: the start, every `chunk` steps, the end, and the
    steps at which something is due, `schedule(900, 20, tick=(0, 100, 900))`."""
    named = {name: {int(step) for step in steps} for name, steps in due.items()}
    before = 0
    for step in sorted({0, *range(0, total, chunk), total}.union(*named.values())):
        now = frozenset(name for name, steps in named.items() if step in steps)
        yield Moment(step, range(before, step), now, step == total)
        before = step


class Recording:
    """The arrays of a Result of class `kind` while a run fills them.

    sizes: of axes, by name. known: fields whose values are known beforehand; the sizes of their axes follow. All other
    arrays are made here, in the type and with the fill that they are declared with.
    An axis that grows ("tick+") is handed out as far as it was appended to; without a size it has none until it is set.
    """

    def __init__(self, kind: type, params: Any, total: int, sizes: Mapping[str, int], **known: Any):
        self.kind, self.params, self.total, self.sizes = kind, params, total, dict(sizes)
        declared = {f.name: f.metadata for f in dataclasses.fields(kind) if "axes" in f.metadata}
        self.axes = {name: tuple(axis.removesuffix("+") for axis in d["axes"]) for name, d in declared.items()}
        self.done = {a.removesuffix("+"): 0 for d in declared.values() for a in d["axes"] if a.endswith("+")}
        self.plain = {name: value for name, value in known.items() if name not in declared}
        self.types = {name: d["dtype"] for name, d in declared.items()}
        self.arrays: dict[str, np.ndarray] = {}
        for name in known.keys() & declared.keys():
            for axis, n in zip(self.axes[name], known[name].shape):
                self.sizes.setdefault(axis, n)
        for name, d in declared.items():
            if name in known:
                self.arrays[name] = fitted(name, known[name], self.shape(name))
            else:
                self.arrays[name] = np.full(tuple(self.shape(name).values()), d["fill"], d["dtype"])

    def shape(self, name: str, but: str = "") -> dict[str, int]:
        """The axes of a field with their sizes, in order, one of them left out."""
        axes = [axis for axis in self.axes[name] if axis != but]
        for axis in axes:
            if axis not in self.sizes and axis not in self.done:
                raise ValueError(f"{name}: nobody said how long the axis {axis} is")
        return {axis: self.sizes.get(axis, 0) for axis in axes}

    def append(self, axis: str, /, **found: Any) -> None:
        """What was found at the next place of an axis that grows, without that axis; members may come as one axis."""
        at = self.done[axis]
        if at == self.sizes.get(axis, 0):
            raise ValueError(f"the axis {axis} is full: its size is {at}")
        for name, values in found.items():
            if axis not in self.axes[name]:
                raise ValueError(f"{name} has no axis {axis}")
            place = (slice(None),) * self.axes[name].index(axis) + (at,)
            self.arrays[name][place] = fitted(name, values, self.shape(name, axis))
        self.done[axis] = at + 1

    def set(self, **found: Any) -> None:
        """Whole fields; with them the axes that grow are done."""
        for name, values in found.items():
            for axis, n in zip(self.axes[name], np.shape(values)):
                if axis in self.done:
                    self.sizes[axis] = self.done[axis] = n
            self.arrays[name] = fitted(name, np.asarray(values).astype(self.types[name]), self.shape(name))

    def parted(self, axes: str, values: np.ndarray) -> np.ndarray:
        """Values [members, …] by the axes that members are made of: `parted("net seed", weights)` is [net, seed, …]."""
        rest = {f"axis {i}": n for i, n in enumerate(values.shape[1:], 1)}
        return fitted("members", values, {axis: self.sizes[axis] for axis in axes.split()} | rest)

    def result(self, step: int, total: int | None = None) -> Any:
        """What is recorded so far, after so many steps; `total` where a run ends before its time."""
        so_far = {n: a[tuple(slice(self.done.get(axis)) for axis in self.axes[n])] for n, a in self.arrays.items()}
        return self.kind(self.params, step, self.total if total is None else total, **self.plain, **so_far)


def fitted(name: str, values: Any, axes: Mapping[str, int]) -> np.ndarray:
    """Values in the shape of these axes, of which the first ones may come as one: all members of a population."""
    values, shape = np.asarray(values), tuple(axes.values())
    if values.shape == shape:
        return values
    as_one = 1 + len(shape) - values.ndim
    if not values.ndim or as_one < 1:
        raise ValueError(f"{name} has the axes ({', '.join(axes)}), not the shape {values.shape}")
    labels, sizes = list(axes), (prod(shape[:as_one]), *shape[as_one:])
    for label, n, size in zip((" · ".join(labels[:as_one]), *labels[as_one:]), values.shape, sizes):
        if n != size:
            raise ValueError(f"{name}: the axis {label} is {size} long, not {n}")
    return values.reshape(shape)


def stacked(found: Iterable[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """What was found in each of several populations, as arrays with an axis for them before all others."""
    found = list(found)
    return {name: np.stack([one[name] for one in found]) for name in found[0]}
