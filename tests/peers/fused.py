"""The lab's fused kernel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.ml.fused.population import Fused
from tests.peers.population import perceptrons
from tests.peers.works import Work


def prepare(work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    return perceptrons(Fused, work, seeds, epochs)
