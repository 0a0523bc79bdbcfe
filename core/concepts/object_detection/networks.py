"""The detector: what every cell and anchor should say, what boxes it means by what it says, and how it learns that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.object_detection.params import (
    ANCHORS,
    CELL,
    CLASSES,
    FLOOR,
    GIVEN,
    GRID,
    PER,
    POINTS,
    PRIOR,
    network,
)
from core.ml.boxes import Found
from core.ml.layered import layered_forward, layered_weights, running, untangled
from core.ml.optimizers import Optimizer, Settings
from core.ml.scenes import NOTHING, Scenes

SHARP = 0.1  # cells by which a box may be off before its loss grows linearly


class Targets(NamedTuple):
    """What should be said, [n, anchors, GRID, GRID]: is there an object, its class; its box and landmarks behind."""

    there: np.ndarray
    label: np.ndarray
    place: np.ndarray  # [n, anchors, 4 + POINTS, GRID, GRID]


def assigned(
    scenes: Scenes, shapes: np.ndarray, cells: int
) -> Iterator[tuple[int, int, tuple[int, int, int], tuple[float, ...]]]:
    """Who says which object: scene and object, then anchor, row and column, then the box as it is said.

    An object belongs to the cell of its middle, and there to the anchor, of shapes [anchor, 2], that is nearest to its
    own and free; where none is free nobody learns of it. Its middle is seen from the cell's corner, in cells, its width
    and height are logarithms over the anchor's.
    """
    taken, pixels = set(), scenes.x.shape[-1] / cells
    for i, k in zip(*(places.tolist() for places in np.nonzero(scenes.label != NOTHING))):
        left, top, right, bottom = scenes.box[i, k].astype(float)
        x, y, size = (left + right) / 2 / pixels, (top + bottom) / 2 / pixels, np.array([right - left, bottom - top])
        both = np.minimum(size, shapes).prod(1)
        for a in np.argsort(-both / (size.prod() + shapes.prod(1) - both)).tolist():
            if (place := (i, a, int(y), int(x))) not in taken:
                taken.add(place)
                yield i, k, place[1:], (x - int(x), y - int(y), *np.log(size / shapes[a]))
                break


def falling(rows: Tensor, lr: float, steps: int) -> Optimizer:
    """Adam for all members, with a rate that falls as a cosine to zero (Loshchilov and Hutter, 2017)."""
    factors = 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))
    return Optimizer(rows, [Settings("adam", lr)] * len(rows), steps, factors[None])


def targets(scenes: Scenes, anchors: int) -> Targets:
    """What cells should say of scenes; landmarks are seen from the cell's corner, in cells."""
    n, shape = len(scenes.x), (anchors, GRID, GRID)
    there, label = np.zeros((n, *shape), np.float32), np.zeros((n, *shape), np.int64)
    place = np.zeros((n, anchors, 4 + POINTS, GRID, GRID), np.float32)
    for i, k, at, box in assigned(scenes, np.array(ANCHORS[:anchors]), GRID):
        marks = scenes.landmark[i, k].ravel() / CELL - np.tile(at[:0:-1], 4)
        there[(i, *at)], label[(i, *at)] = 1, scenes.label[i, k]
        place[i, at[0], :, at[1], at[2]] = [*box, *marks]
    return Targets(there, label, place)


def read(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes [n, boxes, 4], probabilities of every class [n, boxes, class] and landmarks [n, boxes, POINTS] in pixels
    from outputs z [n, anchors · PER, GRID, GRID]."""
    n, anchors = len(z), z.shape[1] // PER
    z = z.reshape(n, anchors, PER, GRID, GRID).transpose(0, 1, 3, 4, 2).astype(float)
    corner = np.stack(np.meshgrid(np.arange(GRID), np.arange(GRID)), -1)  # of a cell: across, down
    middle = (z[..., 1:3] + corner) * CELL
    half = np.exp(np.minimum(z[..., 3:5], 3)) * np.array(ANCHORS[:anchors])[:, None, None] / 2
    power = np.exp(z[..., 5 : 5 + len(CLASSES)] - z[..., 5 : 5 + len(CLASSES)].max(-1, keepdims=True))
    score = power / power.sum(-1, keepdims=True) / (1 + np.exp(PRIOR - z[..., :1].clip(-60)))
    marks = (z[..., -POINTS:] + np.tile(corner, 4)) * CELL
    flat = (n, anchors * GRID * GRID, -1)
    return np.concatenate([middle - half, middle + half], -1).reshape(flat), score.reshape(flat), marks.reshape(flat)


def boxes(z: np.ndarray, floor: float = FLOOR) -> tuple[Found, list[np.ndarray]]:
    """What is found in every scene, the likeliest class of each box that is likely enough, and its landmarks."""
    found, marks = [], []
    for box, score, mark in zip(*read(z)):
        sure = score.max(1) >= floor
        rows = np.c_[box, score.argmax(1), score.max(1)][sure]
        order = np.argsort(-rows[:, 5], kind="stable")
        found.append(rows[order])
        marks.append(mark[sure][order])
    return found, marks


class Detectors:
    """One detector a seed, in training."""

    def __init__(self, anchors: int, seeds: list[int], lr: float, steps: int, device: str = "cpu"):
        self.net, self.anchors = network(anchors), anchors
        rows = np.stack([layered_weights(self.net, GIVEN, seed, "he") for seed in seeds])
        self.rows = torch.as_tensor(rows, device=device)
        self.statistics = running(self.net, GIVEN, self.rows)
        self.optimizer = falling(self.rows, lr, steps)

    def forward(self, weights: Tensor, x: Tensor, training: bool) -> Tensor:
        """[seed, n, anchors, PER, GRID, GRID] of scenes x [seed, n, size, size]."""
        z = layered_forward(self.net, GIVEN, weights, x[:, :, None], self.statistics, training)
        return untangled(z, len(weights)).unflatten(2, (self.anchors, PER))

    def learn(self, x: Tensor, wanted: list[Tensor], masked: bool) -> None:
        """One step on a batch [seed, n, …] of scenes and of their targets."""
        leaf = self.rows.detach().requires_grad_()
        parts = losses(self.forward(leaf, x, True), wanted, masked)
        self.optimizer.step(torch.autograd.grad(parts.sum(), leaf)[0])

    @torch.no_grad()
    def outputs(self, x: Tensor) -> Tensor:
        return self.forward(self.rows, x, False)

    def state(self) -> np.ndarray:
        """Weights and what norms keep, a row a seed."""
        return torch.cat([self.rows, *self.statistics.values()], 1).numpy(force=True)


def losses(z: Tensor, wanted: list[Tensor], masked: bool = True) -> Tensor:
    """Sums over a scene, means over scenes, [seed, part]: whether there is an object; its box (and landmarks), its
    class, both only where there is one (Redmon et al., 2016). Not masked, wrong, boxes are to be 0 everywhere else."""
    there, label, place = wanted
    object = functional.binary_cross_entropy_with_logits(z[:, :, :, 0] - PRIOR, there, reduction="none")
    said = torch.cat([z[:, :, :, 1:5], z[:, :, :, -POINTS:]], 3)
    off = functional.smooth_l1_loss(said, place, reduction="none", beta=SHARP)
    box = (2 * off[:, :, :, :4].sum(3) + 0.5 * off[:, :, :, 4:].sum(3)) * (there if masked else 1)
    scores = z[:, :, :, 5 : 5 + len(CLASSES)].flatten(0, 1).transpose(1, 2)
    name = functional.cross_entropy(scores, label.flatten(0, 1), reduction="none").view_as(there) * there
    return torch.stack([part.flatten(2).sum(2).mean(1) for part in (object, box, name)], 1)


def nearest_mean(scenes: Scenes) -> np.ndarray:
    """Of every class the mean of its objects, each brought to 8 × 8: [class, 64], of length 1."""
    sums = np.zeros((len(CLASSES), 64))
    for i, k in zip(*np.nonzero(scenes.label != NOTHING)):
        left, top, right, bottom = scenes.box[i, k].astype(int)
        sums[scenes.label[i, k]] += small(scenes.x[i, top:bottom, left:right])
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)


def small(picture: np.ndarray) -> np.ndarray:
    """Its pixels at 8 × 8 places, of mean 0 and length 1."""
    down, across = (((np.arange(8) + 0.5) * side / 8).astype(int) for side in picture.shape)
    flat = picture[np.ix_(down, across)].ravel()
    flat = flat - flat.mean()
    return flat / max(float(np.linalg.norm(flat)), 1e-9)
