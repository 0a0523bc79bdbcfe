"""What the notes say of generative adversarial networks, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.gan.params import GAMES, PRESETS, Params, Result, Version, made_up, plan
from core.conclusions.measures import Contenders, Measure, final, preset, ruled, unseen

ENOUGH = 7 / 8  # of the modes
HALF = 0.5  # of the samples near one mode: collapse
FEWEST, APART = 4, 6  # drawn Gaussians of which something can be said, and their distance in σ
LAST = 0.25  # the end of a run, as a share of its steps

Kind = Callable[[Version], bool]


def distinct(params: Params) -> bool:
    """Whether modes are known; of drawn Gaussians there must be FEWEST, and none may reach into another."""
    if params.data != "drawn" or params.own:
        return made_up(params)
    centres = np.array([[centre.x, centre.y] for centre in params.centres])
    return len(centres) >= FEWEST and pdist(centres).min() >= APART * params.noise


VERSIONS = Contenders(lambda params: params.versions, lambda params: distinct(params) and bool(plan(params)))


def game(version: Version) -> bool:
    """A game with the usual loss, from scratch and without condition."""
    return version.rule == "non_saturating" and not (version.conditional or version.g_first or version.d_first)


def plain(version: Version) -> bool:
    """A game in which D and G are equals, in updates and rate, with short codes."""
    equals = version.d_steps == version.g_steps and version.d_rate == version.rate
    return game(version) and equals and version.z <= 2 and version.beta1 == 0.5 and version.init == "lecun"


def hasty(version: Version) -> bool:
    """A game in which G has more updates than D."""
    return game(version) and version.g_steps > version.d_steps


def long(version: Version) -> bool:
    """A game with long codes, from LeCun's weights."""
    return game(version) and version.z >= 16 and version.init == "lecun"


def longest(init: str) -> Kind:
    """A game with the longest codes, from one of the starts."""
    return lambda version: game(version) and version.z >= 64 and version.init == init


def conditional(version: Version) -> bool:
    return version.rule in GAMES and version.conditional


def hasty_conditional(version: Version) -> bool:
    return conditional(version) and version.g_steps > version.d_steps


def late(name: str) -> Kind:
    """A game of this loss that D begins alone."""
    return lambda version: version.rule == name and version.d_first > 0


# Values, [version, seed]

covered, good, obeyed = final("covered"), final("good"), final("obeyed")


def from_half(result: Result) -> np.ndarray:
    """D's mean output on real examples minus ½, over the end of the run."""
    end = result.tick >= (1 - LAST) * result.tick[-1]
    return result.d_real[:, :, end].astype(float).mean(2) - 0.5


def covers(result: Result) -> np.ndarray:
    """Whether ENOUGH of the modes are covered in the end."""
    return result.covered[:, :, -1] >= ENOUGH * result.share.shape[-1]


def collapsed(result: Result) -> np.ndarray:
    """Whether more than HALF of all samples are nearest one mode in the end."""
    return result.share[:, :, -1].max(-1) > HALF


def half_in_collapse(result: Result) -> np.ndarray | None:
    """`from_half` of a hasty G, over the seeds that end in collapse."""
    found, there = (VERSIONS.alone(value, hasty)(result) for value in (from_half, collapsed))
    return None if found is None or there is None else found[there == 1]


def _claim(
    id: str, measure: Measure, versions: tuple[Version, ...], smallest: float, steps: int = 2000, **how: Any
) -> Claim:
    return Claim(id, measure, unseen(Params(), 20, versions=versions, steps=steps), smallest, **how)


# The runs that decide: several claims share one.
MANY = (Version(), Version(conditional=True), Version(g_first=500), Version(beta1=0.9))
HASTY = (Version(g_steps=5), Version(g_steps=5, conditional=True))
LONG = (Version(z=16), Version(z=16, rule="wgan_gp", d_steps=5))
STARTS = tuple(Version(z=64, init=init) for init in ("torch", "lecun"))
CODED = (Version(), Version(rule="autoencoder_codes"), Version(rule="random_codes"))
ALONE = (Version(rule="d_own"), Version(rule="d_noise"))
LATE = tuple(Version(rule=name, d_first=500) for name in ("non_saturating", "minimax"))

# Measures of a mistake, or of more than one claim
collapse = VERSIONS.alone(collapsed, hasty)
restless = VERSIONS.more(covered, plain, lambda v: v.beta1 == 0.9)
smaller_start = VERSIONS.more(covered, longest("torch"), longest("lecun"))
NEAR: dict[str, Any] = {"unit": "modes", "extends": True}

CLAIMS = (
    _claim("half", VERSIONS.alone(from_half, plain), MANY, 0.1, direction="within"),
    _claim("half_collapsed", VERSIONS.finished(half_in_collapse), HASTY, 0.1, direction="within", runs=2),
    _claim("covers", VERSIONS.alone(covers, plain), MANY, 0.5, share=True),
    _claim("collapse", collapse, HASTY, 0.5, share=True, runs=2),
    _claim("cure_condition", VERSIONS.alone(covers, hasty_conditional), HASTY, 0.5, share=True),
    _claim("long_codes", VERSIONS.alone(covers, long), LONG, 0.5, 1000, share=True),
    _claim("cure_gp", VERSIONS.more(covered, ruled("wgan_gp"), long), LONG, 0.5, 1000, unit="modes"),
    _claim("start", smaller_start, STARTS, 0.5, 4000, **NEAR),
    _claim("start_short", smaller_start, STARTS, 0.5, 1000, **NEAR),
    _claim("momentum", restless, MANY, 0.5, unit="modes"),
    _claim("condition", VERSIONS.alone(obeyed, conditional), MANY, 0.9),
    _claim("random_codes", VERSIONS.alone(good, ruled("random_codes")), CODED, 0.25),
    _claim("autoencoder_codes", VERSIONS.more(good, ruled("autoencoder_codes"), ruled("random_codes")), CODED, 0.05),
    _claim("game_codes", VERSIONS.more(good, plain, ruled("autoencoder_codes")), CODED, 0.05),
    _claim("d_generates", VERSIONS.alone(good, ruled("d_own")), ALONE, 0.5, 500),
    _claim("d_own", VERSIONS.more(good, ruled("d_own"), ruled("d_noise")), ALONE, 0.05, 500),
    _claim("g_first", VERSIONS.more(covered, lambda v: v.g_first > 0, plain), MANY, 0.5, unit="modes"),
    _claim("d_first", VERSIONS.more(covered, late("non_saturating"), late("minimax")), LATE, 0.5, unit="modes"),
)
MISTAKES = (
    Mistake("collapse", "output", preset(Params(), PRESETS, "collapse"), collapse, 0.25, "seeds"),
    Mistake("momentum", "worse", Params(versions=(Version(), Version(beta1=0.9))), restless, 0.5, "seeds"),
)


def modes_found(result: Result) -> tuple[str, dict[str, Any]] | None:
    """On how many seeds the first version covers ENOUGH of the modes."""
    modes = result.share.shape[-1]
    if not result.complete or not modes:
        return None
    found = result.covered[0, :, -1]
    count, seeds = int((found >= ENOUGH * modes).sum()), len(found)
    numbers = {"count": count, "seeds": seeds, "mean": f"{found.mean():.1f}", "modes": modes}
    return "most" if 2 * count > seeds else "few" if count else "none", numbers


PREDICTIONS = (Prediction("modes", ("most", "few", "none"), modes_found),)
