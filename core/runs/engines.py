"""What trains a run: the engine on which it is cheapest, by measured cost. A tiny network is often faster on the CPU
than on a GPU, because each step of a GPU has a floor of launch times; a population of tiny ones is fastest in the fused
kernel, which has none."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.concept.parts import Cost
from core.ml import fused
from core.runs import disk

log = logging.getLogger("lab.engines")
COMPILED = "compiled"  # an empty file beside the kernel's code, once all of it is there
FUSED = "fused"  # the device of runs that the fused kernel trains, on the CPU


@dataclass(frozen=True)
class Engine:
    """Something that trains: torch on a device ("cpu", "cuda:0", "mps"), or "fused". With its measured cost: seconds a
    step takes at least, and floating-point operations per second.

    lanes: members come in registers of so many, and the last register costs as much as a full one.
    """

    device: str
    overhead: float
    rate: float
    lanes: int = 1

    def seconds(self, cost: Cost) -> float:
        """Predicted wall time of a run."""
        paid = -(-cost.members // self.lanes) * self.lanes / cost.members
        return cost.steps * (self.overhead + paid * cost.flops_per_step / self.rate)


def host(device: str) -> str:
    """The device of torch, and of the workers, on which an engine works."""
    return "cpu" if device == FUSED else device


def trainer(device: str) -> Any:
    """The class that trains a population on this engine. Imports torch."""
    if device == FUSED:
        from core.ml.fused.population import Fused

        return Fused
    from core.ml.population import Stacked

    return Stacked


def devices() -> list[str]:
    """The devices torch sees here, CPU first. Imports torch: for workers."""
    import torch

    found = ["cpu"] + [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return found + (["mps"] if torch.backends.mps.is_available() else [])


def wanted() -> bool:
    """Whether runs may go to the fused kernel; LAB_FUSED=0 leaves everything to torch."""
    return os.environ.get("LAB_FUSED", "") != "0" and fused.digest() != ""


def compiled() -> bool:
    """Whether the kernel has been compiled on this machine, so that loading it takes a moment only."""
    if not wanted():
        return False
    try:
        from core.ml.fused.simd import cache_folder
    except ImportError:
        return False
    return (cache_folder() / COMPILED).exists()


def build() -> Engine:
    """The fused kernel's engine, compiled and measured."""
    from core.ml.fused.simd import cache_folder

    engine = measure(FUSED)
    (cache_folder() / COMPILED).touch()
    return engine


def measure(device: str) -> Engine:
    """Time training steps of a small and of a large population, and solve for the two costs. Imports torch, and
    compiles the kernel where that has not been done."""
    import time

    import numpy as np

    from core.ml.networks import initial_weights
    from core.ml.rules import Contender

    population = trainer(device)
    lanes = population.LANES
    # What is measured is remembered: that the machine is busy just now must not count.
    clock = time.thread_time if host(device) == "cpu" else time.perf_counter

    def step_cost(members: int, sizes: tuple[int, ...], batch: int) -> tuple[float, float]:
        rounds, steps = 4, 3
        weights = np.tile(initial_weights(sizes, 0), (members, 1))
        settings = [Contender(rule=rule) for rule in ("sgd", "adam") for _ in range(members // 2)]
        x, y = np.ones((1, batch, sizes[0]), np.float32), np.zeros((1, batch), int)
        orders = np.zeros((1, rounds * steps, batch), np.int32)
        which = np.zeros(members, int)
        trial = population(sizes, "relu", "softmax", weights, settings, x, y, which, orders, batch, device=host(device))
        times = []
        for _ in range(rounds):
            begin = clock()
            trial.advance(steps)
            times.append((clock() - begin) / steps)
        trial.measure([0, batch])  # so that all of it is warm, or compiled
        trial.outputs(x[0], which[:1])
        parameters = sum((i + 1) * o for i, o in pairwise(sizes))
        return min(times[1:]), 6.0 * -(-members // lanes) * lanes * parameters * batch

    small, small_flops = step_cost(2, (2, 4, 2), 4)
    large, large_flops = step_cost(32, (64, 128, 128, 10), 32)
    rate = (large_flops - small_flops) / max(large - small, 1e-7)
    return Engine(device, max(small - small_flops / rate, 1e-7), rate, lanes)


def choose(cost: Cost, engines: list[Engine]) -> Engine:
    """The engine on which a run of this cost is predicted to end first."""
    return min(engines, key=lambda engine: engine.seconds(cost))


def remembered(path: Path, stamp: str) -> list[Engine]:
    """Engines measured earlier on this machine with the same versions (`stamp`), or none: so the choice stays put."""
    try:
        kept = disk.plain(path.read_bytes())
        return [disk.fits(Engine, engine) for engine in kept["engines"]] if kept["stamp"] == stamp else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def remember(path: Path, stamp: str, engines: list[Engine]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        disk.write(path, json.dumps({"stamp": stamp, "engines": [asdict(engine) for engine in engines]}).encode())
    except OSError as error:
        log.warning("measured costs were not kept: %s", error)
