"""A run cut along its seeds, and put together again.

Seed i of a run draws from data_seed + i and weight_seed + i, so a part is the same experiment with fewer seeds that
begin later. What is put together has the bits of the run in one piece, or it is not cut (`Cut` in
core/concept/parts.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import accumulate
from typing import Any

import numpy as np

from core.concept.params import BaseParams, Invalid, applicable
from core.concept.parts import Cut, experiment
from core.concept.result import BaseResult

FEWEST = 2  # seeds of a part: of one matrix torch makes a product otherwise than of several


@dataclass(frozen=True)
class Part:
    """The Params of a part; of its seeds, the first `skip` are those of the part before, and count there only."""

    params: BaseParams
    skip: int = 0


def cut(name: str, params: Any, count: int) -> list[Part]:
    """At most so many parts of a run, as large as each other as far as that goes; none where it stays whole."""
    how = experiment(name).cut
    if how is None or count < 2 or "seeds" not in applicable(params):
        return []
    blocks, rest = divmod(params.seeds, unit := how.unit(params))
    count = min(count, blocks if unit > 1 else -(-blocks // FEWEST))
    if rest or count < 2 or params.seeds <= FEWEST:
        return []
    sizes = [unit * (blocks // count + (i < blocks % count)) for i in range(count)]
    parts = []
    for size, first in zip(sizes, accumulate([0, *sizes])):
        skip = max(0, FEWEST - size)
        first -= skip
        shifted = {
            seed: getattr(params, seed) + first for seed in ("data_seed", "weight_seed") if seed in applicable(params)
        }
        try:
            parts.append(Part(experiment(name).settings(params.replace(seeds=size + skip, **shifted)), skip))
        except Invalid:  # seeds beyond the last there is
            return []
    return parts


def joined(name: str, params: Any, parts: Sequence[Part], results: Sequence[Any]) -> Any:
    """The Result of the whole run, as far as the Results of all its parts are."""
    how, first = experiment(name).cut, results[0]
    assert how
    found: dict[str, Any] = {}
    for field in dataclasses.fields(first):
        values = [getattr(result, field.name) for result in results]
        if axes := field.metadata.get("axes"):
            values = _as_far_as_all(axes, values)
            found[field.name] = _together(how, axes, parts, values, params)
        else:
            found[field.name] = values[0]
    step, total = min(result.step for result in results), max(result.total for result in results)
    return dataclasses.replace(first, **found | {"params": params, "step": step, "total": total})


def state_of_all(
    name: str, params: Any, parts: Sequence[Part], states: Sequence[Mapping[str, np.ndarray] | None]
) -> dict[str, np.ndarray] | None:
    """The state of the whole run from those of its parts."""
    how = experiment(name).cut
    assert how
    if any(state is None for state in states):
        return None
    given = [state for state in states if state is not None]
    found = {}
    for key in given[0]:
        axes = next((axes.split() for pattern, axes in how.state.items() if fnmatch(key, pattern)), [])
        found[key] = _together(how, tuple(axes), parts, [state[key] for state in given], params)
    return found


def latest(kept: Sequence[Sequence[BaseResult]]) -> list[BaseResult] | None:
    """Of the Results that each part has given so far the one of each that is no further than the slowest part; None
    until all have one."""
    if not all(kept):
        return None
    step = min(results[-1].step for results in kept)
    return [next((r for r in reversed(results) if r.step <= step), results[0]) for results in kept]


def _as_far_as_all(axes: tuple[str, ...], values: list[np.ndarray]) -> list[np.ndarray]:
    """The values as far as the shortest of them goes along axes that grow."""
    ends = [min(v.shape[i] for v in values) if axis.endswith("+") else None for i, axis in enumerate(axes)]
    return [v[tuple(map(slice, ends))] for v in values]


def _together(
    how: Cut, axes: tuple[str, ...], parts: Sequence[Part], values: list[np.ndarray], params: Any
) -> np.ndarray:
    """An array of the whole: along the axis of seeds, or of pictures of the first seeds; what has neither is of the
    first seed, which is in the first part."""
    for i, axis in enumerate(axes):
        if axis == "seed" or axis in how.first:
            before = (slice(None),) * i
            whole = np.concatenate([v[(*before, slice(part.skip, None))] for part, v in zip(parts, values)], i)
            end = how.first[axis](params) if axis in how.first else None
            return np.ascontiguousarray(whole[(*before, slice(end))])
    return values[0]
