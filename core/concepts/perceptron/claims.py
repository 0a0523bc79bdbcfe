"""What the notes say of the perceptron, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.perceptron.params import Params, Result
from core.conclusions.measures import Fits, Measure, anything, finished, unseen

SAME = 1e-9  # two directions no further apart are the same, up to rounding


def two_rates(params: Params) -> bool:
    return params.rate != params.other_rate


def from_zero(params: Params) -> bool:
    return params.initial == "zero"


def on_xor(params: Params) -> bool:
    return params.data == "xor" and not params.own


def of_passes(fits: Fits = anything) -> Callable[[Measure], Measure]:
    """Makes a measure speak of finished runs with at least one pass whose settings fit."""
    return lambda measure: finished(lambda result: measure(result) if result.mistakes.shape[-1] else None, fits)


@of_passes()
def ended(result: Result) -> np.ndarray:
    """Per seed: 1 if nothing was left to correct, at η."""
    return result.pending[0, :, -1] == 0


@of_passes()
def stops_right(result: Result) -> np.ndarray:
    """Per separable seed: 1 if it stopped, and with nothing misclassified."""
    right = (result.pending[0, :, -1] == 0) & (result.misclassified[0, :, -1] == 0)
    return right[np.isfinite(result.gamma)]


@of_passes(on_xor)
def never_stops(result: Result) -> np.ndarray:
    """Per seed: 1 if there was still something to correct after the last pass."""
    return result.pending[0, :, -1] > 0


@of_passes()
def within_bound(result: Result) -> np.ndarray:
    """Per separable seed: 1 if it took at most (R/γ)² updates at either step size."""
    within = result.mistakes.sum(-1).max(0) <= (result.radius / result.gamma) ** 2
    return within[np.isfinite(result.gamma)]


@of_passes(two_rates)
def only_scale(result: Result) -> np.ndarray:
    """Per seed: 1 if η and η′ corrected the same examples in the same order and end in one direction."""
    return (result.alike[:, -1] == 1) & (result.apart[:, -1] < SAME)


@of_passes(from_zero)
def idle(result: Result) -> np.ndarray:
    """Per seed: 1 if nothing was ever corrected though points are misclassified."""
    return (result.mistakes[0].sum(-1) == 0) & (result.misclassified[0, :, -1] > 0)


@of_passes(from_zero)
def starts(result: Result) -> np.ndarray:
    """Per seed: 1 if something was corrected."""
    return result.mistakes[0].sum(-1) > 0


def larger_less_smaller(values: np.ndarray, params: Params) -> np.ndarray:
    """Values [rate, …] at the larger step size minus those at the smaller."""
    return values[0] - values[1] if params.rate > params.other_rate else values[1] - values[0]


@of_passes(two_rates)
def more_swings(result: Result) -> np.ndarray:
    """Per seed: the share of updates that turn w the other way than before, larger minus smaller step."""
    share = result.turned_back.sum(-1) / np.maximum(result.mistakes.sum(-1), 1)
    return larger_less_smaller(share, result.params)


@of_passes(two_rates)
def more_updates(result: Result) -> np.ndarray:
    """Per separable seed: log₁₀ of the updates at the larger step size over those at the smaller."""
    updates = np.log10(np.maximum(result.mistakes.sum(-1), 1))[:, np.isfinite(result.gamma)]
    return larger_less_smaller(updates, result.params)


@of_passes()
def fewer_is_smaller(result: Result) -> np.ndarray:
    """Per seed: of the updates that lower the number misclassified, the share that lower the loss too."""
    fewer, smaller = result.fewer.sum(-1), result.fewer_smaller.sum(-1)
    return smaller[fewer > 0] / fewer[fewer > 0]


def _decided(**changes: Any) -> Params:
    return unseen(Params(), 40, **changes)


def _share(id: str, measure: Measure, **changes: Any) -> Claim:
    """A claim that a sentence is true of more than nine tenths of all seeds."""
    return Claim(id, measure, _decided(**changes), 0.9, share=True)


RATES: dict[str, Any] = {"rate": 10.0, "other_rate": 0.1}
RANDOM: dict[str, Any] = {**RATES, "initial": "random"}

CLAIMS = (
    _share("stops", stops_right, passes=500),
    _share("xor_never", never_stops, data="xor", passes=200),
    _share("bound_zero", within_bound, passes=500),
    _share("bound_random", within_bound, passes=500, initial="random", rate=1.0, other_rate=0.01),
    _share("scale_zero", only_scale, **RATES),
    _share("scale_random", only_scale, **RANDOM),
    _share("idle_below", idle, comparison="below"),
    _share("starts_at_most", starts),
    Claim("swings_zero", more_swings, _decided(**RATES), 0.05),
    Claim("swings_random", more_swings, _decided(**RANDOM), 0.05),
    Claim("slower_random", more_updates, _decided(**RANDOM, passes=500), 0.05, unit="log₁₀"),
    Claim("fewer_smaller", fewer_is_smaller, _decided(data="overlap", passes=50), 0.95),
)
MISTAKES = (Mistake("idle_below", "chance", Params(comparison="below"), idle, 0.5, "line"),)


def runs_out(result: Result) -> tuple[str, dict[str, Any]] | None:
    """On how many seeds nothing is left to correct."""
    found = ended(result)
    if found is None:
        return None
    count, seeds = int(found.sum()), len(found)
    return "all" if count == seeds else "some" if count else "none", {"count": count, "seeds": seeds}


PREDICTIONS = (Prediction("stops", ("all", "some", "none"), runs_out),)
