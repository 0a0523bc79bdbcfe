"""What the notes say of optimizers on surfaces and of averages, each with the measurement that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.parts import UNSEEN, Claim, Mistake, Prediction
from core.concepts.optimizers.averages.params import Result as Averages
from core.concepts.optimizers.params import NETWORK, PRESETS, WIDTHS, Params, Result, fresh
from core.conclusions.measures import Contenders, Fits, Measure, Value, finished, preset, ruled, unseen
from core.ml.rules import Contender

PLAIN, CORRECTED, WINDOW = range(3)
RIDGE = 0.1  # starts this near to the ridge of the saddle
EARLY = 5  # looks back; what comes later is late
RUN = Contenders(lambda params: params.contenders)


def rule(name: str, **settings: float) -> Fits:
    """A contender of this rule with these settings."""
    return ruled(name, lambda c: all(np.isclose(getattr(c, n), value) for n, value in settings.items()))


# Settings


def on(surface: str, when: Fits) -> Fits:
    return lambda params: params.surface == surface and when(params)


def best(params: Params) -> bool:
    return params.rates == "best"


def one_rate(params: Params) -> bool:
    return params.rates == "given" and len({c.lr for c in params.contenders}) == 1


def ravine(conditioning: float, angle: float | None = None) -> Fits:
    """At the best rates, on a bowl of this conditioning and, where it matters, turned by this angle."""
    return on("quadratic", lambda p: best(p) and p.conditioning == conditioning and angle in (None, p.angle))


def limit(low: float, high: float) -> Fits:
    """One rate for all, times the curvature of the steep axis, which is y, in a range: SGD diverges from 2 on."""
    steep = lambda p: low < p.contenders[0].lr * p.conditioning < high  # noqa: E731
    return on("quadratic", lambda p: one_rate(p) and p.angle == 0 and steep(p))


# Values, [contender, start]


def steps(result: Result) -> np.ndarray:
    """log₁₀ of the steps to the target; of one more than the run has where it was not reached."""
    return np.log10(np.nan_to_num(result.reached_by, nan=result.params.steps + 1.0))


def distance(axis: int) -> Value:
    """log₁₀ of the mean distance from the minimum along an axis."""
    return lambda result: np.log10(result.extent[:, :, axis])


def leaving(result: Result) -> np.ndarray:
    """log₁₀ of the steps until a contender is off the saddle (|x| > ½) or the plateau (nearer than 1), as far as the
    recorded moments tell; of one more than the run has where it stays."""
    places = result.swarm.astype(float)  # [contender, start, frame, axis]
    saddle = result.params.surface == "saddle"
    off = np.abs(places[..., 0]) > 0.5 if saddle else np.linalg.norm(places, axis=-1) < 1
    return np.log10(np.where(off.any(2), np.maximum(result.frame[off.argmax(2)], 1), result.params.steps + 1))


def first_step(result: Result) -> np.ndarray:
    """log₁₀ of the length of the first step."""
    return np.log10(result.pace[:, :, 0].astype(float))


def arrives(result: Result) -> np.ndarray:
    """Whether the lowest minimum was reached."""
    return np.isfinite(result.reached_by)


def solves(width: int) -> Value:
    """Whether the network of this width has all four points of XOR right in the end."""
    return lambda result: result.right[:, WIDTHS.index(width)] == 4


# Measures


def slower(one: Any, other: Any, fits: Fits) -> Measure:
    """log₁₀ of the steps of one contender over those of the other, per start."""
    return RUN.more(steps, one, other, fits)


def slowest_sgd(result: Result) -> np.ndarray | None:
    """log₁₀ of the steps in which SGD leaves over those of the slowest of the others, per start near the ridge of the
    saddle, or out on the plateau."""
    sgd, others = RUN.all(result, rule("sgd")), RUN.all(result, lambda c: c.rule != "sgd")
    if not sgd or len(others) < 2:
        return None
    start, left = result.swarm[sgd[0], :, 0], leaving(result)
    stuck = np.abs(start[:, 0]) < RIDGE if result.params.surface == "saddle" else np.linalg.norm(start, axis=1) > 2
    return (left[sgd[0]] - left[others].max(0))[stuck]


def shrinking(result: Result) -> np.ndarray | None:
    """Slope of log step length against log t of Adagrad from step 10 on, plus ½, per start: 0 is 1/√t."""
    found = RUN.all(result, rule("adagrad"))
    late = (result.frame >= 10) & (result.frame < result.params.steps)
    if not found or late.sum() < 10:
        return None
    t = np.log(result.frame[late] + 1.0)
    length = np.log(np.maximum(result.pace[found[0]][:, late].astype(float), 1e-30))
    t = t - t.mean()
    return (length @ t) / (t @ t) + 0.5


# Averages, of the further experiment


def look(result: Averages) -> float:
    """1/(1 − β)."""
    return 1 / (1 - result.params.beta)


def late(result: Averages) -> slice:
    return slice(int(EARLY * look(result)), None)


def averaged(signal: str) -> Fits:
    return lambda params: params.signal == signal and not params.own and 0.5 <= params.beta <= 0.96


def age(result: Averages) -> np.ndarray:
    """Mean age of what the average holds, the newest value counting one, over 1/(1−β), less 1: from how far it lags
    behind a ramp, per seed."""
    lag = (result.truth - result.averaged[CORRECTED])[:, late(result)].mean(1) / (result.truth[1] - result.truth[0])
    return (lag + 1) / look(result) - 1


def smoothing(result: Averages) -> np.ndarray | None:
    """log₂ of the noise left by the average over that left by the mean of the last 1/(1−β) values (variances)."""
    left = ((result.averaged - result.truth)[:, :, late(result)].astype(float) ** 2).mean(-1)
    return np.log2(left[CORRECTED] / left[WINDOW]) if result.params.scatter else None


def early_gain(result: Averages) -> np.ndarray:
    """How much nearer to the truth correction brings the average over the first 1/(1−β) values, per seed."""
    off = np.abs(result.averaged - result.truth)[:, :, : round(look(result))].mean(-1)
    return off[PLAIN] - off[CORRECTED]


def late_change(result: Averages) -> np.ndarray:
    """What correction changes after five times 1/(1−β) values, at most, per seed."""
    return np.abs(result.averaged[PLAIN] - result.averaged[CORRECTED])[:, late(result)].max(1)


def at(rule: str, lr: float, **settings: Any) -> Contender:
    return fresh(rule, None).replace(lr=lr, **settings)


def decided(*contenders: Contender, seeds: int = 40, first: int = UNSEEN, **changes: Any) -> Params:
    """Contenders from starts, with noise and weights, that nobody looked at."""
    layout = {} if changes.get("surface") == NETWORK else {"layout": "random"}
    return unseen(Params(), seeds, first, contenders=contenders, **layout, **changes)


MORE: dict[str, Any] = {"seeds": 200, "first": 60_000}  # smaller samples left three undecided
ANEW = 70_000  # the measure of these was changed after a first look
SGD, ADAM = fresh("sgd", None), fresh("adam", None)
FIVE = tuple(fresh(rule, None) for rule in ("sgd", "momentum", "nesterov", "rmsprop", "adam"))
PAIR, ALL_AT = FIVE[:2], tuple(c.replace(lr=0.1) for c in FIVE)
EDGE, HALF = (decided(at("sgd", lr), at("momentum", lr), angle=0.0, rates="given", steps=100) for lr in (0.0196, 0.01))
DAMPED = decided(at("momentum", 0.02, momentum=0.5), at("momentum", 0.02), **MORE)
LIGHT, HEAVY = rule("momentum", momentum=0.5), rule("momentum", momentum=0.9)
BEST = 2 / (1 + 100.0)
RATED = decided(at("sgd", BEST), at("sgd", 0.9 * BEST), angle=0.0, rates="given", steps=600)
ROTATED = decided(SGD, fresh("adagrad", None), steps=500, **MORE)
NOISY = decided(at("adagrad", 0.1), conditioning=1.0, rates="given", noise=10.0, steps=500)
CORRECTION = decided(at("adam", 0.1), at("adam", 0.1, correction=False))
SADDLE = decided(*FIVE, surface="saddle", steps=60, seeds=400, first=ANEW)
PLATEAU = decided(*FIVE, surface="plateau", first=ANEW)
WELL, XOR = (decided(SGD, ADAM, surface=surface, seeds=200) for surface in ("tilted", NETWORK))
WELL_AT = WELL.replace(contenders=(at("sgd", 0.1), at("adam", 0.1)), rates="given")
AVERAGES = unseen(Params(), 40, signal="constant")
RAMP = AVERAGES.replace(signal="ramp", scatter=0.05)
GIVEN: dict[str, Any] = {"contenders": ALL_AT, "rates": "given"}

sgd, momentum, adagrad, adam = (rule(name) for name in ("sgd", "momentum", "adagrad", "adam"))
corrected, uncorrected = (rule("adam", correction=is_so) for is_so in (True, False))
at_given = on("quadratic", lambda p: not best(p) and p.conditioning == 100)
noisy, calm = on("quadratic", lambda p: p.noise >= 5), on("quadratic", lambda p: p.noise == 0)
slower_rate = slower(rule("sgd", lr=0.9 * BEST), rule("sgd", lr=BEST), at_given)
longer_first = RUN.more(first_step, uncorrected, corrected, on("quadratic", one_rate))


def _log(id: str, measure: Measure, params: Params, smallest: float = 0.05, **how: Any) -> Claim:
    return Claim(id, measure, params, smallest, unit="log₁₀", **how)


def _average(
    id: str, signal: str, measure: Measure, smallest: float, side: str = "above", at: Params = AVERAGES, **how: Any
) -> Claim:
    return Claim(id, finished(measure, averaged(signal)), at, smallest, side, of="averages", **how)


CLAIMS = (
    _log("momentum_ravine", slower(sgd, momentum, ravine(100)), decided(*PAIR, **MORE)),
    _log("momentum_bowl", slower(momentum, sgd, ravine(1)), decided(*PAIR, conditioning=1.0)),
    _log("momentum_speeds", RUN.more(distance(0), sgd, momentum, limit(1.9, 2)), EDGE),
    _log("momentum_damps", RUN.more(distance(1), sgd, momentum, limit(1.9, 2)), EDGE),
    _log("momentum_damps_half", RUN.more(distance(1), sgd, momentum, limit(0.9, 1.1)), HALF),
    _log("best_rate", slower_rate, RATED, 0.01),
    _log("damping_mild", slower(HEAVY, LIGHT, ravine(10)), DAMPED.replace(conditioning=10.0)),
    _log("damping_severe", slower(LIGHT, HEAVY, ravine(1000)), DAMPED.replace(conditioning=1000.0, steps=1000)),
    _log("adagrad_aligned", slower(sgd, adagrad, ravine(100, 0)), ROTATED.replace(angle=0.0)),
    _log("adagrad_rotated", slower(sgd, adagrad, ravine(100, 30)), ROTATED),
    Claim("adagrad_root", finished(shrinking, noisy), NOISY, 0.1, "within"),
    Claim("adagrad_root_calm", finished(shrinking, calm), NOISY.replace(noise=0.0), 0.1, "within"),
    _log("correction_first", longer_first, CORRECTION.replace(rates="given"), 0.1),
    _log("correction_steps", slower(uncorrected, corrected, on("quadratic", best)), CORRECTION, direction="within"),
    _log("saddle_one_rate", finished(slowest_sgd, on("saddle", one_rate)), SADDLE.replace(**GIVEN)),
    _log("saddle_best", finished(slowest_sgd, on("saddle", best)), SADDLE),
    _log("plateau_one_rate", finished(slowest_sgd, on("plateau", one_rate)), PLATEAU.replace(**GIVEN)),
    _log("plateau_best", finished(slowest_sgd, on("plateau", best)), PLATEAU),
    Claim("local_one_rate", RUN.more(arrives, adam, sgd, on("tilted", one_rate)), WELL_AT, 0.05),
    Claim("local_best", RUN.more(arrives, adam, sgd, on("tilted", best)), WELL, 0.05),
    Claim("one_minimum_narrow", RUN.alone(solves(2), sgd, on(NETWORK, best)), XOR, 0.9, share=True),
    Claim("one_minimum_wide", RUN.alone(solves(8), sgd, on(NETWORK, best)), XOR, 0.9, share=True),
    Claim("xor_adam", RUN.more(solves(2), adam, sgd, on(NETWORK, best)), XOR, 0.05),
    _average("look_back", "ramp", age, 0.1, "within", RAMP),
    _average("look_back_smooth", "constant", smoothing, 0.2, "within", unit="log₂"),
    _average("correction_early", "constant", early_gain, 0.05),
    _average("correction_late", "constant", late_change, 0.02, "within"),
)
MISTAKES = (
    Mistake("correction_first", "hidden", preset(Params(), PRESETS, "correction"), longer_first, 0.1, "update"),
)


def momentum_or_not(result: Result) -> tuple[str, dict[str, Any]] | None:
    """How many steps momentum takes to the target over those of plain gradient descent, from the one start. Who does
    not arrive takes more than the run has, how many more it does not tell."""
    pair = [RUN.all(result, which)[:1] for which in (sgd, momentum)]
    if not result.complete or result.params.surface == NETWORK or [] in pair:
        return None
    most, reached = result.params.steps, result.reached[np.ravel(pair)]
    sure_plain, sure_heavy = np.isfinite(reached)
    plain, heavy = np.where(np.isfinite(reached), reached, most + 1)  # at least
    if sure_heavy and 2 * heavy <= plain:
        option = "half"
    elif sure_plain and heavy >= 2 * plain:
        option = "double"
    elif sure_plain and sure_heavy:
        option = "near"
    else:
        return None
    said = [f"{n:.0f}" if np.isfinite(n) else f"> {most}" for n in reached]
    return option, dict(zip(("sgd", "momentum"), said))


PREDICTIONS = (Prediction("momentum", ("half", "near", "double"), momentum_or_not),)
