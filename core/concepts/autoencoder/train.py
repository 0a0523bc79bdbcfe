"""Autoencoders: an encoder squeezes a picture into a few numbers, a decoder rebuilds it; both learn from the error.

All bottleneck sizes and seeds of a version are one population: every member has room for the widest code, and what a
narrower one has too many is multiplied by zero. Weights [members, D], pictures [members, pixels, n], codes [members,
WIDEST, n]; members are sizes × seeds.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import torch
from torch import Tensor

from core.concepts.autoencoder.params import (
    CELLS,
    HALVES,
    INK,
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
    gaussian,
    places,
    units,
)
from core.ml.classical import discriminated, principal
from core.ml.costs import weight_count
from core.ml.data import Data, batch_orders, digits, split
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked
from core.ml.samples import Judge, drawn_codes, gaps, judge

STOPS = 11  # pictures along a walk
GRID = 11  # decoded places along a side of the plane of codes
KEPT = 12  # pictures made of drawn codes that are shown
MOVES = 0.01  # variance over pictures from which on a number of the code is active (Burda et al., 2016)


@dataclass(frozen=True)
class Pictures:
    """The data of every seed, less its mean training picture, that of the first seed; training and test pictures and
    these with noise of all members [members, PIXELS, n], standard normal numbers for the codes of the test pictures
    [members, WIDEST, n], and the error of training and test pictures when nothing is said but that mean [members, 2].
    """

    sets: list[Data]
    mean: np.ndarray
    train: Tensor
    test: Tensor
    noisy: Tensor
    jitter: Tensor
    nothing: Tensor


@dataclass(frozen=True)
class Arm:
    """A version with its networks: weights [members, D], and which numbers of the code each member has [members,
    WIDEST, 1]."""

    params: Params
    version: Version
    weights: Tensor
    mask: Tensor

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Codes of pictures, and the log-variances that come with them (0 where there are none)."""
        out = self.through(0, x)
        code = out[:, :WIDEST] * self.mask
        return code, out[:, WIDEST:] * self.mask if gaussian(self.version) else torch.zeros_like(code)

    def decode(self, code: Tensor) -> Tensor:
        return self.through(1, code)

    def through(self, half: int, x: Tensor) -> Tensor:
        activation = "identity" if self.version.kind == "linear" else self.params.activation
        return forward(self.halves[half], x, units(self.params, self.version, WIDEST)[half], activation)

    @cached_property
    def halves(self) -> tuple[Tensor, ...]:
        """The weights of all encoders, and of all decoders."""
        return self.weights.split([weight_count(layers) for layers in units(self.params, self.version, WIDEST)], 1)

    def around(self, code: Tensor, spread: Tensor, jitter: Tensor) -> Tensor:
        """Codes drawn as a VAE's encoder says."""
        return code + (spread / 2).exp() * jitter * self.mask

    def first(self) -> Arm:
        """Its members of the first seed, one of every size."""
        return replace(self, weights=self.weights[:: self.params.seeds], mask=self.mask[:: self.params.seeds])


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what; at the end the
    weights of every version and size, {"1.8.encoder": [seeds, D], …}."""
    seeds = params.seeds
    pictures = load(params, device)
    n = pictures.train.shape[2]
    per_epoch = -(-n // params.batch)
    total = params.epochs * per_epoch
    falling = np.linspace(1, 0, total, endpoint=False)  # of the learning rate
    arms = [begin(params, version, device) for version in params.versions]
    denoising = any(version.kind == "denoising" for version in params.versions)
    adam = [Settings("adam", params.lr)] * (len(SIZES) * seeds)
    optimizers = [Optimizer(arm.weights, adam, total, falling) for arm in arms]
    orders = np.stack([batch_orders(n, params.epochs, params.data_seed + s) for s in range(seeds)])
    pixel_noise = [stream("autoencoder pixels", params.data_seed + s) for s in range(seeds)]
    code_noise = [stream("autoencoder codes", params.weight_seed + s) for s in range(seeds)]

    ticks = np.unique(np.linspace(0, params.epochs, TICKS + 1).round().astype(int))
    axes = [principal(data.x[0], WIDEST) for data in pictures.sets]
    lengths = {"version": len(arms), "size": len(SIZES), "seed": seeds, "tick": len(ticks), "split": 2, "end": 1}
    lengths |= {"way": len(WAYS), "sample": KEPT, "axis": 2, "row": GRID, "column": GRID}
    record = Recording(Result, params, total, lengths, tick=ticks, **known(pictures, np.stack(axes)))

    blind = np.zeros(0)  # accuracy with encoders that have learnt nothing
    for moment in schedule(total, chunk, tick=ticks * per_epoch):
        for step in moment.steps:
            epoch, k = divmod(step, per_epoch)
            if k == 0:
                order = torch.as_tensor(np.tile(orders[:, epoch], (len(SIZES), 1)).astype(np.int64), device=device)
                shuffled = pictures.train.gather(2, order.unsqueeze(1).expand(-1, PIXELS, -1))
            x = shuffled[..., k * params.batch : (k + 1) * params.batch]
            noisy = x + params.noise * normal(pixel_noise, (PIXELS, x.shape[2]), device) if denoising else x
            jitter = normal(code_noise, (WIDEST, x.shape[2]), device)
            for arm, optimizer in zip(arms, optimizers):
                leaf = arm.weights.detach().requires_grad_()
                loss = losses(replace(arm, weights=leaf), x, noisy, jitter)
                optimizer.step(torch.autograd.grad(loss.mean(1).sum(), leaf)[0])
        if "tick" in moment.due:
            record.append("tick", **stacked(measured(arm, pictures) for arm in arms))
            record.set(**stacked(looks(arm, pictures) for arm in arms))
        if moment.last:
            judges = [judge(data) for data in pictures.sets]
            ends = stacked(judged(arm, pictures, judges) for arm in arms)
            record.append("end", untrained=blind, **controls(pictures.sets, axes, judges), **ends)
        yield record.result(moment.step)
        if moment.step == 0:  # after the first picture
            blind = np.stack([probed(arm, pictures) for arm in arms])
    return {
        f"{v}.{size}.{half}": rows[:, where]
        for v, arm in enumerate(arms)
        for size, rows in zip(SIZES, record.parted("size seed", arm.weights.numpy(force=True)))
        for half, where in zip(HALVES, places(params, arm.version, size))
    }


def losses(arm: Arm, x: Tensor, noisy: Tensor, jitter: Tensor) -> Tensor:
    """What each member lowers, for every picture: [members, n]. A VAE (Kingma and Welling, 2014): squared error summed
    over the pixels, and β times the divergence of the code from a standard normal (Higgins et al., 2017)."""
    kind = arm.version.kind
    code, spread = arm.encode(noisy if kind == "denoising" else x)
    penalty = arm.version.beta * divergence(code, spread) if gaussian(arm.version) else 0
    if kind in ("vae", "vae_mean"):
        code = arm.around(code, spread, jitter)
    if kind == "vae_std":  # wrong: the logarithm of the variance is read as the standard deviation
        code = code + spread * jitter * arm.mask
    squares = (arm.decode(code) - x).square()
    if kind == "vae_mean":  # wrong: beside a mean over the pixels β counts as many times more as there are pixels
        return squares.mean(1) + penalty
    return squares.sum(1) + penalty


def divergence(code: Tensor, spread: Tensor) -> Tensor:
    """Kullback–Leibler divergence of N(code, e^spread) from N(0, 1), nats, summed over the code: [members, n]. A number
    that a member has not is 0 in both, and adds nothing."""
    return 0.5 * (code.square() + spread.exp() - spread - 1).sum(1)


def begin(params: Params, version: Version, device: str) -> Arm:
    """A version before its first step. Each member starts as torch.nn.Linear would start a network of its own size, in
    its part of a row of zeros: what has no part in a code learns nothing either."""
    width = sum(weight_count(layers) for layers in units(params, version, WIDEST))
    rows = np.zeros((len(SIZES), params.seeds, width), np.float32)
    mask = np.zeros((len(SIZES), params.seeds, WIDEST, 1), np.float32)
    for s, size in enumerate(SIZES):
        mask[s, :, :size] = 1
        halves = enumerate(zip(units(params, version, size), places(params, version, size)))
        for (half, (layers, where)), i in product(halves, range(params.seeds)):
            rows[s, i, where] = initial_weights(layers, 2 * (params.weight_seed + i) + half)
    return Arm(params, version, *(torch.as_tensor(values, device=device).flatten(0, 1) for values in (rows, mask)))


# Data


def load(params: Params, device: str) -> Pictures:
    found = [centred(params, params.data_seed + s) for s in range(params.seeds)]
    sets = [data for data, _ in found]
    train, test = (
        torch.as_tensor(np.stack([data.x[i].T for data in sets]), device=device).repeat(len(SIZES), 1, 1)
        for i in (0, 2)
    )
    noises = [stream("autoencoder test noise", params.data_seed + s) for s in range(params.seeds)]
    noisy = test + params.noise * normal(noises, tuple(test.shape[1:]), device)
    jitter = normal(noises, (WIDEST, test.shape[2]), device)
    nothing = torch.stack([x.square().sum(1).mean(1) for x in (train, test)], 1)
    return Pictures(sets, found[0][1], train, test, noisy, jitter, nothing)


def centred(params: Params, seed: int) -> tuple[Data, np.ndarray]:
    """The three splits of one seed, from 0 (paper) to 1 (ink), less the mean training picture, and that picture."""
    x, y = table(params.own) if params.own else digits()
    data = split(x.astype(np.float32), y, seed)
    low, high = data.x[0].min(), data.x[0].max()
    scaled = [(part - low) / (high - low if high > low else 1) for part in data.x]
    mean = scaled[0].mean(0).astype(np.float32)
    return Data(tuple((part - scaled[0].mean(0)).astype(np.float32) for part in scaled), data.y, data.classes), mean


def normal(streams: list[np.random.Generator], shape: tuple[int, ...], device: str | torch.device) -> Tensor:
    """Standard normal numbers of every seed, the same for all its members: [members, …]."""
    drawn = np.stack([rng.standard_normal(shape, np.float32) for rng in streams])
    return torch.as_tensor(drawn, device=device).repeat(len(SIZES), 1, 1)


def shown(pictures: Pictures) -> np.ndarray:
    """Which test pictures are shown: the first of every class, and as many others as there is room for."""
    y = pictures.sets[0].y[2]
    first = np.unique(y, return_index=True)[1]
    return np.concatenate([first, np.setdiff1d(np.arange(len(y)), first)])[:PICTURES]


def known(pictures: Pictures, axes: np.ndarray) -> dict[str, np.ndarray]:
    """What is known before training: PCA, the noisy pictures, and the pictures that are shown."""
    seeds, some, mean = len(axes), shown(pictures), pictures.mean
    seen = (pictures.train, pictures.test, pictures.noisy)
    train, test, noisy = (np.ascontiguousarray(x[:seeds].mT.numpy(force=True), float) for x in seen)
    onto = np.stack([axes[:, :size].swapaxes(1, 2) @ axes[:, :size] for size in SIZES])  # [size, seed, PIXELS, PIXELS]

    def off(x: np.ndarray, truth: np.ndarray, which: int) -> np.ndarray:
        return np.square(x - truth).sum(-1).mean(-1) / pictures.nothing[:seeds, which].numpy(force=True)

    found = {
        "pca": np.stack([off(x @ onto, x, which) for which, x in enumerate((train, test))], -1),
        "pca_cleaned": off(noisy @ onto, test, 1),
        "noisy": off(noisy, test, 1),
        "pca_made": test[0, some] @ onto[:, 0] + mean,
        "mean": mean,
        "original": test[0, some] + mean,
        "noised": noisy[0, some] + mean,
    }
    return {name: values.astype(np.float32) for name, values in found.items()} | {"label": pictures.sets[0].y[2]}


# What is measured


@torch.no_grad()
def measured(arm: Arm, pictures: Pictures) -> dict[str, np.ndarray]:
    """Errors, divergence and active numbers of the code: [size, seed] or [size, seed, split]."""

    def off(code: Tensor, x: Tensor, which: int) -> Tensor:
        return (arm.decode(code) - x).square().sum(1).mean(1) / pictures.nothing[:, which]

    train, test = pictures.train, pictures.test
    code, spread = arm.encode(test)
    none = torch.full_like(pictures.nothing[:, 0], torch.nan)
    found = {
        "error": torch.stack([off(arm.encode(train)[0], train, 0), off(code, test, 1)], 1),
        "cleaned": off(arm.encode(pictures.noisy)[0], test, 1),
        "active": (code.var(2) > MOVES).float().sum(1),
        "sampled": off(arm.around(code, spread, pictures.jitter), test, 1) if gaussian(arm.version) else none,
        "kl": divergence(code, spread).mean(1) if gaussian(arm.version) else none,
    }
    return {name: by_size(values) for name, values in found.items()}


def by_size(values: Tensor) -> np.ndarray:
    """Values [members, …] as [size, seed, …]."""
    return values.unflatten(0, (len(SIZES), -1)).numpy(force=True)


@torch.no_grad()
def looks(arm: Arm, pictures: Pictures) -> dict[str, np.ndarray]:
    """Pictures of the first seed: rebuilt, cleaned, and decoded from places of the plane of codes."""
    some, arm = shown(pictures), arm.first()
    test, noisy = (x[:: arm.params.seeds] for x in (pictures.test, pictures.noisy))
    code = arm.encode(test)[0]
    made, clean = arm.decode(code), arm.decode(arm.encode(noisy[..., some])[0])
    plane = code[PLANE, :2]
    low, reach = plane.amin(1, keepdim=True), plane.amax(1, keepdim=True) - plane.amin(1, keepdim=True)
    across, up = torch.linspace(0, 1, GRID, device=code.device) * reach + low
    spots = torch.zeros(len(SIZES), WIDEST, GRID**2, device=code.device)
    spots[PLANE, :2] = torch.cartesian_prod(up, across).T.flip(0)
    grid = arm.decode(spots)[PLANE].T.reshape(GRID, GRID, PIXELS)
    found = {"made": made[..., some].swapaxes(1, 2), "made_clean": clean.swapaxes(1, 2), "plane": grid}
    return {name: values.numpy(force=True) + pictures.mean for name, values in found.items()} | {
        "errors": (made - test).square().sum(1).numpy(force=True),
        "code": plane.T.numpy(force=True),
    }


# What is known in the end


@torch.no_grad()
def codes(arm: Arm, x: Tensor, jitter: Tensor | None = None) -> np.ndarray:
    """Codes of pictures as float64 [size, seed, n, WIDEST]; with jitter, as a VAE draws them."""
    code, spread = arm.encode(x)
    if jitter is not None and gaussian(arm.version):
        code = arm.around(code, spread, jitter)
    return by_size(code.swapaxes(1, 2)).astype(float)


def probed(arm: Arm, pictures: Pictures) -> np.ndarray:
    """Test accuracy of a discriminant on codes: [size, seed]."""
    return compared(codes(arm, pictures.train), codes(arm, pictures.test), pictures.sets)


def compared(train: np.ndarray, test: np.ndarray, sets: list[Data]) -> np.ndarray:
    """The same of codes of training and test pictures [size, seed, n, WIDEST], of which each size has its own."""
    found = [
        [discriminated(data, a[:, :size], b[:, :size]) for a, b, data in zip(*both, sets)]
        for *both, size in zip(train, test, SIZES)
    ]
    return np.array(found)


@torch.no_grad()
def judged(arm: Arm, pictures: Pictures, judges: list[Judge]) -> dict[str, np.ndarray]:
    """What codes keep, and what drawn codes decode to."""
    seeds, device = arm.params.seeds, arm.weights.device
    streams = [stream("autoencoder draws", arm.params.weight_seed + i) for i in range(seeds)]
    cloud = codes(arm, pictures.train, normal(streams, (WIDEST, pictures.train.shape[2]), device))
    fine = np.flatnonzero(np.isfinite(cloud).all((0, 2, 3)))
    good, empty = np.full((len(SIZES), len(WAYS), seeds), np.nan), np.full((len(WAYS), seeds), np.nan)
    made = np.zeros((len(SIZES), len(WAYS), seeds, SAMPLED, PIXELS))
    for w, way in enumerate(WAYS):
        spots = np.zeros((len(SIZES), seeds, SAMPLED, WIDEST), np.float32)
        for i in fine:
            for s, size in enumerate(SIZES):
                spots[s, i, :, :size] = drawn_codes(way, cloud[s, i, :, :size], SAMPLED, streams[i])
            empty[w, i] = gaps(way, cloud[PLANE, i, :, :2], CELLS)
        made[:, w] = by_size(arm.decode(torch.as_tensor(spots, device=device).flatten(0, 1).mT).mT)
        for i in fine:
            good[:, w, i] = [judges[i](some).mean() for some in made[:, w, i]]
    return {
        "probe": probed(arm, pictures),
        "good": good,
        "empty": empty,
        "drawn": made[:, :, 0, :KEPT] + pictures.mean,
    }


def controls(sets: list[Data], axes: list[np.ndarray], judges: list[Judge]) -> dict[str, np.ndarray]:
    """The same of what has learnt nothing: test pictures, pixels, PCA with a Gaussian fitted to its codes."""
    train, test = (np.stack([[data.x[i] @ rows.T for data, rows in zip(sets, axes)]] * len(SIZES)) for i in (0, 2))
    good = np.zeros((len(SIZES), len(sets)))
    for i, rows in enumerate(axes):
        for s, size in enumerate(SIZES):
            drawn = drawn_codes("gaussian", train[s][i][:, :size], SAMPLED, stream("autoencoder pca", i))
            good[s, i] = judges[i](drawn @ rows[:size]).mean()
    pixels = [discriminated(data, data.x[0], data.x[2]) for data in sets]
    real = [good(data.x[2]).mean() for data, good in zip(sets, judges)]
    found = {"pca_probe": compared(train, test, sets), "pca_good": good, "pixels_probe": pixels, "real_good": real}
    return {name: np.array(values) for name, values in found.items()}


# Questions to a trained network


@torch.no_grad()
def answer(
    params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Ends | Drawing
) -> Walk | Rebuilt:
    """A straight walk between two codes, or a drawing rebuilt, by the networks of the first seed."""
    assert state is not None
    v = min(question.version, len(params.versions)) - 1
    arm = begin(params, params.versions[v], "cpu").first()
    for row, size in zip(arm.weights, SIZES):
        for half, where in zip(HALVES, places(params, arm.version, size)):
            row[where] = torch.as_tensor(state[f"{v}.{size}.{half}"][0])

    def through(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Pictures [n, PIXELS] rebuilt from mixtures t [m, n] of their codes: [size, m, PIXELS]."""
        code = arm.encode(torch.as_tensor((x - result.mean).T).expand(len(SIZES), -1, -1))[0]
        return arm.decode(code @ torch.as_tensor(t.T, dtype=torch.float32)).mT.numpy() + result.mean

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
