"""Attention against torch.nn, brute force over orders, what masks and missing positions must leave as it is, and
made-up Results."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.concept.parts import experiment, train_module
from core.concept.result import BaseResult
from core.concepts.attention.claims import CLAIMS, LITTLE, MISTAKES
from core.concepts.attention.networks import (
    Population,
    asked,
    attended,
    by_name,
    decoded,
    first_row,
    transformed,
    turned,
    visible,
    waves,
)
from core.concepts.attention.params import (
    DIMENSIONS,
    KEYS,
    POSITIONS,
    SYMBOLS,
    TESTED,
    TINY,
    Net,
    Params,
    Prompt,
    parameters_of,
    sees_order,
    weights,
)
from core.concepts.attention.tasks import blind_shares, solved_by_hand
from core.concepts.attention.train import answer, softened
from tests.known import known

# That the texts repeat: tested prompts, keys, lengths, heads, widths, limits of claims
CONSTANTS = {TESTED, KEYS, LITTLE, 4, 8, 16, 256}
WIDTH = 16


def rows_of(net: Net, seeds: int = 2, kind: torch.dtype = torch.float64) -> Tensor:
    """First weights, everything that begins at 0 or 1 moved away from there."""
    rows = torch.tensor(np.stack([first_row(net, WIDTH, i) for i in range(seeds)])).to(kind)
    return rows + 0.1 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(0), dtype=kind)


def prompts_of(n: int, length: int) -> Tensor:
    return torch.tensor(np.random.default_rng(0).integers(0, SYMBOLS, (1, n, length)))


@pytest.mark.parametrize("net", [Net(heads=4, layers=2), Net("none", "causal", 1, 2, "post")])
def test_a_member_is_what_torch_makes_of_its_weights(net: Net) -> None:
    rows, length = rows_of(net), 5
    read = asked(prompts_of(3, length), prompts_of(3, 4))
    said, looks, _ = transformed(net, WIDTH, rows, read, length)
    named = {name: part[1] for name, part in by_name(net, WIDTH, rows).items()}
    x = functional.embedding(read[0], named["embedding.weight"])
    if net.positions == "learned":
        middle = len(named["position.weight"]) // 2
        x = x + named["position.weight"][middle - length - 1 : middle - length - 1 + read.shape[2]]
    blocked = ~visible(net, length, read.shape[2])
    for k in range(net.layers):
        one = nn.TransformerEncoderLayer(
            WIDTH, net.heads, 2 * WIDTH, 0.0, batch_first=True, norm_first=net.norm == "pre", dtype=torch.float64
        )
        one.load_state_dict({name.split(".", 2)[2]: v for name, v in named.items() if name.startswith(f"layers.{k}.")})
        first = one.norm1(x) if net.norm == "pre" else x
        theirs = one.self_attn(first, first, first, attn_mask=blocked, average_attn_weights=False)[1]
        torch.testing.assert_close(looks[k][1], theirs, atol=1e-12, rtol=0)
        x = one(x, src_mask=blocked)
    if net.norm == "pre":
        x = functional.layer_norm(x, (WIDTH,), named["norm.weight"], named["norm.bias"])
    torch.testing.assert_close(said[1], functional.linear(x, named["linear.weight"], named["linear.bias"]))


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("scores", ["key", "late"])
def test_a_changed_later_token_leaves_earlier_outputs_as_they_are(positions: str, scores: str) -> None:
    net, length = Net(positions, "causal", 2, 2, scores=scores), 6
    rows = rows_of(net, 2, torch.float32)
    read = asked(prompts_of(4, length), prompts_of(4, 5))
    other = read.clone()
    at = length + 3  # within the answer
    other[..., at] = (other[..., at] + 1) % SYMBOLS
    one, two = (transformed(net, WIDTH, rows, x, length)[0] for x in (read, other))
    assert torch.equal(one[:, :, :at], two[:, :, :at]) == (scores == "key")
    assert not torch.equal(one[:, :, at:], two[:, :, at:])


@pytest.mark.parametrize("layers", [1, 2])
def test_without_positions_and_mask_moving_tokens_moves_their_outputs(layers: int) -> None:
    net, length = Net("none", layers=layers, heads=2), 7
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    prompts, answers, rows = prompts_of(5, length), prompts_of(5, 3), rows_of(net)
    one = transformed(net, WIDTH, rows, asked(prompts, answers), length)[0]
    two = transformed(net, WIDTH, rows, asked(prompts[..., order], answers), length)[0]
    assert (one[:, :, 1 : length + 1][:, :, order] - two[:, :, 1 : length + 1]).abs().max() < 1e-12
    assert (one[:, :, length + 1 :] - two[:, :, length + 1 :]).abs().max() < 1e-12


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("mask", ["full", "causal"])
@pytest.mark.parametrize("layers", [1, 2])
def test_who_can_see_order_is_who_answers_otherwise(positions: str, mask: str, layers: int) -> None:
    net, length = Net(positions, mask, layers, 2), 6
    prompts, rows = prompts_of(4, length), rows_of(net)
    one, two = (
        transformed(net, WIDTH, rows, asked(x, x[..., :0]), length)[0][:, :, -1] for x in (prompts, prompts.flip(2))
    )
    assert ((one - two).abs().max() > 1e-9) == sees_order(net)


def test_the_ceiling_is_the_best_of_all_answers_to_all_orders() -> None:
    for prompt in ([3, 3, 1, 0], [2, 2, 2, 5], [0, 1, 2, 3]):
        orders = np.array(list(permutations(prompt)))
        for task in ("reverse", "sort"):
            truth = solved_by_hand(task, orders)
            symbols = np.mean([max((truth[:, k] == v).mean() for v in range(SYMBOLS)) for k in range(4)])
            whole = max((truth == one).all(1).mean() for one in truth)
            np.testing.assert_allclose(np.ravel(blind_shares(task, np.array([prompt]), SYMBOLS)), [symbols, whole])


def test_tasks() -> None:
    x = np.array([[4, 1, 3, 1]])
    found = {task: solved_by_hand(task, x)[0].tolist() for task in ("reverse", "shift", "copy", "sort")}
    assert found == {"reverse": [1, 3, 1, 4], "shift": [1, 3, 1, 4], "copy": [4, 1, 3, 1], "sort": [1, 1, 3, 4]}


def test_rotary_scores_know_distances_only() -> None:
    q, k = torch.randn(2, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    score = lambda a, b: turned(q[None], waves(torch.tensor([a]), 8)) @ turned(k[None], waves(torch.tensor([b]), 8)).T  # noqa: E731
    assert score(5, 2).item() == pytest.approx(score(9, 6).item(), abs=1e-12)
    assert score(5, 2).item() != pytest.approx(score(5, 3).item(), abs=1e-3)


def test_divisors_and_a_head_that_is_gone() -> None:
    x = torch.randn(1, 2, 5, WIDTH, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    seen, at = torch.ones(5, 5, dtype=torch.bool), torch.arange(5)
    for scores, by in {"key": 2.0, "none": 1.0, "width": 4.0}.items():
        net = Net(heads=4, scores=scores)
        named = by_name(net, WIDTH, rows_of(net, 1))
        _, looks, (q, k, v) = attended(net, named, "layers.0.self_attn", x, seen, at)
        torch.testing.assert_close(looks, (q @ k.mT / by).softmax(-1))
    part = (looks @ v)[:, :, 1] @ named["layers.0.self_attn.out_proj.weight"][0, :, 4:8].T
    whole, less = (attended(net, named, "layers.0.self_attn", x, seen, at, gone)[0] for gone in (-1, 1))
    torch.testing.assert_close(whole - less, part)


def test_training_is_torchs_adam_of_a_member_alone() -> None:
    net = Net(heads=2)
    first = [first_row(net, WIDTH, i) for i in (3, 4)]
    both, alone = Population(net, WIDTH, first, "cpu"), Population(net, WIDTH, first[1:], "cpu")
    prompts = torch.cat([prompts_of(4, 5), prompts_of(4, 5).flip(1)])
    for _ in range(3):
        both.learn(prompts, prompts.flip(2), 0.01)
        alone.learn(prompts[1:], prompts[1:].flip(2), 0.01)
    assert np.abs(both.found()[1] - alone.found()[0]).max() < 1e-4
    answers = decoded(net, WIDTH, both.rows.detach(), prompts, 5)
    for k in range(5):
        said = transformed(net, WIDTH, both.rows.detach(), asked(prompts, answers[..., :k]), 5)[0]
        assert torch.equal(said[:, :, -1].argmax(-1), answers[..., k])


def test_softmax_of_random_scores() -> None:
    found = softened(3)
    assert (found["even"][0] > 0.7).all() and found["even"][1, -1] < 0.1
    d = DIMENSIONS.index(64)
    p = torch.softmax(8 * torch.randn(4000, KEYS, generator=torch.Generator().manual_seed(0)), -1)
    slope = torch.stack([torch.diag(row) - row.outer(row) for row in p[:500]])
    assert slope.diagonal(0, 1, 2).sum(-1).mean() / (1 - 1 / KEYS) == pytest.approx(found["passes"][1, d], abs=0.08)


def test_exported_weights_and_an_own_sequence() -> None:
    state = {}
    run = train_module("attention").train(TINY)
    try:
        while True:
            result = next(run)
    except StopIteration as end:
        state = end.value
    named = weights(result, state)
    for i, net in enumerate(TINY.nets):
        assert all(named[f"{i}.{name}"].shape == (2, *size) for name, size in parameters_of(net, TINY.width).items())
    found = answer(TINY, result, state, Prompt("9081", net=2, place=3))
    assert found.truth.tolist() == [1, 8, 0, 9] and found.said.shape == (2, 4)
    seen = np.isfinite(found.score)
    assert seen.tolist() == [True] * 8 + [False]
    weight = np.exp(found.score[seen]) / np.exp(found.score[seen]).sum()
    np.testing.assert_allclose(found.attention[2][seen], weight, atol=1e-6)
    np.testing.assert_allclose(found.keys[seen] @ found.query / 4, found.score[seen], atol=1e-5)


# Claims

MANY = 20
SETTINGS = {claim.id: claim.params for claim in CLAIMS} | {mistake.id: mistake.params for mistake in MISTAKES}


def made(id: str, blind: float = 0.3, **means: list[Any]) -> BaseResult:
    """Known means of every net in the end: `right`, `whole` …; of `removed` a list per net."""
    params: Params = SETTINGS[id].replace(seeds=MANY)
    noise = np.random.default_rng(0).normal(0, 1e-4, MANY)
    given: dict[str, Any] = {"blind": np.full(MANY, blind)}
    for name, nets in means.items():
        values = np.moveaxis(np.array(nets, float)[..., None] + noise, -1, 1)  # [net, seed(, …)]
        given[name] = values if name == "passes" else values[:, :, None]
    return known(experiment("attention").Result, params, sizes={"net": len(params.nets), "tick": 1}, **given)


KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "blind": (made("blind", right=[1, 0.27]), made("blind", right=[1, 0.5])),
    "positions": (made("positions", right=[1, 0.27]), made("positions", right=[0.5, 0.27])),
    "one_layer": (made("one_layer", right=[0.3, 1]), made("one_layer", right=[0.5, 1])),
    "two_layers": (made("two_layers", right=[0.3, 0.6]), made("two_layers", right=[0.3, 0.32])),
    "sort_positions": (made("sort_positions", right=[0.7, 0.5]), made("sort_positions", right=[0.6, 0.6])),
    "rotary": (made("rotary", right=[1, 1, 0.4]), made("rotary", right=[1, 1, 0.9])),
    "beyond": (
        made("beyond", right=[1, 1, 1], by_length=[[1, 0.5]] * 3),
        made("beyond", right=[1, 1, 1], by_length=[[1, 0.9]] * 3),
    ),
    "waves_beyond": (
        made("waves_beyond", by_length=[[1, 0.5], [1, 0.55], [0, 0]]),
        made("waves_beyond", by_length=[[1, 0.5], [1, 0.9], [0, 0]]),
    ),
    "heads": (
        made("heads", right=[1, 1], removed=[[0.5, 0.99, 0.99, 0.99]] * 2),
        made("heads", right=[1, 1], removed=[[0.5, 0.5, 0.5, 0.99]] * 2),
    ),
    "specialise": (
        made("specialise", right=[1, 1], removed=[[0.5, 0.99, 0.99, 0.99]] * 2),
        made("specialise", right=[1, 1], removed=[[0.5, 0.5, 0.5, 0.5]] * 2),
    ),
    "width": (made("width", right=[0.8, 0.7]), made("width", right=[0.8, 0.8])),
    "unscaled": (made("unscaled", right=[1, 0.99]), made("unscaled", right=[1, 0.8])),
    "divided": (made("divided", passes=[[0.9] * 5, [0.1] * 5]), made("divided", passes=[[0.5] * 5, [0.1] * 5])),
    "plain": (made("plain", passes=[[0.9] * 5, [0.1] * 5]), made("plain", passes=[[0.9] * 5, [0.5] * 5])),
    "wrong_root": (made("wrong_root", entropy=[2.5, 2.6]), made("wrong_root", entropy=[2.5, 2.5])),
    "late": (made("late", leak=[0, 0.5]), made("late", leak=[0, 0])),
}
