"""The optimizer race: contenders × seeds train together, from the same weights, on the same batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.optimizer_race.params import Params, Result, on_points, sizes
from core.ml.data import Data, batch_orders, digits, points, split, standardised
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import Optimizer
from core.ml.own import table
from core.ml.replay import WARM_UP, Replayed

GRID = 48  # pixels along a side of a decision region
REACH = 1.5  # the region covers [-REACH, REACH]²
FRAMES = 30  # decision regions recorded, at most


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Iterator[Result]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what."""
    layers, seeds = sizes(params), range(params.seeds)
    sets = [load(params, params.data_seed + i) for i in seeds]
    bounds = np.cumsum([0, *map(len, sets[0].x)])  # where the splits begin and end
    n = int(bounds[1])
    steps_per_epoch = -(-n // params.batch)
    total = params.epochs * steps_per_epoch

    x = torch.as_tensor(np.stack([np.concatenate(d.x).T for d in sets]), device=device)  # [seeds, features, n]
    y = torch.as_tensor(np.stack([np.concatenate(d.y) for d in sets]), device=device)
    orders = np.stack([batch_orders(n, params.epochs, params.data_seed + i) for i in seeds])
    start = torch.as_tensor(np.stack([initial_weights(layers, params.weight_seed + i) for i in seeds]), device=device)
    weights = start.repeat(len(params.contenders), 1)  # member = contender · seeds + seed
    optimizer = Optimizer(weights, [c for c in params.contenders for _ in seeds], total)
    learn = learner(weights, optimizer, layers, params)

    shape = (len(params.contenders), params.seeds, params.epochs + 1, 3)
    loss, accuracy = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    frames = np.linspace(0, params.epochs, FRAMES + 1).round().astype(int) if on_points(params) else np.arange(0)
    region_epochs = np.unique(frames)
    region = np.zeros((shape[0], len(region_epochs), GRID, GRID), np.uint8)
    seconds = step_seconds(params, layers, start, x, y)

    def result(step: int, ticks: int) -> Result:
        shown_frames = int(np.searchsorted(region_epochs, ticks))
        shown = np.r_[: bounds[1], bounds[2] : bounds[3]] if on_points(params) else np.arange(0)
        return Result(
            params,
            step,
            total,
            epoch=np.arange(ticks),
            loss=loss[:, :, :ticks],
            accuracy=accuracy[:, :, :ticks],
            steps_per_epoch=steps_per_epoch,
            parameters=weights.shape[1],
            step_seconds=seconds,
            x=x[0].numpy(force=True).T[shown],
            y=y[0].numpy(force=True)[shown],
            region_epoch=region_epochs[:shown_frames],
            region=region[:, :shown_frames],
        )

    step = 0
    for epoch in range(params.epochs + 1):
        for c, members in enumerate(weights.view(-1, params.seeds, weights.shape[1])):
            loss[c, :, epoch], accuracy[c, :, epoch] = measure(members, x, y, bounds, layers, params)
            if epoch in region_epochs:
                region[c, list(region_epochs).index(epoch)] = probability_grid(members[:1], layers, params)
        yield result(step, epoch + 1)
        if epoch == params.epochs:
            return

        order = torch.as_tensor(orders[:, epoch].astype(np.int64), device=device)
        x_epoch = x.gather(2, order.unsqueeze(1).expand(-1, layers[0], -1))
        y_epoch = y.gather(1, order)
        for first in range(0, n, params.batch):
            batch = slice(first, first + params.batch)
            learn(x_epoch[:, :, batch], y_epoch[:, batch])
            step += 1
            if step % chunk == 0 and step % steps_per_epoch:
                yield result(step, epoch + 1)


def load(params: Params, seed: int) -> Data:
    """The three splits of one seed."""
    if params.own:
        return standardised(split(*table(params.own), seed))
    if on_points(params):
        return split(*points(params.data, params.points, params.noise, seed), seed)
    return split(*digits(), seed)


def learner(weights: Tensor, optimizer: Optimizer, layers: tuple[int, ...], params: Params) -> Replayed:
    """One training step of all members on a batch of each seed, x [seeds, features, n] and y [seeds, n]."""
    return Replayed(lambda x, y: optimizer.step(gradient(weights, x, y, layers, params)))


def gradient(weights: Tensor, x: Tensor, y: Tensor, layers: tuple[int, ...], params: Params) -> Tensor:
    """Gradient [members, D] of every member's mean cross-entropy on the batch of its seed: x [seeds, features, n],
    y [seeds, n]."""
    times = len(weights) // len(x)
    x, y = x.repeat(times, 1, 1), y.repeat(times, 1)
    leaf = weights.detach().requires_grad_()
    logits = forward(leaf, x, layers, params.activation)
    total = functional.cross_entropy(logits, y, reduction="sum") / y.shape[1]
    return torch.autograd.grad(total, leaf)[0]


@torch.no_grad()
def measure(
    members: Tensor, x: Tensor, y: Tensor, bounds: np.ndarray, layers: tuple[int, ...], params: Params
) -> tuple[np.ndarray, np.ndarray]:
    """Mean cross-entropy and accuracy of one contender's members [seeds, D] on each split: [seeds, splits] each."""
    logits = forward(members, x, layers, params.activation)
    loss = functional.cross_entropy(logits, y, reduction="none")  # [seeds, n]
    right = (logits.max(1).indices == y) & loss.isfinite()  # argmax says the same, and is slow along this axis
    means = [torch.stack([v[:, a:b].float().mean(1) for a, b in pairwise(bounds)], 1) for v in (loss, right)]
    return means[0].numpy(force=True), means[1].numpy(force=True)


@torch.no_grad()
def probability_grid(member: Tensor, layers: tuple[int, ...], params: Params) -> np.ndarray:
    """Probability of class 1 over the plane, uint8 [GRID, GRID], rows upward; a diverged network gives 0.5."""
    axis = torch.linspace(-REACH, REACH, GRID, device=member.device)
    inputs = torch.cartesian_prod(axis, axis).flip(1).T
    p = forward(member, inputs[None], layers, params.activation)[0].softmax(0)[1]
    return (255 * p.nan_to_num(0.5)).round().to(torch.uint8).view(GRID, GRID).numpy(force=True)


def step_seconds(params: Params, layers: tuple[int, ...], start: Tensor, x: Tensor, y: Tensor) -> np.ndarray:
    """Seconds of one training step of each contender alone (one seed), the median of a short trial: [contenders]."""
    x, y = x[:1, :, : params.batch], y[:1, : params.batch]
    found = []
    for contender in params.contenders:
        weights = start[:1].clone()
        learn = learner(weights, Optimizer(weights, [contender], 24), layers, params)
        times: list[float] = []
        for t in range(24):
            begin = time.perf_counter()
            learn(x, y)
            if not x.is_cpu:
                weights[0, 0].item()  # wait for the device
            times.append(time.perf_counter() - begin)
            if sum(times[WARM_UP + 1 :]) > 0.02 and t >= WARM_UP + 3:
                break
        found.append(np.median(times[WARM_UP + 1 :]))
    return np.array(found)
