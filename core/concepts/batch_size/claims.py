"""What is said of batch size, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.batch_size.noise.params import WAYS
from core.concepts.batch_size.params import PRESETS, Contender, Params, Result, per_epoch
from core.concepts.batch_size.paths.params import STEPS
from core.concepts.batch_size.tuning.params import TRIED
from core.conclusions.measures import Contenders, Measure, Value, final, finished, preset, unseen
from core.conclusions.stats import ROUNDING, ends

RACE = Contenders(lambda params: params.contenders)
SIZES = Contenders(lambda params: TRIED)
VALIDATION, TEST = 1, 2
LATE = STEPS // 2  # steps of a path after which it wanders


def steps(result: Result) -> np.ndarray:
    """Steps until validation accuracy first was at the target [contender, seed]; infinite where it never was."""
    there = result.accuracy[..., VALIDATION] >= result.params.target - ROUNDING
    first = np.take_along_axis(result.taken, there.argmax(-1), 1).astype(float)
    return np.where(there.any(-1), first, np.inf)


def passes(result: Result) -> np.ndarray:
    """The same in passes over the data."""
    return steps(result) / per_epoch(result.size, result.examples)[:, None]


def seconds(result: Result) -> np.ndarray:
    """The same in seconds of the contender alone."""
    return steps(result) * result.step_seconds


def log(value: Value) -> Value:
    """The logarithm to base 2; none of what is zero or infinite."""

    def measured(result: Any) -> np.ndarray:
        found = np.asarray(value(result))
        return np.log2(found, out=np.full(found.shape, np.nan), where=np.isfinite(found) & (found > 0))

    return measured


def sized(batch: str) -> Callable[[Contender], bool]:
    return lambda contender: contender.batch == batch


def every(result: Any) -> np.ndarray:
    """`reached`, infinite where the target was not."""
    return np.nan_to_num(result.reached, nan=np.inf)


def soonest(result: Any) -> np.ndarray:
    """The place of the rate with the fewest steps to the target, median over seeds, of every batch size; of equals the
    smallest."""
    return np.median(every(result), 2).argmin(1)


def likeliest(result: Any) -> np.ndarray:
    """The place of the rate with the highest validation accuracy, mean over seeds, of every batch size."""
    return result.validation.mean(2).argmax(1)


def at(values: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Values [batch, rate, seed] of every batch size at its rate: [batch, seed]."""
    return np.take_along_axis(values, rate[:, None, None], 1)[:, 0]


def smallest(rate: np.ndarray) -> np.ndarray:
    """For all the rate of the smallest batch."""
    return np.repeat(rate[:1], len(rate))


def tuned_steps(result: Any) -> np.ndarray:
    return at(every(result), soonest(result))


def shared_steps(result: Any) -> np.ndarray:
    return at(every(result), smallest(soonest(result)))


def shared_at_least(result: Any) -> np.ndarray:
    """The same, where who has not arrived counts as if at the end of its run: fewer steps than it takes."""
    params, found = result.params, shared_steps(result)
    all_steps = np.maximum(params.epochs * per_epoch(result.size, result.examples), params.steps)
    return np.minimum(found, all_steps[:, None])


def tuned_test(result: Any) -> np.ndarray:
    return at(result.test, likeliest(result))


def shared_test(result: Any) -> np.ndarray:
    """Wrong as a measure of generalisation: all at the rate of the smallest batch, after as many passes."""
    return at(result.passed, smallest(likeliest(result)))


def off(way: str, size: Callable[[int], int], by: Callable[[Any], np.ndarray]) -> Measure:
    """log₂ of what a formula `by` says of the noise over the noise measured, before training, for batches of `size` of
    so many examples."""

    def measure(result: Any) -> np.ndarray | None:
        which = np.flatnonzero(result.size == size(int(result.size[-1])))
        if not which.size:
            return None
        noise = result.measured[WAYS.index(way), :, 0, which[0]]
        return np.log2(by(result)[:, which[0]] / noise)

    return finished(measure)


def rule(way: str) -> Callable[[Any], np.ndarray]:
    return lambda result: result.exact[WAYS.index(way), :, 0]


def noise_scale(result: Any) -> np.ndarray:
    """tr Σ / ‖g‖², the batch size whose noise is as large as the gradient (McCandlish et al., 2018): [seed, tick]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return result.exact[0, :, :, 0] * result.size[0] / result.signal


def scale_grown(result: Any) -> np.ndarray:
    scale = np.log2(noise_scale(result))
    return scale[:, -1] - scale[:, 0]


def height(result: Any) -> np.ndarray:
    """How far the loss is above its lowest in the second half of a path, on average [contender, seed]."""
    return result.gap[..., result.tick >= LATE].mean(-1)


def ball(scaling: str, other: str, factor: float) -> Measure:
    """log₂ of how many times higher batches of 1 stay than those of another size, less log₂ of what is expected."""
    more = RACE.more(log(height), sized("1"), sized(other), lambda params: params.scaling == scaling)

    def measure(result: Any) -> np.ndarray | None:
        found = more(result)
        return None if found is None else found - np.log2(factor)

    return measure


def claim(id: str, measure: Measure, border: float, direction: str = "above", **more: Any) -> Claim:
    """At the default, on the seeds that decide, unless other `params` are among `more`."""
    given: dict[str, Any] = {"params": unseen(Params(), 20), "smallest": border, "direction": direction}
    return Claim(id, measure, **given | more)


def in_race(id: str, value: Value, one: str, other: str, border: float) -> Claim:
    """By how many times, in powers of two, a value of one batch size exceeds that of another."""
    return claim(id, RACE.more(log(value), sized(one), sized(other)), border, unit="log₂")


def in_tuning(id: str, value: Value, one: str, other: str, border: float, direction: str = "above") -> Claim:
    unit = "" if value in (tuned_test, shared_test) else "log₂"
    return claim(id, SIZES.more(value, one, other), border, direction, of="tuning", unit=unit)


def test_accuracy(result: Result) -> np.ndarray:
    return final("accuracy", TEST)(result)


LINEAR = unseen(preset(Params(), PRESETS, "linear"), 20, 60_000)
EARLY = LINEAR.replace(rate=0.01)  # batches of 1 are still on their way
AHEAD = RACE.more(test_accuracy, sized("1"), sized("all"))  # smallest batch less all
CLAIMS = (
    in_race("per_pass", passes, "64", "1", 0.5),
    in_race("per_step", steps, "1", "all", 3),
    in_race("middle_one", seconds, "1", "64", 1),
    in_race("middle_all", seconds, "all", "64", 0.5),
    claim("with", off("with", lambda n: 64, rule("with")), 0.1, "within", of="noise", unit="log₂"),
    claim("without", off("without", lambda n: n // 2, rule("without")), 0.1, "within", of="noise", unit="log₂"),
    claim("plain", off("without", lambda n: n // 2, rule("with")), 0.9, of="noise", unit="log₂"),
    claim("scale", finished(scale_grown), 1, of="noise", unit="log₂"),
    in_tuning("straight", log(tuned_steps), "1", "16", 2.5),
    in_tuning("flat", log(tuned_steps), "256", "all", 0.5, "below"),
    in_tuning("tuned", log(tuned_steps), "1", "all", 3.5),
    in_tuning("shared", log(shared_at_least), "1", "all", 2.5, "below"),
    in_tuning("general", tuned_test, "16", "all", 0.01, "below"),
    in_tuning("misled", shared_test, "16", "all", 0.05),
    claim("ball", ball("same", "8", 8), 0.5, "within", of="paths", unit="log₂"),
    claim("same_ball", ball("linear", "4", 1), 0.5, "within", params=LINEAR, of="paths", unit="log₂"),
    claim("same_ball_early", ball("linear", "4", 1), 0.5, "within", params=EARLY, of="paths", unit="log₂"),
)


def fastest(result: Any) -> tuple[str, dict[str, Any]] | None:
    """Which batch size takes the least time to the target, by the median over seeds."""
    if not result.complete or not result.step or len(result.size) < 3 or len(set(result.size)) < len(result.size):
        return None
    found = np.median(seconds(result), 1)
    first, _ = ends(-found, "{:.2g}".format)
    if len(first) != 1 or not np.isfinite(found).all():
        return None
    size = result.size[first[0]]
    answer = "smallest" if size == result.size.min() else "largest" if size == result.size.max() else "middle"
    return answer, {"size": f"{size:,}", "seconds": f"{found[first[0]]:.2g}", "seeds": result.params.seeds}


PREDICTIONS = (Prediction("fastest", ("smallest", "middle", "largest"), fastest),)
MISTAKES = (
    Mistake("one_rate", "measure", preset(Params(), PRESETS, "one_rate"), AHEAD, 0.02, "three"),
    Mistake("equal_passes", "measure", preset(Params(), PRESETS, "equal_passes"), AHEAD, 0.02, "three"),
)
