"""What is trained: networks, data, orders of the batches, first weights: the same for every contender. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.concepts.optimizer_race.params import FAIR
from core.ml.data import batch_orders, digits, points
from core.ml.random import stream
from core.ml.rules import RULES, Contender

LICENSE = Path(__file__).resolve().parents[2] / "LICENSE"  # a text that stays as it is
CHARACTERS = sorted(set(LICENSE.read_text("utf-8")))
TIME = 20


@dataclass(frozen=True)
class Work:
    """Contenders × seeds on one problem. `check`: the epoch after which losses are compared; a contender that takes its
    models one by one does `few` seeds and stops there. Losses of all examples are taken before training and after every
    epoch; they are means per example (points: the squared error; else cross-entropy in nats)."""

    name: str
    kind: str  # "points", "digits": perceptrons; "images": convolutions; "text": LSTM; "surface": no network
    contenders: tuple[Contender, ...]
    seeds: int
    epochs: int
    batch: int = 10
    check: int = 1
    few: int = 1
    sizes: tuple[int, ...] = ()
    n: int = 250

    @property
    def steps_per_epoch(self) -> int:
        return self.n // self.batch


POINTS = (2, 8, 8, 1)
ADAM, SGD = Contender(rule="adam", lr=0.01), Contender(rule="sgd", lr=0.05)
MOMENTUM = Contender(rule="momentum", lr=0.01)  # which every contender has
TEXT = (len(CHARACTERS), 32, len(CHARACTERS))
RATES = {"sgd": 2e-3, "momentum": 2e-4, "nesterov": 2e-4, "adagrad": 0.3, "adadelta": 1.0, "rmsprop": 0.01}
SURFACE = tuple(Contender(rule=rule, lr=RATES.get(rule, 0.03)) for rule in RULES[:10])

WORKS = [
    Work("scenario", "points", FAIR, 8, 200, check=40, sizes=POINTS),
    Work("one", "points", (MOMENTUM,), 1, 200, check=40, sizes=POINTS),
    Work("same rule", "points", (MOMENTUM,), 64, 200, check=40, few=8, sizes=POINTS),
    Work("digits", "digits", FAIR, 5, 30, batch=32, check=2, sizes=(64, 32, 10), n=1056),
    Work("images", "images", (SGD,), 64, 2, check=2, few=4, n=640),
    Work("text × 8", "text", (ADAM,), 8, 2, check=2, few=2, n=200, sizes=TEXT),
    Work("text × 32", "text", (ADAM,), 32, 2, check=2, few=2, n=200, sizes=TEXT),
    Work("surface", "surface", SURFACE, 400, 500, batch=1, check=500, few=400, n=1),
]
POPULATIONS = [
    Work(f"population {m}", "points", (SGD,), m, max(1, min(40, 800 // m)), sizes=POINTS)
    for m in (1, 4, 16, 64, 256, 1024, 4096)
]
WIDTHS = [Work(f"width {w}", "points", (SGD,), 16, 2, sizes=(2, w, w, 1)) for w in (4, 8, 16, 32, 64, 128, 256, 512)]
ALL = {work.name: work for work in [*WORKS, *POPULATIONS, *WIDTHS]}


@cache
def data(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Examples and targets: x [n, 2] and ±1 [n, 1]; x [n, 64] and labels [n]; x [n, 1, 8, 8] and labels [n]; characters
    [n, TIME] and those that follow [n, TIME]."""
    if work.kind == "points":
        x, y = points("rings", work.n, 0.1, 0)
        return x, np.where(y == 1, 1, -1).astype(np.float32)[:, None]
    if work.kind == "text":
        ids = np.array([CHARACTERS.index(c) for c in LICENSE.read_text("utf-8")])
        first = np.linspace(0, len(ids) - TIME - 1, work.n).astype(int)[:, None] + np.arange(TIME)
        return ids[first], ids[first + 1]
    x, y = digits()
    x, y = x[: work.n], y[: work.n]
    return (x.reshape(-1, 1, 8, 8) if work.kind == "images" else x), y


def orders(work: Work, seeds: int, epochs: int) -> np.ndarray:
    """The examples of every step: int64 [seeds, epochs, steps, batch]."""
    drawn = np.stack([batch_orders(work.n, work.epochs, seed)[:epochs] for seed in range(seeds)])
    return drawn[:, :, : work.steps_per_epoch * work.batch].reshape(seeds, epochs, -1, work.batch).astype(np.int64)


def starts(work: Work) -> np.ndarray:
    """Where the searches on Himmelblau's function (1972) begin: float32 [seeds, 2]."""
    return stream("starts", 0).uniform(-4, 4, (work.seeds, 2)).astype(np.float32)


def weights(work: Work, seeds: int) -> np.ndarray:
    """First weights, float32 [seeds, D]. Imports torch, for the modules they come from; so do contenders without it."""
    from core.ml.layered import layered_weights
    from core.ml.networks import initial_weights
    from core.ml.recurrent import recurrent_weights

    if work.kind == "images":
        return np.stack([layered_weights(*images(), seed) for seed in range(seeds)])
    if work.kind == "text":
        return np.stack([recurrent_weights("lstm", work.sizes, seed) for seed in range(seeds)])
    return np.stack([initial_weights(work.sizes, seed) for seed in range(seeds)])


def images() -> tuple:
    """The convolutional network and its image: 8 and 16 filters 3 × 3, pooling after each."""
    from core.ml.architecture import Act, Conv, Dense, Flatten, Pool

    return (Conv(8), Pool(), Act(), Conv(16), Pool(), Act(), Flatten(), Dense(10)), (1, 8, 8)
