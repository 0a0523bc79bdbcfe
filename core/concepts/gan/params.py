"""Generative adversarial networks: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, flag, integer, number, rows, shape, string, upload
from core.concept.parts import Ask, Cost, Cut, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import weight_count
from core.takeaway.weights import perceptrons

ENGINE = "stacked torch"
DIVERGES = "samples"
DIGITS = 1078  # images in a training split
LOOKED_AT = 1024  # examples of which D's opinion is recorded, at most
MODES = {"ring": 8, "grid": 25, "spiral": 8, "moons": 8, "digits": 10}
OUTERMOST = 2.5  # centres are placed within ± this
LOGISTIC = ("non_saturating", "minimax")
GAMES = (*LOGISTIC, "least_squares", "hinge", "wgan_gp")  # D and G play against each other
CODES = ("random_codes", "autoencoder_codes")  # G alone: a regression from codes to examples
ALONE = ("d_noise", "d_own")  # D alone: samples are made by climbing its output
STARTS = {"lecun": 3**0.5, "torch": 1.0}  # initial weights are uniform in ± this /√fan-in
BOUT = 50  # updates of a move written as a capital letter
TICKS = 60  # moments recorded, at most (by hand: every move)
CODE_NUMBERS = 999


def plays(version: Version) -> bool:
    return version.rule in GAMES


def fresh(rule: str, version: Version | None) -> Version:
    """A version of this rule; a critic under a penalty gets the five steps its authors give it."""
    return Version(rule=rule, z=version.z if version else 2, d_steps=5 if rule == "wgan_gp" else 1)


@dataclass(frozen=True)
class Version(BaseParams):
    """One way to train; several train side by side, on the same batches."""

    rule: str = choice("non_saturating", (*GAMES, *CODES, *ALONE))
    rate: float = number(0.001, 1e-6, 0.1, log=True)
    d_rate: float = number(0.001, 1e-6, 0.1, log=True, applies=plays)
    z: int = integer(2, 1, 64, applies=lambda v: v.rule not in ALONE)
    d_steps: int = integer(1, 1, 10, applies=plays)
    g_steps: int = integer(1, 1, 10, applies=plays)
    conditional: bool = flag(False, applies=plays)
    penalty: float = number(0.1, 0.001, 100.0, log=True, applies=lambda v: v.rule == "wgan_gp")
    g_first: int = integer(0, 0, 5000, step=50, applies=plays)
    d_first: int = integer(0, 0, 5000, step=50, applies=plays)
    climb: int = integer(20, 1, 100, applies=lambda v: v.rule in ALONE)
    beta1: float = number(0.5, 0.0, 0.99, step=0.01)
    init: str = choice("lecun", tuple(STARTS))


@dataclass(frozen=True)
class Centre(BaseParams):
    """The middle of a Gaussian that the reader placed."""

    x: float = number(0.0, -OUTERMOST, OUTERMOST, step=0.01)
    y: float = number(0.0, -OUTERMOST, OUTERMOST, step=0.01)


def on_points(params: Params) -> bool:
    return bool(params.own) or params.data != "digits"


def made_up(params: Params) -> bool:
    """Points of modes that are known, with a spread that is known."""
    return not params.own and params.data != "digits"


def mode_count(params: Params) -> int:
    """How many modes the data have; 0 where nobody knows them."""
    return 0 if params.own else len(params.centres) if params.data == "drawn" else MODES[params.data]


@dataclass(frozen=True)
class Params(BaseParams):
    """Versions on one data set. Seed i of `seeds` draws data and batches data_seed + i, weights weight_seed + i."""

    versions: tuple[Version, ...] = rows((Version(),), Version, 1, 4, fresh=fresh)
    data: str = choice("ring", (*MODES, "drawn"), applies=lambda p: not p.own)
    own: str = upload("table", rows=(20, 5000), features=(2, 2), classes=(0, 0))
    centres: tuple[Centre, ...] = rows((Centre(),), Centre, 1, 25, applies=lambda p: not p.own and p.data == "drawn")
    order: str = choice("in_turn", ("in_turn", "by_hand"))
    moves: str = string("", "dgbDGB", 120, applies=lambda p: p.order == "by_hand")
    steps: int = integer(1500, 20, 20_000, step=10, applies=lambda p: p.order == "in_turn")
    noise: float = number(0.1, 0.01, 0.5, step=0.01, applies=made_up)
    points: int = integer(2000, 200, 5000, step=100, applies=made_up)
    depth: int = integer(2, 1, 4)
    width: int = integer(64, 4, 256)
    batch: int = integer(128, 8, 512, step=8)
    seeds: int = integer(6, 1, 24)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """What every member makes at every tick (tick 0 is before training), and pictures of the first seeds.

    A mode is one of the Gaussians, a stretch of a spiral or moon, or a digit. A sample is good when it is within
    three σ of the data without noise; a digit, when its features are as near to a training image's as those of 95 % of
    real images never trained on. Of the reader's own points neither is known: covered and good are NaN, and share has
    no modes.
    """

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    d_real: np.ndarray = array("version seed tick+")  # mean output of D; a probability under a logistic loss
    d_fake: np.ndarray = array("version seed tick+")
    # With at least 2 % of all samples, and good ones
    covered: np.ndarray = array("version seed tick+", "modes", fill=np.nan)
    good: np.ndarray = array("version seed tick+", fill=np.nan)  # share of good samples
    share: np.ndarray = array("version seed tick+ mode")  # of samples nearest each mode, good or not
    # Share of samples of the mode asked for; NaN without condition
    obeyed: np.ndarray = array("version seed tick+", fill=np.nan)
    # Jensen–Shannon divergence in bits; digits: Fréchet distance
    distance: np.ndarray = array("version seed tick+", fill=np.nan)
    floor: np.ndarray = array("seed")  # the same distance between two real samples
    real: np.ndarray = array("picture example feature")
    samples: np.ndarray = array("version picture tick+ sample feature")
    field: np.ndarray = array("version picture tick+ row column", "1/255", dtype="uint8")  # D over the plane
    # Of the first seed, on points only: where a square of codes goes, and where G's loss pushes samples.
    fold: np.ndarray = array("version tick+ line node feature")
    push: np.ndarray = array("version tick+ arrow feature")


def examples(params: Params) -> int:
    """Of a seed's training set."""
    return params.points if made_up(params) else round(0.6 * shape(params.own)[0]) if params.own else DIGITS


CUT = Cut(
    {"*": "seed weight"},
    rows=lambda p: (p.batch, examples(p)),
    rests=lambda p: (p.batch, min(examples(p), LOOKED_AT)),
    first={"picture": lambda p: min(p.seeds, 6 if len(p.versions) == 1 else 3)},
)


@dataclass(frozen=True)
class Codes(BaseParams):
    """A walk between two codes: which version and seed, the numbers of the codes, and what is asked for."""

    version: int = integer(1, 1, 4)
    seed: int = integer(1, 1, 24)
    start: int = integer(0, 0, CODE_NUMBERS)
    end: int = integer(1, 0, CODE_NUMBERS)
    mode: int = integer(0, 0, 24)


@dataclass(frozen=True)
class Walk(BaseResult):
    """What G makes of codes along an arc from one to the other, and what D says of it."""

    path: np.ndarray = array("stop feature")
    score: np.ndarray = array("stop")


ASKS = (Ask("walk", Codes, Walk),)


def units(params: Params, version: Version) -> dict[str, tuple[int, ...]]:
    """Units of every layer of G, D and the encoder E."""
    features, hidden = 2 if on_points(params) else 64, [params.width] * params.depth
    asked = mode_count(params) if version.conditional and version.rule in GAMES else 0
    code = features if version.rule in ALONE else version.z
    return {
        "g": (code + asked, *hidden, features),
        "d": (features + asked, *hidden, 1),
        "e": (features, *hidden, code),
    }


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The players of every version by layer: {"0.g.2.weight": [seeds, out, in], …}; d is D, e the encoder."""
    params = result.params
    nets = [(f"{v}.{n}", sizes) for v, arm in enumerate(params.versions) for n, sizes in units(params, arm).items()]
    return perceptrons(state, nets)


def plan(params: Params) -> str:
    """One letter per step: d and g are an update of D or G, b is D's and then G's."""
    if params.order == "in_turn":
        return "b" * params.steps
    return "".join(move if move.islower() else move.lower() * BOUT for move in params.moves)


def cost(params: Params) -> Cost:
    """Forward and backward take about 6 operations per weight and example, each several times slower here than in the
    large products by which an engine is measured. An update is about two steps of that measurement."""
    steps, batch, seeds = len(plan(params)), params.batch, params.seeds
    flops, small, memory = 0.0, 0.0, 0.0
    for v in params.versions:
        sizes = units(params, v)
        g, d, e = (weight_count(sizes[n]) for n in "gde")
        if v.rule in CODES:
            passes, updates = 1.0 * g + e, 1
        elif v.rule in ALONE:
            climbed = v.climb if v.rule == "d_own" else 0
            passes, updates = (2.0 + climbed) * d, 1 + climbed
        else:
            penalised = v.rule == "wgan_gp"
            passes = v.d_steps * ((5 if penalised else 2) * d + g / 3) + v.g_steps * (g + d)
            updates = v.d_steps * (3 if penalised else 1) + v.g_steps
        small += updates
        flops += 1.8 * seeds * (6 * passes * batch + 100.0 * (g + d) + 8e3 * updates)
        tabulated = steps * (v.d_steps + v.g_steps + 1)
        memory += (
            4.0 * seeds * (12 * (g + d + e) + 3 * params.width * params.depth * (4096 + 4 * batch) + 4 * tabulated)
        )
    ticks = 1 + (len(params.moves) if params.order == "by_hand" else min(TICKS, steps))
    pictures = ticks * len(params.versions) * 6 * 6000
    updates_in_all = max(1, round(steps * small))
    return Cost(updates_in_all, flops / small, memory + pictures)


PRESETS = (
    Preset("ring", {}),
    Preset("collapse", {"versions": (Version(g_steps=5),)}),
    Preset(
        "cure",
        {"versions": (Version(g_steps=5), Version(g_steps=5, conditional=True), Version()), "seeds": 3},
    ),
    Preset("unstable", {"versions": (Version(beta1=0.9),)}),
    Preset("long_codes", {"versions": (Version(z=16), fresh("wgan_gp", Version(z=16))), "steps": 1000, "seeds": 3}),
    Preset("starts", {"versions": (Version(z=64), Version(z=64, init="torch")), "steps": 4000, "seeds": 3}),
    Preset("losses", {"versions": tuple(Version(rule=rule) for rule in GAMES[:4]), "seeds": 3}),
    Preset("codes", {"versions": (Version(), *(Version(rule=rule) for rule in reversed(CODES))), "seeds": 3}),
    Preset("d_alone", {"versions": tuple(Version(rule=rule) for rule in reversed(ALONE)), "steps": 500, "seeds": 3}),
    Preset("by_hand", {"order": "by_hand", "moves": "BDG", "seeds": 3}),
    Preset("digits", {"data": "digits", "versions": (Version(z=16),), "width": 128, "steps": 2000, "seeds": 3}),
)

TINY = Params(
    versions=(
        Version(rule="wgan_gp", conditional=True, z=3, d_steps=2),
        Version(g_first=10, d_first=10),
        Version(rule="d_own", climb=2),
    ),
    steps=40,
    points=200,
    depth=1,
    width=8,
    batch=16,
    seeds=2,
)
TRIAL = {"seeds": 2, "steps": 20}
