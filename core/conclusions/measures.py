"""Kinds of measures, of which the claims, predictions and mistakes of all concepts are made.

A measure is a function of a Result that gives one number per seed [seeds], or None where this run cannot speak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np

from core.concept.params import BaseParams
from core.concept.parts import UNSEEN, Prediction, Preset
from core.conclusions.stats import leaning

Measure = Callable[[Any], np.ndarray | None]
# A Result → a number of every contender on every seed [contender, seed], or on those seeds where it has one
Value = Callable[[Any], np.ndarray | list[np.ndarray]]
Fits = Callable[[Any], bool]  # whether Params are those that a measure speaks of
P = TypeVar("P", bound=BaseParams)


def anything(params: Any) -> bool:
    return True


# The runs that decide


def unseen(params: P, seeds: int, first: int = UNSEEN, **changes: Any) -> P:
    """These settings, with changes, on so many seeds that nobody has looked at."""
    return params.replace(seeds=seeds, data_seed=first, weight_seed=first, **changes)


def preset(params: P, presets: Iterable[Preset], id: str) -> P:
    """These settings as a preset changes them."""
    return params.replace(**next(preset.changes for preset in presets if preset.id == id))


# Measures


def finished(measure: Measure, fits: Fits = anything) -> Measure:
    """The measure on a finished run that has taken a step and whose settings fit. None on any other, where nothing is
    left to measure, and where a seed has diverged. Whether something is so of a seed becomes 1 or 0."""

    def asked(result: Any) -> np.ndarray | None:
        if not 0 < result.step == result.total or not fits(result.params):
            return None
        effects = measure(result)
        return None if effects is None or not effects.size or not np.isfinite(effects).all() else effects.astype(float)

    return asked


def difference(one: Measure, other: Measure) -> Measure:
    """One measure less another, seed by seed."""

    def measure(result: Any) -> np.ndarray | None:
        a, b = one(result), other(result)
        return None if a is None or b is None else a - b

    return measure


def final(name: str, *index: int) -> Callable[[Any], np.ndarray]:
    """An array [contender, seed, tick, …] at its last tick, and at this place of the axes behind."""
    return lambda result: getattr(result, name)[(slice(None), slice(None), -1, *index)]


@dataclass(frozen=True)
class Contenders:
    """Whose values stand along the axis `contender` of a Result. Which of them is meant is said by one that is equal,
    or by what is true of it; of several it is the first.

    listed: Params → all of them, in order.
    fits: what must be true of Params for any measure of them to speak.
    """

    listed: Callable[[Any], Sequence[Any]]
    fits: Fits = anything

    def all(self, result: Any, which: Any) -> list[int]:
        """Their places along the axis."""
        meant = which if callable(which) else lambda contender: contender == which
        return [i for i, contender in enumerate(self.listed(result.params)) if meant(contender)]

    def finished(self, measure: Measure, fits: Fits = anything) -> Measure:
        return finished(measure, lambda params: self.fits(params) and fits(params))

    def alone(self, value: Value, which: Any, fits: Fits = anything) -> Measure:
        """A value of one of them."""

        def measure(result: Any) -> np.ndarray | None:
            found = self.all(result, which)
            return value(result)[found[0]] if found else None

        return self.finished(measure, fits)

    def more(
        self,
        value: Value,
        one: Any,
        other: Any,
        fits: Fits = anything,
        over: Value | None = None,
        alike: Callable[[Any, Any], bool] = lambda one, other: True,
    ) -> Measure:
        """A value of one of them less that of another (there `over`, where it is another value), seed by seed; of the
        first two that are `alike` in what shall not differ."""

        def measure(result: Any) -> np.ndarray | None:
            contenders = self.listed(result.params)
            for i, j in product(self.all(result, one), self.all(result, other)):
                if alike(contenders[i], contenders[j]):
                    return value(result)[i].astype(float) - (over or value)(result)[j].astype(float)
            return None

        return self.finished(measure, fits)


def ruled(rule: str, fits: Callable[[Any], bool] = anything) -> Callable[[Any], bool]:
    """Whether a contender is of this rule, and set so that it fits."""
    return lambda contender: contender.rule == rule and fits(contender)


# Predictions


def more_or_less(
    id: str, compared: Mapping[str, Measure], shown: Callable[[float], str], of: str = "", **said: Callable[[Any], Any]
) -> Prediction:
    """Whether the first of two measures is the larger one, the smaller one, or cannot be told from the other.

    compared: name in the texts → measure; the mean over seeds is said as `shown`.
    said: what else the texts say, of the Params. of: the further experiment that answers.
    """

    def answer(result: Any) -> tuple[str, dict[str, Any]] | None:
        one, other = (measure(result) for measure in compared.values())
        if one is None or other is None:
            return None
        numbers = {name: shown(float(values.mean())) for name, values in zip(compared, (one, other))}
        return leaning(one - other), {
            **numbers,
            **{name: known(result.params) for name, known in said.items()},
            "seeds": len(one),
        }

    return Prediction(id, ("more", "even", "less"), answer, of)
