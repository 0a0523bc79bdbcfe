"""The networks of this page, a population of seeds each, and what is looked at inside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.concepts.recurrent_memory.params import SHOWN, Net, Params, ahead, architecture, learns, read
from core.ml.architecture import parameters
from core.ml.cells import State, one_direction, sequence_forward, sequence_weights
from core.ml.layered import layered_forward, layered_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.recurrent import CELLS, TimeStep, over_time

SHARP, SMALL = 40.0, 0.02  # of the cell set by hand: how abruptly its gates turn, and how small it writes
# Which quantities of a unit the gates of a cell are, in their order
GATES_OF = {"lstm": (0, 1, None, 2), "peephole": (0, 1, None, 2), "gru": (4, 5, None), "rnn": (None,)}
AT_CELL, AT_STATE = 3, 6


def by_hand(task: str) -> np.ndarray:
    """An LSTM of one unit [D]. A mark opens the input gate, which is closed otherwise; the forget gate stays open, or,
    where only the last value counts, is closed by the mark. Values are written small, where tanh is nearly straight."""
    gates = np.zeros((4, 2))
    gates[0, 1], gates[2, 0] = SHARP, SMALL
    bias = np.array([-SHARP / 2, SHARP / 2, 0, SHARP / 2])
    if task == "latch":
        gates[1, 1] = -SHARP
    return np.concatenate([gates.ravel(), np.zeros(4), bias, np.zeros(4), [1 / SMALL, 0]]).astype(np.float32)


def first_weights(params: Params, net: Net, seed: int) -> np.ndarray:
    """One row [D]."""
    if net.cell == "hand":
        return by_hand(params.task)
    draw = layered_weights if net.cell in ("cnn", "fed_back") else sequence_weights
    return draw(*architecture(params, net), seed)


class Population:
    """One kind of network on all seeds: weights [members, D], and its optimizer."""

    def __init__(self, params: Params, net: Net, rows: np.ndarray):
        self.params, self.net = params, net
        self.layers, self.shape = architecture(params, net)
        self.weights = torch.as_tensor(rows).clone()
        self.optimizer = Optimizer(self.weights, [Settings(params.rule, params.rate)] * len(rows), params.steps)
        self.ends: list[State] | None = None  # of the sequences before, where they are carried over
        self.longest = torch.zeros(len(rows))

    def answers(self, weights: Tensor, x: Tensor, start: list[State] | None = None) -> tuple[Tensor, list[State]]:
        """Answers [members, n, outputs] to sequences x [members, n, 2, time], and the last states."""
        if self.net.cell == "cnn":
            far = self.shape[1]
            x = x[..., : self.steps(x)]
            x = torch.nn.functional.pad(x, (max(far - x.shape[-1], 0), 0))[..., -far:]
            return layered_forward(self.layers, self.shape, weights, x).mT, []
        x = x[..., : self.steps(x)]
        if self.net.cell == "fed_back":
            h, ends = fed_back(self.named(weights), x)
            w, b = (self.named(weights)[f"2.{part}"] for part in ("weight", "bias"))
            return torch.baddbmm(b.unsqueeze(1), h[:, -1], w.mT), ends
        found, ends = sequence_forward(self.layers, self.shape, weights, x, None, start)
        return (found[..., found.shape[-1] // 2 - 1] if ahead(self.params, self.net) else found), ends

    def steps(self, x: Tensor) -> int:
        """How many steps of x it sees; x may be longer than sequences are."""
        return x.shape[-1] // 2 if read(self.params, self.net) < self.params.length else x.shape[-1]

    def named(self, weights: Tensor) -> dict[str, Tensor]:
        """Weights by their names, [members, …] each."""
        sizes = parameters(self.layers, self.shape)
        parts = weights.split([int(np.prod(size)) for size in sizes.values()], 1)
        return {name: part.view(len(weights), *size) for (name, size), part in zip(sizes.items(), parts)}

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, list[State]]:
        """Of the mean squared error on sequences x [members, n, 2, time] with answers y [members, n, outputs], and the
        last states; a gradient that is longer than any since `norms` was asked is noted."""
        leaf = self.weights.detach().requires_grad_()
        found, ends = self.answers(leaf, x, self.ends)
        gradient = torch.autograd.grad((found - y).square().mean((1, 2)).sum(), leaf)[0]
        self.longest = torch.maximum(self.longest, gradient.norm(dim=1))
        return gradient, ends

    def learn(self, x: Tensor, y: Tensor) -> None:
        """One step."""
        if not learns(self.net):
            return
        gradient, ends = self.gradient(x, y)
        if self.net.clip:  # by its norm (Pascanu et al., 2013)
            gradient = gradient * (self.net.clip / gradient.norm(dim=1, keepdim=True)).clamp(max=1)
        if self.net.carried:  # wrong: these sequences have nothing to do with the next
            self.ends = [(h.detach(), c.detach()) for h, c in ends]
        self.optimizer.step(gradient)

    @torch.no_grad()
    def tested(self, x: Tensor) -> np.ndarray:
        """Answers [members, n, outputs]; where states are carried over, after other sequences, those beside."""
        start = None
        if self.net.carried:
            _, ends = self.answers(self.weights, x)
            start = [(h.roll(1, 1), c.roll(1, 1)) for h, c in ends]
        return self.answers(self.weights, x, start)[0].numpy()

    def norms(self) -> np.ndarray:
        """The longest gradient [members] since this was asked."""
        found, self.longest = self.longest.numpy(), torch.zeros_like(self.longest)
        return found


def fed_back(named: Mapping[str, Tensor], x: Tensor) -> tuple[Tensor, list[State]]:
    """States of a network whose output, and nothing else, comes back as an input (Jordan, 1986): what the output has
    of the state, V Wₒ, takes the place of a matrix of the state."""
    w, b, out, out_b = (named[name] for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
    w_x, w_y = w.split([2, w.shape[2] - 2], 2)
    offset = torch.bmm(w_y, out_b.unsqueeze(2)).squeeze(2)
    h, end = one_direction("rnn", (w_x, torch.bmm(w_y, out), b, offset), x.permute(0, 3, 1, 2), None, None)
    return h, [end]


def gradient_through_time(nets: Population, x: Tensor) -> np.ndarray:
    """‖∂answer/∂state‖ at every step over that at the last one, means over sequences: [members, time]; the state is h
    and c of all layers. No number where there is no state that goes forward alone."""
    if nets.net.cell in ("cnn", "fed_back") or nets.net.both:
        return np.full((len(nets.weights), nets.params.length), np.nan)
    time = nets.steps(x)
    weights, states = nets.weights.detach().requires_grad_(), list[list[State]]()
    for step in range(time):
        start = states[-1] if states else None
        found, ends = sequence_forward(nets.layers, nets.shape, weights, x[..., step : step + 1], start=start)
        states.append(ends)
    flat = [part for ends in states for pair in ends for part in pair]
    each = torch.autograd.grad(found.sum(), flat, allow_unused=True, materialize_grads=True)
    squares = torch.stack([part.square().sum(-1) for part in each]).unflatten(0, (time, -1)).sum(1)
    size = squares.sqrt().mean(2).numpy()  # [time, members]
    full = np.full((nets.params.length, len(nets.weights)), np.nan)
    full[:time] = size / size[-1]
    return full.T


@torch.no_grad()
def held(nets: Population, x: Tensor) -> np.ndarray:
    """R² [members, time] of every value that came in, read out of the last state by a linear regression: fitted on the
    first half of the sequences x, measured on the others (memory function; Jaeger, 2001). No number without a state."""
    count, time = x.shape[1], x.shape[3]
    if nets.net.cell == "cnn":
        return np.full((len(x), time), np.nan)
    _, ends = nets.answers(nets.weights, x)
    state = torch.cat([ends[-1][0], torch.ones(len(x), count, 1)], 2).double()
    y, half = x[:, :, 0].double(), count // 2
    eye = 1e-8 * count * torch.eye(state.shape[2], dtype=torch.float64)
    fit, rest = state[:, :half], state[:, half:]
    if not torch.isfinite(state).all():
        return np.full((len(x), time), np.nan)
    found = torch.linalg.solve(fit.mT @ fit + eye, fit.mT @ y[:, :half])
    left = (rest @ found - y[:, half:]).square().mean(1)
    spread = y[:, half:].var(1, correction=0)
    return torch.where(spread > 0, 1 - left / spread, torch.nan).clamp(min=0).numpy()


@torch.no_grad()
def inside(nets: Population, x: Tensor) -> Tensor:
    """Quantities of the units of the last layer at x, [members, quantity, n, unit, time]: gates as they open, c, h;
    of a network that goes both ways those of the forward direction. No numbers where there is nothing of the kind."""
    members, n, _, time = x.shape
    net, steps = nets.net, nets.steps(x)
    cell = "lstm" if net.cell == "hand" else net.cell
    if cell == "cnn":
        return torch.full((members, 7, n, nets.params.units, time), torch.nan)
    x = x[..., :steps]
    if cell == "fed_back":
        hs = fed_back(nets.named(nets.weights), x)[0]
        found = hs.new_full((7, steps, members, n, hs.shape[-1]), torch.nan)
        found[AT_STATE] = hs.transpose(0, 1)
    else:
        below = nets.layers[: net.layers - 1]
        size = sum(int(np.prod(shape)) for shape in parameters(below, nets.shape).values())
        inputs, _ = sequence_forward(below, nets.shape, nets.weights[:, :size], x)
        own = (w for name, w in nets.named(nets.weights).items() if name.startswith(f"{len(below)}."))
        w_x, w_h, b_x, b_h, *p = [w for w, _ in zip(own, range(5 if cell == "peephole" else 4))]
        z = torch.baddbmm(b_x.unsqueeze(1), inputs.permute(0, 3, 1, 2).flatten(1, 2), w_x.mT)
        found = opened(cell, z.view(members, steps, n, -1).transpose(0, 1), w_h, b_h.unsqueeze(1), p)
    whole = found.new_full((*found.shape[:1], time, *found.shape[2:]), torch.nan)
    whole[:, :steps] = found
    return whole.permute(2, 0, 3, 4, 1)


def opened(cell: str, z: Tensor, w: Tensor, b: Tensor, peepholes: list[Tensor]) -> Tensor:
    """The same [quantity, time, members, n, unit] of one layer, from what inputs add to its gates (`core.ml.recurrent`
    has the steps)."""
    time, members, n, _ = z.shape
    units, keeps_c = w.shape[-1], CELLS[cell].keeps_c
    p = peepholes[0].transpose(0, 1).unsqueeze(2) if peepholes else None
    hs, cs = z.new_zeros(time + 1, members, n, units), z.new_zeros(time + 1, members, n, units * keeps_c)
    gates, inner = torch.empty_like(z, memory_format=torch.contiguous_format), torch.empty_like(hs[1:])
    for at, now in zip(map(TimeStep, over_time(gates, units), inner, hs, hs[1:], cs, cs[1:]), z):
        torch.baddbmm(b, at.h, w.mT, out=at.gates.all)
        CELLS[cell].forward(at, now, p)
    found = z.new_full((7, time, members, n, units), torch.nan)
    found[AT_STATE] = hs[1:]
    if keeps_c:
        found[AT_CELL] = cs[1:]
    for gate, quantity in zip(gates.split(units, -1), GATES_OF[cell]):
        if quantity is not None:
            found[quantity] = gate
    return found


def looked_into(nets: Population, x: Tensor, example: Tensor) -> dict[str, np.ndarray]:
    """At sequences x [members, n, 2, time] and one example [1, 1, 2, time]: `through` and `held` [members, time],
    `mean_gate` [members, quantity, mark], and `inside` of the first member, [quantity, unit, time]."""
    units = inside(nets, x[:, :64])
    marks = x[:, :64, 1].unsqueeze(1).unsqueeze(3)
    mean = [torch.where(marks == mark, units, torch.nan).nanmean((2, 3, 4)).numpy() for mark in (0, 1)]
    first = Population(nets.params, nets.net, nets.weights[:1].numpy())
    shown = inside(first, example)[0, :, 0].numpy()
    return {
        "through": gradient_through_time(nets, x[:, :16]),
        "held": held(nets, x),
        "mean_gate": np.stack(mean, -1),
        "inside": padded(shown),
    }


def padded(units: np.ndarray) -> np.ndarray:
    """The first SHOWN units of [quantity, unit, time]; what there are less is no number."""
    return np.pad(units, ((0, 0), (0, max(SHOWN - units.shape[1], 0)), (0, 0)), constant_values=np.nan)[:, :SHOWN]
