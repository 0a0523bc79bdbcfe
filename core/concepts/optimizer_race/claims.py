"""What the notes say of optimizers, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.optimizer_race.common import TEST, VALIDATION
from core.concepts.optimizer_race.params import FAIR, Params, Result
from core.concepts.optimizer_race.tuning import chosen, good_band, tuned
from core.conclusions.measures import Contenders, Measure, final, more_or_less, ruled, unseen
from core.ml.rules import Contender, usual

RACE = Contenders(lambda params: params.contenders)
last = final("accuracy", TEST)


# Settings


def same_rate(one: Contender, other: Contender) -> bool:
    return one.lr == other.lr


def same_reach(momentum: Contender, sgd: Contender) -> bool:
    """Equal η/(1−μ): the length of the steps momentum ends up taking along a constant gradient."""
    return bool(np.isclose(momentum.lr / (1 - momentum.momentum), sgd.lr))


def own_rate(one: Contender, other: Contender) -> bool:
    return {one, other} <= set(FAIR)


def swept(params: Params) -> bool:
    """Several rates of every contender, and no rule twice."""
    return params.sweep > 0 and len({c.rule for c in params.contenders}) == len(params.contenders)


# Measures


def gain(of: str, over: str, alike: Callable[[Contender, Contender], bool]) -> Measure:
    """Final test accuracy of rule `of` minus that of rule `over`, per seed, of a pair whose settings are `alike`."""
    return RACE.more(last, ruled(of), ruled(over), alike=alike)


def tuned_gain(of: str, over: str) -> Measure:
    """The same, each at the rate that validation data chose."""
    return RACE.more(tuned, ruled(of), ruled(over), swept)


def width(result: Result) -> np.ndarray:
    """Decades from the lowest to the highest good rate: [contender, seed]."""
    accuracy = result.sweep_accuracy[..., -1, VALIDATION].astype(float)
    ends = [[good_band(rate, seed) for seed in values.T] for rate, values in zip(result.rate, accuracy)]
    return np.diff(np.log10(ends), axis=2)[..., 0]


def wider(of: str, over: str) -> Measure:
    """By how many decades the range of good rates of rule `of` is wider than that of `over`, per seed."""
    return RACE.more(width, ruled(of), ruled(over), swept)


def shortfall(name: str, as_given: bool = False) -> Measure:
    """How far the test accuracy of a rule, at its rate as given or tuned, stays behind the best of the other rules,
    each tuned; that one is named by validation data too."""

    def measure(result: Result) -> np.ndarray | None:
        found = RACE.all(result, ruled(name))
        if not found or len(result.rate) < 2:
            return None
        each, best = tuned(result), chosen(result)
        validation = result.sweep_accuracy[..., -1, VALIDATION].mean(2)[np.arange(len(best)), best]
        validation[found] = -1
        return (each[validation.argmax()] - (last(result).astype(float) if as_given else each)[found])[0]

    return RACE.finished(measure, swept)


SGD, MOMENTUM, ADAM = (Contender(rule=name, lr=0.01) for name in ("sgd", "momentum", "adam"))
PAIR = Params(contenders=(SGD, MOMENTUM))

# Four rules, Adam at its customary rate and the others at theirs, each tried at a range of rates.
FOUR = Params(contenders=tuple(usual(rule) for rule in ("sgd", "momentum", "rmsprop", "adam")), sweep=4)
SPIRAL = FOUR.replace(data="spiral", depth=2, width=16, activation="tanh", epochs=150, batch=20)
NARROW = FOUR.replace(data="xor", width=2, epochs=150, batch=10)
FINE = Params(contenders=(SGD.replace(lr=0.1), MOMENTUM.replace(lr=0.03), ADAM.replace(lr=0.005)), sweep=9, factor=2.0)


def _claim(id: str, measure: Measure, params: Params, smallest: float, **how: Any) -> Claim:
    return Claim(id, measure, unseen(params, 20), smallest, **how)


BEHIND: dict[str, Any] = {"smallest": 0.01, "direction": "below"}
WIDER: dict[str, Any] = {"smallest": 0.3, "unit": "decades"}
CLAIMS = (
    _claim("momentum_same_rate", gain("momentum", "sgd", same_rate), PAIR, 0.01),
    _claim(
        "momentum_same_reach",
        gain("momentum", "sgd", same_reach),
        PAIR.replace(contenders=(SGD.replace(lr=0.1), MOMENTUM)),
        0.005,
    ),
    _claim("adam_one_rate", gain("adam", "sgd", same_rate), PAIR.replace(contenders=(SGD, ADAM)), 0.01),
    _claim("adam_own_rates", gain("adam", "sgd", own_rate), Params(), 0.005),
    _claim("momentum_tuned", tuned_gain("momentum", "sgd"), FOUR, 0.005),
    _claim("adam_tuned", tuned_gain("adam", "sgd"), FOUR, 0.005),
    _claim("adam_less_tuning", wider("adam", "sgd"), FINE, **WIDER),
    _claim("adam_less_than_momentum", wider("adam", "momentum"), FINE, **WIDER),
    _claim("adam_usual", shortfall("adam", as_given=True), FOUR, **BEHIND),
    _claim("adam_digits", shortfall("adam"), FOUR, **BEHIND),
    _claim("adam_spiral", shortfall("adam"), SPIRAL, **BEHIND),
    _claim("adam_narrow", shortfall("adam"), NARROW, **BEHIND),
)
MISTAKES = (Mistake("momentum_same_rate", "measure", PAIR, gain("momentum", "sgd", same_rate), 0.01, "ranking"),)

ADAM_OR_SGD = {name: RACE.alone(last, ruled(name)) for name in ("adam", "sgd")}
PREDICTIONS = (more_or_less("leader", ADAM_OR_SGD, "{:.3f}".format),)
