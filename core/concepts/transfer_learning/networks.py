"""A source, a target, and networks that carry features from one to the other, a member per seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.transfer_learning.params import (
    HELD,
    KNOWN,
    LADDER,
    SOURCE_BATCH,
    TEST,
    Params,
    body,
    classes,
    examples,
    network,
    shape_of,
)
from core.ml.architecture import Layers, Shape, buffers, parameter_count
from core.ml.data import digits
from core.ml.layered import layered_forward, layered_weights, running, untangled
from core.ml.mnist import mnist
from core.ml.optimizers import Optimizer, Settings
from core.ml.own import table
from core.ml.random import stream
from core.ml.signals import CLASSES, MEAN, SPREAD, signals

INKS = 16  # levels of digits in their file
SETTLING = 40  # batches after which norms of features that nobody trained know what they are given


class Examples(NamedTuple):
    """x [seeds, n, *shape] and y [seeds, n]."""

    x: Tensor
    y: Tensor

    def at(self, seeds: Tensor, which: np.ndarray) -> Examples:
        """Of member m those of its seed: which [members, batch]."""
        places = torch.as_tensor(which, dtype=torch.int64)
        return Examples(self.x[seeds[:, None], places], self.y[seeds[:, None], places])


class Sets(NamedTuple):
    """source, held: of the source. pool: LADDER[-1] labelled examples of every class of the target, those of one rank
    side by side, so that its first n · classes are n of each. turned: the test with signs reversed. x · spread + centre
    is how an example came."""

    source: Examples
    held: Examples
    pool: Examples
    test: Examples
    turned: Examples
    spread: Tensor
    centre: Tensor

    def as_they_came(self) -> Sets:
        """With the target's examples unscaled."""
        pool, test, turned = (
            Examples(own.x * self.spread + self.centre, own.y) for own in (self.pool, self.test, self.turned)
        )
        return self._replace(pool=pool, test=test, turned=turned)


def drawn(params: Params, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Source x, y and target x, y in random order, numbers as they came."""
    known = classes(params)[0]
    rng = stream("transfer", seed)
    if params.own or params.data == "digits":
        x, y = table(params.own) if params.own else (digits()[0] * INKS, digits()[1])
        order = rng.permutation(len(y))
        x, y = x[order], y[order]
    elif params.data == "signals":
        x, y = signals(CLASSES * max(-(-(params.source + HELD) // KNOWN), 2 * LADDER[-1] + TEST // 5), seed)
        x = x * SPREAD + MEAN
    else:
        x, y = mnist()
        x = x[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean((2, 4)).reshape(len(x), -1)  # as coarse as the digits
        a, b = rng.permutation(len(y)), rng.permutation(len(digits()[1]))
        return x[a] * INKS, y[a], digits()[0][b] * INKS, digits()[1][b]
    old = y < known
    return x[old], y[old], x[~old], y[~old] - known


def sets_of(params: Params) -> Sets:
    """All examples of all seeds, scaled by mean and deviation of the source; of own tables column by column."""
    found, scales = [], []
    for seed in range(params.data_seed, params.data_seed + params.seeds):
        x, y, new, labels = drawn(params, seed)
        n = min(examples(params), len(x) - min(HELD, len(x) // 5))
        centre, spread = (of(x[:n], axis=0 if params.own else None) for of in (np.mean, np.std))
        spread = np.where(spread > 0, spread, 1)
        x, new = (x - centre) / spread, (new - centre) / spread
        x *= np.where(stream("reversed", seed).random(len(x)) < params.reversed, -1, 1)[:, None]
        of_class = [np.flatnonzero(labels == c) for c in range(classes(params)[1])]
        labelled = [own[: min(LADDER[-1], max(1, 6 * len(own) // 10))] for own in of_class]
        pool = np.stack([own[np.arange(LADDER[-1]) % len(own)] for own in labelled], 1).ravel()
        test = np.setdiff1d(np.arange(len(labels)), pool)[:TEST]
        held = slice(n, n + HELD)
        found.append([(x[:n], y[:n]), (x[held], y[held]), (new[pool], labels[pool]), (new[test], labels[test])])
        scales.append([np.broadcast_to(scale, x.shape[1:])[None] for scale in (spread, centre)])

    def tensor(rows: Iterable[np.ndarray]) -> Tensor:
        return torch.as_tensor(np.stack([*rows]).astype(np.float32)).unflatten(-1, shape_of(params))

    sets = [
        Examples(tensor(x for x, _ in pairs), torch.as_tensor(np.stack([y for _, y in pairs]))) for pairs in zip(*found)
    ]
    spread, centre = map(tensor, zip(*scales))
    turned = Examples(-sets[3].x, sets[3].y)
    return Sets(sets[0], sets[1], sets[2], sets[3], turned, spread, centre)


def batches(name: str, n: int, steps: int, batch: int, seed: int) -> np.ndarray:
    """Which of n examples are in a batch [steps, batch]: pass after pass, each in an order of its own."""
    rng = stream(name, seed)
    passes = [rng.permutation(n) for _ in range(-(-steps * batch // n))]
    return np.concatenate([*passes, np.zeros(0, int)])[: steps * batch].reshape(steps, batch)


class Nets(NamedTuple):
    """Weights [members, D], and what batch norms keep, in the order of `buffers`."""

    rows: Tensor
    kept: list[Tensor]

    def repeated(self, times: int) -> Nets:
        return Nets(self.rows.repeat(times, 1), [value.repeat(times, 1) for value in self.kept])

    def state(self) -> np.ndarray:
        return torch.cat([self.rows, *self.kept], 1).numpy()


def started(params: Params, units: int) -> Nets:
    """New networks, one a seed: normal numbers of variance 2/fan-in (He et al., 2015)."""
    net, example = network(params, units), shape_of(params)
    seeds = range(params.weight_seed, params.weight_seed + params.seeds)
    rows = torch.as_tensor(np.stack([layered_weights(net, example, seed, "he") for seed in seeds]))
    return Nets(rows, list(running(net, example, rows).values()))


@torch.no_grad()
def through(layers: Layers, example: Shape, nets: Nets, x: Tensor, training: bool = False) -> Tensor:
    """What these layers give of x [members, n, …], as the next ones are given it; in training norms keep of it."""
    kept = dict(zip(buffers(layers, example), nets.kept))
    h = untangled(layered_forward(layers, example, nets.rows, x, kept, training), len(x))
    return h.squeeze(3) if len(example) == 2 and h.dim() == 5 else h


def given_by(layers: Layers, example: Shape) -> Shape:
    for layer in layers:
        example = layer.shape(example)
    return example


class Learner:
    """Members in training by Adam behind layers that stay as they are: `front` frozen, `back` trained.

    drifting: norms of the front take part in training mode, though no weight of it changes.
    body: the rate of all but the head over the rate of the head.
    """

    def __init__(
        self, front: Layers, back: Layers, example: Shape, nets: Nets, lr: float, steps: int,
        drifting: bool = False, body: float = 1.0,
    ):  # fmt: skip
        self.front, self.back, self.example, self.drifting, self.body = front, back, example, drifting, body
        weights, norms = parameter_count(front, example), len(buffers(front, example))
        self.fixed = Nets(nets.rows[:, :weights].clone(), [value.clone() for value in nets.kept[:norms]])
        self.rows = nets.rows[:, weights:].clone()
        self.inner = given_by(front, example)
        self.kept = dict(zip(buffers(back, self.inner), (value.clone() for value in nets.kept[norms:])))
        self.head = parameter_count(back[-1:], given_by(back[:-1], self.inner))
        self.optimizer = Optimizer(self.rows, [Settings("adam", lr)] * len(self.rows), steps)

    def seen(self, x: Tensor, training: bool = False) -> Tensor:
        """Features of x [members, n, …]."""
        return through(self.front, self.example, self.fixed, x, training) if self.front else x

    def learn(self, h: Tensor, y: Tensor) -> None:
        """One step on features, or where norms drift on what features are made of."""
        h = self.seen(h, training=True) if self.drifting else h
        leaf = self.rows.detach().requires_grad_()
        z = layered_forward(self.back, self.inner, leaf, h, self.kept)
        loss = functional.cross_entropy(z, y) * len(leaf)
        before = self.rows[:, : -self.head].clone() if self.body != 1 else None
        self.optimizer.step(torch.autograd.grad(loss, leaf)[0])
        if before is not None:
            self.rows[:, : -self.head].lerp_(before, 1 - self.body)

    @torch.no_grad()
    def measure(self, h: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Loss and accuracy [members] in evaluation mode at features; who has diverged is never right."""
        return judged(layered_forward(self.back, self.inner, self.rows, h, self.kept, training=False), y)

    def nets(self) -> Nets:
        return Nets(torch.cat([self.fixed.rows, self.rows], 1), [*self.fixed.kept, *self.kept.values()])


def judged(z: Tensor, y: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean loss and accuracy [members] of outputs [members, classes, n]."""
    loss = functional.cross_entropy(z, y, reduction="none").mean(1)
    return loss.numpy(), ((z.argmax(1) == y).float().mean(1) * loss.isfinite()).numpy()


class Course:
    """Networks on the target, `times` of every seed [times · seeds], whose first layers stay as they are.

    frozen: how many layers. drifting, body: of Learner.
    """

    def __init__(
        self, params: Params, sets: Sets, nets: Nets, times: int, frozen: int,
        drifting: bool = False, body: float = 1.0,
    ):  # fmt: skip
        self.params, self.sets, self.times, self.drifting, self.body = params, sets, times, drifting, body
        self.seeds = torch.arange(params.seeds).repeat(times)
        self.start(nets.repeated(times), params.steps, frozen)

    def start(self, nets: Nets, steps: int, frozen: int) -> None:
        """Train these networks [times · seeds] from here on."""
        net, lr = network(self.params, classes(self.params)[1]), self.params.lr
        front, back = net[:frozen], net[frozen:]
        self.learner = Learner(front, back, shape_of(self.params), nets, lr, steps, self.drifting, self.body)
        pool, *tests = (part.x for part in (self.sets.pool, self.sets.test, self.sets.turned))
        self.seen = pool[self.seeds] if self.drifting else self.features(pool)  # of what stays they are the same
        self.looked = [] if self.drifting else [self.features(x) for x in tests]

    def features(self, x: Tensor) -> Tensor:
        """Of what every seed is given [seeds, n, …], for every network."""
        return self.learner.seen(x[self.seeds])

    def learn(self, which: np.ndarray) -> None:
        """One step on the examples which [times · seeds, batch] of the pool."""
        places, own = torch.as_tensor(which, dtype=torch.int64), torch.arange(len(which))[:, None]
        self.learner.learn(self.seen[own, places], self.sets.pool.y[self.seeds[:, None], places])

    def measure(self) -> dict[str, np.ndarray]:
        """Loss and accuracy [times · seeds, split] on the test and with signs reversed."""
        y, tests = self.sets.test.y[self.seeds], (self.sets.test.x, self.sets.turned.x)
        loss, accuracy = zip(*(self.learner.measure(h, y) for h in self.looked or map(self.features, tests)))
        return {"loss": np.stack(loss, -1), "accuracy": np.stack(accuracy, -1)}


class Source:
    """Networks in training on the source, one a seed. random: features as they began, whose norms know the source."""

    def __init__(self, params: Params, sets: Sets):
        self.params, self.sets, self.seeds = params, sets, torch.arange(params.seeds)
        self.net, n = network(params, classes(params)[0]), sets.source.x.shape[1]
        steps = max(params.pretraining, SETTLING)
        seeds = range(params.data_seed, params.data_seed + params.seeds)
        self.orders = np.stack([batches("source", n, steps, SOURCE_BATCH, seed) for seed in seeds], 1)
        start = started(params, classes(params)[0])
        self.random = self.features(start)
        for which in self.orders[:SETTLING]:
            through(body(params), shape_of(params), self.random, sets.source.at(self.seeds, which).x, training=True)
        self.learner = Learner((), self.net, shape_of(params), start, params.lr, steps)

    def features(self, nets: Nets) -> Nets:
        """The weights of the body alone."""
        rows = nets.rows[:, : parameter_count(body(self.params), shape_of(self.params))]
        return Nets(rows.clone(), [value.clone() for value in nets.kept])

    def learn(self, step: int) -> None:
        self.learner.learn(*self.sets.source.at(self.seeds, self.orders[step]))

    def trained(self) -> Nets:
        return self.features(self.learner.nets())

    def accuracy(self, bodies: Nets | None = None) -> np.ndarray:
        """On examples kept back [members]; of other features [times · seeds] with the source's heads."""
        nets = self.learner.nets()
        bodies = bodies or self.features(nets)
        seeds = self.seeds.repeat(len(bodies.rows) // len(self.seeds))
        nets = Nets(torch.cat([bodies.rows, nets.rows[seeds, bodies.rows.shape[1] :]], 1), bodies.kept)
        learner = Learner((), self.net, shape_of(self.params), nets, self.params.lr, 1)
        return learner.measure(self.sets.held.x[seeds], self.sets.held.y[seeds])[1]


def with_new(params: Params, features: Nets) -> Nets:
    """These features [seeds], with the weights behind them as they are in a new network of the target."""
    new = started(params, classes(params)[1])
    rows = torch.cat([features.rows, new.rows[:, features.rows.shape[1] :]], 1)
    return Nets(rows, [*features.kept, *new.kept[len(features.kept) :]])
