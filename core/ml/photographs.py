"""Photographs and textures inside installed packages. No torch.

scikit-learn brings china.jpg by danielbuechele and flower.jpg by vultilion (Flickr, CC BY 2.0): a page that shows one
names its photographer. Those of scikit-image are in the public domain (astronaut, rocket) or CC0.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from PIL import Image, ImageOps

# Pictures by name → the files of installed packages that they are read from.
PHOTOGRAPHS: dict[str, tuple[tuple[str, str], ...]] = {
    **{name: (("sklearn", f"datasets/images/{name}.jpg"),) for name in ("china", "flower")},
    "cat": (("skimage", "data/chelsea.png"),),
    "coffee": (("skimage", "data/coffee.png"),),
    "astronaut": (("skimage", "data/astronaut.png"),),
    "rocket": (("skimage", "data/rocket.jpg"),),
}
# Grey ones, 512 × 512.
TEXTURES: dict[str, tuple[tuple[str, str], ...]] = {
    name: (("skimage", f"data/{name}.png"),) for name in ("brick", "grass", "gravel")
}


@cache
def photograph(name: str, height: int, width: int) -> np.ndarray:
    """A picture scaled down to this size, each pixel the mean of what it covers: float32 [height, width, 3] from 0
    (black) to 1. What does not fit the shape is cut off evenly on both sides."""
    ((package, path),) = (PHOTOGRAPHS | TEXTURES)[name]
    with Image.open(str(files(package) / path)) as whole:
        small = ImageOps.fit(whole.convert("RGB"), (width, height), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255
