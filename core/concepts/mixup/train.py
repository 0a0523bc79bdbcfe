"""Mixup: networks trained on mixtures of two examples and of their labels, many methods and seeds at once.

Member = method · seeds + seed: weights [members, D], examples [members, features, n], targets [members, classes, n].
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.special import betainc, betaincinv
from torch import Tensor
from torch.nn import functional

from core.concepts.mixup.params import (
    ATTACKED,
    EPSILONS,
    PGD_STEPS,
    TESTED,
    Method,
    Params,
    Result,
    images,
    in_plane,
    labelled,
    sizes,
    table_shape,
    ticks,
    used,
)
from core.ml.data import Data, batch_orders, digits, into_square, points, split, standardised
from core.ml.networks import ACTIVATIONS, forward, initial_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked
from core.ml.replay import Replayed

GRID = 48  # pixels along a side of a map
REACH = 1.3  # the map covers [-REACH, REACH]²
SIDE = 8  # of a digit, in pixels
PICTURED = 200, 8  # mixed samples kept per frame: points, images
STRONGEST = 0.6, 0.3  # the largest attack: on points and tables, on images, whose pixels are 0…1
UNSURE = 0.25  # pseudo-labels begin after this share of the epochs


@dataclass(frozen=True)
class Draws:
    """Random numbers of one seed for every batch, [epochs, batches], the same for all methods."""

    quantile: np.ndarray  # of λ, in 0…1
    layer: np.ndarray  # which is mixed, as a place in 0…1 among those that may be
    centre: np.ndarray  # of CutMix's box, [epochs, batches, 2] in pixels


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what; at the end the
    weights [methods, seeds, D]."""
    methods, layers, seeds = used(params), sizes(params), range(params.seeds)
    loaded = [load(params, params.data_seed + s) for s in seeds]
    sets, wrong = [data for data, _ in loaded], np.stack([flipped for _, flipped in loaded])
    n, held, tested = map(len, sets[0].x)
    known = wrong.shape[1]
    splits = ((0, known), (n, n + held), (n + held, n + held + tested))
    batches = -(-n // params.batch)
    total = params.epochs * batches

    put = lambda a: torch.as_tensor(np.ascontiguousarray(a), device=device)  # noqa: E731
    x = put(np.stack([np.concatenate(d.x).T for d in sets]))  # [seeds, features, examples]
    y = put(np.stack([np.concatenate(d.y) for d in sets]))  # [seeds, examples]
    which = torch.arange(params.seeds, device=device).repeat(len(methods))
    orders = put(np.stack([batch_orders(n, params.epochs, params.data_seed + s) for s in seeds]).astype(np.int64))
    start = np.stack([initial_weights(layers, params.weight_seed + s) for s in seeds])
    weights = put(np.tile(start, (len(methods), 1)))
    optimizer = Optimizer(weights, [Settings("adam", params.rate)] * len(weights), total)
    targets = functional.one_hot(y[:, :n], layers[-1]).transpose(1, 2).float()[which]  # [members, classes, n]
    targets[:, :, known:] = 0  # no label, no loss
    draws = [draw(params, batches, params.data_seed + s) for s in seeds]

    def learn(inputs: Tensor, aims: Tensor, label: Tensor, pixels: Tensor, hidden: Tensor) -> None:
        """One step of every member on a batch [members, ·, batch]."""
        leaf = weights.detach().requires_grad_()
        z = mixed_forward(leaf, mix(inputs, pixels), layers, params.activation, hidden)
        loss = -(mix(aims, label) * z.log_softmax(1)).sum(1).mean(1)
        optimizer.step(torch.autograd.grad(loss.sum(), leaf)[0])

    step_of = Replayed(learn)

    epochs, plane = ticks(params), in_plane(params)
    axes = {"method": len(methods), "seed": params.seeds, "split": 3, "attack": 2, "part": 3}
    axes |= {"row": GRID if plane else 0, "column": GRID if plane else 0}
    axes["sample"] = kept = min(PICTURED[not plane], n) if plane or images(params) else 0
    record = Recording(
        Result,
        params,
        total,
        axes,
        epoch=epochs,
        epsilon=strengths(params),
        shares=np.stack([share_of(method, draws[0].quantile.ravel()[:500]) for method in methods]),
        x=sets[0].x[0][:known],
        y=sets[0].y[0][:known],
        wrong=wrong[0],
    )

    for moment in schedule(total, chunk, tick=epochs * batches):
        for step in moment.steps:
            epoch, k = divmod(step, batches)
            if k == 0:  # an epoch begins
                if known < n and epoch >= UNSURE * params.epochs:
                    targets[:, :, known:] = own_labels(weights, x[which, :, known:n], layers, params)
                shares = [mixture(methods, d, epoch, params) for d in draws]  # of every seed
                label, pixels, hidden = (
                    put(np.stack(s, 2).reshape(batches, len(weights), -1, 1)) for s in zip(*shares)
                )
                order = orders[:, epoch]
                inputs = x.gather(2, order.unsqueeze(1).expand(-1, layers[0], -1))
                aims = targets.gather(2, order[which].unsqueeze(1).expand(-1, layers[-1], -1))
            batch = slice(k * params.batch, (k + 1) * params.batch)
            step_of(inputs[which, :, batch], aims[:, :, batch], label[k], pixels[k], hidden[k])
        if "tick" in moment.due:
            found = measure(weights, x, y, put(wrong), splits, layers, params)
            if plane:
                found["region"] = maps(weights[:: params.seeds], layers, params)  # the first seed of every method
            if moment.step and kept:
                found |= stacked(
                    pictured(x[0], aim, order[0], [share[:, m] for share in shares[0]], params.batch, kept)
                    for m, aim in enumerate(targets[:: params.seeds])
                )
            record.append("tick", **found)
        if moment.last:
            right = attacks(weights, x, y, splits[2], layers, params)
            record.set(attacked=right.reshape(2, len(methods), params.seeds, EPSILONS))
        yield record.result(moment.step)
    return {"weights": record.parted("method seed", weights.numpy(force=True))}


# Mixing


def mix(h: Tensor, share: Tensor) -> Tensor:
    """share · h + (1 − share) · partner: the partner of an example [·, ·, batch] is the one before it in the batch."""
    return torch.lerp(h.roll(1, 2), h, share)


def mixed_forward(weights: Tensor, x: Tensor, sizes: tuple[int, ...], activation: str, hidden: Tensor) -> Tensor:
    """As `forward`; hidden [members, layers, 1] are shares by which hidden layers are mixed (Verma et al., 2019)."""
    if not hidden.shape[1]:
        return forward(weights, x, sizes, activation)
    at = 0
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        if layer:
            x = mix(ACTIVATIONS[activation](x), hidden[:, layer - 1 : layer])
        x = forward(weights[:, at : at + (fan_in + 1) * fan_out], x, (fan_in, fan_out), activation)
        at += (fan_in + 1) * fan_out
    return x


def draw(params: Params, batches: int, seed: int) -> Draws:
    """The random numbers of one seed, all drawn beforehand."""
    size = (params.epochs, batches)
    quantile, layer = (stream(f"mixup {name}", seed).random(size) for name in ("shares", "layers"))
    return Draws(quantile, layer, stream("mixup boxes", seed).integers(SIDE, size=(*size, 2)))


def share_of(method: Method, quantile: np.ndarray) -> np.ndarray:
    """λ at these quantiles of Beta(α, α) (Zhang et al., 2018), cut to ½ ± near; 1 without mixing."""
    if method.rule == "erm":
        return np.ones(quantile.shape, np.float32)
    a, ends = method.alpha, (0.5 - method.near, 0.5 + method.near)
    low, high = betainc(a, a, ends)
    return betaincinv(a, a, low + quantile * (high - low)).clip(*ends).astype(np.float32)


def boxes(share: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Shares of pixels [batches, SIDE²]: 0 in a box of area 1 − share around a centre [batches, 2] (x, y), cut off at
    the border, else 1 (Yun et al., 2019)."""
    half = (SIDE * 0.5 * np.sqrt(1 - share)).astype(int)[:, None]
    across, down = (inside(np.arange(SIDE), centre[:, i : i + 1], half) for i in (0, 1))
    return 1 - (down[:, :, None] & across[:, None, :]).reshape(len(share), -1).astype(np.float32)


def inside(pixel: np.ndarray, centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Whether a pixel is in [centre − half, centre + half)."""
    return (pixel >= centre - half) & (pixel < centre + half)


def mixture(
    methods: tuple[Method, ...], draws: Draws, epoch: int, params: Params
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is mixed in each batch of an epoch, by the method: shares of the labels [batches, methods, 1], of the inputs
    [batches, methods, features or 1], and of the hidden layers [batches, methods, layers or 0]."""
    batches = len(draws.quantile[epoch])
    layers = params.depth if any(m.rule == "manifold" for m in methods) else 0
    pixels = np.ones((batches, len(methods), SIDE**2 if any(m.rule == "cutmix" for m in methods) else 1), np.float32)
    hidden = np.ones((batches, len(methods), layers), np.float32)
    label = np.ones((batches, len(methods), 1), np.float32)
    for m, method in enumerate(methods):
        share = share_of(method, draws.quantile[epoch])
        if method.rule == "cutmix":
            pixels[:, m] = boxes(share, draws.centre[epoch])
            share = pixels[:, m].mean(1)
        elif method.rule == "manifold":
            first = min(method.first, layers)
            place = first + (draws.layer[epoch] * (layers + 1 - first)).astype(int)  # 0: the inputs
            pixels[:, m] = np.where(place == 0, share, 1)[:, None]
            hidden[:, m] = np.where(place[:, None] == np.arange(1, layers + 1), share[:, None], 1)
        else:
            pixels[:, m] = share[:, None]
        label[:, m, 0] = share
    return label, pixels, hidden


@torch.no_grad()
def own_labels(weights: Tensor, x: Tensor, sizes: tuple[int, ...], params: Params) -> Tensor:
    """Pseudo-labels (Lee, 2013), one-hot [members, classes, n]: what each network takes an example for."""
    z = forward(weights, x, sizes, params.activation)
    return functional.one_hot(z.argmax(1), sizes[-1]).transpose(1, 2).float()


# Data


def load(params: Params, seed: int) -> tuple[Data, np.ndarray]:
    """The splits of one seed, and which training labels are wrong [labelled examples]. A share `flipped` of the labels
    of training and validation is replaced by another class; test labels are right."""
    if params.own:
        x, y = table(params.own)
        data = (
            split(into_square(x).astype(np.float32), y, seed) if in_plane(params) else standardised(split(x, y, seed))
        )
    elif images(params):
        data = split(*digits(), seed)
        n = table_shape(params)[0]
        data = Data((data.x[0][:n], *data.x[1:]), (data.y[0][:n], *data.y[1:]), data.classes)
    else:
        n, held = params.points + params.unlabelled, params.points
        x, y = points(params.data, n + held + TESTED, params.noise, seed)
        cuts = [n, n + held]
        data = Data(tuple(np.split(x, cuts)), tuple(np.split(y, cuts)), 2)
    rng = stream("mixup wrong labels", seed)
    given, flips = [], []
    for y, count in ((data.y[0], labelled(params)), (data.y[1], len(data.y[1]))):
        wrong = np.zeros(len(y), bool)
        wrong[rng.permutation(count)[: round(params.flipped * count)]] = True
        given.append(np.where(wrong, (y + rng.integers(1, data.classes, len(y))) % data.classes, y))
        flips.append(wrong)
    return Data(data.x, (*given, data.y[2]), data.classes), flips[0][: labelled(params)]


# What is looked at


@torch.no_grad()
def measure(
    weights: Tensor,
    x: Tensor,
    y: Tensor,
    wrong: Tensor,
    splits: tuple[tuple[int, int], ...],
    sizes: tuple[int, ...],
    params: Params,
) -> dict[str, np.ndarray]:
    """Loss and accuracy [members, splits], confidence on the last split, and the share of wrong labels that are given
    back [members] (NaN without any). Who has diverged is never right."""
    found: dict[str, list[Tensor]] = {"loss": [], "accuracy": [], "confidence": [], "memorised": []}
    for members in weights.split(len(x)):
        p = forward(members, x, sizes, params.activation).log_softmax(1)
        loss = functional.nll_loss(p, y, reduction="none")
        top = p.max(1)
        right = (top.indices == y).float() * loss.isfinite()
        for name, values in (("loss", loss), ("accuracy", right)):
            found[name].append(torch.stack([values[:, a:b].mean(1) for a, b in splits], 1))
        found["confidence"].append(top.values[:, splits[-1][0] :].exp().mean(1))
        found["memorised"].append((right[:, : wrong.shape[1]] * wrong).sum(1) / wrong.sum(1))
    return {name: torch.cat(values).numpy(force=True) for name, values in found.items()}


@torch.no_grad()
def maps(weights: Tensor, sizes: tuple[int, ...], params: Params) -> np.ndarray:
    """Probability of class 1 over the plane, uint8 [members, GRID, GRID], rows upward; ½ of a diverged network."""
    axis = torch.linspace(-REACH, REACH, GRID, device=weights.device)
    plane = torch.cartesian_prod(axis, axis).flip(1).T.expand(len(weights), -1, -1)
    z = forward(weights, plane, sizes, params.activation)
    p = (z[:, 1] - z[:, 0]).sigmoid().nan_to_num(0.5)
    return (255 * p).round().to(torch.uint8).view(-1, GRID, GRID).numpy(force=True)


def pictured(
    x: Tensor,
    targets: Tensor,
    order: Tensor,
    shares: list[np.ndarray],
    batch: int,
    kept: int,
) -> dict[str, np.ndarray]:
    """The first mixed examples of an epoch [kept, features], and as their origin the two labels of each (−1: none yet)
    and the share of the first [kept, 3]. Inputs are NaN where a hidden layer was mixed."""
    label, pixels, hidden = shares
    at = np.arange(len(order))
    before = np.where(at % batch == 0, np.minimum(at + batch, len(at)) - 1, at - 1)[:kept]
    one, other = (order[torch.as_tensor(i, device=order.device)] for i in (at[:kept], before))
    k = at[:kept] // batch
    share = pixels[k]
    inputs = share * x[:, one].T.numpy(force=True) + (1 - share) * x[:, other].T.numpy(force=True)
    inputs[(hidden[k] < 1).any(1)] = np.nan
    named = torch.where(targets.sum(0) > 0, targets.argmax(0), -1).numpy(force=True)
    origin = np.stack([named[one.numpy(force=True)], named[other.numpy(force=True)], label[k, 0]], 1)
    return {"mixed": inputs, "origin": origin}


def strengths(params: Params) -> np.ndarray:
    """Sizes ε of an attack: the most that a feature may change."""
    return np.linspace(0, STRONGEST[images(params)], EPSILONS).astype(np.float32)


def attacks(
    weights: Tensor, x: Tensor, y: Tensor, test: tuple[int, int], sizes: tuple[int, ...], params: Params
) -> np.ndarray:
    """Accuracy on attacked test examples [2, members, sizes]: by FGSM (Goodfellow, Shlens and Szegedy, 2015), and by
    PGD from a random start in the same box (Madry et al., 2018)."""
    chosen = slice(test[0], min(test[1], test[0] + ATTACKED))
    clean, label = x[:, :, chosen], y[:, chosen]
    count = clean.shape[2]
    size = torch.as_tensor(strengths(params), device=x.device).repeat_interleave(count)  # all sizes side by side
    clean, label = clean.repeat(1, 1, EPSILONS), label.repeat(1, EPSILONS)
    starts = [stream("mixup attack", params.data_seed + s).uniform(-1, 1, (len(x[0]), count)) for s in range(len(x))]
    start = torch.as_tensor(np.stack(starts), dtype=x.dtype, device=x.device).repeat(1, 1, EPSILONS)
    edge = (0.0, 1.0) if images(params) else (-torch.inf, torch.inf)
    found: tuple[list[Tensor], list[Tensor]] = ([], [])

    def slope(members: Tensor, inputs: Tensor) -> Tensor:
        """Sign of the gradient of the loss with respect to the inputs."""
        leaf = inputs.detach().requires_grad_()
        loss = functional.cross_entropy(forward(members, leaf, sizes, params.activation), label, reduction="sum")
        return torch.autograd.grad(loss, leaf)[0].sign()

    for members in weights.split(len(x)):
        fgsm = (clean + size * slope(members, clean)).clamp(*edge)
        pgd = (clean + size * start).clamp(*edge)
        for _ in range(PGD_STEPS):
            pgd = pgd + 2.5 * size / PGD_STEPS * slope(members, pgd)
            pgd = pgd.clamp(clean - size, clean + size).clamp(*edge)
        for kept, inputs in zip(found, (fgsm, pgd)):
            with torch.no_grad():
                z = forward(members, inputs, sizes, params.activation)
            right = (z.argmax(1) == label) & z.isfinite().all(1)
            kept.append(right.float().view(len(x), EPSILONS, count).mean(2))
    return np.stack([torch.cat(kept).numpy(force=True) for kept in found])
