"""Dropout over a population: which units are there in a step, and by what each is multiplied.

Hinton et al. (2012) and Srivastava et al. (2014): in training each unit is left out with probability p, for every
example anew; at test all are there. What a unit passes on keeps its expectation when it is divided by 1 − p in training
(inverted scaling), or when its outgoing weights are multiplied by 1 − p at test (classic scaling).

The random bits are a function of seed, step, layer, example and unit alone (`philox`), and a unit stays where they
reach its rate. So members with the same seed share them: what is left out at a low rate is left out at a higher one.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.ml.random import WORD, philox

HALVES = 8  # units that share the 128 bits of a counter, 16 bits each
LEVELS = 1 << 16  # a rate is a multiple of 1/LEVELS


class Dropout:
    """The masks of a population.

    sizes: units of every layer; rates: of the inputs and of every hidden layer, [members, len(sizes) − 1].
    scaling: per member "inverted", "classic", or "none" (which keeps no expectation).
    seeds: of every data set, [sets]; which: the data set of every member.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        rates: np.ndarray,
        scaling: Sequence[str],
        seeds: np.ndarray,
        which: np.ndarray,
        device: str = "cpu",
    ):
        put = lambda a: torch.as_tensor(np.ascontiguousarray(a), device=device)  # noqa: E731
        self.units = sizes[:-1]
        self.blocks = [-(-units // HALVES) for units in self.units]
        self._layer = put(np.repeat(np.arange(len(self.units)), self.blocks))[:, None]
        self._block = put(np.concatenate([np.arange(n) for n in self.blocks]))[:, None]
        self.seeds, self.which = put(np.asarray(seeds, np.int64) & WORD)[:, None, None], put(which)
        self.limits = put((rates * LEVELS).round().astype(np.int64))[:, :, None, None]
        kept, kind = 1 - rates, np.asarray(scaling)[:, None]
        self.up = put(np.where(kind == "inverted", 1 / kept, 1).astype(np.float32))[:, :, None, None]
        down = np.where(kind == "classic", kept, 1).astype(np.float32)
        fans = zip(down.T[:, :, None], sizes, sizes[1:])
        parts = [part for d, i, o in fans for part in (d.repeat(i * o, 1), np.ones((len(d), o), np.float32))]
        self.down = put(np.concatenate(parts, 1))  # weights; biases stay as they are

    def bits(self, name: str, step: Tensor | int, examples: int) -> list[Tensor]:
        """For every layer [sets, units, examples], whole numbers below LEVELS; `name` keeps uses apart."""
        example = torch.arange(examples, device=self.seeds.device)
        key = self.seeds, zlib.crc32(name.encode())
        words = philox((self._block, example, step, self._layer), key)  # each [sets, blocks of all layers, examples]
        halves = torch.stack([half for word in words for half in (word & LEVELS - 1, word >> 16)], 2)
        layers = halves.split(self.blocks, 1)
        return [layer.flatten(1, 2)[:, :units] for layer, units in zip(layers, self.units)]

    def masks(self, name: str, step: Tensor | int, examples: int) -> list[Tensor]:
        """What every layer is multiplied by in training, [members, units, examples]: 0 or the scale."""
        bits = self.bits(name, step, examples)
        return [(b[self.which] >= self.limits[:, i]) * self.up[:, i] for i, b in enumerate(bits)]

    def at_test(self, weights: Tensor) -> Tensor:
        """The weights [members, D] that a network has at test, where all units are there."""
        return weights * self.down
