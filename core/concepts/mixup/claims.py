"""What the notes say of mixup, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Prediction
from core.concepts.mixup.params import CUTMIX, ERM, HIDDEN, MANIFOLD, ON_DIGITS, Method, Params, Result, images, used
from core.conclusions.stats import leaning

VALIDATION, TEST = 1, 2
FGSM, PGD = range(2)
DECIDING: dict[str, Any] = {"seeds": 20, "data_seed": 60_000, "weight_seed": 60_000}  # seeds nobody looked at

Measure = Callable[[Result], np.ndarray | None]
Kind = Callable[[Method], bool]
Setting = Callable[[Params], bool]


def erm(method: Method) -> bool:
    return method.rule == "erm"


def mixup(method: Method) -> bool:
    """Mixup with any λ of a Beta(1, 1), that is, with uniform λ."""
    return method.rule == "mixup" and method.near == 0.5 and method.alpha == 1


def near_half(method: Method) -> bool:
    return method.rule == "mixup" and method.near <= 0.1


def manifold(method: Method) -> bool:
    return method.rule == "manifold" and method.alpha == 1 and method.near == 0.5 and method.first == 0


def hidden(method: Method) -> bool:
    """Manifold mixup that never mixes inputs."""
    return method.rule == "manifold" and method.alpha == 1 and method.near == 0.5 and method.first > 0


def cutmix(method: Method) -> bool:
    return method.rule == "cutmix"


def strong(method: Method) -> bool:
    return method.rule == "mixup" and method.near == 0.5 and method.alpha >= 8


def more(value: Callable[[Result], np.ndarray], one: Kind, other: Kind, setting: Setting) -> Measure:
    """A measure: `value` [method, seed] of the first method of kind `one` minus that of kind `other`, per seed, of a
    finished run at such a setting."""

    def measure(result: Result) -> np.ndarray | None:
        found = [next((i for i, m in enumerate(used(result.params)) if kind(m)), None) for kind in (one, other)]
        if not result.complete or not setting(result.params) or None in found:
            return None
        values = value(result).astype(float)
        effects = values[found[0]] - values[found[1]]
        return effects if np.isfinite(effects).all() else None

    return measure


# Values, [method, seed]


def last(result: Result) -> np.ndarray:
    """Test accuracy at the last epoch."""
    return result.accuracy[:, :, -1, TEST]


def stop(result: Result) -> np.ndarray:
    """The tick of the lowest validation loss, where early stopping stops (Prechelt, 1998)."""
    return np.nan_to_num(result.loss[..., VALIDATION], nan=np.inf).argmin(2)


def early(result: Result) -> np.ndarray:
    """Test accuracy with early stopping."""
    return np.take_along_axis(result.accuracy[..., TEST], stop(result)[..., None], 2)[..., 0]


def memorised(result: Result) -> np.ndarray:
    return result.memorised[:, :, -1]


def confidence(result: Result) -> np.ndarray:
    return result.confidence[:, :, -1]


def off(result: Result) -> np.ndarray:
    """How far confidence is from accuracy."""
    return np.abs(confidence(result) - last(result))


def under(attack: int, size: int) -> Callable[[Result], np.ndarray]:
    """Test accuracy under an attack of this size, counted in steps of the largest."""
    return lambda result: result.attacked[attack, :, :, size]


# Settings


def plain(params: Params) -> bool:
    """Every training example has a label."""
    return not params.own and not params.unlabelled


def noisy(params: Params) -> bool:
    return plain(params) and params.flipped > 0 and not images(params)


def noisy_digits(params: Params) -> bool:
    return plain(params) and params.flipped > 0 and images(params)


def clean_digits(params: Params) -> bool:
    return plain(params) and params.flipped == 0 and images(params)


def clean(data: str) -> Setting:
    return lambda params: plain(params) and params.flipped == 0 and params.data == data


def pseudo(params: Params) -> bool:
    return not params.own and params.unlabelled > 0 and params.flipped == 0


def _claim(
    id: str,
    value: Callable[[Result], np.ndarray],
    one: Kind,
    other: Kind,
    setting: Setting,
    params: Params,
    smallest: float,
) -> Claim:
    return Claim(id, more(value, one, other, setting), params, smallest, runs=2)


# The runs that decide: several claims share one.
CLOSE = Method(near=0.1)
NOISY = Params(methods=(ERM, Method(), MANIFOLD, CLOSE), **DECIDING)
CLEAN: dict[str, Any] = {"flipped": 0.0, **DECIDING}
SPIRAL = Params(methods=(ERM, Method(), MANIFOLD, HIDDEN), data="spiral", noise=0.02, points=200, **CLEAN)
RINGS = Params(methods=(ERM, Method(alpha=8.0)), data="rings", points=60, **CLEAN)
DIGITS = Params(**ON_DIGITS | CLEAN, methods=(ERM, Method(), MANIFOLD, CUTMIX), epochs=60, rate=0.001)
WRONG = Params(**ON_DIGITS | DECIDING, flipped=0.5, methods=(ERM, Method(), MANIFOLD, CUTMIX), epochs=60)
FEW: dict[str, Any] = {"points": 20, "unlabelled": 400, "epochs": 100, "batch": 50}
PSEUDO = Params(methods=(ERM, Method(), CLOSE), **FEW, **CLEAN)

CLAIMS = (
    _claim("better_last", last, mixup, erm, noisy, NOISY, 0.01),
    _claim("better_early", early, mixup, erm, noisy, NOISY, 0.01),
    _claim("better_clean", last, mixup, erm, clean_digits, DIGITS, 0.005),
    _claim("memorises", memorised, erm, mixup, noisy, NOISY, 0.1),
    _claim("digits_last", last, mixup, erm, noisy_digits, WRONG, 0.01),
    _claim("digits_early", early, mixup, erm, noisy_digits, WRONG, 0.01),
    _claim("less_sure", confidence, erm, mixup, noisy, NOISY, 0.05),
    _claim("calibrated", off, erm, mixup, noisy, NOISY, 0.02),
    _claim("calibrated_clean", off, erm, mixup, clean_digits, DIGITS, 0.02),
    _claim("fgsm", under(FGSM, 1), mixup, erm, clean_digits, DIGITS, 0.02),
    _claim("pgd", under(PGD, 1), mixup, erm, clean_digits, DIGITS, 0.02),
    _claim("pgd_small", under(PGD, 1), mixup, erm, noisy, NOISY, 0.02),
    _claim("pgd_middle", under(PGD, 3), mixup, erm, noisy, NOISY, 0.02),
    _claim("pgd_large", under(PGD, 6), mixup, erm, noisy, NOISY, 0.02),
    _claim("manifold", last, manifold, mixup, noisy, NOISY, 0.01),
    _claim("manifold_digits", last, manifold, mixup, clean_digits, DIGITS, 0.005),
    _claim("manifold_spiral", last, manifold, mixup, clean("spiral"), SPIRAL, 0.01),
    _claim("hidden_spiral", last, hidden, erm, clean("spiral"), SPIRAL, 0.005),
    _claim("cutmix", last, cutmix, mixup, noisy_digits, WRONG, 0.01),
    _claim("hurts_spiral", last, erm, mixup, clean("spiral"), SPIRAL, 0.02),
    _claim("hurts_rings", last, erm, strong, clean("rings"), RINGS, 0.02),
    _claim("near_half", last, near_half, mixup, noisy, NOISY, 0.005),
    _claim("near_half_pseudo", last, near_half, mixup, pseudo, PSEUDO, 0.005),
)


def mixed_or_not(result: Result) -> tuple[str, dict[str, Any]] | None:
    """Whether the first mixup ends with a higher test accuracy than training on the examples as they are."""
    effects = more(last, lambda m: m.rule == "mixup", erm, lambda params: True)(result)
    if effects is None:
        return None
    rules = [method.rule for method in used(result.params)]
    shares = {rule: f"{100 * last(result)[rules.index(rule)].mean():.1f}" for rule in ("mixup", "erm")}
    return leaning(effects), {**shares, "seeds": len(effects)}


PREDICTIONS = (Prediction("test", ("more", "even", "less"), mixed_or_not),)
