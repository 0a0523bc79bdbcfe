"""Two photographs that scikit-learn brings, from Flickr under CC BY 2.0: china.jpg by danielbuechele and flower.jpg by
vultilion. A page that shows one names its photographer. No torch."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

# Photographs by name → the files of installed packages that they are read from.
PHOTOGRAPHS: dict[str, tuple[tuple[str, str], ...]] = {
    name: (("sklearn", f"datasets/images/{name}.jpg"),) for name in ("china", "flower")
}


@cache
def photograph(name: str, height: int, width: int) -> np.ndarray:
    """A photograph scaled down to this size, each pixel the mean of what it covers: float32 [height, width, 3] from 0
    (black) to 1. Both are about one and a half times as wide as high."""
    from sklearn.datasets import load_sample_image

    small = Image.fromarray(load_sample_image(f"{name}.jpg")).resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255
