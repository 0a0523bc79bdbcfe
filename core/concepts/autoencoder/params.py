"""Autoencoders: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, drawing, integer, number, rows, shape, upload
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.costs import stepping, weight_count
from core.ml.data import FILES
from core.takeaway.weights import perceptron, perceptrons

ENGINE = "stacked torch"
DIVERGES = "error"
SIZES = (32, 16, 8, 4, 2)  # numbers in the bottleneck: all are trained, the widest first
WIDEST, PLANE = SIZES[0], SIZES.index(2)
VAES = ("vae", "vae_mean", "vae_std")  # the last two are wrong
KINDS = ("linear", "plain", "denoising", *VAES)
HALVES = ("encoder", "decoder")
WAYS = ("prior", "gaussian", "box")  # where codes are drawn from
SIDE = 8  # of a picture, in pixels
PIXELS = SIDE**2
PICTURES = 10  # test pictures shown
TICKS = 5  # moments recorded, at most
SAMPLED = 150  # pictures made of drawn codes
CELLS = 16  # along a side of the plane in which gaps are counted
INK = "0123456789abcdefg"  # a drawn pixel, from paper to ink


def gaussian(version: Version) -> bool:
    """Its encoder gives a mean and a log-variance for each number of the code."""
    return version.kind in VAES


@dataclass(frozen=True)
class Version(BaseParams):
    """One kind of autoencoder; several train side by side, on the same batches."""

    kind: str = choice("plain", KINDS)
    beta: float = number(0.1, 0.001, 10.0, log=True, applies=gaussian)


@dataclass(frozen=True)
class Params(BaseParams):
    """Kinds of autoencoders, each with every bottleneck of SIZES. Seed i of `seeds` draws split, order and noise of
    pictures data_seed + i, and weights and noise of codes weight_seed + i, the same for every version and size."""

    versions: tuple[Version, ...] = rows((Version("linear"), Version(), Version("vae")), Version, 1, 5)
    noise: float = number(0.3, 0.05, 1.0, step=0.05)
    own: str = upload("table", rows=(60, 5000), features=(PIXELS, PIXELS), classes=(2, 20))
    width: int = integer(64, 8, 256, step=8)
    depth: int = integer(1, 1, 3)
    activation: str = choice("relu", ("relu", "tanh", "elu", "sigmoid"))
    lr: float = number(0.01, 1e-5, 0.1, log=True)
    batch: int = integer(64, 8, 512, step=8)
    epochs: int = integer(40, 1, 500)
    seeds: int = integer(3, 1, 20)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Errors are squared, summed over the pixels, in shares of what the mean training picture makes of the same
    pictures: 1 is to say nothing. Where no axis names the seed it is the first."""

    tick: np.ndarray = array("tick+", "epochs", dtype="int64")
    error: np.ndarray = array("version size seed tick+ split")
    cleaned: np.ndarray = array("version size seed tick+")  # of test pictures with noise, against those without
    sampled: np.ndarray = array("version size seed tick+")  # with codes drawn as the encoder says; VAE only, else NaN
    kl: np.ndarray = array("version size seed tick+", "nats")
    active: np.ndarray = array("version size seed tick+")  # numbers of the code that differ between test pictures
    pca: np.ndarray = array("size seed split")
    pca_cleaned: np.ndarray = array("size seed")
    noisy: np.ndarray = array("seed")  # error of the noisy pictures themselves
    # Test accuracy of a linear discriminant on codes: trained, before training, of PCA, and on the pixels.
    probe: np.ndarray = array("version size seed end+")
    untrained: np.ndarray = array("version size seed end+")
    pca_probe: np.ndarray = array("size seed end+")
    pixels_probe: np.ndarray = array("seed end+")
    # Codes drawn in three ways: share of good pictures, share of cells of the plane without a training code.
    good: np.ndarray = array("version size way seed end+")
    empty: np.ndarray = array("version way seed end+")
    real_good: np.ndarray = array("seed end+")  # the same of test pictures
    pca_good: np.ndarray = array("size seed end+")  # of PCA with a Gaussian fitted to its codes
    drawn: np.ndarray = array("version size way end+ sample pixel")  # of the first seed
    # Pictures of the first seed, from 0 (paper) to 1 (ink).
    mean: np.ndarray = array("pixel")
    original: np.ndarray = array("picture pixel")
    noised: np.ndarray = array("picture pixel")
    pca_made: np.ndarray = array("size picture pixel")
    made: np.ndarray = array("version size picture pixel")
    made_clean: np.ndarray = array("version size picture pixel")
    errors: np.ndarray = array("version size example")  # of every test picture, as they are
    code: np.ndarray = array("version example axis")  # of every test picture, through two numbers
    label: np.ndarray = array("example", dtype="int64")
    plane: np.ndarray = array("version row column pixel")  # decoded from the box around these codes


@dataclass(frozen=True)
class Ends(BaseParams):
    """A walk between the codes of two test pictures."""

    version: int = integer(2, 1, 5)
    size: str = choice("8", tuple(str(size) for size in SIZES))
    start: int = integer(4, 1, PICTURES)
    end: int = integer(10, 1, PICTURES)


@dataclass(frozen=True)
class Walk(BaseResult):
    """What the decoder makes of codes on the way, and the same way between the pictures themselves."""

    path: np.ndarray = array("stop pixel")
    blend: np.ndarray = array("stop pixel")


@dataclass(frozen=True)
class Drawing(BaseParams):
    """A picture that the reader drew, row by row; empty is all paper."""

    version: int = integer(2, 1, 5)
    pixels: str = drawing(SIDE, SIDE, levels=len(INK))


@dataclass(frozen=True)
class Rebuilt(BaseResult):
    """The drawing through every bottleneck, its squared error, and the share of test pictures with a smaller one."""

    picture: np.ndarray = array("pixel")
    made: np.ndarray = array("size pixel")
    error: np.ndarray = array("size")
    rank: np.ndarray = array("size")


ASKS = (Ask("walk", Ends, Walk), Ask("draw", Drawing, Rebuilt))


def units(params: Params, version: Version, size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Units of every layer of the encoder and of the decoder."""
    hidden = () if version.kind == "linear" else (params.width,) * params.depth
    return (PIXELS, *hidden, size * (2 if gaussian(version) else 1)), (size, *hidden, PIXELS)


def places(params: Params, version: Version, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the weights of an encoder and a decoder of this size stand in a row, which has room for the widest code."""
    encoder, decoder = units(params, version, WIDEST)
    one = perceptron(np.arange(weight_count(encoder)), encoder)
    other = perceptron(weight_count(encoder) + np.arange(weight_count(decoder)), decoder)
    last, used = len(encoder) - 2, np.concatenate([i + np.arange(size) for i in range(0, encoder[-1], WIDEST)])
    one |= {name: one[name][used] for name in (f"{last}.weight", f"{last}.bias")}
    other["0.weight"] = other["0.weight"][:, :size]
    first, second = (np.concatenate([part.ravel() for part in half.values()]) for half in (one, other))
    return first, second


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every version and size by layer: {"1.8.encoder.0.weight": [seeds, out, in], …}. The encoder of a VAE gives all
    means, then all log-variances."""
    nets = []
    for name in state:
        version, size, half = name.split(".")
        both = units(result.params, result.params.versions[int(version)], int(size))
        nets.append((name, both[HALVES.index(half)]))
    return perceptrons(state, nets)


def examples(params: Params) -> int:
    return shape(params.own)[0] if params.own else 1797


def even(params: Params) -> float:
    """The share of cells of the plane that is left empty where every training code falls into any with equal chance."""
    return (1 - CELLS**-2) ** round(0.6 * examples(params))


def cost(params: Params) -> Cost:
    """Beside training, a picture that is measured takes 2 operations per weight."""
    n = examples(params)
    training = round(0.6 * n)
    batch, members = min(params.batch, training), len(SIZES) * params.seeds
    steps = params.epochs * -(-training // batch)
    weights = sum(weight_count(part) for version in params.versions for part in units(params, version, WIDEST))
    seen = (min(TICKS, params.epochs) + 1) * 2 * n + len(WAYS) * SAMPLED * 10
    flops = members * (stepping(weights, batch) + 2.0 * weights * seen / steps)
    widest = 2 * PIXELS + 2 * params.width * params.depth + 3 * WIDEST
    memory = 4.0 * members * (12 * weights + 3 * widest * max(n, batch)) + 24.0 * SAMPLED * training
    return Cost(steps, flops, memory, members * len(params.versions))


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return () if params.own else FILES["digits"]


def of(*kinds: str) -> tuple[Version, ...]:
    return tuple(Version(kind) for kind in kinds)


PRESETS = (
    Preset("squeeze", {}),
    Preset("linear", {"versions": of("linear")}),
    Preset("denoise", {"versions": of("plain", "denoising"), "noise": 0.5}, "noise"),
    Preset("gaps", {"versions": of("plain", "vae")}, "holes"),
    Preset("beta", {"versions": tuple(Version("vae", beta) for beta in (0.01, 0.1, 1.0))}, "code"),
    Preset("mean", {"versions": of("vae", "vae_mean")}, "code"),
    Preset("deviation", {"versions": of("vae", "vae_std")}, "code"),
)

TINY = Params(versions=of("linear", "denoising", "vae_std"), width=8, epochs=2, batch=512, seeds=2)
TRIAL = {"seeds": 2, "epochs": 1}
