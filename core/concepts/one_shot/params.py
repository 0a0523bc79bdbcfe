"""One-shot learning: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, drawing, integer, number
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Layers,
    Norm,
    activation_bytes,
    buffers,
    parameters,
    training_step,
)
from core.ml.mnist import MNIST
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
DIVERGES = "loss"
FURTHER = ("losses", "identities")
SIZE = 24  # pixels along a side
EMBED = 32  # numbers of an embedding
# a yes/no head on |f − f′| | pull and push | triplets: all, semi-hard, hardest | softmax over training identities
LOSSES = ("siamese", "contrastive", "all", "semi_hard", "hard", "classifier")
DATA = ("symbols", "digits")
# right: strangers, threshold of other identities | ½ whatever the distances (wrong) | tested with identities of the
# training set (wrong) | the threshold with the best precision, which is then called accuracy (wrong)
TESTS = ("right", "half", "seen", "precision")
ROWS = ("trained", "untrained", "pixels")
DIGITS, APART = 10, (5, 2, 3)  # classes, for training, for the threshold, unseen
TESTED, EACH = 25, {"symbols": 6, "digits": 50}  # identities of the sets that are tested with, writings of each
GALLERY = (2, 5, 10, 20)  # identities that are enrolled, with one writing each
TRIALS = 400
BATCH, WRITTEN = 12, 4  # identities of a batch at most, and writings of all of it over those
IMAGES = BATCH * WRITTEN
TICKS = 6  # moments measured, besides the start
SHOWN = (5, 4)  # unseen identities and writings that are seen, of the first seed
EDGES = np.linspace(0, 3.2, 41)  # of distances over the threshold
PLACES = 101  # of ROC curves
WITHOUT = ("updates",)


@dataclass(frozen=True)
class Params(BaseParams):
    """A network that says how far two pictures are apart. Seed i of `seeds` draws symbols and writings data_seed + i,
    weights weight_seed + i."""

    loss: str = choice("semi_hard", LOSSES)
    margin: float = number(0.5, 0.0, 1.5, step=0.1, applies=lambda p: p.loss not in ("siamese", "classifier"))
    identities: int = integer(100, 4, 400, applies=lambda p: p.data == "symbols")
    data: str = choice("symbols", DATA)
    test: str = choice("right", TESTS)
    images: int = integer(2400, 48, 6000, step=12)
    hand: float = number(1.0, 0.0, 2.0, step=0.1, applies=lambda p: p.data == "symbols")
    noise: float = number(0.1, 0.0, 1.0, step=0.05)
    steps: int = integer(300, 1, 2000)
    updates: int = integer(100, 1, 1000)
    lr: float = number(0.006, 1e-5, 1.0, log=True)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """Measured on pictures of identities that are in no training set, but where the name says `seen`. Distances of a
    yes/no head are its probabilities of “different”."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("seed tick+")  # of a batch of identities for the threshold
    area: np.ndarray = array("seed tick+")  # under the ROC curve: how often two of one are nearer than two of several
    oneshot: np.ndarray = array("seed tick+")  # accuracy among ways(params), one writing enrolled of each
    area_seen: np.ndarray = array("seed tick+")
    oneshot_seen: np.ndarray = array("seed tick+")
    apart: np.ndarray = array("seed tick+ pair")  # mean distance of two of the same, of two different ones
    threshold: np.ndarray = array("seed tick+")
    taken: np.ndarray = array("seed tick+")  # different ones taken for the same at the threshold, share
    refused: np.ndarray = array("seed tick+")  # same ones taken for different
    said: np.ndarray = array("seed tick+")  # what the test of the Params calls accuracy
    fair: np.ndarray = array("seed tick+")  # accuracy on strangers at the threshold of other identities
    histogram: np.ndarray = array("seed tick+ pair bin")  # of distances over the threshold, densities
    picture: np.ndarray = array("shown written row column")
    pixels: np.ndarray = array("seed measure")  # area, accuracy among ways(params) by distances of pixels
    roc: np.ndarray = array("who seed end+ place", fill=np.nan)
    identified: np.ndarray = array("who seed end+ gallery", fill=np.nan)  # by the nearest of those enrolled
    stranger: np.ndarray = array("who seed end+ gallery", fill=np.nan)  # share of strangers taken for one of them


@dataclass(frozen=True)
class Pair(BaseParams):
    """Two pictures; an empty one is a writing of an unseen symbol, both of the same."""

    enrolled: str = drawing(SIZE, SIZE)
    again: str = drawing(SIZE, SIZE)


@dataclass(frozen=True)
class Compared(BaseResult):
    picture: np.ndarray = array("which row column")
    distance: np.ndarray = array("one")  # over the threshold
    pixels: np.ndarray = array("one")  # by the distance of pixels over the threshold for it


ASKS = (Ask("compare", Pair, Compared),)
GIVEN = (1, SIZE, SIZE)
BODY: Layers = (
    *(layer for wide in (16, 32, 32) for layer in (Conv(wide, 3, 2, bias=False), Norm(), Act())),
    *(Flatten(), Dense(EMBED)),
)


def head(loss: str, identities: int) -> Layers:
    """What stands behind the embedding in training: of `siamese` behind |f − f′|."""
    return {"siamese": (Dense(1),), "classifier": (Dense(identities),)}.get(loss, ())


def trained_on(params: Params) -> int:
    """How many identities."""
    return params.identities if params.data == "symbols" else APART[0]


def strangers(params: Params) -> int:
    """Identities of each set that is tested with, at most."""
    return TESTED if params.data == "symbols" else APART[2]


def writings(params: Params) -> int:
    """Of every training identity."""
    return max(WRITTEN, min(params.images // trained_on(params), 2000 if params.data == "symbols" else 400))


def ways(params: Params) -> int:
    """Among how many identities one is looked for where one number is needed."""
    return GALLERY[1] if params.data == "symbols" else GALLERY[0]


def moments(steps: int) -> np.ndarray:
    """At most TICKS + 1 steps after which something is measured, more of them early on."""
    part = np.linspace(0, 1, min(steps, TICKS) + 1) ** 1.5
    return np.unique((steps * part).round().astype(int))


def named(loss: str, identities: int, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Weights by the names of torch.nn: "net.0.weight", …, and "head.0.weight" where there is a head."""
    net = {f"net.{name}": size for name, size in parameters(BODY, GIVEN).items()}
    top = {f"head.{name}": size for name, size in parameters(head(loss, identities), (EMBED,)).items()}
    return cut(rows, net | top | {f"net.{name}": size for name, size in buffers(BODY, GIVEN).items()})


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return named(result.params.loss, trained_on(result.params), state["net"])


def training(params: Params, nets: int, looks: float, courses: int = 1) -> Cost:
    """Of so many networks a seed, in turn, each looked at so often, from so many sets of pictures."""
    step, pictures = training_step(BODY, GIVEN, IMAGES), 3 * TESTED * EACH["symbols"]
    look = 0.3 * training_step(BODY, GIVEN, pictures) * looks / params.steps
    kept = activation_bytes(BODY, GIVEN, pictures + IMAGES) + 8.0 * courses * SIZE**2 * (params.images + 1000)
    return Cost(params.steps, params.seeds * nets * (step + look) + 1e7, params.seeds * kept, params.seeds * nets)


def cost(params: Params) -> Cost:
    return training(params, 1, TICKS + 4)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return MNIST if params.data == "digits" else ()


PRESETS = (
    Preset("strangers", {}, "pairs"),
    Preset("siamese", {"loss": "siamese"}, "pairs"),
    Preset("few", {"identities": 5}, "pairs"),
    Preset("digits", {"data": "digits"}, "pairs"),
    Preset("collapse", {"loss": "contrastive", "margin": 0.0}, "collapse"),
    Preset("half", {"test": "half"}, "pairs"),
    Preset("seen", {"test": "seen", "identities": 20}, "pairs"),
    Preset("precision", {"test": "precision"}, "pairs"),
)

TINY = Params(identities=6, images=48, steps=2, updates=2, seeds=2)
TRIAL = {"seeds": 1, "images": 48, "steps": 2, "updates": 1}
