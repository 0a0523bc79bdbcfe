"""What the notes say of optimizers on surfaces and of averages, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Prediction
from core.concepts.optimizers.params import NETWORK, WIDTHS, Params, Result, fresh
from core.ml.rules import Contender

# Starts, noise and weights that nobody looked at
DECIDING: dict[str, Any] = {"layout": "random", "seeds": 40, "data_seed": 50_000, "weight_seed": 50_000}
PLAIN, CORRECTED, WINDOW = range(3)
RIDGE = 0.1  # starts this near to the ridge of the saddle
EARLY = 5  # looks back; what comes later is late

Measure = Callable[[Result], np.ndarray | None]


def find(result: Result, rule: str, **settings: Any) -> int | None:
    """The first contender of this rule with these settings."""
    for i, c in enumerate(result.params.contenders):
        if c.rule == rule and all(np.isclose(getattr(c, name), value) for name, value in settings.items()):
            return i
    return None


def steps(result: Result, contender: int) -> np.ndarray:
    """log₁₀ of the steps to the target of every start: [seed]; one more than the run has where it was not reached."""
    return np.log10(np.nan_to_num(result.reached_by[contender], nan=result.params.steps + 1.0))


def on(surface: str, when: Callable[[Params], bool], measure: Measure) -> Measure:
    """The measure on a finished run on this surface and under this condition; None on any other."""
    return lambda r: measure(r) if r.complete and r.params.surface == surface and when(r.params) else None


def slower(one: str, other: str, one_has: dict | None = None, other_has: dict | None = None) -> Measure:
    """log₁₀ of the steps of one contender over those of the other, per start."""

    def measure(result: Result) -> np.ndarray | None:
        i, j = find(result, one, **one_has or {}), find(result, other, **other_has or {})
        return None if i is None or j is None or i == j else steps(result, i) - steps(result, j)

    return measure


def best(params: Params) -> bool:
    return params.rates == "best"


def ravine(conditioning: float, angle: float | None = None) -> Callable[[Params], bool]:
    """At the best rates, on a bowl of this conditioning and, where it matters, turned by this angle."""
    return lambda p: best(p) and p.conditioning == conditioning and angle in (None, p.angle)


def one_rate(params: Params) -> bool:
    return params.rates == "given" and len({c.lr for c in params.contenders}) == 1


def edge(params: Params) -> bool:
    """One rate for all, just below the limit 2/λ at which SGD diverges on the steep axis, which is y."""
    return one_rate(params) and params.angle == 0 and 1.9 < params.contenders[0].lr * params.conditioning < 2


def half(params: Params) -> bool:
    """One rate for all, near half of that limit."""
    return one_rate(params) and params.angle == 0 and 0.9 < params.contenders[0].lr * params.conditioning < 1.1


def nearer(axis: int) -> Measure:
    """log₁₀ of SGD's mean distance from the minimum along an axis over that of momentum, per start."""

    def measure(result: Result) -> np.ndarray | None:
        i, j = find(result, "sgd"), find(result, "momentum")
        if i is None or j is None:
            return None
        return np.log10(result.extent[i, :, axis]) - np.log10(result.extent[j, :, axis])

    return measure


def leaving(result: Result, contender: int) -> np.ndarray:
    """log₁₀ of the steps until a contender is off the saddle (|x| > ½) or the plateau (nearer than 1), as far as the
    recorded moments tell: [seed]; one more than the run has where it stays."""
    places = result.swarm[contender].astype(float)  # [seed, frame, axis]
    saddle = result.params.surface == "saddle"
    off = np.abs(places[..., 0]) > 0.5 if saddle else np.linalg.norm(places, axis=-1) < 1
    return np.log10(np.where(off.any(1), np.maximum(result.frame[off.argmax(1)], 1), result.params.steps + 1))


def slowest_sgd(result: Result) -> np.ndarray | None:
    """log₁₀ of the steps in which SGD leaves over those of the slowest of the others, per start near the ridge of the
    saddle, or out on the plateau."""
    i = find(result, "sgd")
    others = [j for j, c in enumerate(result.params.contenders) if c.rule != "sgd"]
    if i is None or len(others) < 2:
        return None
    start = result.swarm[i, :, 0]
    stuck = np.abs(start[:, 0]) < RIDGE if result.params.surface == "saddle" else np.linalg.norm(start, axis=1) > 2
    found = leaving(result, i) - np.max([leaving(result, j) for j in others], axis=0)
    return found[stuck] if stuck.any() else None


def arrives(result: Result) -> np.ndarray | None:
    """Whether Adam reached the lowest minimum from a start, less whether SGD did: −1, 0 or 1 per start."""
    i, j = find(result, "adam"), find(result, "sgd")
    if i is None or j is None:
        return None
    there = np.isfinite(result.reached_by).astype(float)
    return there[i] - there[j]


def shrinking(result: Result) -> np.ndarray | None:
    """Slope of log step length against log t of Adagrad from step 10 on, plus ½, per start: 0 is 1/√t."""
    i = find(result, "adagrad")
    late = (result.frame >= 10) & (result.frame < result.params.steps)
    if i is None or late.sum() < 10:
        return None
    t = np.log(result.frame[late] + 1.0)
    length = np.log(np.maximum(result.pace[i][:, late].astype(float), 1e-30))
    t = t - t.mean()
    return (length @ t) / (t @ t) + 0.5


def first_step(result: Result) -> np.ndarray | None:
    """log₁₀ of the first step of Adam without bias correction over that with it, at one rate, per start."""
    i, j = find(result, "adam", correction=False), find(result, "adam", correction=True)
    if i is None or j is None or not one_rate(result.params):
        return None
    return np.log10(result.pace[i, :, 0].astype(float)) - np.log10(result.pace[j, :, 0].astype(float))


def solves(rule: str, width: int) -> Measure:
    """Whether the network of this width has all four points of XOR right in the end: 0 or 1 per start."""

    def measure(result: Result) -> np.ndarray | None:
        i = find(result, rule)
        return None if i is None else (result.right[i, WIDTHS.index(width)] == 4).astype(float)

    return measure


def adam_solves_more(result: Result) -> np.ndarray | None:
    adam, sgd = solves("adam", 2)(result), solves("sgd", 2)(result)
    return None if adam is None or sgd is None else adam - sgd


# Averages: these speak on any surface


def look(result: Result) -> float:
    """1/(1 − β)."""
    return 1 / (1 - result.params.beta)


def averaged_on(signal: str, measure: Measure) -> Measure:
    def asked(result: Result) -> np.ndarray | None:
        params = result.params
        fits = params.signal == signal and not params.own and 0.5 <= params.beta <= 0.96
        return measure(result) if fits else None

    return asked


def age(result: Result) -> np.ndarray:
    """Mean age of what the average holds, the newest value counting one, over 1/(1−β), less 1: from how far it lags
    behind a ramp, per seed."""
    tail = slice(int(EARLY * look(result)), None)
    lag = (result.truth - result.averaged[CORRECTED])[:, tail].mean(1) / (result.truth[1] - result.truth[0])
    return (lag + 1) / look(result) - 1


def smoothing(result: Result) -> np.ndarray | None:
    """log₂ of the noise left by the average over that left by the mean of the last 1/(1−β) values (variances)."""
    if not result.params.scatter:
        return None
    tail = slice(int(EARLY * look(result)), None)
    left = ((result.averaged - result.truth)[:, :, tail].astype(float) ** 2).mean(-1)
    return np.log2(left[CORRECTED] / left[WINDOW])


def early_gain(result: Result) -> np.ndarray:
    """How much nearer to the truth correction brings the average over the first 1/(1−β) values, per seed."""
    off = np.abs(result.averaged - result.truth)[:, :, : round(look(result))].mean(-1)
    return (off[PLAIN] - off[CORRECTED]).astype(float)


def late_change(result: Result) -> np.ndarray:
    """What correction changes after five times 1/(1−β) values, at most, per seed."""
    tail = slice(int(EARLY * look(result)), None)
    return np.abs(result.averaged[PLAIN] - result.averaged[CORRECTED])[:, tail].max(1).astype(float)


def at(rule: str, lr: float, **settings: Any) -> Contender:
    return fresh(rule, None).replace(lr=lr, **settings)


MORE = DECIDING | {"seeds": 200, "data_seed": 60_000, "weight_seed": 60_000}  # smaller samples left three undecided
PAIR = (fresh("sgd", None), fresh("momentum", None))
FIVE = tuple(fresh(rule, None) for rule in ("sgd", "momentum", "nesterov", "rmsprop", "adam"))
ALL_AT = tuple(at(rule, 0.1) for rule in ("sgd", "momentum", "nesterov", "rmsprop", "adam"))
EDGE = Params(contenders=(at("sgd", 0.0196), at("momentum", 0.0196)), angle=0.0, rates="given", steps=100, **DECIDING)
HALF = EDGE.replace(contenders=(at("sgd", 0.01), at("momentum", 0.01)))
LIGHT, HEAVY = at("momentum", 0.02, momentum=0.5), at("momentum", 0.02)
DAMPED = Params(contenders=(LIGHT, HEAVY), **MORE)
BEST = 2 / (1 + 100.0)
RATED = Params(contenders=(at("sgd", BEST), at("sgd", 0.9 * BEST)), angle=0.0, rates="given", steps=600, **DECIDING)
ROTATED = Params(contenders=(fresh("sgd", None), fresh("adagrad", None)), steps=500, **MORE)
NOISY = Params(contenders=(at("adagrad", 0.1),), conditioning=1.0, rates="given", noise=10.0, steps=500, **DECIDING)
CORRECTION = Params(contenders=(at("adam", 0.1), at("adam", 0.1, correction=False)), **DECIDING)
ANEW = DECIDING | {"data_seed": 70_000, "weight_seed": 70_000}  # the measure of these was changed after a first look
SADDLE = Params(contenders=FIVE, surface="saddle", steps=60, **ANEW | {"seeds": 400})
PLATEAU = Params(contenders=FIVE, surface="plateau", **ANEW)
WELL = Params(contenders=(fresh("sgd", None), fresh("adam", None)), surface="tilted", **DECIDING | {"seeds": 200})
XOR = Params(
    contenders=(fresh("sgd", None), fresh("adam", None)),
    surface=NETWORK,
    **{name: value for name, value in DECIDING.items() if name != "layout"} | {"seeds": 200},
)
AVERAGES = Params(contenders=PAIR[:1], steps=10, signal="constant", **DECIDING)

always = lambda p: True  # noqa: E731
CLAIMS = (
    Claim(
        "momentum_ravine",
        on("quadratic", ravine(100), slower("sgd", "momentum")),
        Params(contenders=PAIR, **MORE),
        0.05,
        unit="log₁₀",
    ),
    Claim(
        "momentum_bowl",
        on("quadratic", ravine(1), slower("momentum", "sgd")),
        Params(contenders=PAIR, conditioning=1.0, **DECIDING),
        0.05,
        unit="log₁₀",
    ),
    Claim("momentum_speeds", on("quadratic", edge, nearer(0)), EDGE, 0.05, unit="log₁₀"),
    Claim("momentum_damps", on("quadratic", edge, nearer(1)), EDGE, 0.05, unit="log₁₀"),
    Claim("momentum_damps_half", on("quadratic", half, nearer(1)), HALF, 0.05, unit="log₁₀"),
    Claim(
        "best_rate",
        on(
            "quadratic",
            lambda p: p.rates == "given" and p.conditioning == 100,
            slower("sgd", "sgd", {"lr": 0.9 * BEST}, {"lr": BEST}),
        ),
        RATED,
        0.01,
        unit="log₁₀",
    ),
    Claim(
        "damping_mild",
        on("quadratic", ravine(10), slower("momentum", "momentum", {"momentum": 0.9}, {"momentum": 0.5})),
        DAMPED.replace(conditioning=10.0),
        0.05,
        unit="log₁₀",
    ),
    Claim(
        "damping_severe",
        on("quadratic", ravine(1000), slower("momentum", "momentum", {"momentum": 0.5}, {"momentum": 0.9})),
        DAMPED.replace(conditioning=1000.0, steps=1000),
        0.05,
        unit="log₁₀",
    ),
    Claim(
        "adagrad_aligned",
        on("quadratic", ravine(100, 0), slower("sgd", "adagrad")),
        ROTATED.replace(angle=0.0),
        0.05,
        unit="log₁₀",
    ),
    Claim("adagrad_rotated", on("quadratic", ravine(100, 30), slower("sgd", "adagrad")), ROTATED, 0.05, unit="log₁₀"),
    Claim("adagrad_root", on("quadratic", lambda p: p.noise >= 5, shrinking), NOISY, 0.1, "within"),
    Claim(
        "adagrad_root_calm", on("quadratic", lambda p: p.noise == 0, shrinking), NOISY.replace(noise=0.0), 0.1, "within"
    ),
    Claim(
        "correction_first", on("quadratic", always, first_step), CORRECTION.replace(rates="given"), 0.1, unit="log₁₀"
    ),
    Claim(
        "correction_steps",
        on("quadratic", best, slower("adam", "adam", {"correction": False}, {"correction": True})),
        CORRECTION,
        0.05,
        "within",
        unit="log₁₀",
    ),
    Claim(
        "saddle_one_rate",
        on("saddle", one_rate, slowest_sgd),
        SADDLE.replace(contenders=ALL_AT, rates="given"),
        0.05,
        unit="log₁₀",
    ),
    Claim("saddle_best", on("saddle", best, slowest_sgd), SADDLE, 0.05, unit="log₁₀"),
    Claim(
        "plateau_one_rate",
        on("plateau", one_rate, slowest_sgd),
        PLATEAU.replace(contenders=ALL_AT, rates="given"),
        0.05,
        unit="log₁₀",
    ),
    Claim("plateau_best", on("plateau", best, slowest_sgd), PLATEAU, 0.05, unit="log₁₀"),
    Claim(
        "local_one_rate",
        on("tilted", one_rate, arrives),
        WELL.replace(contenders=(at("sgd", 0.1), at("adam", 0.1)), rates="given"),
        0.05,
    ),
    Claim("local_best", on("tilted", best, arrives), WELL, 0.05),
    Claim("one_minimum_narrow", on(NETWORK, best, solves("sgd", 2)), XOR, 0.9, share=True),
    Claim("one_minimum_wide", on(NETWORK, best, solves("sgd", 8)), XOR, 0.9, share=True),
    Claim("xor_adam", on(NETWORK, best, adam_solves_more), XOR, 0.05),
    Claim("look_back", averaged_on("ramp", age), AVERAGES.replace(signal="ramp", scatter=0.05), 0.1, "within"),
    Claim("look_back_smooth", averaged_on("constant", smoothing), AVERAGES, 0.2, "within", unit="log₂"),
    Claim("correction_early", averaged_on("constant", early_gain), AVERAGES, 0.05),
    Claim("correction_late", averaged_on("constant", late_change), AVERAGES, 0.02, "within"),
)


def momentum_or_not(result: Result) -> tuple[str, dict[str, Any]] | None:
    """How many steps momentum takes to the target over those of plain gradient descent, from the one start. Who does
    not arrive takes more than the run has, how many more it does not tell."""
    plain, heavy = find(result, "sgd"), find(result, "momentum")
    if not result.complete or result.params.surface == NETWORK or plain is None or heavy is None:
        return None
    steps, reached = result.params.steps, result.reached[[plain, heavy]]
    sgd, momentum = np.where(np.isfinite(reached), reached, steps + 1)  # at least
    sure_sgd, sure_momentum = np.isfinite(reached)
    if sure_momentum and 2 * momentum <= sgd:
        option = "half"
    elif sure_sgd and momentum >= 2 * sgd:
        option = "double"
    elif sure_sgd and sure_momentum:
        option = "near"
    else:
        return None
    said = [f"{n:.0f}" if np.isfinite(n) else f"> {steps}" for n in reached]
    return option, dict(zip(("sgd", "momentum"), said))


PREDICTIONS = (Prediction("momentum", ("half", "near", "double"), momentum_or_not),)
