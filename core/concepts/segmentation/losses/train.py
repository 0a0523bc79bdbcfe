"""Four losses for the same networks: cross-entropy, weighted by class, and two that are nearly the measure itself."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.segmentation.losses.params import LOSSES, Result
from core.concepts.segmentation.networks import Batches, Nets, class_iou, cross_entropy, drawn, scores
from core.concepts.segmentation.params import CLASSES, MEASURES, Params, moments
from core.ml.recording import Recording, schedule

SMOOTH = 1.0  # pixels added above and below, so that an absent class divides by something


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [losses, seeds, D] of the networks."""
    steps, ticks = params.steps, moments(params.steps)
    batches, nets = Batches(params, device), Nets([("learnt", True)] * len(LOSSES), params, device)
    tested = [drawn(params, params.data_seed + s, "test", params.tested) for s in range(params.seeds)]
    x, truth = (np.stack(part) for part in zip(*tested))
    seen, meant = torch.as_tensor(x, device=device), torch.as_tensor(truth, device=device).repeat(len(LOSSES), 1, 1, 1)
    share = torch.bincount(batches.y.flatten(), minlength=len(CLASSES)) / batches.y.numel()
    weight = 1 / share.clamp_min(1e-6).sqrt()
    axes = {"net": len(LOSSES), "seed": params.seeds, "measure": len(MEASURES), "class": len(CLASSES)}
    record = Recording(Result, params, steps, axes, tick=ticks)
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            nets.learn(*batches.at(step), lambda z, y: own_loss(z, y, weight))
        if moment.due:
            z = nets.outputs(seen)
            said = z.argmax(2).unflatten(0, (len(LOSSES), -1)).numpy(force=True)
            pairs = [[(mask, own) for mask, own in zip(truth, net)] for net in said]
            found = {
                "score": [[scores(*pair) for pair in row] for row in pairs],
                "by_class": [[class_iou(*pair) for pair in row] for row in pairs],
                "recall": [[recalls(*pair) for pair in row] for row in pairs],
            }
            loss = own_loss(z, meant, weight).numpy(force=True)
            record.append("tick", loss=loss, **{name: np.array(each) for name, each in found.items()})
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"nets": nets.state()}


def recalls(truth: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Of every class the share of its pixels that are found; NaN where it has none."""
    each = [truth == c for c in range(len(CLASSES))]
    return np.array([np.mean(said[mine] == c) if mine.any() else np.nan for c, mine in enumerate(each)])


def own_loss(z: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Of every member [loss · seed] the loss that it is trained for."""
    zs, ys = z.chunk(len(LOSSES)), y.chunk(len(LOSSES))
    plain, weighted = cross_entropy(zs[0], ys[0]), cross_entropy(zs[1], ys[1], weight)
    return torch.cat([plain, weighted, overlapping(zs[2], ys[2], 2), overlapping(zs[3], ys[3], 1)])


def overlapping(z: Tensor, y: Tensor, times: int) -> Tensor:
    """1 less the mean over classes of a soft overlap. With P the probabilities and T the truth, summed over all pixels:
    2 PT / (P + T), Dice (Milletari et al., 2016), or PT / (P + T − PT), IoU (Rahman and Wang, 2016). [member]"""
    p, t = z.softmax(2), functional.one_hot(y, len(CLASSES)).movedim(-1, 2).to(z.dtype)
    shared, both = (p * t).sum((1, 3, 4)), (p + t).sum((1, 3, 4))
    below = both if times == 2 else both - shared
    return 1 - ((times * shared + SMOOTH) / (below + SMOOTH)).mean(1)
