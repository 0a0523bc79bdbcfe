"""Small transformers learn to answer a sequence of digits with another, beside each other, on the same prompts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.attention.networks import Population, asked, decoded, first_row, transformed
from core.concepts.attention.params import (
    DIMENSIONS,
    KEYS,
    PI,
    SYMBOLS,
    TESTED,
    Looked,
    Net,
    Params,
    Prompt,
    Result,
    sizes,
    ticks,
)
from core.concepts.attention.tasks import blind_shares, solved_by_hand
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked


@dataclass(frozen=True)
class Examples:
    """Prompts and their right answers, [seed, n, length] each."""

    prompts: Tensor
    answers: Tensor


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the weights of every net,
    {"0": [seeds, D], …}."""
    seeds, length, moments = range(params.seeds), params.length, ticks(params.steps)
    nets = [
        Population(net, params.width, [first_row(net, params.width, params.weight_seed + i) for i in seeds], device)
        for net in params.nets
    ]
    tests = {n: drawn(params, "attention test", n, TESTED, device) for n in {*sizes(params), length}}
    lucks = [stream("attention prompts", params.data_seed + i) for i in seeds]
    sized = stream("attention lengths", params.data_seed)
    even, passes = stacked(softened(params.data_seed + i) for i in seeds).values()
    shares = [blind_shares(params.task, prompts, SYMBOLS) for prompts in tests[length].prompts.cpu().numpy()]
    blind, whole = np.array(shares).mean(2).T.astype(np.float32)
    axes = {"net": len(nets), "seed": params.seeds, "query": length, "key": length, "end": 1, "divided": 2}
    axes |= {"head": max(net.heads * net.layers for net in params.nets), "size": len(sizes(params))}
    known = {"blind": blind, "blind_whole": whole, "even": even.swapaxes(0, 1), "passes": passes.swapaxes(0, 1)}
    record = Recording(Result, params, params.steps, axes, tick=moments, **known)

    for moment in schedule(params.steps, chunk, tick=moments):
        for step in moment.steps:
            n = int(sized.integers(min(params.shortest, length), length + 1))
            batch = examples(params, np.stack([rng.integers(0, SYMBOLS, (params.batch, n)) for rng in lucks]), device)
            warm = min(1, (step + 1) / (params.warmup + 1))
            for net in nets:
                net.learn(batch.prompts, batch.answers, params.lr * warm * (1 - step / params.steps))
        if moment.due:
            record.append("tick", **stacked(measured(net, tests[length]) for net in nets))
        if moment.last:
            most = record.sizes["head"]
            record.append("end", **stacked(judged(net, params, tests, most) for net in nets))
        yield record.result(moment.step)
    return {f"{i}": net.found() for i, net in enumerate(nets)}


def examples(params: Params, prompts: np.ndarray, device: str) -> Examples:
    answers = solved_by_hand(params.task, prompts)
    return Examples(*(torch.as_tensor(np.ascontiguousarray(x), device=device) for x in (prompts, answers)))


def drawn(params: Params, name: str, length: int, n: int, device: str) -> Examples:
    """Prompts of one length for every seed."""
    rngs = [stream(name, params.data_seed + i, length) for i in range(params.seeds)]
    return examples(params, np.stack([rng.integers(0, SYMBOLS, (n, length)) for rng in rngs]), device)


def share(net: Population, test: Examples, gone: int = -1) -> Tensor:
    """Which symbols are right when decoded freely, [seed, n, length]."""
    length = test.prompts.shape[2]
    return decoded(net.net, net.width, net.rows.detach(), test.prompts, length, gone) == test.answers


@torch.no_grad()
def measured(net: Population, test: Examples) -> dict[str, np.ndarray]:
    """How well it answers, and where the answer looks. Who has diverged is never right."""
    length, read = test.prompts.shape[2], asked(test.prompts, test.answers[..., :-1])
    said, looks, _ = transformed(net.net, net.width, net.rows, read, length)
    target = test.answers.flatten(1)
    loss = functional.cross_entropy(said[:, :, length + 1 :].flatten(1, 2).mT, target, reduction="none").mean(1)
    answering = looks[-1][:, :, :, length + 1 :]  # [seed, n, head, query, key]
    entropy = torch.special.entr(answering).sum(-1).mean((1, 2, 3))
    look = answering[0].mean((0, 1))[:, 1 : length + 1]
    right = share(net, test) & loss.isfinite().view(-1, 1, 1)
    found = {"right": right.float().mean((1, 2)), "whole": right.all(2).float().mean(1)}
    return numbers(found | {"loss": loss, "entropy": entropy, "look": look})


@torch.no_grad()
def judged(net: Population, params: Params, tests: dict[int, Examples], most: int) -> dict[str, np.ndarray]:
    """What is asked of it when training is over."""
    test, length, kind = tests[params.length], params.length, net.net
    right = lambda test, gone=-1: share(net, test, gone).float().mean((1, 2))  # noqa: E731
    there = kind.heads * kind.layers
    removed = torch.full((params.seeds, most), torch.nan, device=net.device)
    for k in range(there):
        removed[:, k] = right(test, k)
    read = asked(test.prompts, test.answers[..., :-1])
    other = read.clone()
    other[..., -1] = (other[..., -1] + 1) % SYMBOLS
    (one, looks, _), (two, _, _) = (transformed(kind, params.width, net.rows, x, length) for x in (read, other))
    before = slice(length + 1, 2 * length)  # outputs from which the changed symbol is not to be seen
    leak = (one - two)[:, :, before].abs().amax((1, 2, 3)) if length > 1 else removed[:, 0] * 0
    sorts = torch.full((most, length, length), torch.nan, device=net.device)
    sorts[:there] = torch.cat([look[0].mean(0) for look in looks])[:, length + 1 :, 1 : length + 1]
    by_length = torch.stack([right(tests[n]) for n in sizes(params)], 1)
    return numbers({"removed": removed, "leak": leak, "sorts": sorts, "by_length": by_length})


def numbers(found: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: values.cpu().numpy() for name, values in found.items()}


def softened(seed: int) -> dict[str, np.ndarray]:
    """What a softmax makes of the scores of random standard normal queries and keys, divided by √d and not: as `even`
    and `passes` of the Result, [divided, dimension]."""
    found = np.empty((2, 2, len(DIMENSIONS)), np.float32)
    for k, d in enumerate(DIMENSIONS):
        rng = stream("random queries", seed, d)
        score = np.einsum("nd,nkd->nk", rng.standard_normal((TESTED, d)), rng.standard_normal((TESTED, KEYS, d)))
        for i, scaled in enumerate((score / d**0.5, score)):
            p = np.exp(scaled - scaled.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1)
            found[:, i, k] = entropy.mean() / np.log(KEYS), (1 - np.square(p).sum(1)).mean() / (1 - 1 / KEYS)
    return {"even": found[0], "passes": found[1]}


@torch.no_grad()
def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Prompt) -> Looked:
    """The answers of all nets of the first seed to one prompt, and what one of them looks at."""
    digits = np.array([[[int(digit) for digit in question.digits or PI]]])
    length, width, which = digits.shape[2], params.width, min(question.net, len(params.nets)) - 1
    own = examples(params, digits, "cpu")
    rows = [torch.as_tensor(state[f"{i}"][:1]) for i in range(len(params.nets))]
    said = torch.cat([decoded(net, width, row, own.prompts, length)[0] for net, row in zip(params.nets, rows)])
    net: Net = params.nets[which]
    head, place = min(question.head, net.heads) - 1, min(question.place, length) - 1
    read = asked(own.prompts, said[which, None, None, :-1])
    _, looks, qkv = transformed(net, width, rows[which], read, length)
    look, (q, k, v) = looks[-1][0, 0, head], qkv[:, 0, 0, head]
    at = length + 1 + place
    score = k @ q[at] / (width / net.heads) ** 0.5
    score[at + 1 :] = torch.nan
    both = {"prompt": own.prompts[0, 0], "truth": own.answers[0, 0], "said": said}
    both |= {"attention": look[length + 1 :], "query": q[at], "keys": k, "values": v, "score": score}
    return Looked(question, 1, 1, place=np.array(place), **numbers(both))
