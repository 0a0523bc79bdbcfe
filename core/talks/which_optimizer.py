"""Which optimizer? From a ravine in the plane to a race that its learning rates decide."""

from __future__ import annotations

import numpy as np

from core.concepts.optimizer_race import tuning
from core.concepts.optimizer_race.common import TEST
from core.concepts.optimizer_race.params import FAIR
from core.concepts.optimizer_race.params import Result as Race
from core.concepts.optimizers.params import Result as Walk
from core.concepts.optimizers.params import fresh
from core.ml.rules import Contender
from core.talk import Beat

Said = dict[str, str] | None
SHARED = {"contenders": tuple(Contender(rule=c.rule, lr=0.01) for c in FAIR)}
FAST = {"contenders": tuple(Contender(rule=c.rule, lr=0.1) for c in FAIR)}
TUNED = SHARED | {"sweep": 3}
WALKERS = ("sgd", "momentum", "nesterov", "adam")
SCALED = tuple(fresh(rule, None) for rule in ("sgd", "momentum", "adagrad", "adam"))
SLICE = {
    "data": "moons",
    "contenders": tuple(
        Contender(rule=rule, lr=lr) for rule, lr in (("sgd", 0.3), ("momentum", 0.1), ("rmsprop", 0.01), ("adam", 0.03))
    ),
    "width": 16,
    "noise": 0.1,
    "epochs": 100,
    "surface": True,
}
RATES = {
    "data": "moons",
    "contenders": tuple(Contender(rule=rule, lr=0.01) for rule in ("sgd", "momentum", "rmsprop", "adam")),
    "sweep": 8,
    "factor": 2.5,
    "noise": 0.15,
    "width": 16,
    "epochs": 60,
}


# What the lines say: the numbers of a Result, or None where it does not bear the line out.


def steps(result: Walk) -> dict[str, float]:
    """Steps to the target by rule, infinite where it was not reached."""
    return {c.rule: float(np.nan_to_num(n, nan=np.inf)) for c, n in zip(result.params.contenders, result.reached)}


def accuracy(result: Race) -> dict[str, float]:
    """Mean test accuracy by rule at the rates given, best first."""
    mean = result.accuracy[:, :, -1, TEST].astype(float).mean(1)
    return {result.params.contenders[i].rule: float(mean[i]) for i in np.argsort(-mean)}


def gaps(result: Race) -> tuple[float, float]:
    """Points of test accuracy between first and last: at the rates given, and each tuned."""
    both = (result.accuracy[:, :, -1, TEST].astype(float), tuning.tuned(result))
    given, tuned = (100 * float(np.ptp(seeds.mean(1))) for seeds in both)
    return given, tuned


def slope(result: Walk) -> Said:
    found = steps(result)
    order = sorted(found, key=found.__getitem__)
    right = (order[0], order[-1]) == ("nesterov", "sgd") and np.isfinite(found["sgd"])
    return {rule: f"{n:.0f}" for rule, n in found.items()} if right else None


def one_rate(result: Walk) -> Said:
    found = steps(result)
    late = np.isinf(found.pop("adam")) and np.isfinite(list(found.values())).all()
    return {"steps": str(result.params.steps)} if late else None


def aligned(result: Walk) -> Said:
    found = steps(result)
    return {"adagrad": f"{found['adagrad']:.0f}"} if 10 * found["adagrad"] < min(found["sgd"], found["adam"]) else None


def turned(result: Walk) -> Said:
    found = steps(result)
    behind = found["adam"] < found["adagrad"] < np.inf
    return {"adagrad": f"{found['adagrad']:.0f}"} if behind else None


def plane(result: Race) -> Said:
    flat, still = result.path[:, -1], result.path[:, 0]
    fine = np.isfinite(result.path_loss).all() and np.allclose(still, still[0]) and not np.allclose(flat, flat[0])
    return {"weights": str(result.parameters)} if fine else None


def shared(result: Race) -> Said:
    found = accuracy(result)
    right = set(list(found)[:2]) == {"adam", "adamw"} and list(found)[-2:] == ["sgd", "adadelta"]
    return {rule: f"{100 * found[rule]:.0f}" for rule in ("sgd", "adadelta")} if right else None


def fast(result: Race) -> Said:
    found = list(accuracy(result))
    return {} if found[0] == "momentum" and found.index("adam") > found.index("sgd") else None


def tuned(result: Race) -> Said:
    given, left = gaps(result)
    return {"given": f"{given:.0f}", "left": f"{left:.1f}"} if left < given / 10 else None


def luck(result: Race) -> Said:
    share = max(tuning.chance_of_best(result)[1])
    return {"share": f"{100 * share:.0f}"} if share < 0.9 else None


def again(result: Race) -> Said:
    share = max(tuning.chance_of_best(result)[1])
    apart = int((tuning.told_apart(tuning.tuned(result)) > 0).sum())
    pairs = len(FAIR) * (len(FAIR) - 1) // 2
    numbers = {"share": 100 * share, "pairs": pairs, "same": pairs - apart}
    return {name: f"{n:.0f}" for name, n in numbers.items()} if share < 0.5 and apart < pairs / 4 else None


def sensitivity(result: Race) -> Said:
    low, high = tuning.bands(result).T
    width = dict(zip((c.rule for c in result.params.contenders), np.log10(high / low)))
    right = min(width["adam"], width["momentum"]) > max(width["sgd"], width["rmsprop"]) + 0.3
    return {rule: f"{10**decades:.0f}" for rule, decades in width.items()} if right else None


def end(result: Race) -> Said:
    found = list(accuracy(result).values())
    return {"spread": f"{100 * (found[0] - found[-1]):.1f}"} if found[0] - found[-1] < 0.01 else None


BEATS = (
    Beat("slope", "optimizers", "paths", slope, knobs=("contenders", "conditioning")),
    Beat(
        "one_rate",
        "optimizers",
        "paths",
        one_rate,
        {"contenders": tuple(Contender(rule=rule, lr=0.01) for rule in WALKERS), "rates": "given"},
        knobs=("contenders",),
    ),
    Beat(
        "aligned",
        "optimizers",
        "paths",
        aligned,
        {"contenders": SCALED, "angle": 0.0},
        {"adagrad_aligned": "holds"},
        knobs=("angle",),
    ),
    Beat("turned", "optimizers", "paths", turned, {"contenders": SCALED}, {"adagrad_rotated": "fails"}, ("angle",)),
    Beat("plane", "optimizer_race", "slice", plane, SLICE),
    Beat("shared", "optimizer_race", "accuracy", shared, SHARED, {"adam_one_rate": "holds"}, ("contenders",)),
    Beat("fast", "optimizer_race", "ranking", fast, FAST, knobs=("contenders",)),
    Beat("tuned", "optimizer_race", "tuned", tuned, TUNED, {"adam_tuned": "undecided"}),
    Beat("luck", "optimizer_race", "best", luck, TUNED),
    Beat("again", "optimizer_race", "best", again, TUNED | {"data_seed": 5, "weight_seed": 5}),
    Beat("rates", "optimizer_race", "sensitivity", sensitivity, RATES, {"adam_less_tuning": "holds"}),
    Beat("end", "optimizer_race", "ranking", end, {}, {"adam_own_rates": "undecided", "adam_tuned": "undecided"}),
)
