"""What the notes say of optimizers, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Prediction
from core.concepts.optimizer_race.common import TEST, VALIDATION
from core.concepts.optimizer_race.params import FAIR, Params, Result
from core.concepts.optimizer_race.tuning import chosen, good_band, tuned
from core.conclusions.stats import leaning
from core.ml.rules import Contender, usual

DECIDING: dict[str, Any] = {"seeds": 20, "data_seed": 50_000, "weight_seed": 50_000}  # seeds nobody looked at


def gain(of: str, over: str, fits: Callable[[Contender, Contender], bool]) -> Callable[[Result], np.ndarray | None]:
    """A measure: final test accuracy of rule `of` minus that of rule `over`, per seed, if the pair `fits`."""

    def measure(result: Result) -> np.ndarray | None:
        if not result.complete:
            return None
        found = result.params.contenders
        for i, one in enumerate(found):
            for j, other in enumerate(found):
                if one.rule == of and other.rule == over and fits(one, other):
                    final = result.accuracy[:, :, -1, TEST].astype(float)
                    return final[i] - final[j]
        return None

    return measure


def same_rate(one: Contender, other: Contender) -> bool:
    return one.lr == other.lr


def same_reach(momentum: Contender, sgd: Contender) -> bool:
    """Equal η/(1−μ): the length of the steps momentum ends up taking along a constant gradient."""
    return bool(np.isclose(momentum.lr / (1 - momentum.momentum), sgd.lr))


def own_rate(one: Contender, other: Contender) -> bool:
    return {one, other} <= set(FAIR)


def sweep_of(result: Result, *rules: str) -> list[int] | None:
    """Where these rules stand in a finished sweep, or None."""
    found = [c.rule for c in result.params.contenders]
    fits = result.complete and result.params.sweep and set(rules) <= set(found) and len(set(found)) == len(found)
    return [found.index(rule) for rule in rules] if fits else None


def tuned_gain(of: str, over: str) -> Callable[[Result], np.ndarray | None]:
    """A measure: as `gain`, each at the rate that validation data chose."""

    def measure(result: Result) -> np.ndarray | None:
        rows = sweep_of(result, of, over)
        return None if rows is None else tuned(result)[rows[0]] - tuned(result)[rows[1]]

    return measure


def wider(of: str, over: str) -> Callable[[Result], np.ndarray | None]:
    """A measure: by how many decades the range of good rates of rule `of` is wider than that of `over`, per seed."""

    def measure(result: Result) -> np.ndarray | None:
        rows = sweep_of(result, of, over)
        if rows is None:
            return None
        accuracy = result.sweep_accuracy[..., -1, VALIDATION].astype(float)
        ends = [[good_band(result.rate[c], seed) for seed in accuracy[c].T] for c in rows]
        one, other = np.diff(np.log10(ends), axis=2)[..., 0]
        return one - other

    return measure


def shortfall(rule: str, as_given: bool) -> Callable[[Result], np.ndarray | None]:
    """A measure: how far the test accuracy of `rule`, at its rate as given or tuned, stays behind the best of the other
    rules, each tuned; that one is named by validation data too."""

    def measure(result: Result) -> np.ndarray | None:
        rows = sweep_of(result, rule)
        if rows is None or len(result.rate) < 2:
            return None
        each, best = tuned(result), chosen(result)
        validation = result.sweep_accuracy[..., -1, VALIDATION].mean(2)[np.arange(len(best)), best]
        validation[rows[0]] = -1
        own = result.accuracy[:, :, -1, TEST].astype(float) if as_given else each
        return each[validation.argmax()] - own[rows[0]]

    return measure


SGD, MOMENTUM = Contender(rule="sgd", lr=0.01), Contender(rule="momentum", lr=0.01)

# Four rules, Adam at its customary rate and the others at theirs, each tried at a range of rates.
FOUR = Params(contenders=tuple(usual(rule) for rule in ("sgd", "momentum", "rmsprop", "adam")), sweep=4)
SPIRAL = FOUR.replace(data="spiral", depth=2, width=16, activation="tanh", epochs=150, batch=20)
NARROW = FOUR.replace(data="xor", width=2, epochs=150, batch=10)
FINE = Params(
    contenders=(
        Contender(rule="sgd", lr=0.1),
        Contender(rule="momentum", lr=0.03),
        Contender(rule="adam", lr=0.005),
    ),
    sweep=9,
    factor=2.0,
)

CLAIMS = (
    Claim(
        "momentum_same_rate",
        gain("momentum", "sgd", same_rate),
        Params(contenders=(SGD, MOMENTUM), **DECIDING),
        smallest=0.01,
    ),
    Claim(
        "momentum_same_reach",
        gain("momentum", "sgd", same_reach),
        Params(contenders=(Contender(rule="sgd", lr=0.1), MOMENTUM), **DECIDING),
        smallest=0.005,
    ),
    Claim(
        "adam_one_rate",
        gain("adam", "sgd", same_rate),
        Params(contenders=(SGD, Contender(rule="adam", lr=0.01)), **DECIDING),
        smallest=0.01,
    ),
    Claim("adam_own_rates", gain("adam", "sgd", own_rate), Params(**DECIDING), smallest=0.005),
    Claim("momentum_tuned", tuned_gain("momentum", "sgd"), FOUR.replace(**DECIDING), smallest=0.005),
    Claim("adam_tuned", tuned_gain("adam", "sgd"), FOUR.replace(**DECIDING), smallest=0.005),
    Claim("adam_less_tuning", wider("adam", "sgd"), FINE.replace(**DECIDING), smallest=0.3, unit="decades"),
    Claim("adam_less_than_momentum", wider("adam", "momentum"), FINE.replace(**DECIDING), smallest=0.3, unit="decades"),
    Claim("adam_usual", shortfall("adam", True), FOUR.replace(**DECIDING), smallest=0.01, direction="below"),
    Claim("adam_digits", shortfall("adam", False), FOUR.replace(**DECIDING), smallest=0.01, direction="below"),
    Claim("adam_spiral", shortfall("adam", False), SPIRAL.replace(**DECIDING), smallest=0.01, direction="below"),
    Claim("adam_narrow", shortfall("adam", False), NARROW.replace(**DECIDING), smallest=0.01, direction="below"),
)


def adam_or_sgd(result: Result) -> tuple[str, dict[str, Any]] | None:
    """Who of the first Adam and the first SGD ends with the higher test accuracy."""
    rules = [contender.rule for contender in result.params.contenders]
    if not result.complete or not {"adam", "sgd"} <= set(rules):
        return None
    adam, sgd = (result.accuracy[rules.index(rule), :, -1, TEST].astype(float) for rule in ("adam", "sgd"))
    return leaning(adam - sgd), {"adam": f"{adam.mean():.3f}", "sgd": f"{sgd.mean():.3f}", "seeds": len(adam)}


PREDICTIONS = (Prediction("leader", ("more", "even", "less"), adam_or_sgd),)
