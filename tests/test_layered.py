"""Networks described once: names, shapes and costs, and a population's numbers, against torch.nn."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.testing import assert_close

from core.ml.architecture import (
    Act,
    Conv,
    Dense,
    Flatten,
    Impossible,
    Layers,
    Mean,
    Norm,
    Pool,
    Residual,
    Shape,
    buffers,
    multiply_adds,
    parameter_count,
    parameters,
    places,
    windows,
)
from core.ml.layered import layered_forward, layered_weights, running, untangled
from core.ml.networks import ACTIVATIONS
from core.takeaway.weights import cut

MEMBERS, N = 3, 5
BLOCK = Residual((Conv(8), Norm(), Act(), Conv(8), Norm(scale=0.5)))
NETS: dict[str, tuple[Shape, Layers]] = {
    "signals": ((1, 20), (Conv(8, 5), Act(), Pool(), BLOCK, Act(), Mean(), Dense(4))),
    "images": ((2, 9, 7), (Conv(4, 3, 2, bias=False), Norm(), Act("tanh"), Pool(2, "mean", 1), Flatten(), Dense(3))),
    "downwards": (
        (3, 8, 8),
        (Residual((Conv(6, stride=2), Act()), (Conv(6, 1, 2, bias=False), Norm())), Act("gelu"), Mean(), Dense(2)),
    ),
    "odd windows": (
        (4, 11, 9),
        (Conv(4, 2, 1, 0), Conv(8, 3, 2, 3, 2, 2), Norm("layer"), Act(), Pool(3, "max", 2, 1), Flatten(), Dense(2)),
    ),
    "plain": ((2, 12), (Residual((Conv(4), Norm(), Act("silu")), added=False), Flatten(), Dense(3, bias=False))),
    "dense": ((6,), (Dense(8), Norm(), Act(), Residual((Dense(8), Norm("layer"), Act())), Dense(3))),
}
ACTS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU}


class Sum(nn.Module):
    def __init__(self, layer: Residual, shape: Shape):
        super().__init__()
        self.body = module(layer.body, shape)
        self.shortcut = module(layer.shortcut, shape) if layer.added else None

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) if self.shortcut is None else self.body(x) + self.shortcut(x)


def module(layers: Layers, shape: Shape) -> nn.Sequential:
    """The same network by torch.nn."""
    found: list[nn.Module] = []
    for layer in layers:
        d = len(shape) - 1
        if isinstance(layer, Conv):
            kind = {1: nn.Conv1d, 2: nn.Conv2d}[d]
            place = (layer.stride, layer.padded, layer.dilation, layer.groups, layer.bias)
            found.append(kind(shape[0], layer.channels, layer.kernel, *place))
        elif isinstance(layer, Pool):
            kinds = {"max": (nn.MaxPool1d, nn.MaxPool2d), "mean": (nn.AvgPool1d, nn.AvgPool2d)}
            found.append(kinds[layer.kind][d - 1](layer.size, layer.stepped, layer.padding))
        elif isinstance(layer, Norm):
            batch = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d}[d]
            found.append(batch(shape[0]) if layer.kind == "batch" else nn.GroupNorm(1, shape[0]))
        elif isinstance(layer, Mean):
            found.append(nn.Sequential({1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}[d](1), nn.Flatten()))
        elif isinstance(layer, Flatten):
            found.append(nn.Flatten())
        elif isinstance(layer, Dense):
            found.append(nn.Linear(shape[0], layer.units, layer.bias))
        elif isinstance(layer, Residual):
            found.append(Sum(layer, shape))
        else:
            found.append(ACTS[layer.name]())
        shape = layer.shape(shape)
    return nn.Sequential(*found)


def keep(kept: dict[str, Tensor], name: str, _: nn.Module, given: tuple[Tensor], out: Tensor) -> None:
    kept[name] = out
    out.retain_grad()


def several(net: str) -> tuple[Shape, Layers, Tensor, Tensor, list[nn.Sequential]]:
    """A population in float64, its inputs, and every member as torch.nn has it."""
    shape, layers = NETS[net]
    rows = np.stack([layered_weights(layers, shape, seed) for seed in range(MEMBERS)])
    alone = [module(layers, shape).double() for _ in range(MEMBERS)]
    for m, one in enumerate(alone):
        named = {name: torch.as_tensor(part).double() for name, part in cut(rows[m], parameters(layers, shape)).items()}
        missing = one.load_state_dict(OrderedDict(named), strict=False)
        assert not missing.unexpected_keys
        assert {name for name in missing.missing_keys if "num_batches" not in name} == set(buffers(layers, shape))
    x = torch.randn(MEMBERS, N, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return shape, layers, torch.as_tensor(rows).double(), x, alone


@pytest.mark.parametrize("net", NETS)
def test_every_member_computes_learns_and_keeps_what_it_would_alone(net: str) -> None:
    shape, layers, weights, x, alone = several(net)
    weights.requires_grad_()
    statistics, taps = running(layers, shape, weights.detach()), {}
    outputs = layered_forward(layers, shape, weights, x, statistics, taps=taps)
    toward = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    gradient, *slopes = torch.autograd.grad((outputs * toward).sum(), [weights, *taps.values()])
    tested = layered_forward(layers, shape, weights.detach(), x, statistics, training=False)
    for m, one in enumerate(alone):
        kept: dict[str, Tensor] = {}
        for name in taps:
            one.get_submodule(name).register_forward_hook(partial(keep, kept, name))
        expected = one(x[m])
        assert_close(outputs[m].mT, expected, rtol=0, atol=1e-12)
        (expected * toward[m].mT).sum().backward()
        found = cut(gradient[m].numpy(), parameters(layers, shape))
        for name, weight in one.named_parameters():
            assert_close(torch.as_tensor(found[name]), weight.grad, rtol=0, atol=1e-12)
        for (name, h), slope in zip(taps.items(), slopes):
            for mine, its in ((h, kept[name]), (slope, kept[name].grad)):
                assert its is not None
                assert_close(untangled(mine, MEMBERS)[m].reshape(its.shape), its, rtol=0, atol=1e-12)
        for name in buffers(layers, shape):
            assert_close(statistics[name][m], one.get_buffer(name), rtol=0, atol=1e-12)
        assert_close(tested[m].mT, one.eval()(x[m]), rtol=0, atol=1e-12)
        assert gradient[m].abs().max() > 0.01


@pytest.mark.parametrize("net", NETS)
def test_names_shapes_and_costs_are_those_of_torch(net: str) -> None:
    shape, layers = NETS[net]
    alone = module(layers, shape)
    assert {name: tuple(weight.shape) for name, weight in alone.named_parameters()} == parameters(layers, shape)
    assert parameter_count(layers, shape) == sum(weight.numel() for weight in alone.parameters())
    gives: dict[str, Shape] = {}
    for place in places(layers, shape):
        hook = lambda _, __, out, name=place.name: gives.update({name: tuple(out.shape[1:])})  # noqa: E731
        alone.get_submodule(place.name).register_forward_hook(hook)
    alone.eval()(torch.zeros(2, *shape))
    assert gives == {place.name: place.gives for place in places(layers, shape)}
    products = sum(
        prod(parameters(layers, shape)[f"{place.name}.weight"]) * prod(place.gives[1:])
        for place in places(layers, shape)
        if isinstance(place.layer, Conv | Dense)
    )
    norms = sum(prod(place.gives) for place in places(layers, shape) if isinstance(place.layer, Norm))
    assert multiply_adds(layers, shape) == products + norms


def test_a_receptive_field_is_what_changes_an_output() -> None:
    layers: Layers = (
        Conv(2, 5),
        Pool(2, "mean"),
        Residual((Conv(2, 3), Conv(2, 3, 2)), (Conv(2, 1, 2),)),
        Conv(2, 3, dilation=2),
    )
    alone = module(layers, (1, 120)).double()
    for place in places(layers, (1, 120)):
        if "." not in place.name:
            x = torch.randn(1, 1, 120, dtype=torch.float64, requires_grad=True)
            out = x
            for layer in list(alone)[: int(place.name) + 1]:
                out = layer(out)
            seen = torch.autograd.grad(out[0, :, out.shape[2] // 2].sum(), x)[0][0, 0].nonzero().flatten()
            assert int(seen.max() - seen.min()) + 1 == place.field, place.name


def test_gates_take_a_block_out_for_one_member_only() -> None:
    shape, layers, weights, x, alone = several("signals")
    gates = {"3": torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], dtype=torch.float64)}  # all, no block, no shortcut
    outputs = layered_forward(layers, shape, weights, x, gates=gates)
    for m, one in enumerate(alone):
        block = one[3]
        ways = (block, block.shortcut, block.body)
        h = one[:3](x[m])
        assert_close(outputs[m].mT, one[4:](ways[m](h)), rtol=0, atol=1e-12)


def test_what_all_see_is_given_once() -> None:
    shape, layers, weights, x, _ = several("images")
    same = layered_forward(layers, shape, weights, x[:1].expand(MEMBERS, *x.shape[1:]))
    assert_close(layered_forward(layers, shape, weights, x[:1]), same, rtol=0, atol=0)


def test_first_weights() -> None:
    shape, layers = (3, 8, 8), (Conv(16), Norm(scale=0.25), Act(), Conv(32, 5), Flatten(), Dense(10))
    one, again, other = (layered_weights(layers, shape, seed) for seed in (3, 3, 4))
    assert one.dtype == np.float32 and one.tobytes() == again.tobytes()
    named, others = (cut(row, parameters(layers, shape)) for row in (one, other))
    for name, fan_in in (("0", 27), ("3", 400), ("5", 2048)):
        w = named[f"{name}.weight"]
        assert (
            0.97 * fan_in**-0.5 < np.abs(w).max() <= np.float32(fan_in**-0.5)
            and not (w == others[f"{name}.weight"]).any()
        )
        assert w.std() == pytest.approx((3 * fan_in) ** -0.5, rel=0.08)
    assert (named["1.weight"] == 0.25).all() and not named["1.bias"].any()
    he = cut(layered_weights(layers, shape, 3, "he"), parameters(layers, shape))
    assert he["3.weight"].std() == pytest.approx((2 / 400) ** 0.5, rel=0.03) and not he["3.bias"].any()
    deeper = cut(layered_weights((*layers, Dense(2)), shape, 3), parameters((*layers, Dense(2)), shape))
    assert all((deeper[name] == part).all() for name, part in named.items())


sizes = st.integers(-1, 9)


@settings(max_examples=1500, deadline=None)
@given(side=st.integers(1, 40), kernel=sizes, stride=sizes, padding=sizes, dilation=sizes)
def test_windows_are_those_of_torch_or_refused(
    side: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    try:
        w = torch.zeros(1, 1, max(kernel, 0))
        expected = functional.conv1d(torch.zeros(1, 1, side), w, None, stride, padding, dilation).shape[2]
    except (RuntimeError, ValueError):
        expected = None
    try:
        found = windows(side, kernel, stride, padding, dilation)
    except Impossible as no:
        assert no.reason in ("kernel", "stride", "dilation", "padding", "reach")
        found = None
    assert found == expected


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ((Conv(4, 9, padding=0),), "reach"),
        ((Conv(4, 4),), "even"),
        ((Conv(4, groups=3),), "groups"),
        ((Dense(3),), "sides"),
        ((Mean(), Conv(3)), "flat"),
        ((Pool(9),), "reach"),
        ((Residual((Conv(4),)),), "shortcut"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(layers: Layers, reason: str) -> None:
    with pytest.raises(Impossible) as no:
        list(places(layers, (2, 8, 8)))
    assert no.value.reason == reason


def test_every_activation_without_weights_is_a_layer() -> None:
    x = torch.linspace(-2, 2, 8).view(1, 1, 8)
    for name in ACTIVATIONS:
        if name not in ("prelu", "maxout"):
            found = layered_forward((Act(name),), (8,), torch.empty(1, 0), x)
            assert_close(found[0].mT, ACTIVATIONS[name](x[0]))
