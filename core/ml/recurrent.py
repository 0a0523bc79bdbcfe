"""Recurrent networks of a population: member m has row m of the weights [members, D].

All gates of a cell are one product per step. What the inputs add to the gates is computed for all steps at once, and so
are the gradients of the weights: the backward pass through time is written out (`Unroll`), where autograd would add up
a matrix per step. Units come last here, [time, members, n, units]: a gate is then a stretch of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.ml.random import stream


class Gates(NamedTuple):
    """The gates of one step [members, n, gates · units]: as a whole, the first two of them, and one by one."""

    all: Tensor
    two: Tensor
    each: tuple[Tensor, ...]


def over_time(gates: Tensor, units: int) -> list[Gates]:
    """Views of gates [time, members, n, gates · units] for every step; made at once, which is quicker."""
    return list(map(Gates, gates, gates[..., : 2 * units], zip(*gates.split(units, -1))))


class TimeStep(NamedTuple):
    """One step of time: the gates, which come in as W h + b and are left as they open; `inner`, what backward needs
    besides; the state h (of an LSTM also c) before and after. All but the gates are [members, n, units]."""

    gates: Gates
    inner: Tensor
    h: Tensor
    h_next: Tensor
    c: Tensor
    c_next: Tensor


def quick_tanh(x: Tensor, out: Tensor) -> Tensor:
    """out ← tanh x = 2 σ(2x) − 1: on a CPU torch's σ is five times as fast as its tanh."""
    return torch.mul(x, 2, out=out).sigmoid_().mul_(2).sub_(1)


def times_slope_of_sigmoid_(d: Tensor, y: Tensor) -> None:
    """d ← d y (1 − y): the gradient before y = σ(x) from the one behind it."""
    torch.ops.aten.sigmoid_backward.grad_input(d, y, grad_input=d)


def times_slope_of_tanh_(d: Tensor, y: Tensor) -> None:
    """d ← d (1 − y²): the gradient before y = tanh x from the one behind it."""
    torch.ops.aten.tanh_backward.grad_input(d, y, grad_input=d)


def rnn(at: TimeStep, z: Tensor, p: Tensor | None) -> None:
    """h' = tanh(z + W h + b) (Elman, 1990), as torch.nn.RNN."""
    quick_tanh(at.gates.all.add_(z), out=at.h_next)


def rnn_back(at: TimeStep, dh: Tensor, dc: Tensor, dz: Tensor, da: Gates, p: Tensor | None) -> None:
    torch.ops.aten.tanh_backward.grad_input(dh, at.h_next, grad_input=da.all)


def gru(at: TimeStep, z: Tensor, p: Tensor | None) -> None:
    """h' = u h + (1−u) n with n = tanh(z + r (W h + b)), reset r and update u sigmoid (Cho et al., 2014), as
    torch.nn.GRU: the reset gate acts after the product."""
    units = at.h.shape[-1]
    r, u, n = at.gates.each
    at.gates.two.add_(z[..., : 2 * units]).sigmoid_()
    at.inner.copy_(n)
    quick_tanh(n.mul_(r).add_(z[..., 2 * units :]), out=n)
    torch.lerp(n, at.h, u, out=at.h_next)


def gru_back(at: TimeStep, dh: Tensor, dc: Tensor, dz: Tensor, da: Gates, p: Tensor | None) -> Tensor:
    r, u, n = at.gates.each
    dr, du, dn = da.each
    past = dh * u
    torch.sub(dh, past, out=dn)
    times_slope_of_tanh_(dn, n)
    torch.mul(dn, at.inner, out=dr)
    torch.sub(at.h, n, out=du).mul_(dh)
    times_slope_of_sigmoid_(da.two, at.gates.two)
    dz.copy_(da.all)
    dn.mul_(r)
    return past


def lstm(at: TimeStep, z: Tensor, p: Tensor | None) -> None:
    """c' = f c + i g, h' = o tanh c', gates i, f, o sigmoid and g tanh (Hochreiter and Schmidhuber, 1997; forget gate
    of Gers et al., 2000), as torch.nn.LSTM. With peepholes p [3, members, 1, units] gates i and f see c too, and o sees
    c' (Gers and Schmidhuber, 2000)."""
    at.gates.all.add_(z)
    i, f, g, o = at.gates.each
    if p is not None:
        i.addcmul_(p[0], at.c)
        f.addcmul_(p[1], at.c)
    at.gates.two.sigmoid_()
    quick_tanh(g, out=g)
    torch.mul(f, at.c, out=at.c_next).addcmul_(i, g)
    if p is not None:
        o.addcmul_(p[2], at.c_next)
    o.sigmoid_()
    torch.mul(o, quick_tanh(at.c_next, out=at.inner), out=at.h_next)


def lstm_back(at: TimeStep, dh: Tensor, dc: Tensor, dz: Tensor, da: Gates, p: Tensor | None) -> None:
    i, f, g, o = at.gates.each
    di, df, dg, do = da.each
    torch.mul(dh, at.inner, out=do)
    times_slope_of_sigmoid_(do, o)
    if p is not None:
        dc.addcmul_(do, p[2])
    through = dh * o
    times_slope_of_tanh_(through, at.inner)
    dc.add_(through)
    torch.mul(dc, g, out=di)
    torch.mul(dc, at.c, out=df)
    times_slope_of_sigmoid_(da.two, at.gates.two)
    torch.mul(dc, i, out=dg)
    times_slope_of_tanh_(dg, g)
    dc.mul_(f)
    if p is not None:
        dc.addcmul_(di, p[0]).addcmul_(df, p[1])


class Cell(NamedTuple):
    """A recurrent cell: how many gates, a step forward, the same step backward, and whether it keeps a state c and has
    peepholes. Backward takes the gradients of h' and c', fills in those of z and of W h + b (one tensor where they are
    the same) and turns that of c' into that of c; it returns what h gets past the gates, if anything."""

    gates: int
    forward: Callable[[TimeStep, Tensor, Tensor | None], None]
    backward: Callable[[TimeStep, Tensor, Tensor, Tensor, Gates, Tensor | None], Tensor | None]
    keeps_c: bool = False
    peepholes: bool = False


CELLS = {
    "rnn": Cell(1, rnn, rnn_back),
    "gru": Cell(3, gru, gru_back),
    "lstm": Cell(4, lstm, lstm_back, keeps_c=True),
    "peephole": Cell(4, lstm, lstm_back, keeps_c=True, peepholes=True),
}


class Unroll(torch.autograd.Function):
    """A cell over time: z [time, members, n, gates · units], what the inputs add to the gates; W [members, gates ·
    units, units]; b [members, 1, gates · units]; peepholes p or None; states h and c [members, n, units] at the start
    (c without units where the cell has none). Gives h after every step and the last c. Differentiable once."""

    @staticmethod
    def forward(
        ctx: Any, z: Tensor, w: Tensor, b: Tensor, p: Tensor | None, h: Tensor, c: Tensor, cell: Cell
    ) -> tuple[Tensor, Tensor]:
        time = len(z)
        hs, cs = h.new_empty(time + 1, *h.shape), c.new_empty(time + 1, *c.shape)
        hs[0], cs[0] = h, c
        gates, inner = torch.empty_like(z, memory_format=torch.contiguous_format), torch.empty_like(hs[1:])
        views = over_time(gates, h.shape[-1])
        for at, z_now in zip(map(TimeStep, views, inner, hs, hs[1:], cs, cs[1:]), z):
            torch.baddbmm(b, at.h, w.mT, out=at.gates.all)
            cell.forward(at, z_now, p)
        ctx.save_for_backward(w, p, gates, inner, hs, cs)
        ctx.cell = cell
        return hs[1:], cs[-1].clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        w, p, gates, inner, hs, cs = ctx.saved_tensors
        dh, dc = torch.zeros_like(hs[0]), grads[1].clone()
        da = torch.empty_like(gates)
        dz = torch.empty_like(gates) if ctx.cell.backward is gru_back else da
        views, slopes = (over_time(x, dh.shape[-1]) for x in (gates, da))
        moments = map(TimeStep, views, inner, hs, hs[1:], cs, cs[1:])
        for at, from_above, dz_now, da_now in reversed(list(zip(moments, grads[0], dz, slopes))):
            dh.add_(from_above)
            past = ctx.cell.backward(at, dh, dc, dz_now, da_now, p)
            torch.bmm(da_now.all, w, out=dh)
            if past is not None:
                dh.add_(past)
        rows, before = (x.transpose(0, 1).flatten(1, 2) for x in (da, hs[:-1]))  # [members, time · n, …]
        dp = None
        if p is not None:
            di, df, _, do = da.chunk(4, -1)
            dp = torch.stack([(d * c).sum((0, 2)) for d, c in ((di, cs[:-1]), (df, cs[:-1]), (do, cs[1:]))])
            dp = dp.unsqueeze(2)
        return dz, torch.bmm(rows.mT, before), rows.sum(1, keepdim=True), dp, dh, dc, None


def recurrent_shapes(cell: str, sizes: tuple[int, ...], embedding: int = 0) -> list[tuple[int, ...]]:
    """Shapes of all weights, in their order in the row: the embedding if there is one; per layer of `cell`, in the
    order of torch.nn, W of the inputs, W of the state, b of each, peepholes of i, f, o; then W and b of the outputs."""
    gates = CELLS[cell].gates
    shapes: list[tuple[int, ...]] = [(sizes[0], embedding)] if embedding else []
    for i, o in pairwise((embedding or sizes[0], *sizes[1:-1])):
        shapes += [(gates * o, i), (gates * o, o), (gates * o,), (gates * o,)]
        shapes += [(3, o)] if CELLS[cell].peepholes else []
    return [*shapes, (sizes[-1], sizes[-2]), (sizes[-1],)]


def recurrent_weights(cell: str, sizes: tuple[int, ...], seed: int, embedding: int = 0) -> np.ndarray:
    """Weights as one row, float32 [D], in the order of `recurrent_shapes`.

    Embeddings are standard normal, all else is uniform in ±1/√units of its layer, as torch.nn.Embedding, RNN, GRU, LSTM
    and Linear draw them.
    """
    rng = stream("recurrent weights", seed)
    shapes = recurrent_shapes(cell, sizes, embedding)
    parts = [rng.standard_normal(prod(shapes.pop(0)))] if embedding else []
    each = 5 if CELLS[cell].peepholes else 4
    for k, shape in enumerate(shapes):
        bound = sizes[1:-1][min(k // each, len(sizes) - 3)] ** -0.5
        parts.append(rng.uniform(-bound, bound, prod(shape)))
    return np.concatenate(parts).astype(np.float32)


def recurrent_hidden(
    weights: Tensor,
    x: Tensor,
    cell: str,
    sizes: tuple[int, ...],
    embedding: int = 0,
    start: Sequence[tuple[Tensor, Tensor]] | None = None,
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """What `recurrent_forward` computes before the outputs: the states h of the last layer [members, time, n, units]
    at every step, and the last states of every layer."""
    members, (time, n) = len(weights), x.shape[1:3]
    shapes = recurrent_shapes(cell, sizes, embedding)
    pieces = zip(weights.split([prod(shape) for shape in shapes], 1), shapes)
    parts = iter([piece.view(members, *shape) for piece, shape in pieces])
    x = x.expand(members, *x.shape[1:])
    table = next(parts) if embedding else None
    ends = []
    for layer, units in enumerate(sizes[1:-1]):
        w_x, w_h, b_x, b_h = (next(parts) for _ in range(4))
        p = next(parts).transpose(0, 1).unsqueeze(2) if CELLS[cell].peepholes else None
        b_x, b_h = b_x.unsqueeze(1), b_h.unsqueeze(1)
        if x.is_floating_point():
            z = torch.baddbmm(b_x, x.flatten(1, 2), w_x.mT).view(members, time, n, -1).transpose(0, 1)
        else:  # a product with one-hot inputs picks rows; with an embedding, rows of its product
            rows = w_x.mT + b_x if table is None else torch.baddbmm(b_x, table, w_x.mT)
            first = sizes[0] * torch.arange(members, device=x.device).view(-1, 1, 1)
            z = functional.embedding((x + first).transpose(0, 1), rows.flatten(0, 1))
        if start is None:
            h, c = z.new_zeros(members, n, units), z.new_zeros(members, n, units * CELLS[cell].keeps_c)
        else:
            h, c = start[layer]
        hs, c = Unroll.apply(z, w_h, b_h, p, h, c, CELLS[cell])
        ends.append((hs[-1], c))
        x = hs.transpose(0, 1)
    return x, ends


def recurrent_outputs(weights: Tensor, hidden: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Outputs [members, time, n, sizes[-1]] from the states of the last layer [members, time, n, units]."""
    (members, time, n, units), outputs = hidden.shape, sizes[-1]
    w, b = weights[:, -outputs * (units + 1) :].split([outputs * units, outputs], 1)
    found = torch.baddbmm(b.unsqueeze(1), hidden.flatten(1, 2), w.view(members, outputs, units).mT)
    return found.view(members, time, n, -1)


def recurrent_forward(
    weights: Tensor,
    x: Tensor,
    cell: str,
    sizes: tuple[int, ...],
    embedding: int = 0,
    start: Sequence[tuple[Tensor, Tensor]] | None = None,
) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Outputs [members, time, n, sizes[-1]] of the networks `weights` [members, D], and the last states (h, c) of every
    layer, each [members, n, units] (c of RNN and GRU has no units). Without `start` states are zero at first.

    sizes: inputs, units of each recurrent layer, outputs. x: numbers [members, time, n, sizes[0]], or whole numbers
    below sizes[0] [members, time, n], which stand for one-hot inputs or, if `embedding` is not 0, for rows of an
    embedding of that many units. One row of x serves all members.
    """
    hidden, ends = recurrent_hidden(weights, x, cell, sizes, embedding, start)
    return recurrent_outputs(weights, hidden, sizes), ends
