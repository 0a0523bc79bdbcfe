"""A recurrent network is told of a few sentences what they are about; vectors of all words may be there before."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.word_embeddings.corpora import VERBS, made, pairs_within, sentences_made
from core.concepts.word_embeddings.networks import SkipGram, first_tables, noise_of
from core.concepts.word_embeddings.params import PAIRED, POWER, SHARED, Params
from core.concepts.word_embeddings.reader.params import (
    AT_ONCE,
    CELL,
    DIMENSION,
    EXAMPLES,
    LABELLED,
    LOOKS,
    NETS,
    WINDOW,
    Result,
    layers,
    steps_of,
)
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.recurrent import recurrent_forward, recurrent_weights


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the networks [net · seed, D]
    by how many sentences they learned from, {"16": …}."""
    seeds, total = range(params.seeds), steps_of(params)
    ticks = np.unique(np.linspace(0, total, LOOKS + 1).round().astype(int))
    axes = {"net": len(NETS), "size": len(LABELLED), "seed": params.seeds}
    record = Recording(Result, params, total, axes, tick=ticks)
    start = np.concatenate(
        [first_rows(params, net, vectors) for vectors in [skipgram_vectors(params, device)] for net in NETS]
    )
    drawn = [sentences_made(max(LABELLED) + EXAMPLES, stream("labelled", params.data_seed + i)) for i in seeds]
    x, form = (torch.as_tensor(np.stack(part), device=device) for part in zip(*drawn))
    y, test = form % len(VERBS), slice(max(LABELLED), None)
    luck = [stream("order of sentences", params.data_seed + i) for i in seeds]
    arms = [Reader(start, params, device) for _ in LABELLED]

    for moment in schedule(total, chunk, tick=ticks):
        for step in moment.steps:
            draws = np.stack([rng.random(AT_ONCE) for rng in luck])
            for size, arm in zip(LABELLED, arms):
                rows = torch.as_tensor((draws * size).astype(np.int64), device=device)
                chosen = rows[..., None].expand(-1, -1, x.shape[2])
                arm.learn(x.gather(1, chosen), y.gather(1, rows), params.lr * (1 - step / total))
        if moment.due:
            found = [arm.right(x[:, test], y[:, test]) for arm in arms]
            record.append("tick", accuracy=np.stack([one.reshape(len(NETS), -1) for one in found], 1))
        yield record.result(moment.step)
    return {
        f"{size}": arm.rows.detach().cpu().numpy().reshape(len(NETS), params.seeds, -1)
        for size, arm in zip(LABELLED, arms)
    }


def skipgram_vectors(params: Params, device: str) -> np.ndarray:
    """Vectors [seeds, word, unit] learnt from a text without labels."""
    texts = [made(params.data_seed + i) for i in range(params.seeds)]
    words = len(texts[0].words)
    tables = np.stack([first_tables(words, DIMENSION, params.weight_seed + i) for i in range(params.seeds)])
    noise = np.stack([noise_of(one.count, POWER) for one in texts])
    pairs = [pairs_within(one, WINDOW) for one in texts]
    net = SkipGram(tables, pairs, noise, params.negatives, device)
    lucks = [stream("pairs", params.data_seed + i) for i in range(params.seeds)]
    for step in range(params.steps):
        draws = np.stack([rng.random(PAIRED + SHARED) for rng in lucks])
        net.learn(draws[:, :PAIRED], draws[:, PAIRED:], params.lr * (1 - step / params.steps))
    return net.found()[:, 0]


def first_rows(params: Params, net: str, vectors: np.ndarray) -> np.ndarray:
    """Weights [seeds, D] of one of NETS: all alike but for the vectors, whose numbers are of the same size."""
    rows = np.stack([recurrent_weights(CELL, layers(), params.weight_seed + i, DIMENSION) for i in range(params.seeds)])
    if net in ("fixed", "tuned"):
        table = vectors.reshape(len(vectors), -1)
        rows[:, : table.shape[1]] = table / np.sqrt(np.square(table).mean(1, keepdims=True))
    return rows


class Reader:
    """Networks of all NETS and seeds that learn from so many sentences, members [net · seed]."""

    def __init__(self, start: np.ndarray, params: Params, device: str):
        self.rows = torch.tensor(start, device=device).requires_grad_()
        self.optimizer = torch.optim.Adam([self.rows], fused=True)
        self.stays = torch.zeros_like(self.rows, dtype=torch.bool)
        for k, net in enumerate(NETS):
            members = slice(k * params.seeds, (k + 1) * params.seeds)
            self.stays[members, : layers()[0] * DIMENSION] = net in ("random", "fixed")

    def outputs(self, x: Tensor) -> Tensor:
        """After the last word, [members, n, class]."""
        words = x.transpose(1, 2).repeat(len(NETS), 1, 1)
        return recurrent_forward(self.rows, words, CELL, layers(), DIMENSION)[0][:, -1]

    def learn(self, x: Tensor, y: Tensor, lr: float) -> None:
        said = self.outputs(x).flatten(0, 1)
        loss = functional.cross_entropy(said, y.repeat(len(NETS), 1).flatten(), reduction="sum") / y.shape[1]
        (slope,) = torch.autograd.grad(loss, self.rows)
        self.rows.grad = slope.masked_fill(self.stays, 0)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()

    def right(self, x: Tensor, y: Tensor) -> np.ndarray:
        """Accuracy of every member."""
        with torch.no_grad():
            return (self.outputs(x).argmax(-1) == y.repeat(len(NETS), 1)).float().mean(1).cpu().numpy()
