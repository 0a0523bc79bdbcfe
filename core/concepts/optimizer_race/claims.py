"""What the notes say of optimizers, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept import Claim
from core.concepts.optimizer_race.params import FAIR, Params, Result
from core.ml.rules import Contender

TEST = 2
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


SGD, MOMENTUM = Contender(rule="sgd", lr=0.01), Contender(rule="momentum", lr=0.01)

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
)
