"""What the notes say of the perceptron, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Prediction
from core.concepts.perceptron.params import Params, Result

DECIDING: dict[str, Any] = {"seeds": 40, "data_seed": 50_000, "weight_seed": 50_000}  # seeds nobody looked at
SAME = 1e-9  # two directions no further apart are the same, up to rounding

Measure = Callable[[Result], np.ndarray | None]


def of_complete(measure: Measure) -> Measure:
    """The measure on a finished run with at least one pass; None on any other."""
    return lambda result: measure(result) if result.complete and result.mistakes.shape[-1] else None


def ended(result: Result) -> np.ndarray:
    """Whether nothing was left to correct, at η: [seed]."""
    return result.pending[0, :, -1] == 0


def stops_right(result: Result) -> np.ndarray | None:
    """Per separable seed: 1 if it stopped, and with nothing misclassified."""
    separable = np.isfinite(result.gamma)
    right = ended(result) & (result.misclassified[0, :, -1] == 0)
    return right[separable].astype(float) if separable.any() else None


def never_stops(result: Result) -> np.ndarray | None:
    """On XOR, per seed: 1 if there was still something to correct after the last pass."""
    return (~ended(result)).astype(float) if result.params.data == "xor" and not result.params.own else None


def within_bound(result: Result) -> np.ndarray | None:
    """Per separable seed: 1 if it took at most (R/γ)² updates at either step size."""
    separable = np.isfinite(result.gamma)
    within = result.mistakes.sum(-1).max(0) <= (result.radius / result.gamma) ** 2
    return within[separable].astype(float) if separable.any() else None


def only_scale(result: Result) -> np.ndarray | None:
    """Per seed: 1 if η and η′ corrected the same examples in the same order and end in one direction."""
    if result.params.rate == result.params.other_rate:
        return None
    return ((result.alike[:, -1] == 1) & (result.apart[:, -1] < SAME)).astype(float)


def idle(result: Result) -> np.ndarray | None:
    """From zero weights, per seed: 1 if nothing was ever corrected though points are misclassified."""
    if result.params.initial != "zero":
        return None
    return ((result.mistakes[0].sum(-1) == 0) & (result.misclassified[0, :, -1] > 0)).astype(float)


def starts(result: Result) -> np.ndarray | None:
    """From zero weights, per seed: 1 if something was corrected."""
    return (result.mistakes[0].sum(-1) > 0).astype(float) if result.params.initial == "zero" else None


def larger_first(result: Result) -> list[int] | None:
    """The indices of the larger and the smaller step size, if they differ."""
    rates = (result.params.rate, result.params.other_rate)
    return None if rates[0] == rates[1] else sorted((0, 1), key=lambda r: -rates[r])


def more_swings(result: Result) -> np.ndarray | None:
    """Per seed: the share of updates that turn w the other way than before, larger minus smaller step."""
    pair = larger_first(result)
    if pair is None:
        return None
    share = result.turned_back.sum(-1) / np.maximum(result.mistakes.sum(-1), 1)
    return share[pair[0]] - share[pair[1]]


def more_updates(result: Result) -> np.ndarray | None:
    """Per separable seed: log₁₀ of the updates at the larger step size over those at the smaller."""
    pair, separable = larger_first(result), np.isfinite(result.gamma)
    if pair is None or not separable.any():
        return None
    updates = np.log10(np.maximum(result.mistakes.sum(-1), 1))[:, separable]
    return updates[pair[0]] - updates[pair[1]]


def fewer_is_smaller(result: Result) -> np.ndarray | None:
    """Per seed: of the updates that lower the number misclassified, the share that lower the loss too."""
    fewer, smaller = result.fewer.sum(-1), result.fewer_smaller.sum(-1)
    there = fewer > 0
    return smaller[there] / fewer[there] if there.any() else None


def _share(id: str, measure: Measure, smallest: float = 0.9, **changes: Any) -> Claim:
    """A claim that a sentence is true of more than the share `smallest` of all seeds."""
    params = Params(**DECIDING).replace(**changes)
    return Claim(id, of_complete(measure), params, smallest, share=True)


RATES: dict[str, Any] = {"rate": 10.0, "other_rate": 0.1}

CLAIMS = (
    _share("stops", stops_right, passes=500),
    _share("xor_never", never_stops, data="xor", passes=200),
    _share("bound_zero", within_bound, passes=500),
    _share("bound_random", within_bound, passes=500, initial="random", rate=1.0, other_rate=0.01),
    _share("scale_zero", only_scale, **RATES),
    _share("scale_random", only_scale, **RATES, initial="random"),
    _share("idle_below", idle, comparison="below"),
    _share("starts_at_most", starts),
    Claim("swings_zero", of_complete(more_swings), Params(**DECIDING, **RATES), smallest=0.05),
    Claim(
        "swings_random",
        of_complete(more_swings),
        Params(**DECIDING, **RATES, initial="random"),
        smallest=0.05,
    ),
    Claim(
        "slower_random",
        of_complete(more_updates),
        Params(**DECIDING, **RATES, initial="random", passes=500),
        smallest=0.05,
        unit="log₁₀",
    ),
    Claim(
        "fewer_smaller",
        of_complete(fewer_is_smaller),
        Params(**DECIDING, data="overlap", passes=50),
        smallest=0.95,
    ),
)


def runs_out(result: Result) -> tuple[str, dict[str, Any]] | None:
    """On how many seeds nothing is left to correct."""
    if not result.complete or not result.mistakes.shape[-1]:
        return None
    count, seeds = int(ended(result).sum()), len(result.gamma)
    return "all" if count == seeds else "some" if count else "none", {"count": count, "seeds": seeds}


PREDICTIONS = (Prediction("stops", ("all", "some", "none"), runs_out),)
