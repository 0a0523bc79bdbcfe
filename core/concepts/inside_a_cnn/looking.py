"""Ways to look into networks that stand side by side: what pixels count, dreams, probes, patches, attacks.

Pictures are [members, n, 1, height, width], or [1, n, …] where all look at the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from core.concepts.inside_a_cnn.params import (
    CLASSES,
    COMPARED,
    DIRECTIONS,
    EPSILONS,
    EXPLAINED,
    FIELDS,
    JUMPS,
    LAYERS,
    PICTURE,
    PLACES,
    SHAPES,
    SHOWN,
    TAPS,
    WEIGHTED,
)
from core.ml.classical import discriminant
from core.ml.layered import layered_forward, untangled
from core.ml.mnist import SIDE
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream
from core.takeaway.weights import cut

PACE = 0.05  # of Adam on pixels
SPARE, SMOOTH = 0.01, 0.04  # of the prior: what a unit of ink costs, and a squared step between neighbours


def scores(rows: Tensor, x: Tensor, taps: dict[str, Tensor] | None = None) -> Tensor:
    """[members, classes, n]."""
    return layered_forward(LAYERS, PICTURE, rows, x, taps=taps)


@torch.no_grad()
def inside(rows: Tensor, x: Tensor) -> list[Tensor]:
    """What stands at PLACES: [members, n, …] each."""
    taps: dict[str, Tensor] = {}
    said = scores(rows, x, taps)
    found = [untangled(taps[name], len(rows)) for name in TAPS]
    return [x.expand(len(rows), *x.shape[1:]), *found, said.mT]


def into_square(levels: np.ndarray) -> np.ndarray:
    """A reader's picture [height, width, channel] as ink [SIDE, SIDE]: grey, whole, on paper. Where its edge is light
    it is dark on light."""
    grey = levels.mean(2)
    edge = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    ink = (1 - grey if edge > 0.5 else grey).astype(np.float32)
    high, wide = (max(round(SIDE * n / max(ink.shape)), 1) for n in ink.shape)
    small = np.asarray(Image.fromarray(ink).resize((wide, high), Image.Resampling.BOX))
    top, left = (SIDE - high) // 2, (SIDE - wide) // 2
    paper = np.full((SIDE, SIDE), min(edge, 1 - edge), np.float32)
    paper[top : top + high, left : left + wide] = small
    return paper.clip(0, 1)


# What pixels count


def randomised(rows: Tensor, fresh: Tensor, count: int) -> Tensor:
    """The networks with `count` layers, from the output on, replaced by those of fresh ones (Adebayo et al., 2018)."""
    made = rows.clone()
    new, old = (cut(each.numpy(), SHAPES) for each in (fresh, made))
    for layer in WEIGHTED[:count]:
        for part in ("weight", "bias"):
            old[f"{layer}.{part}"][...] = new[f"{layer}.{part}"]
    return made


def saliencies(rows: Tensor, x: Tensor, chosen: Tensor) -> np.ndarray:
    """What counts for the score of a class chosen [members, n]: [method, members, n, SIDE, SIDE], never negative.

    Size of the gradient by the pixels (Simonyan et al., 2014); of guided backpropagation, which hands on only what is
    positive (Springenberg et al., 2015). What is positive of the last maps times their gradients, summed over maps and
    enlarged: of the gradients' means (Grad-CAM; Selvaraju et al., 2017), or place by place (HiResCAM; Draelos and
    Carin, 2020). And edges of the picture (Sobel and Feldman, 1968), which know of no network.
    """
    members, found = len(rows), []
    for guided in (False, True):
        taps: dict[str, Tensor] = {}
        leaf = x.expand(members, *x.shape[1:]).clone().requires_grad_()
        said = scores(rows, leaf, taps)
        if guided:
            for name in TAPS:
                taps[name].register_hook(lambda slope: slope.clamp(min=0))
        wanted = said.gather(1, chosen[:, None]).sum()
        slope, back = torch.autograd.grad(wanted, [leaf, taps[TAPS[-1]]])
        found.append(slope[:, :, 0].abs())
        if not guided:
            maps, by = untangled(taps[TAPS[-1]], members).detach(), untangled(back, members)
            cams = [(maps * each).sum(2).relu() for each in (by.mean((3, 4), keepdim=True), by)]
    found += [functional.interpolate(cam, (SIDE, SIDE), mode="bilinear", align_corners=False) for cam in cams]
    found.append(edges(x)[:, :, 0].expand(members, -1, -1, -1))
    return torch.stack(found).numpy()


def edges(x: Tensor) -> Tensor:
    """How steep a picture is."""
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack([sobel, sobel.T])[:, None]
    both = functional.conv2d(functional.pad(x.flatten(0, 1), (1, 1, 1, 1), mode="replicate"), kernels)
    return both.square().sum(1, keepdim=True).sqrt().view(x.shape)


def ranked(pictures: np.ndarray) -> np.ndarray:
    """Places of pixels in rising order, equal ones at the mean of theirs, less their mean and of length 1, so that
    products of two are Spearman's rank correlation (1904): [..., pixel]. 0 where all are equal."""
    found = np.zeros((*pictures.shape[:-2], SIDE**2))
    for i in np.ndindex(*pictures.shape[:-2]):
        _, which, counts = np.unique(pictures[i], return_inverse=True, return_counts=True)
        found[i] = (np.cumsum(counts) - (counts - 1) / 2)[which.ravel()]
    found -= found.mean(-1, keepdims=True)
    return found / np.maximum(np.sqrt((found**2).sum(-1, keepdims=True)), 1e-12)


def noticed(rows: Tensor, fresh: Tensor, x: Tensor) -> dict[str, np.ndarray]:
    """How alike saliencies of test digits x stay while layers are replaced, [method, replaced, members], and how often
    there are none [method, members]."""
    x = x[:, :EXPLAINED]
    chosen = scores(rows, x).argmax(1).detach()
    found = np.stack([saliencies(randomised(rows, fresh, k), x, chosen) for k in range(len(WEIGHTED) + 1)], 1)
    places = ranked(found)
    blank = np.abs(places[:, 0]).max(-1) == 0  # [method, members, n]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of none is none
        alike = {
            name: np.nanmean(np.where(blank[:, None], np.nan, (places * to).sum(-1)), 3)
            for name, to in (("kept", places[:, :1]), ("outlined", places[-1:, :1]))
        }
    return alike | {"blank": blank.mean(2)}


def looked(rows: Tensor, fresh: Tensor, picture: np.ndarray) -> dict[str, np.ndarray]:
    """What the first network makes of a picture [SIDE, SIDE]: maps by layer, and saliencies over their largest."""
    one, x = rows[:1], torch.as_tensor(picture)[None, None, None]
    _, *maps, said = inside(one, x)
    chosen = said[..., 0, :].argmax(1)[:, None]
    found = np.stack([saliencies(randomised(one, fresh[:1], k), x, chosen) for k in range(len(WEIGHTED) + 1)], 1)
    found = found[:, :, 0, 0]
    named = dict(zip(("first", "second", "third"), (each[0, 0].numpy() for each in maps)))
    named["saliency"] = found / np.maximum(found.max((2, 3), keepdims=True), 1e-12)
    return {name: values[None] for name, values in named.items()}


# Dreams


def prior(x: Tensor, strength: Tensor) -> Tensor:
    """What pictures cost: their ink, and how they differ from pixel to pixel."""
    steps = x.diff(dim=-1).square().sum((-1, -2, -3)) + x.diff(dim=-2).square().sum((-1, -2, -3))
    return (strength * (SPARE * x.sum((-1, -2, -3)) + SMOOTH * steps)).sum()


class Dreams:
    """Pictures [members, n, 1, SIDE, SIDE] that climb from noise toward what a score counts, less their prior
    (activation maximisation: Erhan et al., 2009; Simonyan et al., 2014). strength: [n]."""

    def __init__(self, noise: np.ndarray, strength: Sequence[float], steps: int):
        self.strength = torch.tensor(strength)
        members = len(noise)
        self.rows = torch.as_tensor(noise.reshape(members, 1, -1)).repeat(1, len(strength), 1).flatten(0, 1)
        self.shape = (members, len(strength), *PICTURE)
        self.optimizer = Optimizer(self.rows, [Settings("adam", PACE)] * len(self.rows), steps)

    @property
    def pictures(self) -> Tensor:
        return self.rows.view(self.shape)

    def climb(self, wanted: Tensor, leaf: Tensor) -> None:
        """One step up, of `wanted` by the leaf that it was computed from."""
        slope = torch.autograd.grad(prior(leaf, self.strength) - wanted, leaf)[0]
        self.optimizer.step(slope.reshape(self.rows.shape))
        self.rows.clamp_(0, 1)

    def leaf(self) -> Tensor:
        return self.pictures.detach().clone().requires_grad_()


def noise(seed: int) -> np.ndarray:
    """Where ascents of a seed start."""
    return (0.5 + 0.2 * stream("noise", seed).standard_normal((SIDE, SIDE))).clip(0, 1).astype(np.float32)


# Layer by layer


def told_apart(
    rows: Tensor, learnt: tuple[Tensor, Tensor], tested: tuple[Tensor, Tensor], seeds: Sequence[int]
) -> dict[str, np.ndarray]:
    """At every place: accuracy of a linear discriminant (Fisher, 1936; Alain and Bengio, 2017) that sees as many random
    directions of each, and the mean distance within classes over that between them: [place, members]."""
    accuracy, ratio = np.zeros((2, len(PLACES), len(rows)))
    for m, seed in enumerate(seeds):
        row, y, truth = rows[m : m + 1], learnt[1][m].numpy(), tested[1][m].numpy()
        both = (inside(row, x[m : m + 1]) for x in (learnt[0], tested[0]))
        same = truth[:COMPARED, None] == truth[None, :COMPARED]
        inner = same & ~np.eye(len(same), dtype=bool)
        for p, pair in enumerate(zip(*both)):
            u, v = (each[0].flatten(1) for each in pair)
            drawn = stream(f"directions {PLACES[p]}", seed).standard_normal((u.shape[1], DIRECTIONS))
            ways = torch.as_tensor(drawn, dtype=u.dtype)
            slope, offset = discriminant((u @ ways).numpy(), y, CLASSES)
            accuracy[p, m] = (((v @ ways).numpy() @ slope + offset).argmax(1) == truth).mean()
            apart = torch.cdist(v[:COMPARED], v[:COMPARED]).double().numpy()
            ratio[p, m] = apart[inner].mean() / max(apart[~same].mean(), 1e-12)
    return {"probe": accuracy, "ratio": ratio}


def best_patches(rows: Tensor, x: Tensor) -> np.ndarray:
    """Of the first network the SHOWN units of every layer that answer most, and the patches of as many of the digits x
    [1, n, …] that they answer to most (Zeiler and Fergus, 2014), uint8 [layer, unit, rank, field, field]."""
    _, *maps, _ = inside(rows[:1], x[:1])
    found = np.zeros((len(TAPS), SHOWN, SHOWN, FIELDS[-1], FIELDS[-1]), np.uint8)
    for k, (each, wide, jump) in enumerate(zip(maps, FIELDS, JUMPS)):
        edge = (wide - 1) // 2
        padded = np.pad(x[0, :, 0].numpy(), ((0, 0), (edge, wide), (edge, wide)))
        tops, places = each[0].flatten(2).max(2)  # [n, units]
        units = tops.amax(0).argsort(descending=True, stable=True)[:SHOWN]
        for i, unit in enumerate(units):
            best = tops[:, unit].argsort(descending=True, stable=True)[:SHOWN]
            for r, n in enumerate(best):
                top, left = (jump * int(at) for at in divmod(int(places[n, unit]), each.shape[-1]))
                patch = padded[n, top : top + wide, left : left + wide]
                found[k, i, r, :wide, :wide] = np.round(255 * patch)
    return found


@torch.no_grad()
def flat(rows: Tensor, x: Tensor) -> np.ndarray:
    """Two principal components of digits x [1, n, …] at every place of the first network: [place, n, 2], scaled to
    ±1."""
    found = []
    for each in inside(rows[:1], x[:1]):
        v = each[0].flatten(1).double()
        u, s, _ = torch.linalg.svd(v - v.mean(0), full_matrices=False)
        two = (u[:, :2] * s[:2]).numpy()
        two *= np.where(two[np.abs(two).argmax(0), [0, 1]] < 0, -1, 1)  # the largest is positive
        found.append(two / max(np.abs(two).max(), 1e-12))
    return np.stack(found)


# Attacks


def attacks(rows: Tensor, judge: Tensor, x: Tensor, y: Tensor, seeds: Sequence[int]) -> np.ndarray:
    """Accuracy under disturbances of equal size: random signs, signs of the gradient (FGSM; Goodfellow et al., 2015),
    and these for the other networks: [attack, members, size]."""
    leaf = x.clone().requires_grad_()
    loss = functional.cross_entropy(scores(rows, leaf), y, reduction="sum")
    signs = torch.autograd.grad(loss, leaf)[0].sign()
    drawn = np.stack([stream("signs", seed).choice([-1.0, 1.0], x.shape[1:]) for seed in seeds])
    chance = torch.as_tensor(drawn, dtype=x.dtype)
    found = np.zeros((3, len(rows), len(EPSILONS)))
    with torch.no_grad():
        for k, size in enumerate(EPSILONS):
            bad = (x + size * signs).clamp(0, 1)
            for a, (who, what) in enumerate(((rows, (x + size * chance).clamp(0, 1)), (rows, bad), (judge, bad))):
                found[a, :, k] = (scores(who, what).argmax(1) == y).double().mean(1).numpy()
    return found
