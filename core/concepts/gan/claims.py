"""What the notes say of generative adversarial networks, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from core.concept.parts import Claim, Prediction
from core.concepts.gan.params import GAMES, Params, Result, Version, made_up

DECIDING: dict[str, Any] = {"steps": 2000, "seeds": 20, "data_seed": 50_000, "weight_seed": 50_000}  # unseen seeds
ENOUGH = 7 / 8  # of the modes
HALF = 0.5  # of the samples near one mode: collapse
FEWEST, APART = 4, 6  # drawn Gaussians of which something can be said, and their distance in σ
LAST = 0.25  # the end of a run, as a share of its steps

Measure = Callable[[Result], np.ndarray | None]
Kind = Callable[[Version], bool]


def of_complete(measure: Measure) -> Measure:
    """The measure on a finished run that trained at all, on points with several modes that are known; None on any
    other."""
    return lambda result: (
        measure(result) if result.complete and len(result.tick) > 1 and distinct(result.params) else None
    )


def distinct(params: Params) -> bool:
    """Whether modes are known; of drawn Gaussians there must be FEWEST, and none may reach into another."""
    if params.data != "drawn" or params.own:
        return made_up(params)
    centres = np.array([[centre.x, centre.y] for centre in params.centres])
    return len(centres) >= FEWEST and pdist(centres).min() >= APART * params.noise


def first(result: Result, kind: Kind) -> int | None:
    """The first version of this kind."""
    return next((i for i, version in enumerate(result.params.versions) if kind(version)), None)


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


def from_half(kind: Kind) -> Measure:
    """Per seed: D's mean output on real examples minus ½, over the end of the run."""

    def measure(result: Result) -> np.ndarray | None:
        v = first(result, kind)
        end = result.tick >= (1 - LAST) * result.tick[-1]
        return None if v is None else finite(result.d_real[v][:, end].astype(float).mean(1) - 0.5)

    return measure


def from_half_in_collapse(result: Result) -> np.ndarray | None:
    """The same of a hasty G, over the seeds that end in collapse."""
    found, collapsed = from_half(hasty)(result), collapses(result)
    return None if found is None or collapsed is None or not collapsed.any() else found[collapsed == 1]


def finite(effects: np.ndarray) -> np.ndarray | None:
    """Effects as they are; None where a seed diverged."""
    return effects if np.isfinite(effects).all() else None


def covers(kind: Kind) -> Measure:
    """Per seed: 1 if the first version of this kind covers ENOUGH of the modes in the end."""

    def measure(result: Result) -> np.ndarray | None:
        v = first(result, kind)
        modes = result.share.shape[-1]
        return None if v is None else (result.covered[v, :, -1] >= ENOUGH * modes).astype(float)

    return measure


def collapses(result: Result) -> np.ndarray | None:
    """Per seed of a hasty G: 1 if more than HALF of all samples are nearest one mode in the end."""
    v = first(result, hasty)
    return None if v is None else (result.share[v, :, -1].max(-1) > HALF).astype(float)


def obeys(result: Result) -> np.ndarray | None:
    """Per seed: the share of samples of the mode asked for."""
    v = first(result, conditional)
    return None if v is None else finite(result.obeyed[v, :, -1].astype(float))


def good(kind: Kind) -> Measure:
    """Per seed: the share of good samples in the end, of the first version of this kind."""

    def measure(result: Result) -> np.ndarray | None:
        v = first(result, kind)
        return None if v is None else result.good[v, :, -1].astype(float)

    return measure


def covered(kind: Kind) -> Measure:
    """Per seed: modes covered in the end, by the first version of this kind."""

    def measure(result: Result) -> np.ndarray | None:
        v = first(result, kind)
        return None if v is None else result.covered[v, :, -1].astype(float)

    return measure


def more(one: Measure, other: Measure) -> Measure:
    """The paired difference of two measures."""

    def measure(result: Result) -> np.ndarray | None:
        a, b = one(result), other(result)
        return None if a is None or b is None else a - b

    return measure


def rule(name: str) -> Kind:
    return lambda version: version.rule == name


def late(name: str) -> Kind:
    """A game of this loss that D begins alone."""
    return lambda version: version.rule == name and version.d_first > 0


def _claim(
    id: str,
    measure: Measure,
    versions: tuple[Version, ...],
    smallest: float,
    direction: str = "above",
    unit: str = "",
    share: bool = False,
    runs: int = 1,
    extends: bool = False,
    **changes: Any,
) -> Claim:
    params = Params(versions=versions, **DECIDING | changes)
    return Claim(id, of_complete(measure), params, smallest, direction, unit, share, runs, extends)


smaller_start = more(covered(longest("torch")), covered(longest("lecun")))

# The runs that decide: several claims share one.
MANY = (Version(), Version(conditional=True), Version(g_first=500), Version(beta1=0.9))
HASTY = (Version(g_steps=5), Version(g_steps=5, conditional=True))
LONG = (Version(z=16), Version(z=16, rule="wgan_gp", d_steps=5))
STARTS = tuple(Version(z=64, init=init) for init in ("torch", "lecun"))
CODED = (Version(), Version(rule="autoencoder_codes"), Version(rule="random_codes"))
ALONE = (Version(rule="d_own"), Version(rule="d_noise"))
LATE = tuple(Version(rule=name, d_first=500) for name in ("non_saturating", "minimax"))

CLAIMS = (
    _claim("half", from_half(plain), MANY, 0.1, "within"),
    _claim("half_collapsed", from_half_in_collapse, HASTY, 0.1, "within", runs=2),
    _claim("covers", covers(plain), MANY, 0.5, share=True),
    _claim("collapse", collapses, HASTY, 0.5, share=True, runs=2),
    _claim("cure_condition", covers(lambda v: conditional(v) and v.g_steps > v.d_steps), HASTY, 0.5, share=True),
    _claim("long_codes", covers(long), LONG, 0.5, share=True, steps=1000),
    _claim("cure_gp", more(covered(rule("wgan_gp")), covered(long)), LONG, 0.5, unit="modes", steps=1000),
    _claim("start", smaller_start, STARTS, 0.5, unit="modes", extends=True, steps=4000),
    _claim("start_short", smaller_start, STARTS, 0.5, unit="modes", extends=True, steps=1000),
    _claim("momentum", more(covered(plain), covered(lambda v: v.beta1 == 0.9)), MANY, 0.5, unit="modes"),
    _claim("condition", obeys, MANY, 0.9),
    _claim("random_codes", good(rule("random_codes")), CODED, 0.25),
    _claim("autoencoder_codes", more(good(rule("autoencoder_codes")), good(rule("random_codes"))), CODED, 0.05),
    _claim("game_codes", more(good(plain), good(rule("autoencoder_codes"))), CODED, 0.05),
    _claim("d_generates", good(rule("d_own")), ALONE, 0.5, steps=500),
    _claim("d_own", more(good(rule("d_own")), good(rule("d_noise"))), ALONE, 0.05, steps=500),
    _claim("g_first", more(covered(lambda v: v.g_first > 0), covered(plain)), MANY, 0.5, unit="modes"),
    _claim("d_first", more(covered(late("non_saturating")), covered(late("minimax"))), LATE, 0.5, unit="modes"),
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
