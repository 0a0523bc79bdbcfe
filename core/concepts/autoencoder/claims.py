"""What the notes say of autoencoders, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.autoencoder.params import PRESETS, SIZES, WAYS, Params, Result, even, gaussian, of
from core.conclusions.measures import Contenders, Measure, difference, finished, more_or_less, preset, unseen

TRAIN, TEST = range(2)
VERSIONS = Contenders(lambda params: params.versions, lambda params: not params.own)
LINEAR, PLAIN, DENOISING, VAE, MEAN, DEVIATION = of("linear", "plain", "denoising", "vae", "vae_mean", "vae_std")


def end(name: str, size: int, *more: int) -> Callable[[Result], np.ndarray]:
    """An array [version, size, seed, moment, …] at this size and the last moment."""
    return lambda result: getattr(result, name)[(slice(None), SIZES.index(size), slice(None), -1, *more)]


def drawn(size: int, way: str) -> Callable[[Result], np.ndarray]:
    """Share of good pictures among those decoded from codes drawn in this way."""
    return lambda result: result.good[:, SIZES.index(size), WAYS.index(way), :, -1]


def hollow(way: str) -> Callable[[Result], np.ndarray]:
    """Share of cells of the plane of codes that are empty."""
    return lambda result: result.empty[:, WAYS.index(way), :, -1]


def control(name: str, *place: int) -> Measure:
    """What no version has learnt: an array [seed], [seed, moment] or [size, seed, …], at this place of other axes."""
    return finished(
        lambda r: getattr(r, name)[(*place[:1], slice(None), *place[1:])].reshape(r.params.seeds, -1)[:, -1]
    )


def excess(result: Result) -> np.ndarray:
    """How much more a version loses of the training pictures than PCA of the same size, in shares of PCA's: [version,
    size, seed]."""
    return result.error[..., -1, TRAIN].astype(float) / result.pca[..., TRAIN] - 1


def vague(result: Result) -> np.ndarray:
    """How much the error grows when codes are drawn as the encoder says, with 8 numbers: [version, seed]."""
    return end("sampled", 8)(result) - end("error", 8, TEST)(result)


def at(id: str) -> Params:
    """The setting of a preset on the seeds that decide."""
    return unseen(preset(Params(), PRESETS, id), 20, 61_000)


SQUEEZE, NOISY, WRONG_MEAN, WRONG_DEVIATION = at("squeeze"), at("denoise"), at("mean"), at("deviation")
ROUNDING = 1e-4  # of a share of PCA's error
TWO, EIGHT, WIDE = (SIZES.index(size) for size in (2, 8, 32))
one, more, noisy = VERSIONS.alone, VERSIONS.more, control("noisy")

CLAIMS = (
    Claim("bound", one(lambda r: excess(r).min(1) > -ROUNDING, LINEAR), SQUEEZE, 0.8, share=True),
    Claim("close", one(lambda r: excess(r).max(1), LINEAR), SQUEEZE, 0.05, "below"),
    Claim("bent", difference(control("pca", TWO, TEST), one(end("error", 2, TEST), PLAIN)), SQUEEZE, 0.05),
    Claim("bent_wide", difference(control("pca", WIDE, TEST), one(end("error", 32, TEST), PLAIN)), SQUEEZE, 0.01),
    Claim("keeps", difference(one(end("probe", 2), PLAIN), control("pca_probe", TWO, -1)), SQUEEZE, 0.02),
    Claim("keeps_learnt", more(end("probe", 8), PLAIN, PLAIN, over=end("untrained", 8)), SQUEEZE, 0.05),
    Claim("keeps_all", difference(control("pixels_probe"), one(end("probe", 8), PLAIN)), SQUEEZE, 0.02, "below"),
    Claim("cleans", difference(noisy, one(end("cleaned", 8), DENOISING)), NOISY, 0.1),
    Claim("cleans_plain", more(end("cleaned", 32), PLAIN, DENOISING), NOISY, 0.05),
    Claim("cleans_pca", difference(control("pca_cleaned", EIGHT), one(end("cleaned", 8), DENOISING)), NOISY, 0.02),
    Claim("gaps", difference(one(hollow("gaussian"), PLAIN), one(hollow("prior"), VAE)), SQUEEZE, 0.05),
    Claim("gaps_none", one(lambda r: hollow("prior")(r) - even(r.params), VAE), SQUEEZE, 0.02, "below"),
    Claim("samples", more(drawn(8, "prior"), VAE, PLAIN, over=drawn(8, "gaussian")), SQUEEZE, 0.05),
    Claim("samples_box", more(drawn(8, "prior"), VAE, PLAIN, over=drawn(8, "box")), SQUEEZE, 0.05),
    Claim("samples_two", more(drawn(2, "prior"), VAE, PLAIN, over=drawn(2, "gaussian")), SQUEEZE, 0.05),
    Claim("samples_real", difference(control("real_good"), one(drawn(8, "prior"), VAE)), SQUEEZE, 0.05),
    Claim("blurs", more(end("error", 8, TEST), VAE, PLAIN), SQUEEZE, 0.01),
    Claim("unused", one(lambda r: 32 - end("active", 32)(r), VAE), SQUEEZE, 8.0, unit="numbers"),
    Claim("collapse", one(end("kl", 8), MEAN), WRONG_MEAN, 0.1, "below", unit="nats"),
    Claim("collapse_right", one(end("kl", 8), VAE), WRONG_MEAN, 1.0, unit="nats"),
    Claim("deviation", more(vague, DEVIATION, VAE), WRONG_DEVIATION, 0.1),
)

MISTAKES = (
    Mistake("over_pixels", "output", Params(versions=(MEAN, VAE)), one(end("error", 8, TEST), gaussian), 0.9, "code"),
    Mistake("as_deviation", "flattering", Params(versions=(DEVIATION, VAE)), one(vague, gaussian), 0.2, "code"),
)

COMPARED = {"plain": one(end("error", 2, TEST), PLAIN), "pca": control("pca", TWO, TEST)}
PREDICTIONS = (more_or_less("two", COMPARED, lambda share: f"{100 * share:.0f}"),)
