"""How long runs take: what engines predict, times what it has come to on this machine.

An engine's cost is measured with perceptrons; what else an experiment does (convolutions, counting, pictures) makes it
slower or faster than that by a factor of its own. So the factor of every experiment on every engine is kept, a running
geometric mean of measured over predicted, beside the store.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from dataclasses import dataclass, field
from pathlib import Path

from core.runs import disk

log = logging.getLogger("lab.forecast")
WEIGHT = 0.5  # of the newest run in the mean
START = 0.2  # seconds in which a run may begin, whatever it costs: short runs say little of the factor
WIDEST = 30.0  # a factor is between 1/WIDEST and WIDEST


@dataclass(frozen=True)
class Factors:
    """What is kept, on one machine with one set of versions (`stamp`): "experiment engine" → factor."""

    stamp: str
    factors: dict[str, float] = field(default_factory=dict)


class Forecast:
    def __init__(self, path: Path):
        self.path = path
        self._kept = Factors("")
        self._lock = threading.Lock()

    def open(self, stamp: str) -> None:
        """Take up what was kept under this stamp, if anything."""
        kept = Factors(stamp)
        try:
            found = disk.fits(Factors, disk.plain(self.path.read_bytes()))
            kept = found if found.stamp == stamp else kept
        except (OSError, ValueError):
            pass
        with self._lock:
            self._kept = Factors(stamp, kept.factors | self._kept.factors)

    def factor(self, name: str, device: str) -> float:
        """By how much a run of this experiment on this engine takes longer than predicted."""
        return self._kept.factors.get(_place(name, device), 1.0)

    def learn(self, name: str, device: str, predicted: float, measured: float) -> None:
        """Note how long a run took."""
        if predicted <= 0 or measured <= 0:
            return
        told = predicted / (predicted + START)  # how much of what it took was its cost
        now = min(max((measured / predicted) ** told, 1 / WIDEST), WIDEST)
        with self._lock:
            place = _place(name, device)
            before = self._kept.factors.get(place, now)
            self._kept.factors[place] = math.exp((1 - WEIGHT) * math.log(before) + WEIGHT * math.log(now))
            content = json.dumps({"stamp": self._kept.stamp, "factors": self._kept.factors}).encode()
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                disk.write(self.path, content)
            except OSError as error:
                log.warning("how long runs took was not kept: %s", error)


def _place(name: str, device: str) -> str:
    return f"{name} {device}"
