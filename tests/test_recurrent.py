"""Recurrent networks of a population against torch.nn, and the peephole LSTM against a loop written out here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.testing import assert_close

from core.ml.recurrent import CELLS, recurrent_forward, recurrent_shapes, recurrent_weights

MEMBERS, TIME, N = 3, 6, 4
TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Peephole(nn.Module):
    """Gers and Schmidhuber (2000), one example of one step at a time."""

    def __init__(self, inputs: int, units: int):
        super().__init__()
        self.units = units
        for name, shape in (
            ("x", (4 * units, inputs)),
            ("h", (4 * units, units)),
            ("bx", 4 * units),
            ("bh", 4 * units),
        ):
            setattr(self, name, nn.Parameter(torch.empty(shape, dtype=torch.float64)))
        self.p = nn.Parameter(torch.empty(3, units, dtype=torch.float64))

    def forward(self, x: Tensor, start: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        ends, outputs = [], []
        for example in range(x.shape[1]):
            h, c = start[0][example], start[1][example]
            outputs.append([])
            for now in x[:, example]:
                i, f, g, o = (self.x @ now + self.bx + self.h @ h + self.bh).view(4, self.units)
                i, f = torch.sigmoid(i + self.p[0] * c), torch.sigmoid(f + self.p[1] * c)
                c = f * c + i * torch.tanh(g)
                h = torch.sigmoid(o + self.p[2] * c) * torch.tanh(c)
                outputs[-1].append(h)
            ends.append((h, c))
        h, c = (torch.stack(end) for end in zip(*ends))
        return torch.stack([torch.stack(steps) for steps in outputs], 1), (h, c)


class Alone(nn.Module):
    """One member as modules of torch, in the order in which its row has the weights."""

    def __init__(self, cell: str, sizes: tuple[int, ...], embedding: int):
        super().__init__()
        self.inputs, self.cell = sizes[0], cell
        self.embedding = nn.Embedding(sizes[0], embedding) if embedding else None
        widths = [embedding or sizes[0], *sizes[1:-1]]
        kind = TORCH.get(cell, Peephole)
        self.layers = nn.ModuleList(kind(i, o) for i, o in pairwise(widths))
        self.head = nn.Linear(sizes[-2], sizes[-1])
        self.double()

    def forward(self, x: Tensor, start: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, list[Tensor]]:
        if not x.is_floating_point():
            x = self.embedding(x) if self.embedding else functional.one_hot(x, self.inputs).double()
        ends: list[Tensor] = []
        for layer, (h, c) in zip(self.layers, start):
            if self.cell == "peephole":
                x, end = layer(x, (h, c))
            else:
                x, end = layer(x, (h[None], c[None]) if self.cell == "lstm" else h[None])
            ends += end if isinstance(end, tuple) else [end]
        return self.head(x), [end.view(-1, end.shape[-1]) for end in ends]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("inputs", "embedding", "hidden"), [("numbers", 0, (5,)), ("ids", 0, (5, 3)), ("ids", 4, (6,)), ("shared", 0, (5,))]
)
def test_every_member_computes_and_learns_what_it_would_alone(
    cell: str, inputs: str, embedding: int, hidden: tuple[int, ...]
) -> None:
    rng = torch.Generator().manual_seed(0)
    random = lambda *shape: torch.randn(*shape, generator=rng, dtype=torch.float64)  # noqa: E731
    sizes = (7, *hidden, 2)
    rows = [recurrent_weights(cell, sizes, seed, embedding) for seed in range(MEMBERS)]
    weights = torch.as_tensor(np.stack(rows)).double().requires_grad_()
    if inputs == "numbers":
        x = random(MEMBERS, TIME, N, sizes[0])
    else:
        x = torch.randint(0, sizes[0], (1 if inputs == "shared" else MEMBERS, TIME, N), generator=rng)
    start = [
        (random(MEMBERS, N, units).requires_grad_(), random(MEMBERS, N, units * CELLS[cell].keeps_c).requires_grad_())
        for units in hidden
    ]
    toward = random(MEMBERS, TIME, N, sizes[-1])  # the outputs and the last states both have a part in the loss
    outputs, ends = recurrent_forward(weights, x, cell, sizes, embedding, start)
    loss = (outputs * toward).sum() + sum(end.sin().sum() for pair in ends for end in pair)
    states = [state for pair in start for state in pair if state.numel()]
    gradient, *to_start = torch.autograd.grad(loss, [weights, *states])

    for m in range(MEMBERS):
        alone = Alone(cell, sizes, embedding)
        nn.utils.vector_to_parameters(weights[m].detach(), alone.parameters())
        begin = [(h[m].detach().requires_grad_(), c[m].detach().requires_grad_()) for h, c in start]
        expected, expected_ends = alone(x[m % len(x)], begin)
        assert_close(outputs[m], expected, rtol=0, atol=1e-12)
        kept = [end[m] for pair in ends for end in pair if end.numel()]
        assert_close(kept, expected_ends, rtol=0, atol=1e-12)
        loss = (expected * toward[m]).sum() + sum(end.sin().sum() for end in expected_ends)
        begin_states = [state for pair in begin for state in pair if state.numel()]
        found = torch.autograd.grad(loss, [*alone.parameters(), *begin_states])
        of_weights, of_start = found[: -len(states)], found[-len(states) :]
        assert_close(gradient[m], torch.cat([g.flatten() for g in of_weights]), rtol=0, atol=1e-12)
        assert_close([g[m] for g in to_start], list(of_start), rtol=0, atol=1e-12)
        assert gradient[m].abs().max() > 0.1


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_may_be_taken_in_two_parts(cell: str) -> None:
    sizes = (5, 4, 3)
    weights = torch.as_tensor(recurrent_weights(cell, sizes, 0)).double()[None]
    x = torch.randint(0, 5, (1, 7, 2), generator=torch.Generator().manual_seed(0))
    whole, ends = recurrent_forward(weights, x, cell, sizes)
    first, between = recurrent_forward(weights, x[:, :3], cell, sizes)
    second, last = recurrent_forward(weights, x[:, 3:], cell, sizes, start=between)
    assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-15)
    assert_close(last, ends, rtol=0, atol=1e-15)


@pytest.mark.parametrize("cell", CELLS)
def test_a_member_that_is_lost_leaves_the_others_alone(cell: str) -> None:
    sizes = (5, 4, 3)
    weights = torch.as_tensor(np.stack([recurrent_weights(cell, sizes, seed) for seed in range(3)]))
    x = torch.randint(0, 5, (1, 7, 2), generator=torch.Generator().manual_seed(0))
    expected, _ = recurrent_forward(weights, x, cell, sizes)
    weights[1] = torch.nan
    found, _ = recurrent_forward(weights, x, cell, sizes)
    assert found[1].isnan().all()
    assert torch.equal(found[::2], expected[::2])


def test_initial_weights() -> None:
    sizes, embedding = (65, 96, 48, 10), 20
    shapes = recurrent_shapes("peephole", sizes, embedding)
    one, again, other = (recurrent_weights("peephole", sizes, seed, embedding) for seed in (3, 3, 4))
    assert one.dtype == np.float32 and one.tobytes() == again.tobytes() and not (one == other).any()
    parts = np.split(one, np.cumsum([np.prod(shape) for shape in shapes])[:-1])
    assert parts[0].std() == pytest.approx(1, rel=0.06) and np.abs(parts[0]).max() > 2.5
    for part, shape, units in zip(parts[1:], shapes[1:], [96] * 5 + [48] * 7):
        assert len(part) == np.prod(shape)
        assert np.abs(part).max() <= np.float32(units**-0.5)
        assert np.abs(part).max() > 0.75 * units**-0.5
        assert part.std() == pytest.approx((3 * units) ** -0.5, rel=0.35 if len(part) < 200 else 0.08)
