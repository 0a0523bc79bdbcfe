"""Networks of a population against torch.nn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.concepts.optimizer_race import params
from core.ml.networks import ACTIVATIONS, forward, initial_weights, shapes


class Function(nn.Module):
    """Functions of which torch.nn has no module, on examples in rows."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def forward(self, z: Tensor) -> Tensor:
        if self.name == "step":
            return torch.heaviside(z, z.new_zeros(()))
        if self.name == "maxout":
            return z.unflatten(-1, (2, -1)).amax(-2)
        return torch.sigmoid(z) - 0.5 if self.name == "shifted_sigmoid" else torch.tanh(z)


MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "identity": nn.Identity,
    "prelu": nn.PReLU,
    **{name: partial(Function, name) for name in ("step", "maxout", "shifted_sigmoid", "scaled_sigmoid")},
}


def sequential(row: torch.Tensor, sizes: tuple[int, ...], activation: str) -> nn.Sequential:
    """One member as a network of torch.nn."""
    modules: list[nn.Module] = []
    for layer, (i, o) in enumerate(pairwise(sizes), 2):
        rows = 2 * o if activation == "maxout" and layer < len(sizes) else o
        linear = nn.Linear(i, rows, dtype=row.dtype)
        counts = [i * rows, rows] + ([i] if activation == "prelu" and layer > 2 else [])
        w, b, *slopes = row[: sum(counts)].split(counts)
        row = row[sum(counts) :]
        with torch.no_grad():
            linear.weight.copy_(w.view(rows, i))
            linear.bias.copy_(b)
            if slopes:
                modules[-1] = nn.PReLU(i, dtype=row.dtype)
                modules[-1].weight.copy_(slopes[0])
        modules += [linear, MODULES[activation]()]
    assert not len(row)
    return nn.Sequential(*modules[:-1])


@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 2), (4, 3, 6, 2)])
def test_every_member_computes_what_it_would_alone(activation: str, sizes: tuple[int, ...]) -> None:
    rng = torch.Generator().manual_seed(0)
    count = sum(a * b for layer in shapes(sizes, activation) for a, b in layer)
    weights = torch.randn(4, count, generator=rng, dtype=torch.float64)
    x = torch.randn(4, 7, sizes[0], generator=rng, dtype=torch.float64)
    found = forward(weights, x.mT, sizes, activation).mT
    assert found.shape == (4, 7, sizes[-1])
    for member in range(4):
        expected = sequential(weights[member], sizes, activation)(x[member])
        assert (found[member] - expected).abs().max() < 1e-13


def test_the_names_offered_are_those_there_are() -> None:
    assert set(ACTIVATIONS) == set(MODULES)
    assert set(params.ACTIVATIONS) <= set(ACTIVATIONS)


def test_initial_weights() -> None:
    sizes = (64, 32, 10)
    one, again, other = (initial_weights(sizes, seed) for seed in (3, 3, 4))
    assert one.dtype == np.float32 and one.shape == (65 * 32 + 33 * 10,)
    assert one.tobytes() == again.tobytes()
    assert not (one == other).any()
    first, second = one[: 65 * 32], one[65 * 32 :]
    for part, bound in ((first, 64**-0.5), (second, 32**-0.5)):
        assert np.abs(part).max() <= np.float32(bound) and np.abs(part).max() > 0.98 * bound
        assert abs(part.mean()) < 4 * bound / np.sqrt(3 * len(part))
        assert part.std() == pytest.approx(bound / np.sqrt(3), rel=0.08)
    drawn = nn.Linear(64, 1000).weight.detach()  # from the same interval
    assert drawn.abs().max() <= 64**-0.5 and drawn.std().item() == pytest.approx(first.std(), rel=0.05)
