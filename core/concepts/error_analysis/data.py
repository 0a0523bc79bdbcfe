"""Points whose densities are known: what the best rule says of them, and how often it is wrong. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concepts.error_analysis.params import CLASSES, EXAMPLES, LARGEST, OWN_PARTS, TARGETS, Params
from core.ml.labels import mistaught
from core.ml.own import table
from core.ml.random import stream

APART = 0.75  # of neighbouring clouds
CENTRES = APART * np.array([(x, y) for y in (1, 0, -1) for x in (-1, 0, 1)], float)
OWNER = np.array([0, 1, 2, 2, 0, 1, 0, 2, 1])  # the class of each cloud, by rows from the top
FAR, FINE = 3.0, 301  # the square over which densities are summed, and at how many places a side


@dataclass(frozen=True)
class Clouds:
    """Gaussian clouds in the plane: where, of which class, how likely each; all of one spread."""

    centre: np.ndarray
    owner: np.ndarray
    chance: np.ndarray
    spread: float

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points [n, 2] and their classes [n]."""
        cloud = rng.choice(len(self.owner), n, p=self.chance)
        return self.centre[cloud] + self.spread * rng.standard_normal((n, 2)), self.owner[cloud]

    def density(self, x: np.ndarray) -> np.ndarray:
        """p(x, class) at places x [n, 2]: [n, classes]."""
        far = np.square(x[:, None] - self.centre).sum(-1) / self.spread**2
        each = self.chance * np.exp(-far / 2) / (2 * np.pi * self.spread**2)
        return each @ np.eye(int(self.owner.max()) + 1)[self.owner]


def clouds(params: Params, degrees: float = 0.0) -> Clouds:
    """The problem, seen turned by so many degrees."""
    return Clouds(turned(CENTRES, degrees), OWNER, np.full(len(OWNER), 1 / len(OWNER)), params.spread)


def turned(x: np.ndarray, degrees: float | np.ndarray) -> np.ndarray:
    """Points [..., 2] turned around the middle, by one angle or by one each."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * x[..., 0] - sin * x[..., 1], sin * x[..., 0] + cos * x[..., 1]], -1)


def best_confusion(where: Clouds, weight: np.ndarray | None = None) -> np.ndarray:
    """How often a point is of one class and the rule with the lowest expected cost says another [true, said]: densities
    summed over a fine grid. weight: what it costs to miss each class (Duda and Hart, 1973)."""
    axis = np.linspace(-FAR, FAR, FINE)
    x = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    p = where.density(x) * (axis[1] - axis[0]) ** 2
    said = (p * (1 if weight is None else weight)).argmax(1)
    return p.T @ np.eye(p.shape[1])[said]


@dataclass(frozen=True)
class Pools:
    """What there is of data for one seed: x and y of training (a reader takes the first so many), of training data from
    the other place, and of the sets that are measured; all labels are right."""

    x: dict[str, np.ndarray]
    y: dict[str, np.ndarray]


def pools(params: Params, seed: int) -> Pools:
    if params.own:
        return own_pools(params, seed)
    here, there = clouds(params), clouds(params, params.shift)
    dev = there if params.dev == "target" else here  # wrong: dev data from where training data come from
    x, y = {}, {}
    for name, where, n in (
        ("train", here, LARGEST),
        ("target", there, TARGETS),
        ("train_dev", here, EXAMPLES["train_dev"]),
        ("dev", dev, EXAMPLES["dev"]),
        ("test", there, EXAMPLES["test"]),
    ):
        x[name], y[name] = where.draw(n, stream(f"error analysis {name}", seed))
    return Pools(x, y)


def own_pools(params: Params, seed: int) -> Pools:
    """A reader's table in four parts, all from one place; features standardised by the training part."""
    x, y = table(params.own)
    order = stream("split", seed).permutation(len(x))
    parts = np.split(order, np.rint(len(x) * np.cumsum(OWN_PARTS)[:-1]).astype(int))
    x = (x - x[parts[0]].mean(0)) / np.maximum(x[parts[0]].std(0), 1e-9)
    named = dict(zip(("train", *EXAMPLES), parts)) | {"target": order[:0]}
    return Pools({name: x[part] for name, part in named.items()}, {name: y[part] for name, part in named.items()})


def labelled(pool: Pools, wrong: float, seed: int) -> dict[str, np.ndarray]:
    """Labels as they were given at the first place, a share of them wrong; right ones at the other."""
    if not wrong:
        return pool.y
    n = len(pool.y["train"])
    given = mistaught(np.concatenate([pool.y["train"], pool.y["train_dev"]]), CLASSES, wrong, seed)
    return pool.y | {"train": given[:n], "train_dev": given[n:]}
