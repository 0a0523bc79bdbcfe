"""Surnames and the languages they are from, read letter by letter; what has no order, letters alone, beside them."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.recurrent_memory.names.params import (
    BATCH,
    EACH,
    LANGUAGES,
    LETTERS,
    LONGEST,
    RATE,
    SHORTEST,
    TICKS,
    TRAINING,
    Result,
    architecture,
    spelled,
    total,
)
from core.concepts.recurrent_memory.params import Params, Reader
from core.ml.cells import sequence_forward, sequence_weights
from core.ml.layered import layered_forward, layered_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, dict]:
    """Results, each fuller, at least one every `chunk` steps; at the end weights "reader 0" [seeds, D]"""
    seeds, many, steps = range(params.seeds), len(LANGUAGES), total(params)
    training, test = (torch.as_tensor(part) for part in names(params))
    labels = [torch.arange(many).repeat_interleave(part.shape[1] // many) for part in (training, test)]
    orders = [stream("order of names", params.data_seed + i) for i in seeds]
    nets = [Net(reader, params) for reader in params.readers]
    moments = np.unique(np.linspace(0, steps, TICKS + 1).round().astype(int))
    sizes = {"reader": len(nets), "seed": params.seeds, "tick": len(moments), "split": 2, "language": many}
    letters = np.array(spelled(params.typed), np.int64)
    record = Recording(Result, params, steps, sizes, tick=moments, letters=letters)

    for moment in schedule(steps, chunk, tick=moments):
        for _ in moment.steps:
            order = torch.as_tensor(np.stack([source.choice(training.shape[1], BATCH, False) for source in orders]))
            batch = training.gather(1, order.unsqueeze(2).expand(-1, -1, LONGEST))
            for net in nets:
                net.learn(batch, labels[0][order])
        if moment.due:
            logits = [[net.says(x) for x in (training[:, ::3], test)] for net in nets]  # a third will do
            asked = labels[0][::3], labels[1]
            right = [[(z.argmax(2) == y).float().mean(1) for z, y in zip(pair, asked)] for pair in logits]
            loss = [crossed(z, labels[1].expand(params.seeds, -1)) for _, z in logits]
            accuracy = np.stack([torch.stack(pair, -1).numpy() for pair in right])
            record.append("tick", accuracy=accuracy, loss=torch.stack(loss).numpy())
        if moment.last:
            record.set(typed=after(nets, letters))
        yield record.result(moment.step)
    return {f"reader {k}": net.weights.numpy() for k, net in enumerate(nets)}


def after(nets: list[Net], letters: np.ndarray) -> np.ndarray:
    """Probabilities [reader, language, 1, place] after so many letters of one name, means over seeds."""
    parts = np.zeros((1, len(letters), LONGEST), np.int64)
    for k in range(len(letters)):
        parts[0, k, : k + 1] = letters[: k + 1]
    if not len(letters):
        return np.full((len(nets), len(LANGUAGES), 1, 0), np.nan)
    return np.stack([net.says(torch.as_tensor(parts)).softmax(2).mean(0).T.numpy() for net in nets])[:, :, None]


def crossed(z: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy [members] of logits z [members, n, classes] and labels y [members, n]."""
    return functional.cross_entropy(z.mT, y, reduction="none").mean(1)


class Net:
    """One reader on all seeds."""

    def __init__(self, reader: Reader, params: Params):
        self.reader, self.net = reader, architecture(reader)
        draw = layered_weights if reader.kind == "letters" else sequence_weights
        rows = np.stack([draw(*self.net, params.weight_seed + i) for i in range(params.seeds)])
        self.weights = torch.as_tensor(rows)
        self.optimizer = Optimizer(self.weights, [Settings("adam", RATE)] * params.seeds, total(params))

    def logits(self, weights: Tensor, x: Tensor) -> Tensor:
        """[members, n, languages] of names x [members or 1, n, LONGEST], 0 where they have ended."""
        if self.reader.kind == "letters":
            counts = functional.one_hot(x, len(LETTERS) + 1).sum(2)[..., 1:].float()
            return layered_forward(*self.net, weights, counts).mT
        lengths = (x > 0).sum(2)
        if self.reader.kind == "padding":  # wrong: the state after the padding, not after the name
            return sequence_forward(*self.net, weights, x.unsqueeze(2))[0]
        x = x[..., : int(lengths.max())]
        return sequence_forward(*self.net, weights, x.unsqueeze(2), lengths)[0]

    def learn(self, x: Tensor, y: Tensor) -> None:
        leaf = self.weights.detach().requires_grad_()
        gradient = torch.autograd.grad(crossed(self.logits(leaf, x), y).sum(), leaf)[0]
        gradient *= (1 / gradient.norm(dim=1, keepdim=True)).clamp(max=1)
        self.optimizer.step(gradient)

    @torch.no_grad()
    def says(self, x: Tensor) -> Tensor:
        return self.logits(self.weights, x)


@cache
def surnames(language: str) -> tuple[str, ...]:
    """The distinct surnames that Faker has of a language, without accents, in the order of the alphabet."""
    provider = importlib.import_module(f"faker.providers.person.{language}").Provider
    found = {"".join(LETTERS[k - 1] for k in spelled(str(name))) for name in provider.last_names}
    return tuple(sorted(name for name in found if SHORTEST <= len(name) < LONGEST))


@cache
def lists() -> tuple[tuple[str, ...], ...]:
    """Those of every language that no other one has."""
    every = [surnames(language) for language in LANGUAGES]
    others = [set().union(*(names for j, names in enumerate(every) if j != k)) for k in range(len(every))]
    return tuple(tuple(name for name in names if name not in theirs) for names, theirs in zip(every, others))


def names(params: Params) -> tuple[np.ndarray, np.ndarray]:
    """Names to learn from and others, [seeds, languages · names, LONGEST]: letters from 1 on, then 0."""
    found = []
    for i in range(params.seeds):
        rng = stream("split of names", params.data_seed + i)
        rows = np.zeros((len(LANGUAGES), EACH, LONGEST), np.int64)
        for k, listed in enumerate(lists()):
            for j, at in enumerate(rng.permutation(len(listed))[:EACH]):
                letters = spelled(listed[at])
                rows[k, j, : len(letters)] = letters
        found.append(rows)
    whole = np.stack(found)
    return tuple(part.reshape(params.seeds, -1, LONGEST) for part in np.split(whole, [TRAINING], 2))  # type: ignore[return-value]
