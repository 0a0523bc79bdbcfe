"""Photographs by a network of others: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.transfer_learning.params import Params
from core.ml.architecture import Dense, Layers, parameters
from core.ml.photographs import PHOTOGRAPHS, TEXTURES
from core.ml.pretrained import PRETRAINED, installed
from core.takeaway.weights import cut

WITHOUT = ("ways", "data", "own", "source", "pretraining", "reversed", "labels")
DIVERGES = ""
NAMES = (*PHOTOGRAPHS, *TEXTURES)
SIDE, DOWN, ACROSS = 48, 4, 4  # pixels of a patch, patches of a picture
COUNTS = (1, 4, 8)  # labelled patches of a picture; the left half has the last number of them
THUMB = 8  # patches as their pixels are so many pixels wide and high
# What stands before a patch: EfficientNet-Lite0 trained on ImageNet | with random weights | its pixels
FEATURES = {"imagenet": 1280, "random": 1280, "pixels": 3 * THUMB * THUMB}
HEAD: Layers = (Dense(len(NAMES)),)


@dataclass(frozen=True)
class Result(BaseResult):
    """Which picture is a patch of? Heads on frozen features; labelled patches are of left halves, test patches all of
    right halves. NaN of features that need a network which is not installed."""

    labels: np.ndarray = array("count", "per picture", dtype="int64")
    tick: np.ndarray = array("tick+", "steps", dtype="int64")
    loss: np.ndarray = array("features count seed tick+", "nats", fill=np.nan)
    accuracy: np.ndarray = array("features count seed tick+", fill=np.nan)
    installed: np.ndarray = array("", dtype="int64", fill=0)


def weights(result: Result, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Heads [counts, seeds, …]: {"imagenet.0.weight": …}."""
    parts = {name: cut(rows, parameters(HEAD, (FEATURES[name],))) for name, rows in state.items()}
    return {f"{name}.{key}": part for name, named in parts.items() for key, part in named.items()}


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    found = tuple(file for name in NAMES for file in (PHOTOGRAPHS | TEXTURES)[name])
    return found + (PRETRAINED if installed() else ())


def cost(params: Params) -> Cost:
    patches, members = len(NAMES) * DOWN * ACROSS, len(COUNTS) * params.seeds
    net = 2 * patches * 1.5e8  # of a patch on its way through the network, in operations of larger ones
    heads = 3 * (1e7 + 3e5 * members)
    return Cost(params.steps, net / params.steps + heads, 4e8 + members * 2e6, members)
