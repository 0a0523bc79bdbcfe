"""What is said of learning rates and their schedules, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.learning_rate.edge.params import rates
from core.concepts.learning_rate.params import PRESETS, Params, Result, Schedule, table_shape
from core.concepts.learning_rate.range_test.params import METHODS
from core.concepts.learning_rate.rates.params import NAMES, PEAKS
from core.concepts.learning_rate.warmup.params import ALIVE, PARTS, TARGETS
from core.concepts.learning_rate.warmup.params import NAMES as WAYS
from core.conclusions.measures import Contenders, Fits, Measure, final, more_or_less, preset, unseen

TRAIN, VALIDATION, TEST = range(3)
TARGET = 1.4  # the rate that claims of warm-up speak of
HELD = len(WAYS) - len(PARTS)  # where first rates that are held begin
SHOWN = (*WAYS[:HELD], "held")
CONSTANT, STAIRS, PER_BATCH = (Schedule(rule=rule) for rule in ("constant", "staircase", "per_batch"))
SCHEDULED, EVERY = Contenders(lambda params: params.schedules), Contenders(lambda params: NAMES)
READ, WARMED, SPEEDS = Contenders(lambda params: METHODS), Contenders(lambda params: SHOWN), Contenders(rates)


def on_digits(fits: Fits) -> Fits:
    return lambda params: params.data == "digits" and not params.own and fits(params)


noisy = on_digits(lambda p: p.wrong_labels >= 0.1)
clean = on_digits(lambda p: p.wrong_labels == 0)
fast = on_digits(lambda p: p.wrong_labels >= 0.1 and p.rate >= 0.2 and p.every < p.epochs)
fast_clean = on_digits(lambda p: p.wrong_labels == 0 and p.rate >= 0.2)
slow = on_digits(lambda p: p.rate <= 0.05 and 2 * p.every < p.epochs)
bent_small = on_digits(lambda p: p.gain <= 2)


def first_stair(result: Result) -> np.ndarray:
    """By how much the training loss falls in the recorded epoch after the first stair, [schedule, seed]."""
    at = int(np.searchsorted(result.tick, result.params.every))
    return result.loss[:, :, at, TRAIN] - result.loss[:, :, at + 1, TRAIN]


# Schedules at every peak


def by_peak(result: Any, split: int = TEST) -> np.ndarray:
    """Accuracy in the end: [name, peak, seed]."""
    return result.accuracy[..., -1, split].astype(float)


def best_peak(result: Any) -> np.ndarray:
    """The place of each schedule's best peak on validation data, in the mean over seeds."""
    return by_peak(result, VALIDATION).mean(-1).argmax(-1)


def tuned(result: Any) -> np.ndarray:
    """Test accuracy, each at its best peak (or target): [name, seed]."""
    return np.take_along_axis(by_peak(result), best_peak(result)[:, None, None], 1)[:, 0]


def at_equal(result: Any) -> np.ndarray:
    """Test accuracy where all have the peak of the first experiment: [name, seed]."""
    return by_peak(result)[:, PEAKS.index(Params().rate)]


def log_peak(result: Any) -> np.ndarray:
    """log₁₀ of every seed's own best peak: [name, seed]."""
    return np.log10(PEAKS)[by_peak(result, VALIDATION).argmax(1)]


# Rates that are read off a test


def in_hindsight(result: Any) -> int:
    """The place of the rate of the grid that is best on validation data, in the mean over seeds."""
    return int(result.accuracy[len(METHODS) :, :, -1, VALIDATION].astype(float).mean(1).argmax())


def regret(result: Any) -> np.ndarray:
    """How much test accuracy is lost against the rate that is best in hindsight: [method, seed]."""
    accuracy = result.accuracy[..., -1, TEST].astype(float)
    return accuracy[len(METHODS) + in_hindsight(result)] - accuracy[: len(METHODS)]


# Warm-up


def with_best_held(values: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Values [way, target, seed] of SHOWN: of the first rates that are held, at each target the one with the highest
    validation accuracy in the mean over seeds."""
    chosen = accuracy[HELD:].mean(-1).argmax(0)
    return np.concatenate([values[:HELD], np.take_along_axis(values[HELD:], chosen[None, :, None], 0)])


def survived(result: Any) -> np.ndarray:
    """1 where the training loss ended clearly below a guess's: [way, target, seed]."""
    alive = result.loss[..., -1, TRAIN] < ALIVE * np.log(table_shape(result.params)[2])
    return with_best_held(alive.astype(float), by_peak(result, VALIDATION))


def at_target(result: Any) -> np.ndarray:
    return survived(result)[:, TARGETS.index(TARGET)]


def warm_accuracy(result: Any) -> np.ndarray:
    """Test accuracy at every target: [way, target, seed]."""
    return with_best_held(by_peak(result), by_peak(result, VALIDATION))


def warm_tuned(result: Any) -> np.ndarray:
    """Test accuracy of every way at its best target on validation data: [way, seed]."""
    validation = with_best_held(by_peak(result, VALIDATION), by_peak(result, VALIDATION))
    chosen = validation.mean(-1).argmax(-1)
    return np.take_along_axis(warm_accuracy(result), chosen[:, None, None], 1)[:, 0]


# The edge


def in_edges(result: Any) -> np.ndarray:
    """Sharpness as a multiple of 2/η, mean over the second half of the run: [rate, seed]."""
    half = result.tick >= result.tick[-1] / 2
    multiple = result.sharpness.astype(float) * np.array(rates(result.params))[:, None, None] / 2
    return multiple[..., half].mean(-1)


def off_edge(result: Any) -> np.ndarray:
    return in_edges(result) - 1


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "stairs", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


def part(of: str) -> Callable[..., Claim]:
    """The same of a further experiment."""
    return lambda *args, **more: claim(*args, of=of, **more)


rated, ranged, warm, edged = map(part, ("rates", "range_test", "warmup", "edge"))
loss, accuracy = final("loss", TRAIN), final("accuracy", TEST)
CUT, GENTLE, EDGE, FAST = WAYS[1], *rates(Params())
LONG = WAYS[HELD - 1]


def squared(params: Params) -> bool:
    return params.objective == "squared"


CLAIMS = (
    claim("lower", SCHEDULED.more(loss, CONSTANT, STAIRS, fast), 0.05, unit="nats"),
    claim("accuracy", SCHEDULED.more(accuracy, STAIRS, CONSTANT, fast), 0.03),
    claim("first_stair", SCHEDULED.more(first_stair, STAIRS, CONSTANT, fast), 0.1, unit="nats"),
    claim("clean", SCHEDULED.more(accuracy, STAIRS, CONSTANT, fast_clean), 0.01, "within", "clean"),
    claim("low", SCHEDULED.more(accuracy, CONSTANT, STAIRS, slow), 0.01, "above", "low"),
    claim("per_batch", SCHEDULED.more(accuracy, CONSTANT, PER_BATCH, fast), 0.2, "above", "per_batch"),
    rated("tuned", EVERY.more(tuned, "cosine", "constant", noisy), 0.005),
    rated("alike", EVERY.more(tuned, "cosine", "staircase", noisy), 0.01, "within"),
    rated("cycle", EVERY.more(tuned, "one_cycle", "cosine", noisy), 0.01, "within"),
    rated("higher", EVERY.more(log_peak, "cosine", "constant", noisy), 0.3, unit="log₁₀"),
    ranged("steepest", READ.alone(regret, "steepest", noisy), 0.1),
    ranged("tenth", READ.alone(regret, "tenth", noisy), 0.01),
    ranged("valley", READ.alone(regret, "valley", noisy), 0.01),
    ranged("tenth_clean", READ.alone(regret, "tenth", clean), 0.02, "below", "clean"),
    ranged("valley_clean", READ.alone(regret, "valley", clean), 0.02, "below", "clean"),
    ranged("recipe", READ.alone(regret, "recipe", noisy), 0.03, "below"),
    ranged("unrestored", READ.more(regret, "unrestored", "valley", noisy), 0.05),
    warm("dies", WARMED.alone(at_target, "none", bent_small), 0.5, "below", share=True),
    warm("lives", WARMED.alone(at_target, LONG, bent_small), 0.7, share=True),
    warm("too_short", WARMED.alone(at_target, CUT, bent_small), 0.5, "below", share=True),
    warm("first_rate", WARMED.alone(at_target, "held", bent_small), 0.7, share=True),
    warm("nothing_won", WARMED.more(warm_tuned, LONG, "none", bent_small), 0.01, "within"),
    edged("edge", SPEEDS.alone(off_edge, EDGE, squared), 0.15, "within"),
    edged("edge_fast", SPEEDS.alone(off_edge, FAST, squared), 0.25, "within"),
    edged("below", SPEEDS.alone(in_edges, GENTLE, squared), 0.9, "below"),
    edged("rises", SPEEDS.alone(lambda r: r.rose[..., -1], EDGE, squared), 0.1),
    edged("still_falls", SPEEDS.more(final("loss"), GENTLE, EDGE, squared), 0.005),
)  # fmt: skip

ENDS = {"stairs": SCHEDULED.alone(accuracy, STAIRS), "constant": SCHEDULED.alone(accuracy, CONSTANT)}
BEST = {"warm": WARMED.alone(warm_tuned, LONG), "none": WARMED.alone(warm_tuned, "none")}
PREDICTIONS = (
    more_or_less("ends", ENDS, lambda share: f"{100 * share:.1f}"),
    more_or_less("best", BEST, lambda share: f"{100 * share:.1f}", "warmup"),
)
STEPPED = SCHEDULED.more(loss, PER_BATCH, CONSTANT, fast)
MISTAKES = (
    Mistake("per_batch", "chance", preset(Params(), PRESETS, "per_batch"), STEPPED, 0.5, "schedule"),
    Mistake("unrestored", "worse", Params(), READ.more(regret, "unrestored", "valley"), 0.05, "regret"),
)
