"""Encoders and decoders in a population: member m has row m of the weights [members, D].

One network: a GRU reads the source; its last state starts another, which is given the symbol before and says the next.
Beside its own state h it sees c, a mean of the encoder's states with weights p: out tanh(mix [c, h]). Kinds differ in p
alone: "last" puts all on the last state (Cho et al., 2014), "attention" is the softmax of h W s over the states s
(Luong et al., 2015), and "blind", the mistake, that of h W', a number for each place, whatever stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.sequence_to_sequence.params import Net, Params, layers, parameters_of
from core.ml.cells import sequence_forward, sequence_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream

APART = 1_000_000  # between the seeds of encoder and decoder, which have weights of the same names


class Read(NamedTuple):
    """What the decoder has of a source: the encoder's states [members, n, place, units], which of them there are, and
    the last one."""

    states: Tensor
    there: Tensor
    last: Tensor


def first_row(net: Net, counts: tuple[int, int], units: int, seed: int) -> np.ndarray:
    """First weights [D], as torch.nn draws them."""
    parts = [
        sequence_weights(layers(counts[0], units), (1, 1), seed),
        sequence_weights(layers(counts[1] + 1, units), (1, 1), seed + APART),
    ]
    for name, size in parameters_of(net, counts, units).items():
        if not name.startswith(("encoder", "decoder")):
            bound = (2 * units if name.startswith("mix") else units) ** -0.5
            parts.append(stream(f"translator {name}", seed).uniform(-bound, bound, prod(size)))
    return np.concatenate(parts).astype(np.float32)


class Model:
    """The networks of one kind with these weights."""

    def __init__(self, net: Net, counts: tuple[int, int], units: int, rows: Tensor):
        self.net, self.units, self.end, self.members = net, units, counts[1], len(rows)
        shapes = parameters_of(net, counts, units)
        self.nets = layers(counts[0], units), layers(counts[1] + 1, units)
        ends = [sum(prod(size) for key, size in shapes.items() if key.startswith(n)) for n in ("encoder", "decoder")]
        self.encoder, self.decoder, rest = rows.split([*ends, rows.shape[1] - sum(ends)], 1)
        named = {name: size for name, size in shapes.items() if not name.startswith(("encoder", "decoder"))}
        split = rest.split([prod(size) for size in named.values()], 1)
        self.named = {name: part.view(-1, *named[name]) for name, part in zip(named, split)}

    def read(self, source: Tensor) -> Read:
        """source: whole numbers [members, n, place], −1 behind its end."""
        length = (source >= 0).sum(2)
        if self.net.turned:
            at = (length.unsqueeze(2) - 1 - torch.arange(source.shape[2])).clamp(min=0)
            source = source.gather(2, at)
        asked, whole = source.clamp(min=0).unsqueeze(2), length.clamp(min=1)
        states, ((last, _),) = sequence_forward(self.nets[0], (1, 1), self.encoder, asked, whole)
        return Read(states.mT, torch.arange(source.shape[2]) < whole.unsqueeze(2), last)

    def weighted(self, h: Tensor, read: Read) -> Tensor:
        """Weights [members, n, step, place] of the encoder's states at decoder states h [members, n, step, units]."""
        if self.net.kind == "last":
            ended = read.there.sum(2, keepdim=True) - 1
            one = (torch.arange(read.there.shape[2]) == ended).to(h)
            return one.unsqueeze(2).expand(-1, -1, h.shape[2], -1)
        w = self.named["score.weight"]
        if self.net.kind == "attention":
            asked = torch.bmm(h.flatten(1, 2), w).view_as(h)
            score = asked @ read.states.mT
        else:
            score = torch.bmm(h.flatten(1, 2), w.mT).view(*h.shape[:3], -1)[..., : read.there.shape[2]]
        return score.masked_fill(~read.there.unsqueeze(2), -torch.inf).softmax(-1)

    def step(self, given: Tensor, h: Tensor, read: Read) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Scores of the next symbols [members, n, step, symbols + 1] after symbols `given` [members, n, step] from a
        state h [members, n, units]; the state then, the weights, and all states."""
        start = [(h, h[..., :0])]
        hs, ((h, _),) = sequence_forward(self.nets[1], (1, 1), self.decoder, given.unsqueeze(2), start=start)
        hs = hs.mT
        p = self.weighted(hs, read)
        both = torch.cat([p @ read.states, hs], -1).flatten(1, 2)
        mixed = torch.baddbmm(self.named["mix.bias"].unsqueeze(1), both, self.named["mix.weight"].mT).tanh()
        said = torch.baddbmm(self.named["out.bias"].unsqueeze(1), mixed, self.named["out.weight"].mT)
        return said.view(*given.shape, -1), h, p, hs

    def given(self, target: Tensor) -> Tensor:
        """What a decoder is given that is told the truth: the end for a start, then the answer, shifted by one."""
        told = torch.where(target < 0, self.end, target)
        return functional.pad(told[..., :-1], (1, 0), value=self.end)

    @torch.no_grad()
    def decoded(
        self, read: Read, count: int, told: Tensor | None = None, truth: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What it says freely [members, n, count], the likeliest symbol after its own ones, and its weights. told: bool
        [members, n, count], where it was given the `truth` instead. A net without an end says none."""
        h, said, weights = read.last, [], []
        given = torch.full(read.last.shape[:2], self.end)
        for k in range(count):
            scores, h, p, _ = self.step(given.unsqueeze(2), h, read)
            given = scores[:, :, 0, : None if self.net.ends else self.end].argmax(-1)
            said.append(given)
            weights.append(p[:, :, 0])
            if told is not None and truth is not None:
                given = torch.where(told[..., k], truth[..., k], given)
        return torch.stack(said, 2), torch.stack(weights, 2)

    @torch.no_grad()
    def beamed(self, read: Read, count: int, width: int) -> tuple[Tensor, Tensor]:
        """The `width` answers that a beam keeps, best first, [members, n, width, count] filled up with ends, and their
        log probabilities. Width 1 is free decoding."""
        members, n, units = read.last.shape
        wide = Read(*(part.repeat_interleave(width, 1) for part in read))
        h, total = wide.last, torch.full((members, n, width), -torch.inf)
        total[..., 0] = 0
        given, said = torch.full((members, n * width), self.end), torch.empty(members, n, width, 0, dtype=torch.long)
        for _ in range(count):
            scores, h, _, _ = self.step(given.unsqueeze(2), h, wide)
            each = scores[:, :, 0].log_softmax(-1).view(members, n, width, -1)
            if not self.net.ends:
                each = each[..., : self.end]
            elif said.shape[-1]:
                over = torch.full_like(each, -torch.inf)
                over[..., self.end] = 0
                each = torch.where((said[..., -1:] == self.end), over, each)
            many = each.shape[-1]
            total, best = (total.unsqueeze(-1) + each).flatten(2).topk(width)
            came, symbol = best // many, best % many
            said = torch.cat(
                [said.gather(2, came.unsqueeze(-1).expand(-1, -1, -1, said.shape[-1])), symbol[..., None]], 3
            )
            h = h.view(members, n, width, units).gather(2, came.unsqueeze(-1).expand(-1, -1, -1, units)).flatten(1, 2)
            given = symbol.flatten(1, 2)
        return said, total


class Population:
    """Networks of one kind in training by Adam, one per seed. Number by number, so that members do not meet."""

    def __init__(self, net: Net, counts: tuple[int, int], params: Params, rows: Sequence[np.ndarray]):
        self.net, self.about = net, (net, counts, params.units)
        self.rows = torch.tensor(np.stack(rows))
        factors = 1 - np.arange(params.steps) / params.steps
        self.optimizer = Optimizer(self.rows, [Settings("adam", params.lr)] * len(rows), params.steps, factors)

    def model(self, rows: Tensor | None = None) -> Model:
        return Model(*self.about, self.rows if rows is None else rows)

    def learn(self, source: Tensor, target: Tensor, told: Tensor | None) -> None:
        """One step on sources and answers with their ends, [members, n, place]. told: bool, which symbols it is given
        from the truth; the others are its own, as they come when it decodes with these given. (No gradient passes the
        choice of a symbol, so it may be made beforehand.)"""
        given = self.model().given(target)
        if told is not None:
            free = self.model()
            truth = torch.where(target < 0, free.end, target)
            own, _ = free.decoded(free.read(source), target.shape[2] - 1, told[..., :-1], truth)
            mixed = torch.where(told[..., :-1], truth[..., :-1], own)
            given = functional.pad(mixed, (1, 0), value=free.end)
        leaf = self.rows.detach().requires_grad_()
        model = self.model(leaf)
        read = model.read(source)
        loss = losses(model, model.step(given, read.last, read)[0], target)
        (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        gradient *= (1 / gradient.norm(dim=1, keepdim=True)).clamp(max=1)
        self.optimizer.step(gradient)


def losses(model: Model, said: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of a symbol, [members]; ends do not count where they are not taught."""
    if not model.net.ends:
        target = torch.where(target == model.end, -1, target)
    each = functional.cross_entropy(said.flatten(1, 2).mT, target.flatten(1), reduction="none", ignore_index=-1)
    return each.sum(1) / (target >= 0).sum((1, 2))
