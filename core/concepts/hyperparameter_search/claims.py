"""What the notes say of searching for hyperparameters, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.hyperparameter_search.importance.params import FACTORS
from core.concepts.hyperparameter_search.params import PRESETS, WAYS, Params, Result
from core.concepts.hyperparameter_search.race.params import SEARCHERS
from core.conclusions.measures import Contenders, Measure, anything, finished, more_or_less, preset, unseen

SEARCHES, RACE = Contenders(lambda params: WAYS), Contenders(lambda params: SEARCHERS)
MANY = 50  # trainings of which the winner is looked at


def chosen(result: Result) -> np.ndarray:
    """Validation and test accuracy of the network that a search chooses, means over its searches: [way, seed, 2]."""
    validation, test = (values[:, :, :, -1].astype(float) for values in (result.validation, result.test))
    at = validation.argmax(-1)[..., None]
    both = [np.take_along_axis(values, at, -1)[..., 0].mean(-1) for values in (validation, test)]
    return np.stack(both, -1)


def winners(result: Result) -> np.ndarray:
    """Validation and test accuracy that the winner of n trainings is expected to have, [score, seed, n]: over all ways
    to draw n of the random trainings without replacement (after Dodge et al., 2019, who replace)."""
    way = WAYS.index("random")
    pool = [values[way, :, :, -1].reshape(len(values[way]), -1) for values in (result.validation, result.test)]
    order = (-pool[0]).argsort(1, kind="stable")
    ranked = np.stack([np.take_along_axis(values, order, 1) for values in pool]).astype(float)
    total = ranked.shape[2]
    return np.stack([ranked @ chance_to_win(total, n) for n in range(1, total // 2 + 1)], -1)


def chance_to_win(total: int, n: int) -> np.ndarray:
    """That the i-th best of `total` is the best of n that are drawn: [total]."""
    better = np.arange(total - 1)
    return n / total * np.cumprod(np.r_[1, np.maximum(total - n - better, 0) / (total - 1 - better)])


def test_of(result: Any) -> np.ndarray:
    return chosen(result)[..., 1]


def ended(result: Any) -> np.ndarray:
    """Test accuracy in the end, means over searches: [searcher, seed]."""
    return result.test[..., -1].astype(float).mean(2)


def optimism(n: int) -> Measure:
    """Validation less test accuracy of the winner of n trainings."""

    def measure(result: Any) -> np.ndarray | None:
        found = winners(result)
        return found[0, :, n - 1] - found[1, :, n - 1] if n <= found.shape[2] else None

    return finished(measure)


def grows(result: Any) -> np.ndarray | None:
    one, many = (optimism(n)(result) for n in (1, MANY))
    return None if one is None or many is None else many - one


def ahead(case: int, sign: int = 1) -> Measure:
    """By how much the share of the learning rate is above the largest of the others, or with sign −1 below it."""
    return finished(lambda r: sign * (r.share[case, :, 0] - r.share[case, :, 1:].max(-1)))


def ranks(result: Any) -> np.ndarray:
    """Of the importance of all but the control, [case, seed, factor]; equals share the mean of theirs."""
    share = result.share[..., : FACTORS.index("nothing")]
    one, other = share[..., :, None], share[..., None, :]
    return 0.5 + (other < one).sum(-1) + 0.5 * (other == one).sum(-1)


def alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Rank correlation (Spearman, 1904) over the last axis."""
    a, b = (part - part.mean(-1, keepdims=True) for part in (one, other))
    return (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))


def other_order(case: int) -> Measure:
    """How much less alike the orders of the first case and of another are than those of two seeds of the first."""

    def measure(result: Any) -> np.ndarray | None:
        found = ranks(result)
        if len(found[0]) < 2:
            return None
        return alike(found[0], np.roll(found[0], 1, 0)) - alike(found[0], np.roll(found[case], 1, 0))

    return finished(measure)


def as_noted(result: Any) -> np.ndarray:
    """Rank correlation of the measured order with that of the notes."""
    found = ranks(result)[0]
    return alike(found, np.broadcast_to(-np.arange(found.shape[-1]), found.shape))


def of_data(data: str, **more: Any) -> Callable[[Params], bool]:
    return lambda p: p.data == data and not p.own and all(getattr(p, name) == value for name, value in more.items())


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "narrow_peak", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


def ways(one: str, other: str, fits: Callable[[Params], bool] = anything) -> Measure:
    return SEARCHES.more(test_of, one, other, fits)


def raced(id: str, one: str, other: str, smallest: float) -> Claim:
    return claim(id, RACE.more(ended, one, other, of_data("spiral")), smallest, of="race")


def matters(id: str, measure: Measure, smallest: float, direction: str = "above") -> Claim:
    return claim(id, measure, smallest, direction, of="importance")


CLAIMS = (
    claim("random", ways("random", "grid", of_data("spiral", second="l2", side=3)), 0.01),
    claim("both", ways("random", "grid", of_data("spiral", second="momentum", side=3)), 0.01, "below", "both_matter"),
    claim("broad", ways("random", "grid", of_data("moons", second="l2", side=3)), 0.02, "within", "broad"),
    claim("log", ways("random", "linear", lambda p: p.decades >= 4), 0.05),
    claim("decade", ways("random", "linear", lambda p: p.decades <= 1), 0.02, "within", "decade"),
    claim("optimism_one", optimism(1), 0.05, "within"),
    claim("optimism", finished(grows), 0.02, at="small"),
    raced("grid_four", "random", "grid", 0.005),
    raced("tpe", "tpe", "random", 0.005),
    raced("halving", "halving", "random", 0.005),
    raced("caviar", "random", "panda", 0.02),
    raced("watched", "panda", "alone", 0.02),
    matters("rate", ahead(0), 0.05),
    matters("rate_narrow", ahead(1, -1), 0.02),
    matters("noted", finished(as_noted), 0.7),
    matters("by_range", other_order(1), 0.1),
    matters("by_data", other_order(2), 0.1),
    matters("nothing", finished(lambda r: r.share[0, :, -1]), 0.01, "within"),
)

PREDICTIONS = (
    more_or_less(
        "better", {"random": SEARCHES.alone(test_of, "random"), "grid": SEARCHES.alone(test_of, "grid")},
        lambda share: f"{share:.3f}", trials=lambda p: p.side**2,
    ),
)  # fmt: skip

MISTAKES = (
    Mistake("linear", "diverges", preset(Params(), PRESETS, "narrow_peak"), ways("random", "linear"), 0.05, "scale"),
    Mistake("reported", "flattering", preset(Params(), PRESETS, "small"), optimism(MANY), 0.03, "best_of"),
)
