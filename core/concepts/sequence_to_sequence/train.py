"""Networks learn to turn one sequence into another, beside each other, from the same pairs."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.concepts.sequence_to_sequence.networks import Model, Population, Read, first_row, losses
from core.concepts.sequence_to_sequence.pairs import Course, Pairs, bleu, numbered
from core.concepts.sequence_to_sequence.params import (
    BEAMED,
    PARTS,
    WIDTHS,
    Params,
    Prompt,
    Result,
    Translated,
    counts_of,
    sizes,
    ticks,
)
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked


@dataclass(frozen=True)
class Test:
    """Test pairs of every seed [seed, n, place], answers with their ends; how many of them a size has, which sizes are
    as in training, and which prompt is the example."""

    source: Tensor
    target: Tensor
    each: int
    inside: np.ndarray
    example: int


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the weights of every net,
    {"0": [seeds, D], …}."""
    seeds, moments = range(params.seeds), ticks(params.steps)
    data = Course(params.task, params.own, params.length, sizes(params), [params.data_seed + i for i in seeds])
    symbols = code_points(data.symbols)
    counts = counts_of(symbols)
    rows = [[first_row(net, counts, params.units, params.weight_seed + i) for i in seeds] for net in params.nets]
    nets = [Population(net, counts, params, own) for net, own in zip(params.nets, rows)]
    each = data.test.source.shape[1] // len(data.sizes)
    example = each * int(np.flatnonzero(data.inside)[-1])  # the first of the longest as in training
    test = Test(*ended(data.test, counts[1]), each, data.inside, example)
    tellers = [stream("told", params.data_seed + i) for i in seeds]
    source, target = test.source[0, example].numpy(), cut_off(test.target[0, example], counts[1]).numpy()
    source = source[source >= 0]
    n = each * int(data.inside.sum())
    axes = {
        "net": len(nets),
        "seed": params.seeds,
        "end": 1,
        "width": len(WIDTHS),
        "part": len(PARTS),
        "axis": 2,
        "what": 3,
    }
    known = {"symbols": symbols, "size": data.sizes, "inside": data.inside, "source": source, "target": target}
    known |= {"map_symbol": last_of(test.source[0, :n]).numpy(), "map_length": (test.source[0, :n] >= 0).sum(1).numpy()}
    record = Recording(Result, params, params.steps, axes, tick=moments, **known)

    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            batch = ended(data.batch(params.batch), counts[1])
            luck = np.stack([teller.random(batch[1].shape[1:]) for teller in tellers])
            for net in nets:
                told = torch.as_tensor(luck < net.net.told) if net.net.told < 1 else None
                net.learn(*batch, told)
        if moment.due:
            record.append("tick", **stacked(measured(net.model(), test, len(source)) for net in nets))
        if moment.last:
            record.append("end", **stacked(judged(net.model(), test) for net in nets))
        yield record.result(moment.step)
    return {f"{i}": net.rows.numpy().copy() for i, net in enumerate(nets)}


def code_points(symbols: tuple[tuple[str, ...], ...]) -> np.ndarray:
    """Symbols of both sides as code points, then zeros, [side, symbol, letter]."""
    words = [word for side in symbols for word in side]
    found = np.zeros((2, max(map(len, symbols)), max(map(len, words))), np.uint32)
    for side, own in zip(found, symbols):
        for row, word in zip(side, own):
            row[: len(word)] = [ord(letter) for letter in word]
    return found


def ended(pairs: Pairs, end: int) -> tuple[Tensor, Tensor]:
    """Sources and answers, each of these with its end behind it."""
    target = np.pad(pairs.target, [(0, 0), (0, 0), (0, 1)], constant_values=-1)
    length = (target >= 0).sum(2, keepdims=True)
    target = np.where(np.arange(target.shape[2]) == length, end, target)
    return torch.as_tensor(pairs.source), torch.as_tensor(target)


def exact(said: Tensor, target: Tensor) -> Tensor:
    """Which answers are right up to their end and with it, [members, n]; what is said behind the end is not read."""
    return ((said == target) | (target < 0)).all(-1)


@torch.no_grad()
def measured(model: Model, test: Test, places: int) -> dict[str, np.ndarray]:
    """How well it answers, told the truth and freely. Who has diverged is never right."""
    read, count = model.read(test.source), test.target.shape[2]
    scores, *_ = model.step(model.given(test.target), read.last, read)
    said, weights = model.decoded(read, count)
    n = test.each * int(test.inside.sum())
    loss = losses(model, scores[:, :n], test.target[:, :n])
    stands, there = loss.isfinite(), (test.target >= 0)[:, :n]
    if not model.net.ends:
        scores[..., model.end] = -torch.inf
    right = [((x == test.target)[:, :n] & there).sum((1, 2)) / there.sum((1, 2)) for x in (scores.argmax(-1), said)]
    whole = exact(said, test.target).view(len(loss), -1, test.each).float().mean(2)
    found = {"forced": right[0] * stands, "free": right[1] * stands, "by_size": whole * stands.unsqueeze(1)}
    found |= {"said": cut_off(said[0, test.example], model.end), "look": weights[0, test.example, :, :places]}
    return numbers(found | {"loss": loss})


def cut_off(said: Tensor, end: int) -> Tensor:
    """Answers [..., place] up to their end, then −1."""
    return said.masked_fill((said == end).cumsum(-1) > 0, -1)


def listed(said: Tensor, end: int) -> list[list[int]]:
    """Answers [n, place] up to their end."""
    return [row[row >= 0].tolist() for row in cut_off(said, end).numpy()]


@torch.no_grad()
def judged(model: Model, test: Test) -> dict[str, np.ndarray]:
    """What is asked of it when training is over, of prompts as long as those in training."""
    n, count = test.each * int(test.inside.sum()), test.target.shape[2]
    source, target = test.source[:, :n], test.target[:, :n]
    read = model.read(source)
    said, _ = model.decoded(read, count)
    ours, theirs = ([listed(row, model.end) for row in rows.clamp(min=-1)] for rows in (said, target))
    ratio = [sum(map(len, one)) / sum(map(len, other)) for one, other in zip(ours, theirs)]
    some = torch.arange(n).view(-1, test.each)[:, :BEAMED].flatten()
    part = Read(*(x[:, some] for x in read))
    beams = [model.beamed(part, count, width) for width in WIDTHS]
    beam = torch.stack([exact(best[:, :, 0], target[:, some]).float().mean(1) for best, _ in beams], 1)
    likely = torch.stack([score[:, :, 0].mean(1) for _, score in beams], 1)
    other = Read(read.states.roll(1, 1), read.there, read.last)
    hs = model.step(model.given(target), read.last, read)[3]
    apart = (model.weighted(hs, read) - model.weighted(hs, other)).abs().sum(-1) / 2
    asks = (target >= 0) & (read.there == read.there.roll(1, 1)).all(2, keepdim=True)  # sources of the same length
    x = read.last[0].nan_to_num()
    x = x - x.mean(0)
    axes = torch.linalg.svd(x, full_matrices=False)[2]
    axes = axes[:2] * axes[:2].gather(1, axes[:2].abs().argmax(1, keepdim=True)).sign()
    found = {"ratio": torch.tensor(ratio), "beam": beam, "likely": likely}
    found |= {"bleu": torch.tensor(np.stack([bleu(*pair) for pair in zip(ours, theirs)]))}
    found |= {"moves": (apart * asks).sum((1, 2)) / asks.sum((1, 2)).clamp(min=1), "map": x @ axes.T}
    groups = source[..., 0], last_of(source), (source >= 0).sum(2)
    held = [[between(h, own) for own in pair] for h, *pair in zip(read.last, *groups)]
    return numbers(found | {"held": torch.tensor(held)})


def last_of(source: Tensor) -> Tensor:
    """The last symbols of sources [..., place]."""
    return source.gather(-1, (source >= 0).sum(-1, keepdim=True) - 1).squeeze(-1)


def between(x: Tensor, group: Tensor) -> float:
    """The share of the variance of x [n, units] that lies between groups [n], less what chance gives (Kelley, 1935)."""
    many = group.unique()
    around = sum((x[group == k] - x[group == k].mean(0)).square().sum() for k in many) / max(1, len(x) - len(many))
    return float(1 - around / ((x - x.mean(0)).square().sum() / (len(x) - 1)))


def numbers(found: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in found.items()}


@torch.no_grad()
def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Prompt) -> Translated:
    """What all nets of the first seed say to one source, where they look, and the beam of one."""
    counts = counts_of(result.symbols)
    known = ["".join(map(chr, word[word > 0])) for word in result.symbols[0, : counts[0]]]
    row = numbered([list(question.typed)], known)[0]
    row = row if (row >= 0).any() else result.source
    source = torch.as_tensor(row[row >= 0]).view(1, 1, -1)
    count = max(result.look.shape[2], source.shape[2] + 1)
    models = [Model(net, counts, params.units, torch.as_tensor(state[f"{i}"][:1])) for i, net in enumerate(params.nets)]
    both = [model.decoded(model.read(source), count) for model in models]
    said, look = (torch.cat([pair[k][0] for pair in both]) for k in range(2))
    asked = models[min(question.net, len(models)) - 1]
    best, likely = asked.beamed(asked.read(source), count, question.width)
    found = {"source": source[0, 0], "said": cut_off(said, counts[1]), "look": look}
    found |= {"best": cut_off(best[0, 0], counts[1]), "likely": likely[0, 0]}
    return Translated(question, 1, 1, symbols=result.symbols, **numbers(found))
