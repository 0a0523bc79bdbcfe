"""What is said of what to do next, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.error_analysis.divisions.params import SHARES, TOTALS
from core.concepts.error_analysis.params import BARS, GAPS, MOVES, PRESETS, Params
from core.concepts.error_analysis.rare.params import MEASURES, ROWS
from core.conclusions.measures import Contenders, Fits, Measure, finished, more_or_less, preset, unseen

KNOBS, RULES = Contenders(lambda params: ("", *MOVES)), Contenders(lambda params: ROWS)
DIVISIONS = Contenders(lambda params: tuple(SHARES))
NOTHING = 0.01  # a gap that closes by less has not closed


def errors(result: Any) -> np.ndarray:
    """Errors by bar: Bayes, then BARS, [row, seed, 1 + bar], at the last moment."""
    error = result.error[:, :, -1].astype(float)
    return np.concatenate([np.broadcast_to(result.bayes[:, None], (*error.shape[:2], 1)), error], -1)


def gaps(result: Any) -> np.ndarray:
    """Of every bar over the one before it: [row, seed, gap]."""
    return np.diff(errors(result), axis=-1)


def widest(result: Any) -> str:
    """The gap that is widest where the game stands, of those that are known."""
    mean = gaps(result)[-1].mean(0)
    return GAPS[int(np.nanargmax(mean))] if np.isfinite(mean).any() else ""


def closed(result: Any) -> np.ndarray:
    """By how much each move closed each gap: [move, seed, gap]."""
    return -np.diff(gaps(result), axis=0)


def outcomes(result: Any) -> str:
    """For each move the letter of the gap that closed most, as in GUESSES: o where none did."""
    means = closed(result)[:, :, :3].mean(1)
    return "".join("bvm"[int(np.nanargmax(row))] if np.nanmax(row, initial=0) > NOTHING else "o" for row in means)


def bar(name: str) -> Callable[[Any], np.ndarray]:
    return lambda result: errors(result)[:, :, 1 + BARS.index(name)]


def gap(name: str) -> Callable[[Any], np.ndarray]:
    return lambda result: gaps(result)[:, :, GAPS.index(name)]


def of_rule(name: str) -> Callable[[Any], np.ndarray]:
    return lambda result: result.value[:, :, 0, MEASURES.index(name)]


def off(total: int) -> Callable[[Any], np.ndarray]:
    """How far the test error is off the true one: [division, seed]."""
    return lambda r: np.abs(r.estimate.astype(float) - r.truth)[:, :, 0, TOTALS.index(total)]


def truth(total: int) -> Callable[[Any], np.ndarray]:
    return lambda result: result.truth[:, :, 0, TOTALS.index(total)]


def like(id: str) -> Fits:
    """Whether a game stands at the settings of a preset, but for its seeds."""
    wanted = preset(Params(), PRESETS, id)
    same = lambda p: p.replace(seeds=wanted.seeds, data_seed=0, weight_seed=0, guesses="") == wanted  # noqa: E731
    return same


def claim(id: str, measure: Measure, smallest: float, direction: str, of: str, at: str = "bias") -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, of=of)


def knob(
    id: str, move: str, at: str, smallest: float, direction: str = "above", value: Any = None, to: str = ""
) -> Claim:
    """By how much a value (the dev error) falls from `to` (where the game stands) by a move."""
    return claim(id, KNOBS.more(value or bar("dev"), to, move, like(at)), smallest, direction, "knobs", at)


def grows(id: str, move: str, at: str, smallest: float, value: Any) -> Claim:
    return claim(id, KNOBS.more(value, move, "", like(at)), smallest, "above", "knobs", at)


def small_share(params: Any) -> bool:
    return params.share <= 0.05 and params.weight == 10


def rule(id: str, value: str, one: str, other: str, smallest: float, direction: str = "above") -> Claim:
    return claim(id, RULES.more(of_rule(value), one, other, small_share), smallest, direction, "rare")


def divided(id: str, measure: Measure, smallest: float, direction: str) -> Claim:
    return claim(id, measure, smallest, direction, "divisions")


EVEN, EIGHTY, MOST = SHARES
SMALL, _, THOUSANDS, HUGE = TOTALS
CLAIMS = (
    knob("bias_data", "d", "bias", 0.03, "below"),
    knob("bias_net", "n", "bias", 0.1),
    knob("variance_data", "d", "variance", 0.02),
    grows("variance_net", "n", "variance", 0.01, bar("dev")),
    knob("decay_gap", "r", "variance", 0.01, value=gap("variance")),
    grows("decay_train", "r", "variance", 0.01, bar("train")),
    knob("longer_train", "l", "variance", 0.005, value=bar("train")),
    grows("longer_gap", "l", "variance", 0.005, gap("variance")),
    knob("mismatch_data", "d", "mismatch", 0.01, "within"),
    knob("mismatch_target", "t", "mismatch", 0.03),
    knob("turned", "a", "mismatch", 0.01),
    knob("labels_clean", "c", "labels", 0.005, to="d"),
    knob("ensemble", "e", "variance", 0.01, value=bar("test")),
    knob("ensemble_cost", "n", "variance", 0.01, value=bar("test"), to="e"),
    knob("views", "v", "variance", 0.005, value=bar("test")),
    rule("hides", "accuracy", "plain", "never", 0.02, "below"),
    rule("heavy_recall", "recall", "heavy", "plain", 0.2),
    rule("heavy_accuracy", "accuracy", "plain", "heavy", 0.005),
    rule("heavy_weighted", "weighted", "plain", "heavy", 0.02),
    rule("threshold", "weighted", "heavy", "threshold", 0.01, "within"),
    rule("f1", "f1", "heavy", "plain", 0.03, "within"),
    divided("tiny_test", DIVISIONS.alone(off(SMALL), MOST), 0.1, "above"),
    divided("small_even", DIVISIONS.more(truth(SMALL), EVEN, MOST), 0.01, "above"),
    divided("eighty", DIVISIONS.alone(off(THOUSANDS), EIGHTY), 0.02, "below"),
    divided("large_test", DIVISIONS.alone(off(HUGE), MOST), 0.02, "below"),
)  # fmt: skip


def answer_widest(result: Any) -> tuple[str, dict[str, Any]] | None:
    if not result.complete or not widest(result):
        return None
    points = 100 * gaps(result)[-1].mean(0)
    said = {name: f"{value:.1f}" for name, value in zip(GAPS, points)}
    return widest(result), said | {"seeds": result.params.seeds}


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


DATA = {"more": KNOBS.alone(bar("dev"), "d"), "before": KNOBS.alone(bar("dev"), "")}
PREDICTIONS = (Prediction("widest", GAPS, answer_widest), more_or_less("data", DATA, percent, "knobs"))


def overlooked(result: Any) -> np.ndarray:
    """How much recall is given up where the network or rule with the best accuracy is taken, against the one with the
    lowest weighted error, [seed]."""
    own = result.value[: ROWS.index("bayes"), :, 0].astype(float)
    by_accuracy = own[..., MEASURES.index("accuracy")].argmax(0)
    by_cost = own[..., MEASURES.index("weighted")].argmin(0)
    recall, seed = own[..., MEASURES.index("recall")], np.arange(own.shape[1])
    return recall[by_cost, seed] - recall[by_accuracy, seed]


MISTAKES = (
    Mistake(
        "elsewhere",
        "flattering",
        preset(Params(), PRESETS, "elsewhere"),
        finished(lambda r: gap("overfit")(r)[-1]),
        0.1,
        "ladder",
    ),
    Mistake("accuracy", "flattering", Params(), finished(overlooked), 0.2, "rare"),
)
