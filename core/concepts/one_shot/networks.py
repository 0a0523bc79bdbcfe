"""Networks that embed pictures, how they learn from pairs and triplets, and what distances are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.one_shot.params import (
    BATCH,
    BODY,
    EACH,
    EMBED,
    GIVEN,
    IMAGES,
    SIZE,
    WRITTEN,
    Params,
    head,
    trained_on,
)
from core.concepts.one_shot.symbols import sets_of
from core.ml.architecture import parameter_count
from core.ml.layered import layered_forward, layered_weights, running, untangled
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream

VALIDATION, UNSEEN, SEEN = range(3)  # sets that are not trained on
SETTLING = 10  # batches by which norms of networks that nobody trained know what they are given
BODIES = parameter_count(BODY, GIVEN)  # weights of a body


def distances(f: Tensor) -> Tensor:
    """Euclidean, of all pairs of embeddings [..., n, EMBED] brought to length 1: [..., n, n], from 0 to 2."""
    f = functional.normalize(f, dim=-1)
    return (2 - 2 * f @ f.mT).clamp(min=1e-8).sqrt()


def contrastive(d: Tensor, same: Tensor, margin: float) -> Tensor:
    """Mean d² of pairs of the same, plus mean max(0, margin − d)² of different ones (Hadsell et al., 2006): [members]
    of d [members, n, n]."""
    itself = torch.eye(len(same), dtype=torch.bool, device=d.device)
    pull, push = same & ~itself, ~same
    return (d[:, pull] ** 2).mean(1) + ((margin - d[:, push]).clamp(min=0) ** 2).mean(1)


def triplet(d: Tensor, same: Tensor, margin: float, which: str) -> Tensor:
    """Mean max(0, d(a, p) − d(a, n) + margin) (Schroff et al., 2015) [members] of distances [members, n, n].

    which: "all" triplets, the mean over those that are not 0 (Hermans et al., 2017) | "semi_hard", of every a and p the
    nearest n that is farther than p, or else the farthest | "hard", of every a the farthest p and the nearest n.
    """
    itself = torch.eye(len(same), dtype=torch.bool, device=d.device)
    positive, far = same & ~itself, d.amax((1, 2), keepdim=True) + 1
    if which == "hard":
        p = torch.where(positive, d, -far).amax(2)
        n = torch.where(same, far, d).amin(2)
        return (p - n + margin).clamp(min=0).mean(1)
    over = d[:, :, :, None] - d[:, :, None, :]  # [members, a, p, n]: d(a, p) − d(a, n)
    valid = positive[:, :, None] & ~same[:, None, :]
    if which == "all":
        each = torch.where(valid, (over + margin).clamp(min=0), over.new_zeros(()))
        return each.sum((1, 2, 3)) / (each > 0).sum((1, 2, 3)).clamp(min=1)
    low = -far[..., None]
    beyond = torch.where(valid & (over < 0), over, low).amax(3)  # the nearest that is farther than p
    farthest = torch.where(valid, over, far[..., None]).amin(3)
    chosen = torch.where(beyond > low[..., 0], beyond, farthest)
    return (chosen[:, positive] + margin).clamp(min=0).mean(1)


class Embedders:
    """A population of one loss in training, a member for each of `seeds`."""

    def __init__(self, loss: str, margin: float, identities: int, seeds: list[int], lr: float, steps: int, device: Any):
        self.loss, self.margin, self.top = loss, margin, head(loss, identities)
        rows = [np.r_[layered_weights(BODY, GIVEN, seed, "he"), self.first(seed)] for seed in seeds]
        self.rows = torch.as_tensor(np.stack(rows), device=device)
        self.kept = running(BODY, GIVEN, self.rows)
        self.optimizer = Optimizer(self.rows, [Settings("adam", lr)] * len(rows), steps)

    def first(self, seed: int) -> np.ndarray:
        return layered_weights(self.top, (EMBED,), seed) if self.top else np.zeros(0, np.float32)

    def embedded(self, rows: Tensor, x: Tensor, training: bool = False) -> Tensor:
        """Embeddings [members, n, EMBED] of pictures x [members, n, SIZE, SIZE]."""
        return untangled(layered_forward(BODY, GIVEN, rows[:, :BODIES], x[:, :, None], self.kept, training), len(rows))

    def different(self, rows: Tensor, f: Tensor) -> Tensor:
        """How far apart the loss has all pairs of embeddings: [members, n, n]; of a yes/no head its logit."""
        if self.loss != "siamese":
            return distances(f)
        w, b = rows[:, BODIES:-1], rows[:, -1]
        far = torch.stack([(one[:, None] - one[None]).abs() @ v for one, v in zip(f, w)])
        return far + b[:, None, None]

    def losses(self, rows: Tensor, x: Tensor, y: Tensor, training: bool) -> Tensor:
        """[members] of a batch x [members, n, …] whose identities y [n] may be numbered anyhow."""
        f = self.embedded(rows, x, training)
        same = y[:, None] == y[None]
        if self.loss == "siamese":
            z, itself = self.different(rows, f), torch.eye(len(y), dtype=torch.bool, device=x.device)
            pull, push = z[:, same & ~itself], z[:, ~same]
            return (functional.softplus(pull).mean(1) + functional.softplus(-push).mean(1)) / 2
        if self.loss == "contrastive":
            return contrastive(distances(f), same, self.margin)
        return triplet(distances(f), same, self.margin, self.loss)

    def softmax(self, rows: Tensor, x: Tensor, which: Tensor, training: bool) -> Tensor:
        """[members], cross-entropy of a batch whose identities are numbered `which` [members, n]."""
        z = layered_forward(self.top, (EMBED,), rows[:, BODIES:], self.embedded(rows, x, training))
        return functional.cross_entropy(z, which, reduction="none").mean(1)  # of z [members, identities, n]

    def settle(self, x: Tensor) -> None:
        with torch.no_grad():
            self.embedded(self.rows, x, True)

    def learn(self, x: Tensor, y: Tensor, which: Tensor) -> None:
        """One step. which: [members, n], the identities of pictures by their numbers, for a softmax."""
        leaf = self.rows.detach().requires_grad_()
        softmax = self.loss == "classifier"
        loss = self.softmax(leaf, x, which, True) if softmax else self.losses(leaf, x, y, True)
        self.optimizer.step(torch.autograd.grad(loss.sum(), leaf)[0])

    @torch.no_grad()
    def apart(self, x: Tensor) -> np.ndarray:
        """Distances of all pairs of pictures [members, n, …]; of a yes/no head the probability of “different”."""
        d = self.different(self.rows, self.embedded(self.rows, x))
        return (torch.sigmoid(d) if self.loss == "siamese" else d).numpy(force=True).astype(float)

    def state(self) -> np.ndarray:
        return torch.cat([self.rows, *self.kept.values()], 1).numpy(force=True)

    def load(self, state: np.ndarray) -> None:
        """What `state` gave."""
        parts = torch.as_tensor(state).split([self.rows.shape[1], *(v.shape[1] for v in self.kept.values())], 1)
        self.rows, self.kept = parts[0], dict(zip(self.kept, parts[1:]))


class Course:
    """Pictures and batches of all seeds, the same for whatever learns from them.

    y: [n], who is with whom in a batch. who, which: [steps, seed, n], the identities of its pictures, and the pictures.
    """

    def __init__(self, params: Params, device: str):
        self.params, self.each = params, EACH[params.data]
        self.sets = [sets_of(params, params.data_seed + s) for s in range(params.seeds)]

        def tensor(parts: list[np.ndarray]) -> Tensor:
            return torch.as_tensor(np.stack([part.reshape(-1, SIZE, SIZE) for part in parts]), device=device)

        self.x, *self.looked = (tensor(list(parts)) for parts in zip(*self.sets))
        self.held = tensor([s.validation[:BATCH, :WRITTEN] for s in self.sets])
        held = len(self.sets[0].validation[:BATCH])
        self.paired = torch.arange(held, device=device).repeat_interleave(self.held.shape[1] // held)
        few = min(BATCH, trained_on(params))
        self.y = torch.arange(few, device=device).repeat_interleave(IMAGES // few)
        drawn = [self.drawn(params.data_seed + s, few) for s in range(params.seeds)]
        self.who, self.which = (torch.as_tensor(np.stack(part, 1), device=device) for part in zip(*drawn))
        self.seed = torch.arange(params.seeds, device=device)[:, None]
        self.settled: dict[str, Tensor] = {}

    def drawn(self, seed: int, few: int) -> tuple[np.ndarray, np.ndarray]:
        """Of every batch: as many writings of `few` identities as make IMAGES."""
        rng, (many, writings) = stream("one-shot batches", seed), self.sets[0].train.shape[:2]
        who = rng.random((self.params.steps, many)).argsort(1)[:, :few].repeat(IMAGES // few, 1)
        which = rng.random((self.params.steps, few, writings)).argsort(2)[..., : IMAGES // few]
        return who, who * writings + which.reshape(who.shape)

    def start(self, loss: str, margin: float) -> Embedders:
        """A population of this loss whose norms know what they are given."""
        p = self.params
        seeds = [p.weight_seed + s for s in range(p.seeds)]
        nets = Embedders(loss, margin, trained_on(p), seeds, p.lr, p.steps, self.x.device)
        for step in range(0 if self.settled else SETTLING):
            nets.settle(self.x[self.seed, self.which[step % p.steps]])
        self.settled = self.settled or nets.kept
        nets.kept = {name: value.clone() for name, value in self.settled.items()}
        return nets

    def learn(self, nets: Embedders, step: int) -> None:
        nets.learn(self.x[self.seed, self.which[step]], self.y, self.who[step])

    def apart(self, nets: Embedders, *which: int) -> list[np.ndarray]:
        """Distances [seed, n, n] within these sets that are not trained on."""
        return [nets.apart(self.looked[each]) for each in which]

    @torch.no_grad()
    def loss(self, nets: Embedders) -> np.ndarray:
        """[seed], of the first identities for the threshold; of a softmax, of new writings of those it knows."""
        if nets.loss != "classifier":
            return nets.losses(nets.rows, self.held, self.paired, False).numpy(force=True)
        seen = self.looked[SEEN]
        who = torch.arange(seen.shape[1], device=seen.device) // self.each
        return nets.softmax(nets.rows, seen, who.expand(len(seen), -1), False).numpy(force=True)
