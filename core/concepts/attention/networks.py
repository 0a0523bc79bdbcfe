"""Small transformers in a population: member m has row m of the weights [members, D]. Plain torch, in batches over
members; a member is what torch.nn.TransformerEncoderLayer would be alone, and its weights have the names used there.

Positions are counted from the separator, which stands between prompt and answer and has 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.attention.params import FARTHEST, SYMBOLS, Net, parameters_of
from core.ml.random import stream

START, SEPARATOR = SYMBOLS, SYMBOLS + 1  # tokens behind the symbols
BASE = 10_000.0  # of the wave lengths (Vaswani et al., 2017; Su et al., 2021)


def first_row(net: Net, width: int, seed: int) -> np.ndarray:
    """First weights [D] as torch.nn draws them: embeddings standard normal, the input projection of attention after
    Glorot, biases of attention 0, other matrices uniform in ±1/√inputs. Tensors of one name and shape are alike in all
    nets."""
    parts = []
    for name, size in parameters_of(net, width).items():
        rng = stream(f"attention {name}", seed)
        if name.startswith(("embedding", "position")):
            parts.append(rng.standard_normal(size))
        elif "norm" in name:
            parts.append(np.full(size, float(name.endswith("weight"))))
        elif name.endswith(("in_proj_bias", "out_proj.bias")):
            parts.append(np.zeros(size))
        else:
            inputs = 2 * width if "linear2" in name else width
            bound = (6 / sum(size)) ** 0.5 if name.endswith("in_proj_weight") else inputs**-0.5
            parts.append(rng.uniform(-bound, bound, size))
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def by_name(net: Net, width: int, rows: Tensor) -> dict[str, Tensor]:
    """Weights [members, D] as tensors [members, …] by their names."""
    sizes = parameters_of(net, width)
    parts = rows.split([prod(size) for size in sizes.values()], 1)
    return {name: part.view(len(rows), *size) for (name, size), part in zip(sizes.items(), parts)}


def visible(net: Net, length: int, tokens: int) -> Tensor:
    """Who may look at whom, bool [tokens, tokens]: the answer, which the separator begins, only at what stands before;
    the prompt at all of itself, or only at what stands before there too."""
    at = torch.arange(tokens)
    found = at[:, None] >= at
    if net.mask == "full":
        found[: length + 1, : length + 1] = True
    return found


def waves(at: Tensor, width: int) -> Tensor:
    """Angles [tokens, width / 2] of positions: their wave lengths grow from 2π by powers up to BASE · 2π."""
    return at[:, None] * BASE ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)


def turned(x: Tensor, angles: Tensor) -> Tensor:
    """Pairs of numbers of x [..., tokens, d] turned by these angles [tokens, d / 2] (Su et al., 2021)."""
    cos, sin = angles.cos().to(x), angles.sin().to(x)
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def weighted(scores: Tensor, seen: Tensor, late: bool = False) -> Tensor:
    """Attention from scores [..., query, key]: a softmax over the keys that are seen. late, the mistake: the softmax is
    over all keys, and those not seen are set to 0 afterwards."""
    if late:
        return scores.softmax(-1) * seen
    return scores.masked_fill(~seen, -torch.inf).softmax(-1)


def normed(x: Tensor, named: dict[str, Tensor], name: str) -> Tensor:
    """Layer norm of x [members, n, width] (Ba et al., 2016)."""
    plain = functional.layer_norm(x, x.shape[-1:])
    return torch.addcmul(named[f"{name}.bias"].unsqueeze(1), plain, named[f"{name}.weight"].unsqueeze(1))


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x Wᵀ + b of every member."""
    return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)


def divisor(net: Net, width: int) -> float:
    """What scores are divided by: √ of the numbers of a key; of the whole width is a mistake."""
    return {"none": 1.0, "width": width**0.5}.get(net.scores, (width / net.heads) ** 0.5)


def attended(
    net: Net, named: dict[str, Tensor], name: str, x: Tensor, seen: Tensor, at: Tensor, gone: int = -1
) -> tuple[Tensor, Tensor, Tensor]:
    """Multi-head attention of x [members, n, tokens, width]: what it gives, its weights [members, n, head, query, key],
    and queries, keys and values [3, members, n, head, token, d]. gone: a head that gives 0."""
    members, n, tokens, width = x.shape
    each = linear(x.flatten(1, 2), named[f"{name}.in_proj_weight"], named[f"{name}.in_proj_bias"])
    qkv = each.view(members, n, tokens, 3, net.heads, -1).permute(3, 0, 1, 4, 2, 5)
    q, k, v = qkv
    if net.positions == "rotary":
        angles = waves(at, width // net.heads)
        q, k = turned(q, angles), turned(k, angles)
    weights = weighted(q @ k.mT / divisor(net, width), seen, net.scores == "late")
    mixed = weights @ v
    if gone >= 0:
        mixed = mixed * (torch.arange(net.heads, device=x.device) != gone).to(x).view(-1, 1, 1)
    mixed = mixed.transpose(2, 3).reshape(members, n * tokens, width)
    out = linear(mixed, named[f"{name}.out_proj.weight"], named[f"{name}.out_proj.bias"])
    return out.view_as(x), weights, torch.stack([q, k, v])


def layer(
    net: Net, named: dict[str, Tensor], name: str, x: Tensor, seen: Tensor, at: Tensor, gone: int = -1
) -> tuple[Tensor, Tensor, Tensor]:
    """A layer of a transformer (Vaswani et al., 2017), normed behind each sum, or before each part (Xiong et al.,
    2020), with what `attended` tells."""
    flat = x.shape[0], -1, x.shape[-1]
    norm = lambda x, k: normed(x.reshape(flat), named, f"{name}.norm{k}").view_as(x)  # noqa: E731
    part = lambda x, k: linear(x, named[f"{name}.linear{k}.weight"], named[f"{name}.linear{k}.bias"])  # noqa: E731
    dense = lambda x: part(part(x.reshape(flat), 1).relu(), 2).view_as(x)  # noqa: E731
    before = net.norm == "pre"
    given, weights, qkv = attended(net, named, f"{name}.self_attn", norm(x, 1) if before else x, seen, at, gone)
    x = x + given if before else norm(x + given, 1)
    x = x + dense(norm(x, 2)) if before else norm(x + dense(x), 2)
    return x, weights, qkv


def transformed(
    net: Net, width: int, rows: Tensor, tokens: Tensor, length: int, gone: int = -1
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Scores of the symbols at every token [members, n, tokens, symbols], attention of every layer, and queries, keys
    and values of the last. tokens: START, `length` symbols, SEPARATOR, and the answer so far: [members, n, tokens], or
    [1, …]. gone: a head, counted through all layers, that gives 0."""
    named, members = by_name(net, width, rows), len(rows)
    tokens = tokens.expand(members, -1, -1)
    first = torch.arange(members, device=rows.device)[:, None, None] * (SYMBOLS + 2)
    x = functional.embedding(tokens + first, named["embedding.weight"].reshape(-1, width))
    at = torch.arange(tokens.shape[2], device=rows.device) - (length + 1)
    if net.positions == "learned":
        x = x + named["position.weight"][:, at + FARTHEST].unsqueeze(1)
    elif net.positions == "sinusoidal":
        angles = waves(at, width)
        x = x + torch.stack([angles.sin(), angles.cos()], -1).flatten(-2).to(x)
    seen, found = visible(net, length, tokens.shape[2]).to(rows.device), []
    for k in range(net.layers):
        own = gone - k * net.heads
        x, weights, qkv = layer(net, named, f"layers.{k}", x, seen, at, own if 0 <= own < net.heads else -1)
        found.append(weights)
    x = x.flatten(1, 2)
    x = normed(x, named, "norm") if net.norm == "pre" else x
    said = linear(x, named["linear.weight"], named["linear.bias"])
    return said.view(*tokens.shape, -1), found, qkv


def asked(prompts: Tensor, answers: Tensor) -> Tensor:
    """What a net reads: START, prompts [..., length], SEPARATOR, answers [..., so far]."""
    mark = prompts[..., :1]
    return torch.cat([torch.full_like(mark, START), prompts, torch.full_like(mark, SEPARATOR), answers], -1)


class Population:
    """Networks of one kind in training by Adam, one per seed. Number by number, so that members do not meet."""

    def __init__(self, net: Net, width: int, rows: Sequence[np.ndarray], device: str):
        self.net, self.width, self.device = net, width, device
        self.rows = torch.tensor(np.stack(rows), device=device).requires_grad_()
        self.optimizer = torch.optim.Adam([self.rows], betas=(0.9, 0.98))

    def learn(self, prompts: Tensor, answers: Tensor, lr: float) -> None:
        """One step on prompts and answers [members, n, length]: every symbol of the answer from those before it."""
        length = prompts.shape[2]
        said = transformed(self.net, self.width, self.rows, asked(prompts, answers[..., :-1]), length)[0]
        said = said[:, :, length + 1 :]
        loss = functional.cross_entropy(said.flatten(1, 2).mT, answers.flatten(1), reduction="none").mean(1)
        (self.rows.grad,) = torch.autograd.grad(loss.sum(), self.rows)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()

    def found(self) -> np.ndarray:
        return self.rows.detach().cpu().numpy().copy()


@torch.no_grad()
def decoded(net: Net, width: int, rows: Tensor, prompts: Tensor, count: int, gone: int = -1) -> Tensor:
    """Answers [members, n, count] to prompts, decoded freely: every symbol is the likeliest after the net's own."""
    length, tokens = prompts.shape[2], asked(prompts, prompts[..., :0]).expand(len(rows), -1, -1)
    for _ in range(count):
        said = transformed(net, width, rows, tokens, length, gone)[0][:, :, -1]
        tokens = torch.cat([tokens, said.argmax(-1, keepdim=True)], -1)
    return tokens[:, :, length + 2 :]
