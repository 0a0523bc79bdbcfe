"""Autoencoders: an encoder squeezes a picture into a few numbers, a decoder rebuilds it; both learn from the error.

All bottleneck sizes and seeds of a version are one population: every member has room for the widest code, and what a
narrower one has too many is multiplied by zero. Weights [members, D], pictures [members, pixels, n], codes [members,
WIDEST, n]; members are sizes × seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

from core.concepts.autoencoder.params import (
    CELLS,
    GRID,
    INK,
    KEPT,
    PICTURES,
    PIXELS,
    PLANE,
    SAMPLED,
    SIZES,
    TICKS,
    WAYS,
    WIDEST,
    Drawing,
    Ends,
    Params,
    Rebuilt,
    Result,
    Version,
    Walk,
    count,
    gaussian,
    places,
    units,
)
from core.ml.data import Data, batch_orders, digits, split
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked

STOPS = 11  # pictures along a walk
MOVES = 0.01  # variance over pictures from which on a number of the code is active (Burda et al., 2016)
# A good sample is of one class with this probability, and as near to training as this share of test pictures.
SURE, NEAR = 0.9, 0.95


Judge = Callable[[np.ndarray], np.ndarray]


@dataclass
class Arm:
    """A version with its networks: layers of encoder and decoder, weights [members, D], which numbers of the code each
    member has [members, WIDEST, 1]."""

    version: Version
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    activation: str
    weights: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Pictures:
    """Training and test pictures of every seed, less the mean training picture: [seeds, pixels, n]; the test pictures
    with noise, and for each set its error when nothing is said but that mean [seeds, set]."""

    train: Tensor
    test: Tensor
    noisy: Tensor
    jitter: Tensor  # standard normal numbers for the codes of the test pictures [seeds, WIDEST, n]
    nothing: Tensor


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what; at the end the
    weights of every version and size, {"1.8": [seeds, D], …}."""
    seeds = params.seeds
    sets, means = zip(*[load(params, params.data_seed + s) for s in range(seeds)])
    pictures = put(sets, params, device)
    n = pictures.train.shape[2]
    per_epoch = -(-n // params.batch)
    total = params.epochs * per_epoch
    falling = np.linspace(1, 0, total, endpoint=False)  # of the learning rate
    arms = [begin(params, version, device) for version in params.versions]
    optimizers = [
        Optimizer(arm.weights, [Settings("adam", params.lr)] * len(arm.weights), total, falling) for arm in arms
    ]
    orders = np.stack([batch_orders(n, params.epochs, params.data_seed + s) for s in range(seeds)])
    pixel_noise = [stream("autoencoder pixels", params.data_seed + s) for s in range(seeds)]
    code_noise = [stream("autoencoder codes", params.weight_seed + s) for s in range(seeds)]

    ticks = np.unique(np.linspace(0, params.epochs, TICKS + 1).round().astype(int))
    axes = [principal(data.x[0]) for data in sets]
    lengths = {"version": len(arms), "size": len(SIZES), "seed": seeds, "tick": len(ticks), "split": 2, "end": 1}
    lengths |= {"way": len(WAYS), "sample": KEPT, "axis": 2, "end_of_axis": 2, "row": GRID, "column": GRID}
    record = Recording(Result, params, total, lengths, tick=ticks, **known(sets, axes, means[0], pictures))

    blind = np.zeros(0)  # accuracy with encoders that have learnt nothing
    for moment in schedule(total, chunk, tick=ticks * per_epoch):
        for step in moment.steps:
            epoch, k = divmod(step, per_epoch)
            if k == 0:
                order = torch.as_tensor(orders[:, epoch].astype(np.int64), device=device)
                shuffled = pictures.train.gather(2, order.unsqueeze(1).expand(-1, PIXELS, -1))
            x = shuffled[..., k * params.batch : (k + 1) * params.batch]
            specks = params.noise * normal(pixel_noise, (PIXELS, x.shape[2]), device)
            jitter = normal(code_noise, (WIDEST, x.shape[2]), device)
            for arm, optimizer in zip(arms, optimizers):
                leaf = arm.weights.detach().requires_grad_()
                loss = losses(arm, leaf, x, specks, jitter)
                optimizer.step(torch.autograd.grad(loss.mean(1).sum(), leaf)[0])
        if "tick" in moment.due:
            curves = stacked(measured(arm, pictures) for arm in arms)
            record.append("tick", **{name: values.reshape(-1, *values.shape[2:]) for name, values in curves.items()})
            record.set(**stacked(looks(arm, pictures, shown(sets[0]), means[0]) for arm in arms))
        if moment.last:
            judges = [judge(data) for data in sets]
            ends = stacked(judged(arm, params, pictures, sets, judges, means[0]) for arm in arms)
            record.append("end", untrained=blind, **controls(sets, axes, judges), **ends)
        yield record.result(moment.step)
        if moment.step == 0:  # after the first picture
            blind = np.stack([probed(arm, pictures, sets) for arm in arms])
    rows = [record.parted("size seed", arm.weights.numpy(force=True)) for arm in arms]
    members = [(v, version, s) for v, version in enumerate(params.versions) for s in range(len(SIZES))]
    return {f"{v}.{SIZES[s]}": rows[v][s][:, places(params, version, SIZES[s])] for v, version, s in members}


def losses(arm: Arm, weights: Tensor, x: Tensor, specks: Tensor, jitter: Tensor) -> Tensor:
    """What each member lowers, for every picture: [members, n]. A VAE (Kingma and Welling, 2014): squared error summed
    over the pixels, and β times the divergence of the code from a standard normal (Higgins et al., 2017)."""
    kind = arm.version.kind
    x, specks, jitter = (every_size(values) for values in (x, specks, jitter))
    mean, spread = encode(arm, weights, x + specks if kind == "denoising" else x)
    code = mean
    if kind in ("vae", "vae_mean"):
        code = mean + (spread / 2).exp() * jitter * arm.mask
    if kind == "vae_std":  # wrong: the logarithm of the variance is read as the standard deviation
        code = mean + spread * jitter * arm.mask
    squares = (decode(arm, weights, code) - x).square()
    if not gaussian(arm.version):
        return squares.sum(1)
    penalty = arm.version.beta * divergence(mean, spread)
    if kind == "vae_mean":  # wrong: beside a mean over the pixels β counts as many times more as there are pixels
        return squares.mean(1) + penalty
    return squares.sum(1) + penalty


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """Kullback–Leibler divergence of N(mean, e^spread) from N(0, 1), nats, summed over the code: [members, n]. A number
    that a member has not is 0 in both, and adds nothing."""
    return 0.5 * (mean.square() + spread.exp() - spread - 1).sum(1)


# The networks


def begin(params: Params, version: Version, device: str) -> Arm:
    """A version before its first step. Each member starts as torch.nn.Linear would start a network of its own size, in
    its part of a row of zeros: what has no part in a code learns nothing either."""
    encoder, decoder = units(params, version, WIDEST)
    rows = np.zeros((len(SIZES), params.seeds, count(encoder) + count(decoder)), np.float32)
    mask = np.zeros((len(SIZES), params.seeds, WIDEST, 1), np.float32)
    for s, size in enumerate(SIZES):
        mask[s, :, :size] = 1
        own = units(params, version, size)
        for i in range(params.seeds):
            start = [initial_weights(layers, 2 * (params.weight_seed + i) + half) for half, layers in enumerate(own)]
            rows[s, i, places(params, version, size)] = np.concatenate(start)
    weights, masks = (torch.as_tensor(values, device=device).flatten(0, 1) for values in (rows, mask))
    activation = "identity" if version.kind == "linear" else params.activation
    return Arm(version, encoder, decoder, activation, weights, masks)


def encode(arm: Arm, weights: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Codes of pictures [members, PIXELS, n], and the log-variances that come with them (0 where there are none)."""
    out = forward(weights[:, : count(arm.encoder)], x, arm.encoder, arm.activation)
    spread = out[:, WIDEST:] if gaussian(arm.version) else torch.zeros_like(out)
    return out[:, :WIDEST] * arm.mask, spread * arm.mask


def decode(arm: Arm, weights: Tensor, code: Tensor) -> Tensor:
    return forward(weights[:, count(arm.encoder) :], code, arm.decoder, arm.activation)


def every_size(values: Tensor) -> Tensor:
    """Values [seeds, …] for all members."""
    return values.repeat(len(SIZES), *[1] * (values.ndim - 1))


def normal(streams: list[np.random.Generator], shape: tuple[int, ...], device: str | torch.device) -> Tensor:
    """Standard normal numbers [seeds, …]."""
    return torch.as_tensor(np.stack([rng.standard_normal(shape, np.float32) for rng in streams]), device=device)


# Data


def load(params: Params, seed: int) -> tuple[Data, np.ndarray]:
    """The three splits of one seed, from 0 (paper) to 1 (ink), less the mean training picture, and that picture."""
    x, y = table(params.own) if params.own else digits()
    data = split(x.astype(np.float32), y, seed)
    low, high = data.x[0].min(), data.x[0].max()
    scaled = [(part - low) / (high - low if high > low else 1) for part in data.x]
    mean = scaled[0].mean(0)
    return Data(tuple((part - mean).astype(np.float32) for part in scaled), data.y, data.classes), mean.astype(
        np.float32
    )


def put(sets: tuple[Data, ...], params: Params, device: str) -> Pictures:
    train, test = (torch.as_tensor(np.stack([data.x[i].T for data in sets]), device=device) for i in (0, 2))
    noises = [stream("autoencoder test noise", params.data_seed + s) for s in range(params.seeds)]
    noisy = test + params.noise * normal(noises, tuple(test.shape[1:]), device)
    jitter = normal(noises, (WIDEST, test.shape[2]), device)
    return Pictures(train, test, noisy, jitter, torch.stack([x.square().sum(1).mean(1) for x in (train, test)], 1))


def principal(x: np.ndarray) -> np.ndarray:
    """The directions of largest variance of centred x [n, PIXELS], as rows [WIDEST, PIXELS] (Pearson, 1901)."""
    return np.linalg.svd(x.astype(float), full_matrices=False)[2][:WIDEST]


def shown(data: Data) -> np.ndarray:
    """Which test pictures are shown: the first of every class, and as many others as there is room for."""
    first = [np.flatnonzero(data.y[2] == label)[:1] for label in range(data.classes)]
    return np.concatenate([*first, np.setdiff1d(np.arange(len(data.y[2])), first and np.concatenate(first))])[:PICTURES]


def known(
    sets: tuple[Data, ...], axes: list[np.ndarray], mean: np.ndarray, pictures: Pictures
) -> dict[str, np.ndarray]:
    """What is known before training: PCA, the noisy pictures, and the pictures that are shown."""
    test, noisy = (x.swapaxes(1, 2).numpy(force=True) for x in (pictures.test, pictures.noisy))
    nothing = pictures.nothing.numpy(force=True)
    some = shown(sets[0])
    pca, cleaned = np.zeros((len(SIZES), len(sets), 2)), np.zeros((len(SIZES), len(sets)))
    made = np.zeros((len(SIZES), len(some), PIXELS))
    for s, size in enumerate(SIZES):
        for i, (data, rows) in enumerate(zip(sets, axes)):
            onto = rows[:size].T @ rows[:size]
            pca[s, i] = [np.square(x - x @ onto).sum(1).mean() for x in data.x[::2]] / nothing[i]
            cleaned[s, i] = np.square(noisy[i] @ onto - test[i]).sum(1).mean() / nothing[i, 1]
        made[s] = test[0, some] @ axes[0][:size].T @ axes[0][:size]
    found = {"pca": pca, "pca_cleaned": cleaned, "noisy": np.square(noisy - test).sum(2).mean(1) / nothing[:, 1]}
    found |= {"pca_made": made + mean, "mean": mean, "original": test[0, some] + mean, "noised": noisy[0, some] + mean}
    return {name: values.astype(np.float32) for name, values in found.items()} | {"label": sets[0].y[2]}


# What is measured


@torch.no_grad()
def measured(arm: Arm, pictures: Pictures) -> dict[str, np.ndarray]:
    """Errors, divergence and active numbers of the code: [members] or [members, split]."""
    w, nothing = arm.weights, every_size(pictures.nothing)
    train, test, noisy = (every_size(x) for x in (pictures.train, pictures.test, pictures.noisy))

    def off(code: Tensor, x: Tensor, which: int) -> Tensor:
        return (decode(arm, w, code) - x).square().sum(1).mean(1) / nothing[:, which]

    code, spread = encode(arm, w, test)
    none = torch.full_like(nothing[:, 0], torch.nan)
    found = {
        "error": torch.stack([off(encode(arm, w, train)[0], train, 0), off(code, test, 1)], 1),
        "cleaned": off(encode(arm, w, noisy)[0], test, 1),
        "active": (code.var(2) > MOVES).float().sum(1),
        "sampled": none,
        "kl": none,
    }
    if gaussian(arm.version):
        found["kl"] = divergence(code, spread).mean(1)
        found["sampled"] = off(code + (spread / 2).exp() * every_size(pictures.jitter) * arm.mask, test, 1)
    return {name: values.numpy(force=True) for name, values in found.items()}


@torch.no_grad()
def looks(arm: Arm, pictures: Pictures, some: np.ndarray, mean: np.ndarray) -> dict[str, np.ndarray]:
    """Pictures of the first seed: rebuilt, cleaned, and decoded from places of the plane of codes."""
    arm = first_seed(arm, len(pictures.test))
    test, noisy = (x[:1].expand(len(SIZES), -1, -1) for x in (pictures.test, pictures.noisy))
    code = encode(arm, arm.weights, test)[0]
    made, clean = (decode(arm, arm.weights, z) for z in (code, encode(arm, arm.weights, noisy[..., some])[0]))
    plane = code[PLANE, :2]
    edge = torch.stack([plane.amin(1), plane.amax(1)], 1)
    across, up = (torch.linspace(0, 1, GRID, device=code.device) * (high - low) + low for low, high in edge)
    spots = torch.zeros(len(SIZES), WIDEST, GRID**2, device=code.device)
    spots[PLANE, :2] = torch.cartesian_prod(up, across).T.flip(0)
    grid = decode(arm, arm.weights, spots)[PLANE].T.reshape(GRID, GRID, PIXELS)
    found = {"made": made[..., some].swapaxes(1, 2), "made_clean": clean.swapaxes(1, 2), "plane": grid}
    numbers = {name: values.numpy(force=True) + mean for name, values in found.items()}
    found = {"errors": (made - test).square().sum(1), "code": plane.T, "edge": edge}
    return numbers | {name: values.numpy(force=True) for name, values in found.items()}


def first_seed(arm: Arm, seeds: int) -> Arm:
    """Its members of the first seed, one of every size."""
    return replace(arm, weights=arm.weights[::seeds], mask=arm.mask[::seeds])


# What is known in the end


@torch.no_grad()
def codes(arm: Arm, x: Tensor, jitter: Tensor | None = None) -> np.ndarray:
    """Codes of pictures [seeds, PIXELS, n] as float64 [sizes, seeds, n, WIDEST]; with jitter, as a VAE draws them."""
    code, spread = encode(arm, arm.weights, every_size(x))
    if jitter is not None and gaussian(arm.version):
        code = code + (spread / 2).exp() * every_size(jitter) * arm.mask
    return code.swapaxes(1, 2).unflatten(0, (len(SIZES), -1)).double().numpy(force=True)


def probed(arm: Arm, pictures: Pictures, sets: tuple[Data, ...]) -> np.ndarray:
    """Test accuracy of a discriminant on codes: [sizes, seeds]."""
    train, test = codes(arm, pictures.train), codes(arm, pictures.test)
    found = [
        [accuracy(train[s, i, :, :size], test[s, i, :, :size], data) for i, data in enumerate(sets)]
        for s, size in enumerate(SIZES)
    ]
    return np.array(found)


def accuracy(train: np.ndarray, test: np.ndarray, data: Data) -> float:
    """Test accuracy of a discriminant on codes of training and test pictures [n, size]."""
    if not np.isfinite(train).all() or not np.isfinite(test).all():
        return float("nan")
    slope, offset = discriminant(train, data.y[0], data.classes)
    return float(((test @ slope + offset).argmax(1) == data.y[2]).mean())


def discriminant(x: np.ndarray, y: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """log P(class) at a place is place @ slope + offset, up to a constant, if every class is a Gaussian, all with one
    covariance, as they are in x [n, features] and y [n] (Fisher, 1936): [features, classes], [classes]."""
    belongs = (np.arange(classes)[:, None] == y).astype(float)  # [class, n]
    counts = np.maximum(belongs.sum(1), 1e-9)
    means = belongs @ x / counts[:, None]
    apart = x - means[y]
    slope = np.linalg.pinv(apart.T @ apart / len(x), 1e-8, hermitian=True) @ means.T
    return slope, np.log(counts / len(y)) - 0.5 * (means * slope.T).sum(1)


def judge(data: Data) -> Judge:
    """What says whether pictures [n, PIXELS] are good: of one class, and near a training picture; bool [n]."""
    train, test = (torch.as_tensor(x, dtype=torch.float32) for x in data.x[::2])
    radius = torch.cdist(test, train).amin(1).quantile(NEAR).item()
    slope, offset = discriminant(data.x[0].astype(float), data.y[0], data.classes)

    def good(made: np.ndarray) -> np.ndarray:
        near = torch.cdist(torch.as_tensor(made, dtype=torch.float32), train).amin(1).numpy() <= radius
        score = made @ slope + offset
        return near & (1 / np.exp(score - score.max(1, keepdims=True)).sum(1) >= SURE)

    return good


def drawing(way: str, code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """SAMPLED codes: from a standard normal, a Gaussian fitted to codes [n, size], or the box around them."""
    if way == "box":
        return code.min(0) + np.ptp(code, 0) * rng.random((SAMPLED, code.shape[1]))
    z = rng.standard_normal((SAMPLED, code.shape[1]))
    return z if way == "prior" else code.mean(0) + z @ root(code).T


def root(code: np.ndarray) -> np.ndarray:
    """R with R Rᵀ the covariance of codes [n, size]."""
    values, vectors = np.linalg.eigh(np.cov(code.T))
    return vectors * np.sqrt(values.clip(1e-12))


def gaps(way: str, code: np.ndarray) -> float:
    """Share of the cells of the plane that hold none of the codes [n, 2]; cells are equally likely under the way."""
    if way == "box":
        level = (code - code.min(0)) / np.maximum(np.ptp(code, 0), 1e-12)
    else:
        level = ndtr(code if way == "prior" else (code - code.mean(0)) @ np.linalg.inv(root(code)).T)
    cells = (level * CELLS).astype(int).clip(0, CELLS - 1)
    return 1 - len(np.unique(cells @ [CELLS, 1])) / CELLS**2


@torch.no_grad()
def judged(
    arm: Arm, params: Params, pictures: Pictures, sets: tuple[Data, ...], judges: list[Judge], mean: np.ndarray
) -> dict[str, np.ndarray]:
    """What codes keep, and what drawn codes decode to."""
    streams = [stream("autoencoder draws", params.weight_seed + i) for i in range(len(sets))]
    cloud = codes(arm, pictures.train, normal(streams, (WIDEST, pictures.train.shape[2]), pictures.train.device))
    spots = np.zeros((len(WAYS), *cloud.shape[:2], SAMPLED, WIDEST))
    fine = np.isfinite(cloud).all((0, 2, 3))
    share, empty = np.full((len(SIZES), len(WAYS), len(sets)), np.nan), np.full((len(WAYS), len(sets)), np.nan)
    for w, way in enumerate(WAYS):
        for i in np.flatnonzero(fine):
            for s, size in enumerate(SIZES):
                spots[w, s, i, :, :size] = drawing(way, cloud[s, i, :, :size], streams[i])
            empty[w, i] = gaps(way, cloud[PLANE, i, :, :2])
    made = np.zeros((len(WAYS), *cloud.shape[:2], SAMPLED, PIXELS))
    for w, spot in enumerate(spots):
        z = torch.as_tensor(spot.swapaxes(2, 3), dtype=torch.float32, device=arm.weights.device).flatten(0, 1)
        made[w] = decode(arm, arm.weights, z).swapaxes(1, 2).unflatten(0, cloud.shape[:2]).numpy(force=True)
        for i in np.flatnonzero(fine):
            share[:, w, i] = [judges[i](made[w, s, i]).mean() for s in range(len(SIZES))]
    return {
        "probe": probed(arm, pictures, sets),
        "good": share,
        "empty": empty,
        "drawn": made[:, :, 0, :KEPT].swapaxes(0, 1) + mean,
    }


def controls(sets: tuple[Data, ...], axes: list[np.ndarray], judges: list[Judge]) -> dict[str, np.ndarray]:
    """The same of what has learnt nothing: test pictures, pixels, PCA with a Gaussian fitted to its codes."""
    probe, fine = np.zeros((2, len(SIZES), len(sets)))
    for i, data in enumerate(sets):
        for s, size in enumerate(SIZES):
            train, test = (x @ axes[i][:size].T for x in data.x[::2])
            probe[s, i] = accuracy(train, test, data)
            drawn = drawing("gaussian", train, stream("autoencoder pca", i))
            fine[s, i] = judges[i](drawn @ axes[i][:size]).mean()
    pixels = np.array([accuracy(data.x[0].astype(float), data.x[2].astype(float), data) for data in sets])
    real = np.array([good(data.x[2]).mean() for data, good in zip(sets, judges)])
    return {"pca_probe": probe, "pca_good": fine, "pixels_probe": pixels, "real_good": real}


# Questions to a trained network


@torch.no_grad()
def answer(
    params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Ends | Drawing
) -> Walk | Rebuilt:
    """A straight walk between two codes, or a drawing rebuilt, by the networks of the first seed."""
    assert state is not None
    v = min(question.version, len(params.versions)) - 1
    arm = first_seed(begin(params, params.versions[v], "cpu"), params.seeds)
    for row, size in zip(arm.weights, SIZES):
        row[places(params, arm.version, size)] = torch.as_tensor(state[f"{v}.{size}"][0])

    def through(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Pictures [n, PIXELS] rebuilt from mixtures t [m, n] of their codes: [sizes, m, PIXELS]."""
        z = encode(arm, arm.weights, torch.as_tensor((x - result.mean).T).expand(len(SIZES), -1, -1))[0]
        mixed = z @ torch.as_tensor(t.T, dtype=torch.float32)
        return decode(arm, arm.weights, mixed).swapaxes(1, 2).numpy() + result.mean

    if isinstance(question, Ends):
        ends = result.original[[min(end, len(result.original)) - 1 for end in (question.start, question.end)]]
        t = np.linspace([1, 0], [0, 1], STOPS)
        path = through(ends, t)[SIZES.index(int(question.size))]
        return Walk(question, 1, 1, path=path, blend=(t @ ends).astype(np.float32))
    ink = [INK.index(pixel) / (len(INK) - 1) for pixel in question.pixels.ljust(PIXELS, INK[0])]
    picture = np.array(ink, np.float32)
    made = through(picture[None], np.ones((1, 1)))[:, 0]
    error = np.square(made - picture).sum(1)
    rank = (result.errors[v] < error[:, None]).mean(1)
    return Rebuilt(question, 1, 1, picture=picture, made=made, error=error, rank=rank)
