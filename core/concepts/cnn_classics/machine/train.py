"""LeCun's network of 1989 in training, with what later decades added: all from the same weights and on the same
digits."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concept.params import LEVELS
from core.concepts.cnn_classics.digits import small_digits
from core.concepts.cnn_classics.machine.params import (
    IDEAS,
    INKS,
    KEPT,
    LENGTH,
    MAPS,
    PROBED,
    ROWS,
    SEEN,
    SHAPES,
    SIDE,
    Drawn,
    Result,
    Said,
    ticks,
)
from core.concepts.cnn_classics.params import DIGITS, TESTED, Params
from core.ml.optimizers import Optimizer, Settings
from core.ml.random import stream
from core.ml.recording import Recording, schedule

PIECE = 50  # digits that are looked at together: more do not fit into a cache
BORDER = -1.0  # what lies around a picture and around maps
STRETCHED, SLOPE = 1.7159, 2 / 3  # tanh of LeCun (1989), which is 1 at 1
# Which maps of the first layer each map of the second sees
SIGHT = np.array([[(start + k) % MAPS for k in range(SEEN)] for start in np.repeat((0, 4, 8), 4)])


def first_weights(seed: int) -> np.ndarray:
    """Uniform in ±2.4/√fan-in (LeCun et al., 1989, in Karpathy's reading of 2022), biases 0: float32 [LENGTH]."""
    parts = []
    for name, shape in SHAPES.items():
        bound = 2.4 * np.prod(shape[1:]) ** -0.5 if name.endswith("weight") else 0.0
        parts.append(stream(f"machine {name}", seed).uniform(-bound, bound, shape))
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def outputs(weights: Tensor, x: Tensor, modern: Tensor, kept: Tensor | None = None) -> Tensor:
    """Weighted sums of the last layer [members, 10, n] of the networks `weights` [members, D] at pictures x
    [members or 1, n, 20, 20], which have a border of two pixels. modern: bool [members], who has ReLU.
    kept: factors [members, 30, n] of the units of H3 (dropout)."""
    members = len(weights)
    rows = weights.split([int(np.prod(shape)) for shape in SHAPES.values()], 1)
    w1, b1, w2, b2, w3, b3, w4, b4 = (row.unflatten(1, shape) for row, shape in zip(rows, SHAPES.values()))
    by_map = modern.repeat_interleave(MAPS).view(1, -1, 1, 1)

    def active(z: Tensor, relu: Tensor) -> Tensor:
        return torch.where(relu, torch.relu(z), STRETCHED * torch.tanh(SLOPE * z))

    seen = w2.new_zeros(members, MAPS, MAPS, 5, 5)
    seen[:, np.arange(MAPS)[:, None], SIGHT] = w2
    maps = x.expand(members, -1, -1, -1).transpose(0, 1).contiguous(memory_format=torch.channels_last)
    maps = functional.conv2d(maps, w1.flatten(0, 1), stride=2, groups=members) + b1.reshape(1, -1, 8, 8)
    maps = functional.pad(active(maps, by_map), (2, 2, 2, 2), value=BORDER)
    maps = functional.conv2d(maps, seen.flatten(0, 1), stride=2, groups=members) + b2.reshape(1, -1, 4, 4)
    h = active(maps, by_map).reshape(len(maps), members, -1).permute(1, 2, 0)
    h = active(torch.baddbmm(b3.unsqueeze(2), w3, h), modern.view(-1, 1, 1))
    return torch.baddbmm(b4.unsqueeze(2), w4, h if kept is None else h * kept)


class Machine:
    """All rows and seeds as one population, members [row · seed]."""

    def __init__(self, params: Params, device: str = "cpu"):
        self.seeds = params.seeds
        sets = [small_digits(params.data_seed + i) for i in range(params.seeds)]
        x, y = (np.stack(parts) for parts in zip(*sets))
        self.x = functional.pad(torch.as_tensor(x, device=device), (2, 2, 2, 2), value=BORDER)
        self.y = torch.as_tensor(y, device=device)
        start = np.stack([first_weights(params.weight_seed + i) for i in range(params.seeds)])
        self.weights = torch.as_tensor(np.tile(start, (len(ROWS), 1)), device=device)
        self.has = {idea: self.flags([idea in row for row in ROWS]) for idea in IDEAS}
        settings = [Settings("adam", params.adam) if "adam" in row else Settings("sgd", params.sgd) for row in ROWS]
        self.optimizer = Optimizer(self.weights, [rule for rule in settings for _ in range(params.seeds)], params.steps)

    def flags(self, rows: list[bool]) -> Tensor:
        return torch.as_tensor(rows, device=self.weights.device).repeat_interleave(self.seeds)

    def of_rows(self, given: Tensor) -> Tensor:
        """What every seed has, for all rows."""
        return given.repeat(len(ROWS), *[1] * (given.dim() - 1))

    def learn(self, which: np.ndarray, moved: np.ndarray, kept: np.ndarray) -> None:
        """A step on the digits which [seed, n], those with shifts moved by [seed, n, 2] of −1, 0, 1 pixels, those with
        dropout without the units of H3 for which kept [seed, 30, n] is 0."""
        device = self.weights.device
        at, seen = torch.as_tensor(which.astype(np.int64), device=device), torch.arange(self.seeds, device=device)
        x, y = self.x[seen[:, None], at], self.y[seen[:, None], at]
        x, y = self.of_rows(x), self.of_rows(y)
        x = torch.where(
            self.has["shifts"].view(-1, 1, 1, 1), shifted(x, self.of_rows(torch.as_tensor(moved, device=device))), x
        )
        factors = self.of_rows(torch.as_tensor(kept / KEPT, dtype=torch.float32, device=device))
        factors = torch.where(self.has["dropout"].view(-1, 1, 1), factors, 1.0)
        leaf = self.weights.detach().requires_grad_()
        z = outputs(leaf, x, self.has["relu"], factors)
        square = (STRETCHED * torch.tanh(SLOPE * z) - signs(y)).square().mean((1, 2))
        entropy = functional.cross_entropy(z, y, reduction="none").mean(1)
        loss = torch.where(self.has["softmax"], entropy, square)
        self.optimizer.step(torch.autograd.grad(loss.sum(), leaf)[0])

    @torch.no_grad()
    def wrong(self, part: slice) -> np.ndarray:
        """Share of wrong answers [members] on these digits."""
        pieces = self.x[:, part].split(PIECE, 1)
        z = torch.cat([outputs(self.weights, self.of_rows(x), self.has["relu"]) for x in pieces], 2)
        wrong = (z.argmax(1) != self.of_rows(self.y[:, part])).double().mean(1)
        return torch.where(z.isfinite().all(1).all(1), wrong, torch.nan).numpy(force=True)


def signs(y: Tensor) -> Tensor:
    """1 for the class, −1 for all others: [members, 10, n]."""
    return 2.0 * functional.one_hot(y, 10).mT - 1


def shifted(x: Tensor, moved: Tensor) -> Tensor:
    """Pictures [members, n, 20, 20] moved down and to the right by [members, n, 2] pixels; the border comes in."""
    side = x.shape[-1]
    line = torch.arange(side, device=x.device)
    rows, columns = ((line - moved[..., k, None]).clamp(0, side - 1) for k in (0, 1))
    at = rows[..., :, None] * side + columns[..., None, :]
    return x.flatten(2).gather(2, at.flatten(2)).view(x.shape)


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end the weights [row, seed, D]."""
    machine, moments = Machine(params, device), ticks(params.steps)
    rngs = [stream("machine", params.data_seed + i) for i in range(params.seeds)]
    axes = {"row": len(ROWS), "seed": params.seeds, "split": 2}
    record = Recording(Result, params, params.steps, axes, tick=moments)
    for moment in schedule(params.steps, chunk, tick=moments):
        for _ in moment.steps:
            drawn = [
                (
                    rng.integers(DIGITS, size=params.batch),
                    rng.integers(-1, 2, size=(params.batch, 2)),
                    rng.random((30, params.batch)) < KEPT,
                )
                for rng in rngs
            ]
            machine.learn(*(np.stack(part) for part in zip(*drawn)))
        if moment.due:
            found = [machine.wrong(part) for part in (slice(PROBED), slice(DIGITS, DIGITS + TESTED))]
            record.append("tick", error=np.stack(found, -1))
        yield record.result(moment.step)
    return {"weights": machine.weights.numpy(force=True).reshape(len(ROWS), params.seeds, LENGTH)}


def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Drawn) -> Said:
    """What a drawing is taken for by every network of the first seed."""
    ink = np.array([LEVELS.index(level) for level in question.pixels or "0" * SIDE**2], np.float32) / (INKS - 1)
    x = torch.as_tensor(2 * ink - 1).view(1, 1, SIDE, SIDE)
    weights = torch.as_tensor(state["weights"][:, 0])
    modern = torch.tensor(["relu" in row for row in ROWS])
    z = outputs(weights, functional.pad(x, (2, 2, 2, 2), value=BORDER), modern)[..., 0]
    low, high = z.amin(1, keepdim=True), z.amax(1, keepdim=True)
    return Said(question, 1, 1, ((z - low) / (high - low).clamp_min(1e-9)).numpy())
