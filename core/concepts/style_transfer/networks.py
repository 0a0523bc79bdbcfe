"""What sees pictures: a trained network, random filters, colours alone. And the picture that is changed for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.style_transfer.params import FILTERS, SIZES, WIDTHS
from core.ml.pretrained import features, kernels
from core.ml.random import stream

TAPS = (0, 1, 3, 5, 8)  # of the trained network; their maps have 1, 1, ½, ¼, ⅛ of the picture's sides
MIDDLE, SPREAD = 0.45, 0.22  # of the levels of photographs, by which random filters have them scaled
MEMORY = 20  # steps that L-BFGS remembers


class Eye(NamedTuple):
    """look(pictures [n, 3, height, width] from 0 to 1, depth): the maps of the first layers, [n, channels, …] each."""

    look: Callable[[Tensor, int], list[Tensor]]
    weights: list[Tensor]


def eye(kind: str, seed: int) -> Eye:
    """A network by its name; its random filters are of this seed."""
    if kind == "trained":
        return Eye(trained_maps, [kernel.weight for row in kernels()[: TAPS[-1] + 1] for kernel in row])
    if kind == "colours":
        return Eye(lambda pictures, depth: [pictures], [])
    if kind == "random":
        weights = filters(seed, [(wide, 3) for wide in WIDTHS])
        return Eye(lambda pictures, depth: in_a_row(pictures, weights[:depth]), weights)
    sides = SIZES if kind == "sizes" else SIZES[:1]
    weights = [filters(seed + k, [(FILTERS * len(SIZES) // len(sides), side)])[0] for k, side in enumerate(sides)]
    return Eye(lambda pictures, depth: [torch.cat([in_a_row(pictures, [w])[0] for w in weights], 1)], weights)


def trained_maps(pictures: Tensor, depth: int) -> list[Tensor]:
    """Pictures are doubled in size: the first layer of the trained network passes over every second place."""
    doubled = functional.interpolate(pictures, scale_factor=2.0, mode="bilinear")
    found = features(doubled, TAPS[depth - 1] + 1)
    return [found[tap] for tap in TAPS[:depth]]


def filters(seed: int, shapes: list[tuple[int, int]]) -> list[Tensor]:
    """Filters of layers in a row, (how many, their side) each, normal with variance 2 / inputs (He et al., 2015)."""
    given, found = 3, []
    for i, (count, side) in enumerate(shapes):
        drawn = stream("filters", seed, i).standard_normal((count, given, side, side))
        found.append(torch.as_tensor(drawn * (2 / (given * side * side)) ** 0.5, dtype=torch.float32))
        given = count
    return found


def in_a_row(pictures: Tensor, weights: list[Tensor]) -> list[Tensor]:
    """Maps behind every convolution with its ReLU; sides are halved in between, and mirrored at borders."""
    x, found = (pictures - MIDDLE) / SPREAD, list[Tensor]()
    for weight in weights:
        half = weight.shape[-1] // 2
        x = functional.avg_pool2d(x, 2) if found and min(x.shape[-2:]) > 1 else x
        padded = functional.pad(x, (half,) * 4, mode="reflect" if half < min(x.shape[-2:]) else "replicate")
        found.append(x := functional.conv2d(padded, weight).relu())
    return found


def gram(maps: Tensor, divided: bool = True) -> Tensor:
    """Products of every two maps, mean over places (Gatys et al., 2016, have the sum), [n, channels, channels]."""
    flat = maps.flatten(2)
    return flat @ flat.mT / (flat.shape[-1] if divided else 1)


def off(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared differences over the squares of what is wanted."""
    return ((found - wanted) ** 2).sum() / (wanted**2).sum().clamp_min(1e-12)


def style_off(found: list[Tensor], wanted: list[Tensor], divided: bool = True) -> Tensor:
    """Distance of Gram matrices, mean over layers."""
    pairs = zip(found, wanted, strict=True)
    return torch.stack([off(gram(maps, divided), gram(other, divided)) for maps, other in pairs]).mean()


class Painting:
    """Pixels that an optimizer changes until `aim(picture)` is small; no weight of any network is."""

    def __init__(self, start: Tensor, aim: Callable[[Tensor], Tensor], optimizer: str, rate: float):
        self.pixels, self.aim, self.bounded = start.clone().requires_grad_(), aim, optimizer == "adam"
        self.losses: list[float] = []  # at every evaluation
        if self.bounded:
            self.optimizer: torch.optim.Optimizer = torch.optim.Adam([self.pixels], rate)
        else:
            how = {"max_iter": 1, "history_size": MEMORY, "tolerance_grad": 0.0, "tolerance_change": 0.0}
            self.optimizer = torch.optim.LBFGS([self.pixels], 1.0, line_search_fn="strong_wolfe", **how)  # type: ignore[arg-type]

    def evaluated(self) -> Tensor:
        """The loss with its gradient, in proportion to the number of pixels: what L-BFGS takes for no change at all is
        an absolute number."""
        self.optimizer.zero_grad()
        loss = self.pixels.numel() * self.aim(self.pixels)
        loss.backward()
        self.losses.append(float(loss.detach()) / self.pixels.numel())
        return loss

    def advance(self, evaluations: int) -> None:
        """Until there were so many evaluations; L-BFGS, which looks along a line, may end a few later."""
        while len(self.losses) < evaluations:
            self.optimizer.step(self.evaluated)  # type: ignore[arg-type]
            if self.bounded:
                with torch.no_grad():
                    self.pixels.clamp_(0, 1)

    @property
    def picture(self) -> Tensor:
        """Levels between black and white, [1, 3, height, width]."""
        return self.pixels.detach().clamp(0, 1)


def tensor(picture: np.ndarray) -> Tensor:
    """[row, column, channel] from 0 to 1 as [1, channel, row, column]."""
    return torch.as_tensor(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None]


def levels(pictures: Tensor) -> np.ndarray:
    """[n, channel, row, column] from 0 to 1 as 0 … 255, [n, row, column, channel]."""
    return (255 * pictures).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def noise(high: int, wide: int, seed: int) -> Tensor:
    """Every level alike, [1, 3, height, width]."""
    return tensor(stream("noise", seed).random((high, wide, 3)))
