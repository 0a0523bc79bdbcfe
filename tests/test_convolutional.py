"""Convolutional networks of a population against torch.nn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from core.ml.convolutional import NOT_MONOTONE, Conv, convolutional_forward, convolutional_weights, image_sizes
from core.ml.networks import ACTIVATIONS

MODULES = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}
POOLS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
MEMBERS, N = 3, 5

CASES = {
    "one": ((1, 8, 8), (Conv(4, pool=2),), (3,)),
    "two": ((1, 8, 8), (Conv(4, pool=2), Conv(6, pool=2)), (10,)),
    "no pooling, odd sides": ((2, 7, 9), (Conv(3, kernel=2, padding=0), Conv(5, stride=2)), (6, 4)),
    "pooling drops a row": ((3, 7, 7), (Conv(4, kernel=5, padding=2, pool=3), Conv(2, kernel=1, padding=0)), (3,)),
    "none": ((2, 3, 3), (), (4, 2)),
}


@pytest.mark.parametrize("pooling", POOLS)
@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("case", CASES)
def test_every_member_computes_and_learns_what_it_would_alone(case: str, activation: str, pooling: str) -> None:
    image, convs, dense = CASES[case]
    rng = torch.Generator().manual_seed(0)
    rows = [convolutional_weights(image, convs, dense, seed) for seed in range(MEMBERS)]
    weights = torch.as_tensor(np.stack(rows)).double().requires_grad_()
    x = torch.randn(MEMBERS, *image, N, generator=rng, dtype=torch.float64)
    toward = torch.randn(MEMBERS, dense[-1], N, generator=rng, dtype=torch.float64)
    outputs = convolutional_forward(weights, x, convs, dense, activation, pooling)
    gradient = torch.autograd.grad((outputs * toward).sum(), weights)[0]

    layers: list[nn.Module] = []
    for fan, conv in zip([image[0], *(c.channels for c in convs)], convs):
        layers += [nn.Conv2d(fan, conv.channels, conv.kernel, conv.stride, conv.padding), MODULES[activation]()]
        layers += [POOLS[pooling](conv.pool)] if conv.pool > 1 else []
    layers += [nn.Flatten()]
    for i, o in pairwise((int(np.prod(image_sizes(image, convs)[-1])), *dense)):
        layers += [nn.Linear(i, o), MODULES[activation]()]
    alone = nn.Sequential(*layers[:-1]).double()
    for m in range(MEMBERS):
        nn.utils.vector_to_parameters(weights[m].detach(), alone.parameters())
        expected = alone(x[m].movedim(-1, 0)).T
        assert_close(outputs[m], expected, rtol=0, atol=1e-12)
        found = torch.autograd.grad((expected * toward[m]).sum(), list(alone.parameters()))
        assert_close(gradient[m], torch.cat([g.flatten() for g in found]), rtol=0, atol=1e-12)
        assert gradient[m].abs().max() > 0.1


def test_pooling_may_only_come_first_where_activations_rise() -> None:
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    of_one_number = {name: f for name, f in ACTIVATIONS.items() if name not in ("prelu", "maxout")}
    for name, activation in of_one_number.items():
        assert (activation(x).diff().min() >= 0) == (name not in NOT_MONOTONE), name


def test_an_image_that_vanishes_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is left of an image of \\(2, 2\\)"):
        convolutional_weights((1, 8, 8), (Conv(4, pool=2), Conv(4, pool=2), Conv(4, pool=4)), (10,), 0)


def test_initial_weights() -> None:
    image, convs, dense = (3, 8, 8), (Conv(16, pool=2), Conv(32, kernel=5, padding=2, pool=2)), (10,)
    one, again, other = (convolutional_weights(image, convs, dense, seed) for seed in (3, 3, 4))
    assert one.dtype == np.float32 and one.tobytes() == again.tobytes() and not (one == other).any()
    first, second, last = np.split(one, np.cumsum([16 * 28, 32 * 401]))
    assert len(last) == 10 * 129
    for part, fan_in in ((first, 27), (second, 400), (last, 128)):
        assert 0.97 * fan_in**-0.5 < np.abs(part).max() <= np.float32(fan_in**-0.5)
        assert part.std() == pytest.approx((3 * fan_in) ** -0.5, rel=0.08)
