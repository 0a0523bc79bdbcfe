"""Networks that shrink a picture and bring it back: how sides are doubled, what is measured, how they learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.segmentation.params import (
    BATCH,
    CHANNELS,
    CLASSES,
    COUNT,
    MEASURES,
    OFTEN,
    SHIFT,
    SIDES,
    SIZE,
    Params,
    stages,
)
from core.ml.architecture import parameters
from core.ml.layered import layered_forward, layered_weights, running, untangled
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream
from core.ml.scenes import scenes

POOL = [CLASSES.index(name) for name, count in OFTEN.items() for _ in range(count)]  # of a scene's objects


def drawn(params: Params, seed: int, part: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n scenes of a split: pictures and, of every pixel, its class, [n, SIZE, SIZE] each."""
    return painted(n, seed, part, SIZE, params.noise, COUNT)


def painted(
    n: int, seed: int, part: str, side: int, noise: float, count: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Scenes of any side, with so many objects."""
    pool = [CLASSES[c] for c in POOL]
    made = scenes(n, seed, part, side, pool, count, SIDES, 0.1, noise=noise)
    return made.x, np.array([0, *POOL])[made.mask]


# Doubling the sides: all but a convolution, which follows


def with_zeros(h: Tensor, high: Tensor) -> Tensor:
    """Each number in the corner of four, zeros beside it: a transposed convolution of stride 2 begins so, and the
    convolution that follows is the rest of it (Dumoulin and Visin, 2016)."""
    rows = torch.stack([h, torch.zeros_like(h)], -1).flatten(-2)
    return torch.stack([rows, torch.zeros_like(rows)], -2).flatten(-3, -2)


def repeated(h: Tensor, high: Tensor) -> Tensor:
    """Each number four times."""
    return functional.interpolate(h, scale_factor=2, mode="nearest")


def between(h: Tensor, high: Tensor) -> Tensor:
    """By straight lines between the numbers."""
    return functional.interpolate(h, scale_factor=2, mode="bilinear")


def unpooled(h: Tensor, high: Tensor) -> Tensor:
    """Each number where the largest was when `high` was halved, zeros beside it (Zeiler et al., 2011)."""
    where = functional.max_pool2d(high.detach(), 2, return_indices=True)[1]
    here = torch.arange(high[0, 0].numel(), device=high.device).view(high.shape[2:])
    return repeated(h, high) * (where.repeat_interleave(2, 2).repeat_interleave(2, 3) == here)


DOUBLED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "learnt": with_zeros,
    "nearest": repeated,
    "bilinear": between,
    "unpooling": unpooled,
}


class Nets:
    """Networks of several kinds on every seed, in training: member kind · seeds + seed. A kind is how it doubles sides
    and whether what it had before a halving is added when it is back at that side (Long et al., 2015; added without
    weights, as in Chaurasia and Culurciello, 2017). All kinds have the same weights."""

    def __init__(self, kinds: Sequence[tuple[str, bool]], params: Params, device: str = "cpu"):
        self.ups, self.depth, self.seeds = [up for up, _ in kinds], params.depth, params.seeds
        self.parts = stages(params.depth)
        rows = np.stack([first_weights(params.depth, params.weight_seed + s) for s in range(params.seeds)])
        self.rows = torch.as_tensor(np.tile(rows, (len(kinds), 1)), device=device)
        self.statistics = {name: running(*part, self.rows) for name, part in self.parts.items()}
        added = np.repeat([skips for _, skips in kinds], params.seeds * CHANNELS).astype(np.float32)
        self.added = torch.as_tensor(added, device=device).view(1, -1, 1, 1)
        factors = 0.5 * (1 + np.cos(np.pi * np.arange(params.steps) / params.steps))  # Loshchilov and Hutter, 2017
        settings = [Settings("adam", params.lr)] * len(self.rows)
        self.optimizer = Optimizer(self.rows, settings, params.steps, factors[None])

    def forward(self, weights: Tensor, x: Tensor, training: bool) -> Tensor:
        """What is said of pictures x [member, n, side, side]: [member, n, class, side, side]. Sides are any multiple of
        2 ** depth."""
        sizes = [sum(map(prod, parameters(*part).values())) for part in self.parts.values()]
        rows = dict(zip(self.parts, weights.split(sizes, 1)))

        def through(stage: str, h: Tensor) -> Tensor:
            layers, (channels, *_) = self.parts[stage]
            given, here = untangled(h, len(weights)), (channels, *h.shape[2:])
            return layered_forward(layers, here, rows[stage], given, self.statistics[stage], training)

        h, before = x.transpose(0, 1).contiguous(), []
        for k in range(self.depth + 1):
            h = through(f"down.{k}", functional.max_pool2d(h, 2) if k else h)
            before.append(h)
        for k in reversed(range(self.depth)):
            pairs = zip(h.chunk(len(self.ups), 1), before[k].chunk(len(self.ups), 1))
            doubled = [DOUBLED[up](low, high) for up, (low, high) in zip(self.ups, pairs)]
            h = through(f"up.{k}", torch.cat(doubled, 1)) + self.added * before[k]
        return untangled(through("head", h), len(weights))

    def learn(self, x: Tensor, y: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        """One step on a batch [seed, n, …] of pictures and masks; loss: [member]."""
        leaf = self.rows.detach().requires_grad_()
        kinds = len(self.ups)
        z = self.forward(leaf, x.repeat(kinds, 1, 1, 1), True)
        self.optimizer.step(torch.autograd.grad(loss(z, y.repeat(kinds, 1, 1, 1)).sum(), leaf)[0])

    @torch.no_grad()
    def outputs(self, x: Tensor) -> Tensor:
        return self.forward(self.rows, x.repeat(len(self.ups), 1, 1, 1), False)

    def state(self) -> np.ndarray:
        """Weights and what norms keep, [kind, seed, D]."""
        kept = [part for stage in self.statistics.values() for part in stage.values()]
        return torch.cat([self.rows, *kept], 1).unflatten(0, (len(self.ups), self.seeds)).numpy(force=True)


def first_weights(depth: int, seed: int) -> np.ndarray:
    """Normal with variance 2/fan-in (He et al., 2015), each part from a stream of its own."""
    parts = stages(depth).values()
    return np.concatenate([layered_weights(*part, 100 * seed + i, "he") for i, part in enumerate(parts)])


def cross_entropy(z: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over pixels and scenes, [member]; with `weight` of classes the weighted mean."""
    each = functional.cross_entropy(z.flatten(0, 1), y.flatten(0, 1), reduction="none").view_as(y)
    if weight is None:
        return each.flatten(1).mean(1)
    share = weight[y]
    return (each * share).flatten(1).sum(1) / share.flatten(1).sum(1)


class Batches:
    """Training scenes of all seeds, and the batches that are drawn from them: the same for all networks of a seed."""

    def __init__(self, params: Params, device: str = "cpu"):
        made = [drawn(params, params.data_seed + s, "train", params.examples) for s in range(params.seeds)]
        self.x, self.y = (torch.as_tensor(np.stack(part), device=device) for part in zip(*made))
        rngs = [stream("segmentation batches", params.data_seed + s) for s in range(params.seeds)]
        which = np.stack([rng.integers(params.examples, size=(params.steps, BATCH)) for rng in rngs], 1)
        self.which = torch.as_tensor(which, device=device)
        self.shifts = stream("segmentation shifts", params.data_seed).integers(-SHIFT, SHIFT + 1, (params.steps, 2))
        self.moved, self.seed = params.moved, torch.arange(params.seeds, device=device)[:, None]

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Pictures and masks [seed, BATCH, SIZE, SIZE]; what leaves at one edge comes in at the other."""
        x, y = (part[self.seed, self.which[step]] for part in (self.x, self.y))
        shift = tuple(self.shifts[step].tolist())
        if self.moved != "none":
            x = x.roll(shift, (2, 3))
        return x, y.roll(shift, (2, 3)) if self.moved == "both" else y


# Measures


def borders(masks: np.ndarray) -> np.ndarray:
    """Whether a pixel of a class touches another (of nine, itself in the middle); beyond the edge nothing is other."""
    around = np.pad(masks, [(0, 0)] * (masks.ndim - 2) + [(1, 1), (1, 1)], mode="edge")
    height, width = masks.shape[-2:]
    views = (around[..., i : i + height, j : j + width] for i in range(3) for j in range(3))
    return np.any([view != masks for view in views], 0)


def ratios(truth: np.ndarray, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that both masks [..., row, column] give to a class, and that either gives to it, [..., class]."""
    each = [(truth == c, said == c) for c in range(len(CLASSES))]
    shared = np.stack([(a & b).sum((-2, -1)) for a, b in each], -1)
    return shared, np.stack([(a | b).sum((-2, -1)) for a, b in each], -1)


def class_iou(truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Intersection over union of every class over all scenes [n, row, column]; NaN where nobody has it."""
    shared, either = ratios(truth, said)
    return shared.sum(0) / np.where(either.sum(0), either.sum(0), np.nan)


def scores(truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    """MEASURES of masks [n, row, column].

    accuracy: share of pixels. iou: of each class over all scenes, the mean (Everingham
    et al., 2010). boundary: the same of the pixels at borders of their class alone, objects only (Cheng et al., 2021).
    absent, wrong: IoU scene by scene, 1 for whatever class is neither there nor found.
    """
    at_border, found_border = borders(truth), borders(said)
    edges = class_iou(np.where(at_border, truth, -1), np.where(found_border, said, -1))[1:]
    shared, either = ratios(truth, said)
    by_scene = np.where(either, shared / np.maximum(either, 1), 1.0)
    found = {"accuracy": np.mean(truth == said), "iou": np.nanmean(class_iou(truth, said)),
             "boundary": np.nanmean(edges), "absent": by_scene.mean()}  # fmt: skip
    return np.array([found[name] for name in MEASURES], np.float32)
