"""A sliding window: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.object_detection.params import BOXES, CLASSES, FIRST, SIZE, Params
from core.ml.architecture import Act, Conv, Layers, Pool, activation_bytes, multiply_adds, parameters, training_step
from core.takeaway.weights import cut

DEVICES = ("cpu",)  # it is timed
WITHOUT = (*FIRST, *BOXES)
WINDOW, STRIDE = 16, 4  # pixels
PLACES = (SIZE - WINDOW) // STRIDE + 1  # of the window along a side
BATCH = 64
NEAR = 3  # pixels by which a middle may lie off that of a window that shows the object
WAYS = ("crops", "convolution")
REPEATS = 3  # measurements of time, of which the quickest counts
RATE = 0.005  # of Adam, falling as a cosine


@dataclass(frozen=True)
class Result(BaseResult):
    """The classifier on every window of test scenes, crop by crop and as one convolution over whole scenes."""

    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("seed tick+", "nats")  # of a batch
    right: np.ndarray = array("seed end+")  # accuracy on test crops
    difference: np.ndarray = array("seed end+")  # the largest between both ways' outputs
    seconds: np.ndarray = array("way seed end+", "seconds", measured=True)
    products: np.ndarray = array("way", dtype="float64")  # multiply-adds of a scene
    ap: np.ndarray = array("seed end+ level")  # at IoU 0.5 and 0.25 of windows that are taken for boxes
    best: np.ndarray = array("seed end+")  # mean IoU of an object with the window that is nearest to it
    scene: np.ndarray = array("row column")  # a test scene of the first seed
    truth: np.ndarray = array("object five")
    map: np.ndarray = array("end+ down across")  # how probable it is that there is anything


def classifier() -> Layers:
    """For a crop of WINDOW × WINDOW its answer is one place; what would be a dense layer is a convolution."""
    return (
        Conv(8, 3, padding=0), Act(), Pool(), Conv(16, 3, padding=0), Act(), Pool(), Conv(32, 2, padding=0), Act(),
        Conv(len(CLASSES) + 1, 1),
    )  # fmt: skip


CROP, WHOLE = (1, WINDOW, WINDOW), (1, SIZE, SIZE)


def products() -> np.ndarray:
    return np.array([PLACES**2 * multiply_adds(classifier(), CROP), multiply_adds(classifier(), WHOLE)], float)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By the names of torch.nn: {"0.weight": [seeds, 8, 1, 3, 3], …}."""
    return cut(state["classifier"], parameters(classifier(), CROP))


def cost(params: Params) -> Cost:
    looks = REPEATS * 2 * PLACES**2 * params.tested / BATCH / params.updates
    flops = training_step(classifier(), CROP, BATCH) * (1 + looks) + 4e8 / params.updates
    memory = activation_bytes(classifier(), CROP, params.tested * PLACES**2) + 4.0 * params.examples * 4 * WINDOW**2
    return Cost(params.updates, params.seeds * flops, params.seeds * memory, params.seeds)
