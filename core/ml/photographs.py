"""Two photographs that scikit-learn brings, from Flickr under CC BY 2.0: china.jpg by danielbuechele and flower.jpg by
vultilion. A page that shows one names its photographer. No torch."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

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
    ((package, file),) = PHOTOGRAPHS[name]
    found = find_spec(package)  # not imported: that would take a second
    assert found and found.origin
    with Image.open(Path(found.origin).parent / file) as picture:
        return np.asarray(picture.resize((width, height), Image.Resampling.BOX), np.float32) / 255
