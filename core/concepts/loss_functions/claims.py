"""What the notes say of loss functions, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.loss_functions.classifier.params import EQUAL, NAMES, RATES
from core.concepts.loss_functions.outliers.params import METHODS, TRUE
from core.concepts.loss_functions.params import PRESETS, TABLES, Neuron, Params, Result
from core.concepts.loss_functions.surface.params import KINDS
from core.conclusions.measures import Contenders, Measure, more_or_less, preset, unseen

VALIDATION, TEST = 1, 2
FLOOR = float(np.log(np.e + TABLES["digits"][2] - 1) - 1)  # the lowest loss after a softmax too many, ten classes
SQUARED, CROSS, LINEAR = Neuron("squared"), Neuron("cross_entropy"), Neuron("linear")


def named(loss: str) -> Callable[[Neuron], bool]:
    """Whether a neuron makes this loss small, at whatever rate."""
    return lambda neuron: neuron.loss == loss


NEURONS, SURFACES = Contenders(lambda params: params.losses), Contenders(lambda params: KINDS)
NETS, LINES = Contenders(lambda params: NAMES), Contenders(lambda params: METHODS)
DIGITS = Contenders(lambda params: NAMES, lambda params: params.data == "digits" and not params.own)


def ended(result: Result) -> np.ndarray:
    """The last output, which should be 0: [loss, seed]."""
    return result.output[:, :, -1]


def moved(result: Result) -> np.ndarray:
    """By how much the output fell."""
    return result.output[:, :, 0] - result.output[:, :, -1]


def rose(result: Result) -> np.ndarray:
    return -moved(result)


def lost(result: Result) -> np.ndarray:
    """1 where the output is no number any more."""
    return (~np.isfinite(ended(result))).astype(float)


def bent(result: Any) -> np.ndarray:
    return result.bent


def single(result: Any) -> np.ndarray:
    """1 where a surface has one lowest place: [kind, seed]."""
    return (result.minima == 1).astype(float)


def equal(result: Any) -> np.ndarray:
    """Test accuracy where all have one rate: [name, seed]."""
    return result.accuracy[:, RATES.index(EQUAL), :, -1, TEST]


def chosen(result: Any) -> np.ndarray:
    """Which rate is each loss's best on validation data, in the mean over seeds: [name]."""
    return result.accuracy[..., -1, VALIDATION].astype(float).mean(2).argmax(1)


def tuned(result: Any) -> np.ndarray:
    """Test accuracy, each at its best rate: [name, seed]."""
    return result.accuracy[np.arange(len(NAMES)), chosen(result), :, -1, TEST]


def own_loss(result: Any) -> np.ndarray:
    """Training loss, each at its best rate: [name, seed, tick]."""
    return result.loss[np.arange(len(NAMES)), chosen(result)]


def over_floor(result: Any) -> np.ndarray:
    return own_loss(result)[:, :, -1] / FLOOR


def slope_error(result: Any) -> np.ndarray:
    """How far the slope is from that of the line that the points are drawn from: [method, seed]."""
    return np.abs(result.line[:, :, -1, 0] - TRUE[0])


def doubled(result: Any) -> np.ndarray:
    """The loss of a perfect prediction, in variances of the targets: [method, seed]."""
    return result.perfect / result.variance


def off_two(result: Any) -> np.ndarray:
    return doubled(result) - 2


def badly(params: Params) -> bool:
    return params.wrong >= 5


def clean(params: Params) -> bool:
    return params.wrong_labels == 0


def noisy(params: Params) -> bool:
    return params.wrong_labels >= 0.3


def far(params: Params) -> bool:
    return params.outliers > 0 and params.height >= 5


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "stuck", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


def classified(id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "stuck") -> Claim:
    return claim(id, measure, smallest, direction, at, of="classifier")


CLAIMS = (
    claim("saturated", NEURONS.alone(moved, SQUARED, badly), 0.1, "below"),
    claim("learns", NEURONS.alone(ended, CROSS, badly), 0.1, "below"),
    claim("linear", NEURONS.alone(ended, LINEAR, badly), 0.1, "below", "linear"),
    claim("unsure", NEURONS.more(ended, SQUARED, CROSS, lambda p: p.wrong == 0), 0.1, "within", "unsure"),
    claim("not_convex", SURFACES.alone(bent, KINDS[0]), 0.05, of="surface"),
    claim("convex", SURFACES.alone(bent, KINDS[1]), 0.001, "within", of="surface"),
    claim("two_layers", SURFACES.alone(bent, KINDS[3]), 0.05, of="surface"),
    claim("one_minimum", SURFACES.alone(single, KINDS[0]), 0.5, share=True, of="surface"),
    classified("equal", DIGITS.more(equal, "cross_entropy", "probabilities", clean), 0.05),
    classified("tuned_probabilities", DIGITS.more(tuned, "cross_entropy", "probabilities", clean), 0.01, "within"),
    classified("tuned_outputs", DIGITS.more(tuned, "cross_entropy", "outputs", clean), 0.01, "within"),
    classified("hinge", DIGITS.more(tuned, "cross_entropy", "hinge", clean), 0.01, "within"),
    classified("zero_one", DIGITS.alone(tuned, "zero_one", clean), 0.2, "below"),
    classified("floor", DIGITS.alone(over_floor, "twice", clean), 1),
    classified("twice_equal", DIGITS.more(equal, "cross_entropy", "twice", clean), 0.05),
    classified("twice_tuned", DIGITS.more(tuned, "cross_entropy", "twice", clean), 0.01, "within"),
    classified("summed", DIGITS.more(equal, "cross_entropy", "summed", clean), 0.05),
    classified("summed_tuned", DIGITS.more(tuned, "cross_entropy", "summed", clean), 0.01, "within"),
    classified("noisy", DIGITS.more(tuned, "absolute", "cross_entropy", noisy), 0.01, "above", "noisy"),
    classified("clean", DIGITS.more(tuned, "absolute", "cross_entropy", clean), 0.01, "below"),
    claim("outliers", LINES.more(slope_error, "squares", "huber", far), 0.3, of="outliers"),
    claim("outliers_distance", LINES.more(slope_error, "squares", "distance", far), 0.3, of="outliers"),
    claim(
        "no_outliers",
        LINES.more(slope_error, "squares", "huber", lambda p: not p.outliers and not p.added),
        0.05, "within", "no_outliers", of="outliers",
    ),
    claim("broadcast", LINES.alone(off_two, "broadcast"), 1e-6, "within", of="outliers"),
)  # fmt: skip

ENDS = {"squared": NEURONS.alone(ended, named("squared")), "cross": NEURONS.alone(ended, named("cross_entropy"))}
BEST = {"outputs": NETS.alone(tuned, "outputs"), "cross": NETS.alone(tuned, "cross_entropy")}
PREDICTIONS = (
    more_or_less("ends", ENDS, lambda output: f"{output:.2f}"),
    more_or_less("best", BEST, lambda share: f"{100 * share:.1f}", "classifier"),
)


def mistake(id: str, sign: str, at: str, measure: Measure, symptom: float, figure: str) -> Mistake:
    return Mistake(id, sign, preset(Params(), PRESETS, at), measure, symptom, figure)


MISTAKES = (
    mistake(
        "two_rates",
        "measure",
        "two_rates",
        NEURONS.more(ended, named("cross_entropy"), named("squared")),
        0.01,
        "neuron",
    ),
    mistake("underflow", "diverges", "underflow", NEURONS.alone(lost, named("naive")), 0.5, "neuron"),
    mistake("no_minus", "diverges", "no_minus", NEURONS.alone(rose, named("no_minus")), 0.1, "neuron"),
    mistake("floor", "floor", "stuck", NETS.alone(over_floor, "twice", clean), 1, "twice"),
    mistake("summed", "diverges", "stuck", NETS.more(equal, "cross_entropy", "summed"), 0.05, "tuned"),
    mistake("broadcast", "floor", "stuck", LINES.alone(doubled, "broadcast"), 1, "lines"),
)
