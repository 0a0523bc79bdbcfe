"""Why cells exist: a network that is to say all boxes at once must know which of its outputs is to say which."""

from __future__ import annotations

from collections.abc import Generator
from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.object_detection.networks import assigned, falling
from core.concepts.object_detection.params import BELIEVED, FLOOR, PRIOR, SUPPRESS, Params
from core.concepts.object_detection.targets.params import (
    BATCH,
    CELLS,
    FORMS,
    KINDS,
    NETS,
    OBJECTS,
    RATE,
    SAYS,
    SIDE,
    SIDES,
    SLOTS,
    SMALL,
    Result,
    anchors,
    in_cells,
    layers,
)
from core.ml.boxes import Found, iou, judged, kept, mean_ap
from core.ml.layered import layered_forward, layered_weights, running, untangled
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.scenes import NOTHING, Scenes, scenes

PIXELS = SIDE / CELLS  # of a cell
SHARP = 0.1


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, D] of every net."""
    steps, seeds = params.updates, range(params.seeds)
    learnt = [several(params.data_seed + s, "train", params.examples) for s in seeds]
    tested = [several(params.data_seed + s, "test", params.tested) for s in seeds]
    x = torch.as_tensor(np.stack([np.concatenate([one.x for one in kinds]) for kinds in learnt]), device=device)
    seen = torch.as_tensor(np.stack([np.concatenate([one.x for one in kinds]) for kinds in tested]), device=device)
    start = [params.weight_seed + s for s in seeds]
    nets = [Boxes(net, start, learnt, steps, device) for net in NETS]
    orders = [stream("target batches", params.data_seed + s) for s in seeds]
    which = np.stack([rng.integers(x.shape[1], size=(steps, BATCH)) for rng in orders], 1)
    ticks = np.unique(np.linspace(1, steps, min(steps, 8)).round().astype(int))
    sizes = {"net": len(NETS), "seed": params.seeds, "kind": len(KINDS), "end": 1}
    record = Recording(Result, params, steps, sizes, tick=ticks)
    loss = np.zeros((len(nets), params.seeds))
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            loss = np.stack([net.learn(x, torch.as_tensor(which[step], device=device)) for net in nets])
        if moment.due:
            record.append("tick", loss=loss)
        if moment.last:
            record.append("end", **{n: np.stack(v) for n, v in zip(("ap", "off"), zip(*tests(nets, seen, tested)))})
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {net.name: torch.cat([net.rows, *net.statistics.values()], 1).numpy(force=True) for net in nets}


def several(seed: int, part: str, n: int) -> list[Scenes]:
    """Scenes of every kind, n in all."""
    found = []
    for k, kind in enumerate(KINDS):
        joined = kind == "together"
        count = 2 if joined else k + 1
        how: dict[str, Any] = {"count": (count, count), "overlap": 0.1, "together": float(joined)}
        found.append(scenes(n // len(KINDS), seed, part, SIDE, OBJECTS, sides=SIDES, **how))
    return found


class Boxes:
    """Networks of one kind, one a seed, in training by Adam."""

    def __init__(self, name: str, seeds: list[int], learnt: list[list[Scenes]], steps: int, device: str):
        self.name, self.layers, self.shapes = name, layers(name), np.array(FORMS[: anchors(name)])
        rows = np.stack([layered_weights(self.layers, SMALL, seed, "he") for seed in seeds])
        self.rows = torch.as_tensor(rows, device=device)
        self.statistics = running(self.layers, SMALL, self.rows)
        self.optimizer = falling(self.rows, RATE, steps)
        make = self.of_cells if in_cells(name) else of_slots
        wanted = np.stack([np.concatenate([make(one) for one in kinds]) for kinds in learnt])
        self.wanted = torch.as_tensor(wanted.astype(np.float32), device=device)

    def of_cells(self, scenes: Scenes) -> np.ndarray:
        """What every anchor of every cell should say, [n, anchors · cells, SAYS]."""
        found = np.zeros((len(scenes.x), len(self.shapes), CELLS, CELLS, SAYS))
        for i, _, place, box in assigned(scenes, self.shapes, CELLS):
            found[(i, *place)] = 1, *box
        return found.reshape(len(found), -1, SAYS)

    def forward(self, weights: Tensor, x: Tensor, training: bool) -> Tensor:
        """What is said of scenes x [seed, n, side, side]: [seed, n, slot, SAYS]."""
        z = layered_forward(self.layers, SMALL, weights, x[:, :, None], self.statistics, training)
        if not in_cells(self.name):
            return z.mT.unflatten(2, (SLOTS, SAYS))
        said = untangled(z, len(weights)).unflatten(2, (-1, SAYS)).movedim(3, -1).flatten(2, 4)
        return said - torch.tensor([PRIOR, 0, 0, 0, 0], device=z.device)

    def learn(self, x: Tensor, which: Tensor) -> np.ndarray:
        """One step on scenes which [seed, batch]; the loss of every seed."""
        member = torch.arange(len(which), device=x.device)[:, None]
        leaf = self.rows.detach().requires_grad_()
        loss = self.loss(self.forward(leaf, x[member, which], True), self.wanted[member, which])
        self.optimizer.step(torch.autograd.grad(loss.sum(), leaf)[0])
        return loss.numpy(force=True)

    def loss(self, z: Tensor, wanted: Tensor) -> Tensor:
        """Of every seed. Matched, slots say whom they fit best: of all orders of the objects the one with the smallest
        loss (as DETR does; Carion et al., 2020)."""
        if self.name != "matched":
            return off(z, wanted, self.name != "unmasked").sum(2).mean(1)
        orders = [off(z, wanted[:, :, list(order)]).sum(2) for order in permutations(range(SLOTS))]
        return torch.stack(orders).amin(0).mean(1)

    @torch.no_grad()
    def found(self, x: Tensor) -> list[Found]:
        """What is found in all scenes of every seed: box, class 0, score."""
        z = self.forward(self.rows, x, False).numpy(force=True).astype(float)
        score = 1 / (1 + np.exp(-z[..., 0].clip(-60, 60)))
        if in_cells(self.name):
            a, y, x_ = np.indices((len(self.shapes), CELLS, CELLS)).reshape(3, -1)
            middle = (z[..., 1:3] + np.stack([x_, y], 1)) * PIXELS
            half = np.exp(z[..., 3:5].clip(-3, 3)) * self.shapes[a] / 2
        else:
            middle, half = z[..., 1:3] * PIXELS, z[..., 3:5] * PIXELS / 2
        rows = np.concatenate([middle - half, middle + half, np.zeros((*score.shape, 1)), score[..., None]], -1)
        return [kept([scene[scene[:, 5] >= FLOOR] for scene in seed], SUPPRESS) for seed in rows]


def off(z: Tensor, wanted: Tensor, masked: bool = True) -> Tensor:
    """Loss of every slot, [seed, n, slot]: is there an object, and the box, where there is one."""
    there = wanted[..., 0]
    box = functional.smooth_l1_loss(z[..., 1:], wanted[..., 1:], reduction="none", beta=SHARP).sum(-1)
    return functional.binary_cross_entropy_with_logits(z[..., 0], there, reduction="none") + 2 * box * (
        there if masked else 1
    )


def of_slots(scenes: Scenes) -> np.ndarray:
    """Objects in the order in which they were drawn: is there one, middle and size in cells, [n, SLOTS, SAYS]."""
    box, there = scenes.box / PIXELS, scenes.label != NOTHING
    parts = [there[..., None], (box[..., :2] + box[..., 2:]) / 2, box[..., 2:] - box[..., :2]]
    rows = np.concatenate(parts, -1) * there[..., None]
    return np.pad(rows, ((0, 0), (0, SLOTS - rows.shape[1]), (0, 0)))


def tests(nets: list[Boxes], x: Tensor, tested: list[list[Scenes]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of every net average precision and mean IoU, [kind, seed]."""
    n = len(tested[0][0].x)
    parts = [slice(n * k, n * (k + 1)) for k in range(len(KINDS))]
    rows = []
    for found in (net.found(x) for net in nets):
        each = [[measured(mine[part], kinds[k]) for mine, kinds in zip(found, tested)] for k, part in enumerate(parts)]
        rows.append((np.array(each)[..., 0], np.array(each)[..., 1]))
    return rows


def measured(found: Found, truth: Scenes) -> tuple[float, float]:
    label = np.where(truth.label == NOTHING, NOTHING, 0)
    best = []
    for each, box, there in zip(found, truth.box, label == 0):
        believed = each[each[:, 5] >= BELIEVED, :4]
        best.append(iou(believed, box[there]).max(0, initial=0))
    return mean_ap(judged(found, label, truth.box, 1)), float(np.mean(np.concatenate(best)))
