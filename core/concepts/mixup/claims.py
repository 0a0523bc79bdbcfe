"""What the notes say of mixup, each with the measurement that decides it."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.mixup.params import CUTMIX, ERM, HIDDEN, MANIFOLD, PRESETS, Method, Params, Result, images, used
from core.conclusions.measures import Contenders, Fits, Value, final, more_or_less, preset, ruled, unseen

VALIDATION, TEST = 1, 2
FGSM, PGD = range(2)
METHODS = Contenders(used)


def customary(method: Method) -> bool:
    """Any λ of a Beta(1, 1), that is, uniform λ."""
    return method.near == 0.5 and method.alpha == 1


erm, cutmix, mixup = ruled("erm"), ruled("cutmix"), ruled("mixup", customary)
near_half = ruled("mixup", lambda method: method.near <= 0.1)
strong = ruled("mixup", lambda method: method.near == 0.5 and method.alpha >= 8)
manifold = ruled("manifold", lambda method: customary(method) and method.first == 0)
hidden = ruled("manifold", lambda method: customary(method) and method.first > 0)  # never mixes inputs


# Values, [method, seed]

last, memorised, confidence = final("accuracy", TEST), final("memorised"), final("confidence")


def stop(result: Result) -> np.ndarray:
    """The tick of the lowest validation loss, where early stopping stops (Prechelt, 1998)."""
    return np.nan_to_num(result.loss[..., VALIDATION], nan=np.inf).argmin(2)


def early(result: Result) -> np.ndarray:
    """Test accuracy with early stopping."""
    return np.take_along_axis(result.accuracy[..., TEST], stop(result)[..., None], 2)[..., 0]


def off(result: Result) -> np.ndarray:
    """How far confidence is from accuracy."""
    return np.abs(confidence(result) - last(result))


def under(attack: int, size: int) -> Value:
    """Test accuracy under an attack of this size, counted in steps of the largest."""
    return lambda result: result.attacked[attack, :, :, size]


# Settings


def labelled(flipped: bool, fits: Fits) -> Fits:
    """Every training example has a label, and some have a wrong one, or none."""
    return lambda params: not params.own and not params.unlabelled and (params.flipped > 0) == flipped and fits(params)


noisy, noisy_digits = labelled(True, lambda params: not images(params)), labelled(True, images)
clean_digits = labelled(False, images)


def clean(data: str) -> Fits:
    return labelled(False, lambda params: params.data == data)


def pseudo(params: Params) -> bool:
    return not params.own and params.unlabelled > 0 and params.flipped == 0


def _claim(id: str, value: Value, one: Any, other: Any, fits: Fits, params: Params, smallest: float) -> Claim:
    return Claim(id, METHODS.more(value, one, other, fits), params, smallest, runs=2)


def at(id: str, *methods: Method, **changes: Any) -> Params:
    """The setting of a preset with these methods on the seeds that decide."""
    return unseen(preset(Params(), PRESETS, id), 20, 60_000, methods=methods, **changes)


# The runs that decide: several claims share one.
CLOSE = Method(near=0.1)
NOISY = at("jagged", ERM, Method(), MANIFOLD, CLOSE)
SPIRAL, RINGS = at("spiral", ERM, Method(), MANIFOLD, HIDDEN), at("rings", ERM, Method(alpha=8.0))
DIGITS = at("digits", ERM, Method(), MANIFOLD, CUTMIX)
WRONG = at("memory", ERM, Method(), MANIFOLD, CUTMIX, epochs=60)
PSEUDO = at("pseudo", ERM, Method(), CLOSE)

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
MISTAKES = (
    Mistake("hurts_spiral", "worse", preset(Params(), PRESETS, "spiral"), METHODS.more(last, erm, mixup), 0.02, "maps"),
)

MIXED_OR_NOT = {"mixup": METHODS.alone(last, ruled("mixup")), "erm": METHODS.alone(last, erm)}
PREDICTIONS = (more_or_less("test", MIXED_OR_NOT, lambda share: f"{100 * share:.1f}"),)
