"""Networks of a population against torch.nn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from core.concepts.optimizer_race import params
from core.ml.networks import ACTIVATIONS, forward, initial_weights

MODULES = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "identity": nn.Identity,
}


def sequential(row: torch.Tensor, sizes: tuple[int, ...], activation: str) -> nn.Sequential:
    """One member as a network of torch.nn."""
    layers: list[nn.Module] = []
    for i, o in pairwise(sizes):
        linear = nn.Linear(i, o, dtype=row.dtype)
        with torch.no_grad():
            linear.weight.copy_(row[: i * o].view(o, i))
            linear.bias.copy_(row[i * o : i * o + o])
        row = row[i * o + o :]
        layers += [linear, MODULES[activation]()]
    assert not len(row)
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 2), (4, 3, 6, 2)])
def test_every_member_computes_what_it_would_alone(activation: str, sizes: tuple[int, ...]) -> None:
    rng = torch.Generator().manual_seed(0)
    weights = torch.stack([torch.as_tensor(initial_weights(sizes, seed)).double() for seed in range(4)])
    x = torch.randn(4, 7, sizes[0], generator=rng, dtype=torch.float64)
    found = forward(weights, x.mT, sizes, activation).mT
    assert found.shape == (4, 7, sizes[-1])
    for member in range(4):
        expected = sequential(weights[member], sizes, activation)(x[member])
        assert (found[member] - expected).abs().max() < 1e-13


def test_the_names_offered_are_those_there_are() -> None:
    assert set(params.ACTIVATIONS) == set(ACTIVATIONS) == set(MODULES)


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
