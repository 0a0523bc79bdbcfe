"""Which device a run takes: the one on which it is cheapest, by measured cost. A tiny network is often
faster on the CPU than on a GPU, because each step of a GPU has a floor of launch times."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from core.concept import Cost

log = logging.getLogger("lab.engines")


@dataclass(frozen=True)
class Engine:
    """A device with its measured cost: seconds a step takes at least, and floating-point operations per second."""

    device: str
    overhead: float
    rate: float

    def seconds(self, cost: Cost) -> float:
        """Predicted wall time of a run."""
        return cost.steps * (self.overhead + cost.flops_per_step / self.rate)


def devices() -> list[str]:
    """The devices torch sees here, CPU first. Imports torch: for workers."""
    import torch

    found = ["cpu"] + [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return found + (["mps"] if torch.backends.mps.is_available() else [])


def measure(device: str) -> Engine:
    """Time training steps of a small and of a large population, and solve for the two costs. Imports torch."""
    import time

    import torch

    from core.ml.networks import forward, initial_weights
    from core.ml.optimizers import Optimizer
    from core.ml.rules import Contender

    def step_cost(members: int, sizes: tuple[int, ...], batch: int) -> tuple[float, float]:
        weights = torch.as_tensor(initial_weights(sizes, 0), device=device).repeat(members, 1)
        x = torch.ones(members, sizes[0], batch, device=device)
        optimizer = Optimizer(weights, [Contender(rule=r) for r in ("sgd", "adam") for _ in range(members // 2)], 12)
        times = []
        for _ in range(12):
            begin = time.perf_counter()
            leaf = weights.detach().requires_grad_()
            loss = forward(leaf, x, sizes, "relu").square().sum()
            optimizer.step(torch.autograd.grad(loss, leaf)[0])
            weights[0, 0].item()  # wait for the device
            times.append(time.perf_counter() - begin)
        parameters = sum((i + 1) * o for i, o in pairwise(sizes))
        return sorted(times[2:])[len(times) // 2 - 1], 6.0 * members * parameters * batch

    small, small_flops = step_cost(2, (2, 4, 2), 4)
    large, large_flops = step_cost(40, (64, 32, 10), 32)
    rate = (large_flops - small_flops) / max(large - small, 1e-7)
    return Engine(device, max(small - small_flops / rate, 1e-7), rate)


def choose(cost: Cost, engines: list[Engine]) -> Engine:
    """The engine on which a run of this cost is predicted to end first."""
    return min(engines, key=lambda engine: engine.seconds(cost))


def remembered(path: Path, stamp: str) -> list[Engine]:
    """Engines measured earlier on this machine with the same versions (`stamp`), or none: so the choice stays put."""
    try:
        kept = json.loads(path.read_text())
        return [Engine(**engine) for engine in kept["engines"]] if kept["stamp"] == stamp else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def remember(path: Path, stamp: str, engines: list[Engine]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"stamp": stamp, "engines": [asdict(engine) for engine in engines]}))
    except OSError as error:
        log.warning("measured costs were not kept: %s", error)
