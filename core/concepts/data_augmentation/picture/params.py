"""A photograph, changed: what comes back, what it costs. Nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.data_augmentation.params import Params

ENGINE = "torchvision"
DEVICES = ("cpu",)
WITHOUT = (
    "count", "ways", "data", "own", "met", "met_strength", "judged", "network", "steps", "batch", "rate", "width",
    "weight_seed",
)  # fmt: skip
PHOTO = ("sklearn", "datasets/images/flower.jpg")  # by "vultilion", CC BY 2.0
SIDE = 96  # of a picture that is shown, at most
COPIES = 2  # of every change
ALPHA = 0.3  # standard deviation of PCA colour, over that of the pixels along each of its directions
# What is done to the picture, and what torchvision calls it; in the chain one after another
CODE = {
    "mirror": "RandomHorizontalFlip(p=1)",
    "crop": "RandomResizedCrop(size, scale=(0.3, 0.8))",
    "rotate": "RandomRotation(20)",
    "warp": "RandomPerspective(0.5, p=1)",
    "colour": "ColorJitter(0.4, 0.4, 0.4, 0.1)",
    "pca": "",
    "erase": "RandomErasing(p=1)",
}
RULES = (*CODE, "chain")


@dataclass(frozen=True)
class Result(BaseResult):
    original: np.ndarray = array("row column channel", "1/255", dtype="uint8")
    pictures: np.ndarray = array("change+ copy row column channel", "1/255", dtype="uint8")


def data_files(params: Params) -> tuple[tuple[str, str], ...]:
    return () if params.picture else (PHOTO,)


def cost(params: Params) -> Cost:
    return Cost(len(RULES), 1e8)
