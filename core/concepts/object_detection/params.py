"""Object detection: what can be turned, what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.params import BaseParams, choice, drawing, flag, integer, number, points
from core.concept.parts import Ask, Cost, Preset
from core.concept.result import BaseResult, array
from core.ml.architecture import Act, Conv, Layers, Norm, activation_bytes, buffers, parameters, training_step
from core.ml.data import FILES
from core.takeaway.weights import cut

ENGINE = "stacked torch"
DEVICES = ("cpu", "cuda", "mps")
DIVERGES = "loss"
FURTHER = ("targets", "window", "overlap")
CLASSES = ("0", "1", "4", "7", "triangle", "bar")
SIZE, GRID = 32, 8  # pixels of a scene and cells along a side
CELL = SIZE // GRID
ANCHORS = ((7.0, 12.0), (12.0, 7.0))  # width and height, pixels: a tall one and a wide one
POINTS = 8  # numbers: four places, across and down
PER = 5 + len(CLASSES) + POINTS  # numbers of an anchor in a cell: is there an object, box, class, landmarks
BATCH = 32
TICKS = 8  # moments measured, besides the start
SHOWN = 6  # test scenes that are seen, of the first seed
MOST, RAW = 12, 60  # boxes of a scene that are kept for a picture, after and before suppression
PRIOR = 3.0  # what is taken from the logit of an object, as most cells have none (Lin et al., 2017)
FLOOR = 0.05  # scores that are looked at all
BELIEVED = 0.5  # where one number is needed
SUPPRESS = 0.5  # IoU above which the weaker of two boxes of a class goes
THRESHOLDS = tuple(round(0.1 * k, 1) for k in range(1, 10))  # of suppression
CONFIDENCES = tuple(round(0.1 * k, 1) for k in range(1, 10))
HITS = (0.5, 0.75)  # of IoU, from where on a box is a hit
WAYS = ("class", "across", "counted")  # suppression by class | across classes (wrong) | duplicates are hits (wrong)
OUTCOMES = ("hit", "place", "class", "twice", "nothing", "missed")  # of a box; the last of an object
PLACED = 0.1  # IoU from where on a box is meant for an object
FIRST = ("noise", "objects", "together", "anchors", "masked", "steps", "lr")  # of this experiment alone
AFTER = ("updates",)
BOXES = ("one", "other")
WITHOUT = (*AFTER, *BOXES)


@dataclass(frozen=True)
class Params(BaseParams):
    """Scenes, and a detector that is trained on them. Seed i of `seeds` draws scenes data_seed + i and weights
    weight_seed + i."""

    noise: float = number(0.1, 0.0, 0.6, step=0.05)
    objects: int = integer(3, 1, 5)
    together: float = number(0.0, 0.0, 1.0, step=0.1)
    anchors: int = integer(2, 1, 2)
    masked: bool = flag(True)  # False is wrong: boxes are trained where there is nothing, too
    examples: int = integer(1500, 40, 6000, step=20)
    tested: int = integer(150, 12, 600, step=6)
    steps: int = integer(400, 1, 3000)
    lr: float = number(0.015, 1e-5, 10.0, log=True)
    updates: int = integer(250, 1, 2000)
    one: tuple[tuple[float, ...], ...] = points(((4.0, 8.0), (18.0, 24.0)), 0.0, SIZE, 2, 2)
    other: tuple[tuple[float, ...], ...] = points(((10.0, 12.0), (27.0, 28.0)), 0.0, SIZE, 2, 2)
    seeds: int = integer(3, 1, 40)
    data_seed: int = integer(0, 0, 99_999)
    weight_seed: int = integer(0, 0, 99_999)


@dataclass(frozen=True)
class Result(BaseResult):
    """One pass per scene, measured on test scenes whose digits nobody trained on. A row of what was found is left, top,
    right, bottom, class, score; NaN where there are fewer."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("seed tick+ part", "nats")  # object, box, class: mean of a test scene
    ap: np.ndarray = array("seed tick+")  # at IoU 0.5, mean over classes
    rule: np.ndarray = array("seed")  # the same of boxes around what hangs together, named by the nearest mean picture
    scene: np.ndarray = array("scene row column")
    truth: np.ndarray = array("scene object five")  # box and class
    found: np.ndarray = array("tick+ scene box six", fill=np.nan)
    raw: np.ndarray = array("end+ scene raw six", fill=np.nan)  # before suppression
    mark: np.ndarray = array("end+ scene raw eight", "pixels", fill=np.nan)  # landmarks of these
    by_class: np.ndarray = array("seed end+ class", fill=np.nan)
    suppressed: np.ndarray = array("seed end+ way threshold", fill=np.nan)  # AP by what suppression does
    unsuppressed: np.ndarray = array("seed end+", fill=np.nan)  # AP of all boxes as they come
    defined: np.ndarray = array("seed end+ definition level", fill=np.nan)  # AP by its definitions
    precision: np.ndarray = array("seed end+ recall", fill=np.nan)  # mean over classes, at 101 recalls
    outcome: np.ndarray = array("seed end+ confidence outcome", fill=np.nan)  # how many a scene
    landmark: np.ndarray = array("seed end+ who", "pixels", fill=np.nan)  # error of the head, of a constant place
    off: np.ndarray = array("seed end+", fill=np.nan)  # mean IoU of hits


@dataclass(frozen=True)
class Placed(BaseParams):
    """A scene by hand: things at these places, the first of this kind, the next of the next one, and what is drawn."""

    places: tuple[tuple[float, ...], ...] = points(((8.0, 22.0), (22.0, 20.0), (17.0, 7.0)), 0.0, SIZE, 0, 5)
    first: str = choice("7", tuple(filter(str.isdecimal, CLASSES)))
    pixels: str = drawing(SIZE, SIZE)
    confidence: float = number(0.4, 0.05, 0.95, step=0.05)
    threshold: float = number(SUPPRESS, 0.05, 0.95, step=0.05)
    across: bool = flag(False)


@dataclass(frozen=True)
class Detected(BaseResult):
    """The scene and what the first seed found in it; `gone` is what suppression took."""

    scene: np.ndarray = array("row column")
    found: np.ndarray = array("box six")
    gone: np.ndarray = array("lost six")
    mark: np.ndarray = array("box eight", "pixels")


ASKS = (Ask("detect", Placed, Detected),)


def network(anchors: int) -> Layers:
    """Five convolutions, two of them with stride 2: then every place of the map is a cell and has its answer."""
    wide = tuple(layer for _ in range(2) for layer in (Conv(32), Norm(), Act()))
    return Conv(16, 3, 2), Norm(), Act(), Conv(32, 3, 2), Norm(), Act(), *wide, Conv(anchors * PER, 1)


GIVEN = (1, SIZE, SIZE)


def moments(steps: int) -> np.ndarray:
    """At most TICKS + 1 steps after which something is measured, more of them early on."""
    part = np.linspace(0, 1, min(steps, TICKS) + 1) ** 1.3
    return np.unique((steps * part).round().astype(int))


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By the names of torch.nn: {"0.weight": [seeds, 16, 1, 3, 3], …}; with running means and variances of norms."""
    net = network(result.params.anchors)
    return cut(state["detector"], parameters(net, GIVEN) | buffers(net, GIVEN))


def cost(params: Params) -> Cost:
    net, looks = network(params.anchors), params.tested * (TICKS + 2) / 3
    flops = training_step(net, GIVEN, BATCH) * (1 + looks / BATCH / params.steps)
    making = (
        1e7 * (params.examples + 3 * params.tested) / params.steps
    )  # scenes are painted, boxes compared, on the processor
    memory = activation_bytes(net, GIVEN, params.tested) + 4.0 * params.examples * (SIZE**2 + GRID**2 * 2 * (PER + 2))
    return Cost(params.steps, params.seeds * (flops + making), params.seeds * memory, params.seeds)


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return FILES["digits"]


PRESETS = (
    Preset("apart", {}, "scene"),
    Preset("alone", {"objects": 1}, "scene"),
    Preset("together", {"together": 1.0, "objects": 2}, "scene"),
    Preset("one_anchor", {"together": 1.0, "objects": 2, "anchors": 1}, "scene"),
    Preset("noisy", {"noise": 0.4}, "scene"),
    Preset("unmasked", {"masked": False}, "scene"),
)

TINY = Params(examples=40, tested=12, steps=3, updates=2, objects=2, seeds=2)
TRIAL = {"seeds": 1, "examples": 40, "tested": 12, "steps": 2, "updates": 2}
