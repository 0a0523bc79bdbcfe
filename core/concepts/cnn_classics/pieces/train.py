"""Heads, kernels, branches: small networks that differ in one piece, on the same digits and batches."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.cnn_classics.digits import small_digits
from core.concepts.cnn_classics.params import DIGITS, Params
from core.concepts.cnn_classics.pieces.params import (
    AS_CONVOLUTIONS,
    BATCH,
    BRANCHES,
    DELETED,
    ENDS,
    EXAMPLES,
    GIVEN,
    HEAD,
    HEADED,
    NETS,
    SPLIT,
    Result,
)
from core.ml.architecture import multiply_adds, parameter_count
from core.ml.layered import layered_forward
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.signal_nets import TESTED, Race

PROBED = 250  # training digits that are measured
PIECE = 250  # examples that are looked at together


class Pictures(Race):
    """A race on pictures, whose networks may have an auxiliary head: its loss counts `head` in training, and without it
    they are tested."""

    head: float | None = None

    def ends(self, weights: Tensor, x: Tensor) -> list[Tensor]:
        """What the network and its auxiliary head say at x [members, n, …]: [members, classes, n] each."""
        taps: dict[str, Tensor] = {}
        layered_forward(self.layers, self.shape, weights, x, taps=taps)
        return [taps[f"{SPLIT}.{end}.{len(layers) - 1}"] for end, layers in ENDS.items()]

    def step(self, which: np.ndarray) -> None:
        if self.head is None:
            super().step(which)
            return
        members, places = torch.arange(len(which))[:, None], torch.as_tensor(which, dtype=torch.int64)
        leaf, y = self.weights.detach().requires_grad_(), self.y[members, places].flatten()
        said = self.ends(leaf, self.x[members, places])
        whole, beside = (functional.cross_entropy(z.mT.flatten(0, 1), y) for z in said)
        self.optimizer.step(torch.autograd.grad((whole + self.head * beside) * len(which), leaf)[0])

    @torch.no_grad()
    def right(self, x: Tensor, y: Tensor, gates: Mapping[str, Tensor] | None = None) -> np.ndarray:
        found = []
        for part in x.split(PIECE, 1):
            if self.head is None:
                found.append(layered_forward(self.layers, self.shape, self.weights, part, gates=gates))
            else:
                found.append(self.ends(self.weights, part)[0])
        return (torch.cat(found, 2).argmax(1) == y).double().mean(1).numpy()

    def both(self) -> np.ndarray:
        """Of training digits and of test digits: [members, 2]."""
        return np.stack([self.right(self.x[:, :PROBED], self.y[:, :PROBED]), self.tested()], -1)


def gate(body: float, shortcut: float, members: int) -> Tensor:
    return torch.tensor([[body], [shortcut]]).expand(2, members)


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps; at the end weights [seeds, D] of every
    net."""
    seeds, moments = range(params.seeds), np.array([0, params.updates])
    x, y = (np.stack(parts) for parts in zip(*(some(params.data_seed + s) for s in seeds)))
    start = [params.weight_seed + s for s in seeds]
    races = {name: Pictures(layers, GIVEN, start, x, y, params.updates) for name, layers in NETS.items()}
    races["alone"].head, races["headed"].head = 0.0, HEAD
    drawn = np.stack([batches(params.updates, params.data_seed + s) for s in seeds])
    axes = {"net": len(NETS), "seed": params.seeds, "split": 2, "branch": len(BRANCHES), "end": 1}
    used = [(*layers[:-1], *ENDS["body"]) if layers is HEADED else layers for layers in NETS.values()]
    record = Recording(
        Result,
        params,
        params.updates,
        axes,
        tick=moments,
        parameters=np.array([parameter_count(layers, GIVEN) for layers in used]),
        multiply_adds=np.array([multiply_adds(layers, GIVEN) for layers in used]),
    )
    for moment in schedule(params.updates, chunk, tick=moments):
        for step in moment.steps:
            for race in races.values():
                race.step(drawn[:, step])
        if moment.due:
            found = [
                np.stack([race.right(race.x[:, :PROBED], race.y[:, :PROBED]), race.tested()], -1)
                for race in races.values()
            ]
            record.append("tick", accuracy=np.stack(found))
        if moment.last:
            record.append("end", deleted=without(races["inception"]), gap=difference(races["dense"]))
        yield record.result(moment.step)
    return {name: race.weights.numpy() for name, race in races.items()}


def some(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The digits of a seed that train, and behind them those that test."""
    x, y = small_digits(seed)
    rows = np.r_[:EXAMPLES, DIGITS : DIGITS + TESTED]
    return x[rows], y[rows]


def batches(updates: int, seed: int) -> np.ndarray:
    """Which examples every step sees: [updates, BATCH]."""
    return stream("pieces", seed).integers(EXAMPLES, size=(updates, BATCH))


def without(race: Pictures) -> np.ndarray:
    """Test accuracy of Inception networks when one branch is deleted: [branch, seed]."""
    x, y, members = race.x[:, -TESTED:], race.y[:, -TESTED:], len(race.weights)
    gates = [{DELETED[branch][0]: gate(*DELETED[branch][1], members)} for branch in BRANCHES]
    return np.stack([race.right(x, y, each) for each in gates])


@torch.no_grad()
def difference(race: Pictures) -> np.ndarray:
    """By how much outputs change when dense layers are computed as convolutions with the same weights, as a share of
    the largest: [seed]."""
    x = race.x[:, -PIECE:]
    one, other = (layered_forward(layers, GIVEN, race.weights, x) for layers in (race.layers, AS_CONVOLUTIONS))
    return ((one - other).abs().amax((1, 2)) / one.abs().amax((1, 2))).double().numpy()
