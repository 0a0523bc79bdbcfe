"""What the notes say of regularisation, each with the measurement that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.regularization.nets.params import KINDS, SETS
from core.concepts.regularization.nets.params import WAYS as KINDS_OF_DECAY
from core.concepts.regularization.params import PRESETS, Params, Result
from core.concepts.regularization.table.params import METHODS, PENALTIES, WAYS
from core.conclusions.measures import Contenders, Measure, finished, more_or_less, preset, unseen

FRESH = 1  # of `error`
LITTLE, LESS, GOOD, MUCH = 1e-5, 1e-4, 1e-2, 100.0  # penalties
AT = 0.1  # the penalty at which zeros are counted
VALIDATION, TEST, ALL_NEW = (SETS.index(name) for name in ("validation", "test", "fresh"))
STRONG, EQUAL = 10.0**-2, 10.0**-2.5  # of networks; at the second L2 and decay are compared at one penalty
REPORTED = ("epoch_validation", "epoch_test", "penalty_validation")


def overlapping(params: Params) -> bool:
    return params.noise >= 0.2 and params.examples <= 100 and params.data == "moons" and params.over == "weights"


def apart(params: Params) -> bool:
    return params.noise == 0 and params.examples >= 200 and params.data == "moons" and params.over == "weights"


# The boundary


def at(values: np.ndarray, result: Result, penalty: float) -> np.ndarray:
    """Values [seed, place, …] at this penalty."""
    return values[:, int(np.abs(np.log(result.penalty / penalty)).argmin())]


def changed(name: str, more: float, less: float, *index: int) -> Measure:
    """A value at one penalty less that at another."""

    def measure(result: Result) -> np.ndarray:
        values = getattr(result, name)[(..., *index)]
        return at(values, result, more) - at(values, result, less)

    return measure


def shrunk(result: Result) -> np.ndarray:
    return np.log10(at(result.size, result, LITTLE) / at(result.size, result, GOOD))


# The table


def zeros(result: Any) -> np.ndarray:
    """How many coefficients are exactly zero: [method, seed, penalty]."""
    return (result.coefficient[:, :, -1] == 0).sum(-1).astype(float)


def zeros_at(result: Any) -> np.ndarray:
    return zeros(result)[:, :, int(np.abs(np.array(PENALTIES) - AT).argmin())]


def noise_zeroed(result: Any) -> np.ndarray:
    """The share of noise columns whose coefficient is zero, less that of the others: [method, seed]."""
    gone = result.coefficient[:, :, -1, int(np.abs(np.array(PENALTIES) - AT).argmin())] == 0
    real = gone.shape[-1] - result.params.noise_columns
    return gone[..., real:].mean(-1) - gone[..., :real].mean(-1)


def lowest(result: Any) -> np.ndarray:
    """The error on fresh rows, each at the penalty where it is lowest: [method, seed]."""
    return result.error[:, :, -1].min(-1)


def stopped_more(result: Any) -> np.ndarray:
    """The lowest error after stopped descent less that of ridge."""
    ridge, descent = result.stopped[:, :, -1].min(-1)
    return descent - ridge


def apart_from_mean(result: Any) -> np.ndarray:
    """How far the penalty chosen on a seed is from the mean over seeds, in powers of ten: [way, seed]."""
    chosen = np.log10(result.chosen[..., -1])
    return np.abs(chosen - chosen.mean(1, keepdims=True))


def reached(result: Any) -> np.ndarray:
    return result.reached[..., -1]


# Looks


def gained(result: Any) -> np.ndarray:
    """Validation accuracy less that on fresh examples, after the last look."""
    return result.accuracy[1, :, -1] - result.accuracy[2, :, -1]


def from_half(result: Any) -> np.ndarray:
    return result.accuracy[2, :, -1] - 0.5


def still_growing(result: Any) -> np.ndarray:
    """The gap after the last look less that after a fifth of the looks."""
    gap = result.accuracy[1] - result.accuracy[2]
    return gap[:, -1] - gap[:, len(result.look) // 5]


# Networks


def of(kind: str, way: str = "l2") -> tuple[int, int]:
    return KINDS.index(kind), KINDS_OF_DECAY.index(way)


def net(values: np.ndarray, kind: str, way: str, penalty: float, result: Any) -> np.ndarray:
    """Values [activation, way, penalty, …] of one kind of network."""
    k, w = of(kind, way)
    return values[k, w, int(np.abs(result.penalty[w] - penalty).argmin())]


def straighter(name: str, kind: str) -> Measure:
    """By how much larger a share of the variance is straight under a strong penalty than without one."""

    def measure(result: Any) -> np.ndarray:
        values = getattr(result, name)[..., -1]
        return net(values, kind, "l2", STRONG, result) - net(values, kind, "l2", 0.0, result)

    return measure


def tuned(result: Any, way: str, kind: str = "tanh") -> np.ndarray:
    """Error on fresh examples at the end, at every seed's best penalty on validation data."""
    error = result.error[of(kind, way)][:, :, -1]
    return picked(error, error[..., VALIDATION].argmin(0), ALL_NEW)


def picked(error: np.ndarray, best: np.ndarray, place: int) -> np.ndarray:
    """Of errors [choice, seed, set] what every seed chose, on one set."""
    return error[best, np.arange(error.shape[1]), place]


def reports(result: Any) -> dict[str, np.ndarray]:
    """What is reported of a tanh network, and what fresh examples say of it: [row of REPORTED, seed] each. An epoch is
    chosen of those measured, without a penalty; a penalty, of L2, at the end."""
    over_time = result.error[of("tanh")][0].swapaxes(0, 1)
    over_penalties = result.error[of("tanh")][:, :, -1]
    rows = [
        (over_time, VALIDATION, TEST),
        (over_time, TEST, TEST),
        (over_penalties, VALIDATION, VALIDATION),
    ]
    chosen = [(error, error[..., by].argmin(0), place) for error, by, place in rows]
    return {
        "reported": np.stack([picked(error, best, place) for error, best, place in chosen]),
        "on_fresh": np.stack([picked(error, best, ALL_NEW) for error, best, _ in chosen]),
    }


def too_good(result: Any) -> np.ndarray:
    """By how much the reported error is lower than that on fresh examples: [row of REPORTED, seed]."""
    found = reports(result)
    return found["on_fresh"] - found["reported"]


def above_lowest(result: Any) -> np.ndarray:
    """How far the error is above the lowest of the whole training, if validation data say when to stop."""
    return reports(result)["on_fresh"][0] - result.error[of("tanh")][0, :, :, ALL_NEW].min(1)


def stopping_or_l2(result: Any) -> np.ndarray:
    return reports(result)["on_fresh"][0] - tuned(result, "l2")


def decay_or_l2(result: Any) -> np.ndarray:
    return tuned(result, "decoupled") - tuned(result, "l2")


def biases_too(result: Any) -> np.ndarray:
    error = result.error[..., -1, ALL_NEW]
    return net(error, "tanh", "biases", STRONG, result) - net(error, "tanh", "l2", STRONG, result)


def larger_by_decay(result: Any) -> np.ndarray:
    size = result.size[..., -1]
    return net(size, "tanh", "decoupled", EQUAL, result) / net(size, "tanh", "l2", EQUAL, result)


def claim(
    id: str, measure: Any, smallest: float, direction: str = "above", at: str = "too_little", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


def on_table(id: str, measure: Any, smallest: float, direction: str = "above", at: str = "too_little") -> Claim:
    return claim(id, measure, smallest, direction, at, of="table")


def of_nets(id: str, measure: Any, smallest: float, direction: str = "above", **more: Any) -> Claim:
    return claim(id, finished(measure, overlapping), smallest, direction, of="nets", **more)


def noisy_columns(params: Params) -> bool:
    return params.noise_columns > 0 and not params.own


def many_columns(params: Params) -> bool:
    return params.noise_columns >= 20 and not params.own


def no_columns(params: Params) -> bool:
    return params.noise_columns == 0 and not params.own


TABLE, CHOICE = Contenders(lambda params: METHODS), Contenders(lambda params: WAYS)
ROWS = Contenders(lambda params: REPORTED)


def counted(method: str) -> Measure:
    return TABLE.alone(zeros_at, method, noisy_columns)


CLAIMS = (
    claim("smoother", finished(changed("turns", LITTLE, GOOD), overlapping), 0.5, unit="turns"),
    claim("shrinks", finished(shrunk, overlapping), 0.5, unit="log₁₀"),
    claim("helps", finished(changed("error", LITTLE, GOOD, FRESH), overlapping), 0.01),
    claim("too_much", finished(changed("error", MUCH, GOOD, FRESH), overlapping), 0.01),
    claim("no_cure", finished(changed("error", GOOD, LITTLE, FRESH), apart), 0.01, at="nothing_to_cure"),
    on_table("lasso_zeros", counted("lasso"), 3),
    on_table("ridge_zeros", counted("ridge"), 0.5, "below"),
    on_table("sgd_zeros", counted("sgd"), 0.5, "below"),
    on_table("adam_zeros", counted("adam"), 0.5, "below"),
    on_table("noise_first", TABLE.alone(noise_zeroed, "lasso", noisy_columns), 0.1),
    on_table("sparse", TABLE.more(lowest, "ridge", "lasso", many_columns), 0.02, at="many_columns"),
    on_table("dense", TABLE.more(lowest, "ridge", "lasso", no_columns), 0.02, "within", "no_noise_columns"),
    on_table("stopping_is_l2", finished(stopped_more), 0.01, "within"),
    on_table("steadier", CHOICE.more(apart_from_mean, "validation", "folds"), 0.05),
    on_table("folds_error", CHOICE.more(reached, "validation", "folds"), 0.002),
    claim("optimistic", finished(gained), 0.05, of="looks"),
    claim("fresh_half", finished(from_half), 0.02, "within", of="looks"),
    claim("grows", finished(still_growing, lambda p: p.looks >= 200), 0.05, at="many_looks", of="looks"),
    of_nets("near_minimum", above_lowest, 0.02, "below"),
    of_nets("stopping_or_l2", stopping_or_l2, 0.01, "within"),
    of_nets("epoch_on_test", ROWS.alone(too_good, "epoch_test"), 0.01),
    of_nets("penalty_reported", ROWS.alone(too_good, "penalty_validation"), 0.01),
    of_nets("decay_tuned", decay_or_l2, 0.01, "within"),
    of_nets("decay_equal", larger_by_decay, 1.5),
    of_nets("tanh_units", straighter("unit", "tanh"), 0.05),
    of_nets("relu_units", straighter("unit", "relu"), 0.05),
    of_nets("tanh_whole", straighter("whole", "tanh"), 0.05),
    of_nets("relu_whole", straighter("whole", "relu"), 0.05),
    of_nets("biases", biases_too, 0.01, "within"),
)

COMPARED = {
    "little": finished(lambda r: at(r.error[..., FRESH], r, LITTLE)),
    "good": finished(lambda r: at(r.error[..., FRESH], r, GOOD)),
}
PREDICTIONS = (more_or_less("helps", COMPARED, lambda share: f"{100 * share:.1f}"),)


def mistake(id: str, sign: str, at: str, measure: Measure, symptom: float, figure: str) -> Mistake:
    return Mistake(id, sign, preset(Params(), PRESETS, at), measure, symptom, figure)


MISTAKES = (
    mistake("summed", "worse", "summed", finished(changed("error", GOOD, LESS, FRESH)), 0.01, "boundary"),
    mistake("plain_steps", "hidden", "too_little", TABLE.more(zeros_at, "lasso", "sgd"), 1, "zeros"),
    mistake("epoch_on_test", "flattering", "too_little", ROWS.alone(too_good, "epoch_test"), 0.01, "reported"),
    mistake(
        "penalty_reported", "flattering", "too_little", ROWS.alone(too_good, "penalty_validation"), 0.01, "reported"
    ),
    mistake("optimistic", "flattering", "too_little", finished(gained), 0.05, "looks"),
)
