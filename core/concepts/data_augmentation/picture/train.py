"""What torchvision's changes make of a photograph, and the colours of AlexNet."""

from __future__ import annotations

from collections.abc import Callable, Generator
from importlib.resources import files

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from core.concepts.data_augmentation.params import Params
from core.concepts.data_augmentation.picture.params import ALPHA, COPIES, PHOTO, RULES, SIDE, Result
from core.ml.own import image
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """A Result after every `chunk` changes."""
    original = photograph(params)
    known = to_tensor(original)
    sizes = {"change": len(RULES), "copy": COPIES}
    record = Recording(Result, params, len(RULES), sizes, original=original)
    for moment in schedule(len(RULES), chunk):
        for step in moment.steps:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(params.data_seed + step)
                made = [change(RULES[step], known)(known) for _ in range(COPIES)]
            record.append("change", pictures=np.stack([to_levels(each) for each in made]))
        yield record.result(moment.step)
    return {}


def photograph(params: Params) -> np.ndarray:
    """The reader's own picture, or one of a flower, at most SIDE wide and high: uint8 [row, column, 3]."""
    if params.picture:
        found = Image.fromarray((image(params.picture) * 255).round().astype(np.uint8))
    else:
        found = Image.open(str(files(PHOTO[0]) / PHOTO[1]))
    found.thumbnail((SIDE, SIDE))
    return np.asarray(found.convert("RGB"))


def to_tensor(picture: np.ndarray) -> Tensor:
    """Levels 0 … 255 [row, column, 3] as numbers from 0 to 1 [3, row, column]."""
    return torch.tensor(picture).permute(2, 0, 1) / 255


def to_levels(picture: Tensor) -> np.ndarray:
    return (picture.permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def change(rule: str, picture: Tensor) -> Callable[[Tensor], Tensor]:
    """A change of this rule; the chain is one after another."""
    size, smooth = list(picture.shape[1:]), v2.InterpolationMode.BILINEAR
    made: dict[str, Callable[[Tensor], Tensor]] = {
        "mirror": v2.RandomHorizontalFlip(p=1),
        "crop": v2.RandomResizedCrop(size, scale=(0.3, 0.8), antialias=True),
        "rotate": v2.RandomRotation(20, smooth),
        "warp": v2.RandomPerspective(0.5, p=1),
        "colour": v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
        "pca": pca_colour,
        "erase": v2.RandomErasing(p=1),
    }
    return v2.Compose(list(made.values())) if rule == "chain" else made[rule]


def pca_colour(picture: Tensor) -> Tensor:
    """One colour added to all pixels: along each principal direction of their colours a normal number times the
    deviation along it (Krizhevsky et al., 2012, who take the directions of all training pictures)."""
    pixels = picture.flatten(1).double()
    values, directions = torch.linalg.eigh(torch.cov(pixels, correction=0))
    by = directions @ (ALPHA * torch.randn(3, dtype=torch.double) * values.clamp_min(0).sqrt())
    return picture + by.to(picture.dtype)[:, None, None]
