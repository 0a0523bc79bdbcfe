"""Four ways to double the sides before the same convolution: at the same weights, which draws the sharper border?"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch

from core.concepts.segmentation.networks import Batches, Nets, cross_entropy, drawn, scores
from core.concepts.segmentation.params import MEASURES, SIZE, Params, moments
from core.concepts.segmentation.upsampling.params import FLAT, GREY, UPS, Result
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [ways, seeds, D] of the networks."""
    steps, ticks = params.steps, moments(params.steps)
    batches, nets = Batches(params, device), Nets([(up, False) for up in UPS], params, device)
    tested = [drawn(params, params.data_seed + s, "test", params.tested) for s in range(params.seeds)]
    x, truth = (np.stack(part) for part in zip(*tested))
    seen, meant = torch.as_tensor(x, device=device), torch.as_tensor(truth, device=device).repeat(len(UPS), 1, 1, 1)
    even = torch.full((params.seeds, 1, FLAT, FLAT), GREY, device=device)
    axes = {"net": len(UPS), "seed": params.seeds, "measure": len(MEASURES), "row": SIZE, "column": SIZE}
    record = Recording(Result, params, steps, axes, tick=ticks)
    for moment in schedule(steps, chunk, tick=ticks):
        for step in moment.steps:
            nets.learn(*batches.at(step), cross_entropy)
        if moment.due:
            z = nets.outputs(seen)
            said = z.argmax(2).unflatten(0, (len(UPS), -1)).numpy(force=True)
            found = [[scores(*pair) for pair in zip(truth, net)] for net in said]
            flat, board = unevenness(z, nets.outputs(even))
            loss = cross_entropy(z, meant).numpy(force=True)
            shown = flat.reshape(len(UPS), -1, SIZE, SIZE)[:, 0]
            record.append("tick", loss=loss, score=np.array(found), board=board, flat=shown)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"nets": nets.state()}


def unevenness(z: torch.Tensor, even: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """How far the middle of what is said of an even picture is from its mean, in standard deviations of what is said
    of scenes, [member, SIZE, SIZE], and the root of its mean square, [member]. What is said: paper, less the mean of
    the other classes. A network that treats all places alike has 0."""
    paper, flat = (each[:, :, 0] - each[:, :, 1:].mean(2) for each in (z, even))
    edge = (FLAT - SIZE) // 2
    middle = flat[:, 0, edge:-edge, edge:-edge]
    off = (middle - middle.mean((1, 2), keepdim=True)) / paper.flatten(1).std(1).clamp_min(1e-9).view(-1, 1, 1)
    return off.numpy(force=True), off.square().mean((1, 2)).sqrt().numpy(force=True)
