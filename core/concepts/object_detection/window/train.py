"""A classifier of crops finds objects when it is slid over a scene: one convolution does that in one go."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.object_detection.networks import falling
from core.concepts.object_detection.params import CLASSES, SIZE, SUPPRESS, Params
from core.concepts.object_detection.window.params import (
    BATCH,
    CROP,
    NEAR,
    PLACES,
    RATE,
    REPEATS,
    STRIDE,
    WHOLE,
    WINDOW,
    Result,
    classifier,
    products,
)
from core.ml.boxes import iou, judged, kept, mean_ap
from core.ml.layered import layered_forward, layered_weights, untangled
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.scenes import NOTHING, Scenes, scenes

LOOSE = (0.5, 0.25)  # IoU from where on a window is a hit


def train(params: Params, device: str = "cpu", chunk: int = 40) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, D] of the classifiers."""
    steps, seeds = params.updates, range(params.seeds)
    draws = [params.data_seed + s for s in seeds]
    learnt = [crops(scenes(params.examples, seed, "train", SIZE, CLASSES), seed) for seed in draws]
    tested = [scenes(params.tested, seed, "test", SIZE, CLASSES) for seed in draws]
    examined = [crops(one, seed) for seed, one in zip(draws, tested)]
    net = classifier()
    rows = torch.as_tensor(np.stack([layered_weights(net, CROP, params.weight_seed + s, "he") for s in seeds]))
    optimizer = falling(rows, RATE, steps)
    orders = [stream("window batches", params.data_seed + s) for s in seeds]
    ticks = np.unique(np.linspace(1, steps, min(steps, 8)).round().astype(int))
    first = tested[0]
    sizes = {"seed": params.seeds, "end": 1, "way": 2, "level": 2, "down": PLACES, "across": PLACES}
    record = Recording(
        Result, params, steps, sizes, tick=ticks, products=products(), scene=first.x[0],
        truth=np.c_[first.box[0], first.label[0]].astype(np.float32),
    )  # fmt: skip
    loss = torch.zeros(params.seeds)
    for moment in schedule(steps, chunk, tick=ticks):
        for _ in moment.steps:
            which = [rng.integers(len(y), size=BATCH) for rng, (_, y) in zip(orders, learnt)]
            x, y = (np.stack([one[part][w] for one, w in zip(learnt, which)]) for part in (0, 1))
            leaf = rows.detach().requires_grad_()
            z = forward(leaf, torch.as_tensor(x)[:, :, None], CROP).flatten(2)
            loss = functional.cross_entropy(z.mT, torch.as_tensor(y), reduction="none").mean(1)
            optimizer.step(torch.autograd.grad(loss.sum(), leaf)[0])
        if moment.due:
            record.append("tick", loss=loss.numpy(force=True))
        if moment.last:
            found = [measured(rows[s : s + 1], *each) for s, each in enumerate(zip(tested, examined))]
            whole = {name: np.stack([one[name] for one in found]) for name in found[0]}
            record.append("end", map=whole.pop("map")[0], seconds=whole.pop("seconds").T, **whole)
        if moment.step % chunk == 0 or moment.last:
            yield record.result(moment.step)
    return {"classifier": rows.numpy()}


def forward(rows: Tensor, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Outputs [seed, n, class, down, across] of scenes or crops x [seed, n, 1, side, side]."""
    return untangled(layered_forward(classifier(), shape, rows, x), len(rows))


def crops(scenes: Scenes, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows around every object, give or take some pixels, and as many where no middle is near: x [n, WINDOW,
    WINDOW], and the class; len(CLASSES) is nothing."""
    rng, x, y = stream("crops", seed), [], []
    for picture, label, box in zip(scenes.x, scenes.label, scenes.box):
        there = label != NOTHING
        middle = (box[there, 1::-1] + box[there, :1:-1]) / 2  # down, across
        for at in middle:
            around = (at - WINDOW / 2 + rng.integers(-NEAR, NEAR + 1, 2)).round()
            for corner in (around, rng.integers(0, SIZE - WINDOW + 1, 2)):
                top, left = np.clip(corner, 0, SIZE - WINDOW).astype(int)
                off = np.abs(middle - [top + WINDOW / 2, left + WINDOW / 2]).max(1)
                x.append(picture[top : top + WINDOW, left : left + WINDOW])
                y.append(int(label[there][off.argmin()]) if off.min() <= NEAR else len(CLASSES))
    return np.stack(x), np.array(y, np.int64)


@torch.no_grad()
def measured(rows: Tensor, truth: Scenes, examined: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    """Of one seed all that is measured in the end."""
    x, y = examined
    said = forward(rows, torch.as_tensor(x)[None, :, None], CROP).flatten(2).argmax(2)[0].numpy()
    whole = torch.as_tensor(truth.x)[None, :, None]
    cut = whole.unfold(3, WINDOW, STRIDE).unfold(4, WINDOW, STRIDE)[0, :, 0].reshape(1, -1, 1, WINDOW, WINDOW)
    ways: list[Callable[[], Tensor]] = [lambda: forward(rows, cut, CROP), lambda: forward(rows, whole, WHOLE)]
    seconds, outputs = np.zeros(2), []
    for k, way in enumerate(ways):
        took = []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            z = way()
            took.append(time.perf_counter() - begin)
        seconds[k] = min(took)
        outputs.append(z.numpy())
    by_crop = outputs[0].reshape(len(truth.x), PLACES, PLACES, -1).transpose(0, 3, 1, 2)
    z = torch.as_tensor(outputs[1][0])
    score = z.softmax(1).numpy().astype(float)
    corner = STRIDE * np.stack(np.meshgrid(np.arange(PLACES), np.arange(PLACES)), -1).reshape(-1, 2)
    box = np.c_[corner, corner + WINDOW].astype(float)
    named = score[:, :-1].reshape(len(truth.x), len(CLASSES), -1)
    found = kept([np.c_[box, each.argmax(0), each.max(0)] for each in named], SUPPRESS)
    best = [iou(b[y != NOTHING], box).max(1) for b, y in zip(truth.box, truth.label)]
    return {
        "right": np.mean(said == y),
        "difference": np.abs(by_crop - outputs[1][0]).max(),
        "seconds": seconds,
        "ap": [mean_ap(judged(found, truth.label, truth.box, len(CLASSES), level)) for level in LOOSE],
        "best": np.mean(np.concatenate(best)),
        "map": 1 - score[0, -1],
    }
