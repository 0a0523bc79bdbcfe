"""Networks that learn to read strips of digits from their texts alone, beside one that is told where each digit is."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.concepts.ctc.lattice import summed
from core.concepts.ctc.params import (
    BEAM,
    BEAMED,
    BLANK,
    FINE,
    HIGH,
    LEAST,
    MOST,
    SYMBOLS,
    WIDE,
    Net,
    Params,
    Read,
    Result,
    Strip,
    looks,
    network,
    tested,
    ticks,
)
from core.concepts.ctc.reading import beam, edits, said_by
from core.concepts.ctc.strips import Strips, drawn, frames, merged, middles, told, written
from core.ml.cells import sequence_forward, sequence_weights
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked
from core.ml.scenes import glyphs

PRIOR_KEEPS = 0.99  # of the running mean of outputs, which the prior is


class Reader:
    """The networks of one kind in training by Adam, one per seed. prior: [seeds, symbols]."""

    def __init__(self, params: Params, net: Net, device: str):
        self.params, self.net = params, net
        self.layers, self.shape = network(params, net)
        first = [sequence_weights(self.layers, self.shape, params.weight_seed + i) for i in range(params.seeds)]
        self.weights = torch.as_tensor(np.stack(first), device=device).requires_grad_()
        self.power = net.prior if net.loss == "ctc" else 0.0
        self.prior = torch.full((params.seeds, SYMBOLS), 1 / SYMBOLS, device=device)
        self.adam = torch.optim.Adam([self.weights], params.lr)

    def logits(self, x: Tensor) -> Tensor:
        """[seeds, n, time, symbols] of frames x [seeds, n, features, time]."""
        found = sequence_forward(self.layers, self.shape, self.weights, x)[0].mT
        if self.net.loss == "no_blank":
            found = torch.cat([found[..., :BLANK], torch.full_like(found[..., BLANK:], -1e9)], -1)
        return found

    def scores(self, logits: Tensor) -> Tensor:
        """Log probabilities of symbols, less a share of the log prior."""
        return logits.log_softmax(-1) - self.power * self.prior.log().view(-1, 1, 1, SYMBOLS)

    def learn(self, strips: Sequence[Strips]) -> None:
        """One step. The gradient by the logits is softmax less posterior, whatever the prior (which is held fixed):
        that of who is told every frame is as if there were one path."""
        logits = self.logits(seen(strips, self.params.stride))
        p = logits.detach().softmax(-1)
        if self.net.loss == "told":
            labels = torch.as_tensor(np.stack([told(one, self.params.stride) for one in strips]))
            gradient = p - torch.nn.functional.one_hot(labels, SYMBOLS)
        else:
            texts = torch.as_tensor(np.stack([self.texts(one) for one in strips]))
            log_p, posterior = summed(self.scores(logits.detach()).flatten(0, 1), texts.flatten(0, 1))
            possible = log_p.isfinite().view(*texts.shape[:2], 1, 1)
            gradient = (p - posterior.view_as(p)).where(possible, p.new_zeros(()))  # no path: nothing to learn
            if self.net.loss == "mean":
                gradient = gradient / (texts < BLANK).sum(-1).clamp(min=1)[..., None, None]
        (self.weights.grad,) = torch.autograd.grad(logits, self.weights, gradient / logits.shape[1])
        self.adam.step()
        self.prior.lerp_(p.mean((1, 2)), 1 - PRIOR_KEEPS)

    def texts(self, strips: Strips) -> np.ndarray:
        """What this network shall say."""
        return merged(strips.text) if self.net.loss == "no_blank" else strips.text


def train(params: Params, device: str = "cpu", chunk: int = 10) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end "net 0" [seeds, D], "prior 0"
    [seeds, symbols] …"""
    seeds, moments = range(params.seeds), ticks(params.steps)
    readers = [Reader(params, net, device) for net in params.nets]
    lucks = [stream("strips", params.data_seed + i) for i in seeds]
    tests = [
        drawn(params, params.data_seed + i, "test", stream("test strips", params.data_seed + i), tested(params))
        for i in seeds
    ]
    first = tests[0]
    edge = np.stack([first.left[0], first.right[0]]).astype(np.float32)
    shape = {"net": len(readers), "tick": len(moments), "symbol": SYMBOLS, "time": len(middles(params.stride))}
    about = {"strip": first.x[0], "truth": first.text[0], "edge": edge, "impossible": impossible(tests, params.stride)}
    record = Recording(Result, params, params.steps, shape | {"seed": params.seeds, "repeated": 2},
                       tick=moments, look=looks(params.steps), **about)  # fmt: skip

    for moment in schedule(params.steps, chunk, tick=moments, look=looks(params.steps)):
        for _ in moment.steps:
            strips = [drawn(params, params.data_seed + i, "train", lucks[i], params.batch) for i in seeds]
            for reader in readers:
                reader.learn(strips)
        if "tick" in moment.due:
            record.append("tick", **stacked(measured(reader, tests) for reader in readers))
        if "look" in moment.due:
            record.append("look", **stacked(searched(reader, tests) for reader in readers))
        yield record.result(moment.step)
    found = {f"net {k}": reader.weights.detach().cpu().numpy().copy() for k, reader in enumerate(readers)}
    return found | {f"prior {k}": reader.prior.cpu().numpy().copy() for k, reader in enumerate(readers)}


def seen(strips: Sequence[Strips], stride: int) -> Tensor:
    return torch.as_tensor(np.stack([frames(one.x, stride) for one in strips]))


def frames_needed(text: np.ndarray) -> np.ndarray:
    """The fewest frames in which texts [n, k] can be said: one a digit, and a blank between equal ones."""
    return (text < BLANK).sum(1) + ((text[:, 1:] == text[:, :-1]) & (text[:, 1:] < BLANK)).sum(1)


def impossible(tests: Sequence[Strips], stride: int) -> np.ndarray:
    time = len(middles(stride))
    return np.array([(frames_needed(one.text) > time).mean() for one in tests], np.float32)


@torch.no_grad()
def measured(reader: Reader, tests: Sequence[Strips]) -> dict[str, np.ndarray]:
    """All that a Result has of one kind of network at a moment, but for the axis `net`."""
    params = reader.params
    scores = reader.scores(reader.logits(seen(tests, params.stride)))
    texts = torch.as_tensor(np.stack([reader.texts(one) for one in tests]))
    log_p = likelihood(scores, texts)
    right = scores.isfinite().all(-1).all(-1).all(-1).numpy()
    finite = log_p.isfinite()
    losses = torch.where(finite, -log_p, 0)
    loss = losses.sum(1) / finite.sum(1)
    loss[~torch.as_tensor(right)] = torch.nan
    if reader.net.loss == "mean":  # as torch.nn.CTCLoss(reduction="mean", zero_infinity=True)
        reported = (losses / (texts < BLANK).sum(-1).clamp(min=1)).mean(1)
    elif reader.net.loss == "told":
        labels = torch.as_tensor(np.stack([told(one, params.stride) for one in tests]))
        reported = -scores.log_softmax(-1).gather(-1, labels[..., None]).mean((1, 2, 3))
    else:
        reported = loss
    p = scores.softmax(-1).numpy()
    found = [of_seed(one, p[i], params.stride) for i, one in enumerate(tests)]
    found = [each if ok else gone(each) for each, ok in zip(found, right)]
    return stacked(found) | {"loss": loss.numpy(), "reported": reported.numpy(), "p": p[0, 0].T}


def gone(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is measured of a network that has diverged."""
    return {name: np.full_like(value, np.nan) for name, value in found.items()} | {"error": np.array(1.0)}


def likelihood(scores: Tensor, texts: Tensor) -> Tensor:
    """log p of texts [seeds, n, k]: with a prior, of scores that add up to 1 in every frame."""
    return summed(scores.log_softmax(-1).flatten(0, 1), texts.flatten(0, 1)).log_p.view(texts.shape[:2])


def of_seed(strips: Strips, p: np.ndarray, stride: int) -> dict[str, np.ndarray]:
    """How the strips of a seed are read under probabilities p [n, time, symbol]."""
    path, at, text = p.argmax(-1), middles(stride), strips.text
    true = [row[row < BLANK].tolist() for row in text]
    said = [said_by(row, BLANK) for row in path.tolist()]
    wrong = np.array([tuple(one) != other for one, other in zip(true, said)])
    labels = max(1, sum(map(len, true)))
    twice = frames_needed(text) > (text < BLANK).sum(1)
    on = (at >= strips.left[..., None] - 0.5) & (at <= strips.right[..., None] - 0.5) & (text < BLANK)[..., None]
    covers = (path[:, None] == text[..., None])[on]
    inside = []
    for i in np.flatnonzero(~wrong):
        starts = np.flatnonzero(np.r_[True, path[i, 1:] != path[i, :-1]])
        ends = np.r_[starts[1:], len(at)]
        peaks = [(at[a] + at[b - 1]) / 2 for a, b in zip(starts, ends) if path[i, a] != BLANK]
        for peak, left, right in zip(peaks, strips.left[i], strips.right[i]):
            inside.append(left - 0.5 <= peak <= right - 0.5)
    found = {
        "error": sum(map(edits, true, said)) / labels,
        "blank": (path == BLANK).mean(),
        "covers": covers.mean() if covers.size else np.nan,
        "inside": np.mean(inside) if inside else np.nan,
        "split": [wrong[which].mean() if which.any() else np.nan for which in (~twice, twice)],
    }
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


@torch.no_grad()
def searched(reader: Reader, tests: Sequence[Strips]) -> dict[str, np.ndarray]:
    """What beam search adds to the likeliest path."""
    few = [Strips(one.x[:BEAMED], one.text[:BEAMED], one.left, one.right) for one in tests]
    scores = reader.scores(reader.logits(seen(few, reader.params.stride)))
    if not scores.isfinite().all():
        return {name: np.full(len(tests), np.nan) for name in ("better", "gains")}
    better, gains = [], []
    for strips, p, own in zip(few, scores.softmax(-1).numpy(), scores):
        true = [row[row < BLANK].tolist() for row in strips.text]
        texts = [
            [said_by(row, BLANK) for row in p.argmax(-1).tolist()],
            [next(iter(beam(row, BEAM, LEAST))) for row in p],
        ]
        pairs = torch.as_tensor([[padded(text, p.shape[1]) for text in each] for each in texts])
        plain, likely = likelihood(own.expand(2, -1, -1, -1), pairs).numpy()
        better.append((likely > plain + 1e-4).mean())
        first, second = (sum(map(edits, true, each)) for each in texts)
        gains.append((first - second) / max(1, sum(map(len, true))))
    return {"better": np.array(better), "gains": np.array(gains)}


def padded(text: Sequence[int], size: int) -> list[int]:
    return [*text, *[BLANK] * (size - len(text))]


@torch.no_grad()
def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Strip) -> Read:
    """A strip of the reader's own, drawn or typed, as the networks of the first seed read it."""
    if question.pixels:
        dots = np.array([int(level, 36) for level in question.pixels]) / 16
        x = dots.reshape(1, HIGH, FINE, WIDE, FINE).mean((2, 4)).astype(np.float32)
    else:
        typed = np.array([padded([int(digit) for digit in question.typed], MOST)])
        which = glyphs(params.data_seed, "test")
        x = written(typed, question.gap, params.noise, which, stream("own strip", params.data_seed)).x
    one = params.replace(seeds=1)
    p = []
    for k, net in enumerate(params.nets):
        reader = Reader(one, net, "cpu")
        reader.weights, reader.prior = (torch.as_tensor(state[f"{name} {k}"][:1]) for name in ("net", "prior"))
        logits = reader.logits(torch.as_tensor(frames(x, params.stride)[None]))
        p.append(reader.scores(logits).softmax(-1)[0, 0].numpy())
    beams = [next(iter(beam(row, BEAM, LEAST).items())) for row in p]
    size = len(p[0])
    paths = [np.where(np.isfinite(row).all(-1), row.argmax(-1), BLANK) for row in p]
    said = np.array([padded(said_by(path.tolist(), BLANK), size) for path in paths])
    likely = np.array([padded(text, size) for text, _ in beams])
    chance = np.array([each for _, each in beams], np.float32)
    return Read(question, 1, 1, strip=x[0], p=np.stack(p).swapaxes(1, 2), said=said, beam=likely, chance=chance)
