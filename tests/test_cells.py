"""Recurrent layers of a population, described once, against torch.nn: values, gradients, names, counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.testing import assert_close

from core.ml.architecture import (
    GATES,
    Act,
    Conv,
    Dense,
    Embed,
    Impossible,
    Layers,
    Pool,
    Recurrent,
    activation_bytes,
    multiply_adds,
    parameter_count,
    parameters,
    training_step,
)
from core.ml.cells import backwards, sequence_forward, sequence_weights
from core.ml.layered import layered_forward
from core.takeaway.weights import cut
from tests.test_recurrent import TORCH, Peephole

CLOSE: Any = {"rtol": 0, "atol": 1e-10}


def rows(layers: Layers, shape: tuple[int, ...], members: int) -> Tensor:
    found = [sequence_weights(layers, shape, seed) for seed in range(members)]
    return torch.as_tensor(np.stack(found)).double().requires_grad_()


def alone(layer: Recurrent, named: dict[str, Tensor], prefix: str, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """States [time, n, units] and last h [n, units] of one member at x [time, n, features], by modules of torch."""
    if layer.cell != "peephole":
        module = TORCH[layer.cell](x.shape[-1], layer.units, bidirectional=layer.both).double()
        own = {name: named[f"{prefix}.{name}"] for name, _ in module.named_parameters()}
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        states, end = torch.func.functional_call(module, own, (packed,))
        h = end[0] if layer.cell == "lstm" else end
        return pad_packed_sequence(states, total_length=len(x))[0], h.transpose(0, 1).flatten(1)
    ways, ends = [], []
    for direction in layer.directions:
        module = Peephole(x.shape[-1], layer.units)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "peephole")
        for mine, name in zip(("x", "h", "bx", "bh", "p"), names):
            del module._parameters[mine]
            setattr(module, mine, named[f"{prefix}.{name}{direction}"])
        back, found = direction.endswith("reverse"), []
        for i, n in enumerate(lengths):
            sequence = x[:n, i : i + 1]
            zero = x.new_zeros(1, layer.units)
            states, _ = module(sequence.flip(0) if back else sequence, (zero, zero))
            ends.append(states[-1, 0])
            states = states.flip(0) if back else states
            found.append(torch.cat([states[:, 0], x.new_zeros(len(x) - n, layer.units)]))
        ways.append(torch.stack(found, 1))
    return torch.cat(ways, -1), torch.cat(torch.stack(ends).chunk(len(ways)), -1)


@given(
    cells=st.lists(st.sampled_from(tuple(GATES)), min_size=1, max_size=2),
    sizes=st.tuples(*[st.integers(1, 4)] * 3),
    both=st.booleans(),
    last=st.booleans(),
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    padding=st.integers(0, 2),
    ragged=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_every_member_computes_and_learns_what_torch_does_alone(
    cells: list[str], sizes: tuple[int, ...], both: bool, last: bool, lengths: list[int], padding: int, ragged: bool
) -> None:
    features, members, n, time = sizes[0], 2, len(lengths), max(lengths) + padding
    lengths = lengths if ragged else [time] * n
    layers: Layers = tuple(
        Recurrent(units, cell, both, last and k == len(cells) - 1)
        for k, (units, cell) in enumerate(zip(sizes[1:], cells))
    )
    layers += (Dense(2),) if last else (Act("tanh"), Conv(2, 1))
    shape = (features, time)
    weights, rng = rows(layers, shape, members), torch.Generator().manual_seed(0)
    x = torch.randn(members, n, features, time, generator=rng, dtype=torch.float64, requires_grad=True)
    known = torch.tensor(lengths)
    outputs, ends = sequence_forward(layers, shape, weights, x, known[None] if ragged else None)
    toward = torch.randn(outputs.shape, generator=rng, dtype=torch.float64)
    if not last:  # what comes out behind the end of a sequence is not read
        toward = toward * (torch.arange(time) < known[:, None])[None, :, None]
    loss = (outputs * toward).sum() + sum(h.sin().sum() for h, _ in ends)
    gradient, of_x = torch.autograd.grad(loss, [weights, x])
    assert parameter_count(layers, shape) == weights.shape[1]
    for m in range(members):
        named = {
            name: part.clone().requires_grad_() for name, part in split(weights[m].detach(), layers, shape).items()
        }
        mine = x[m].detach().requires_grad_()
        h, total = mine.permute(2, 0, 1), torch.zeros((), dtype=torch.float64)
        for k, layer in enumerate(layers[: len(cells)]):
            assert isinstance(layer, Recurrent)
            h, end = alone(layer, named, f"{k}", h, known)
            assert_close(ends[k][0][m], end, **CLOSE)
            total = total + end.sin().sum()
        head = f"{len(layers) - 1}"
        seen = end if last else h.tanh()
        expected = seen @ named[f"{head}.weight"].view(2, -1).T + named[f"{head}.bias"]
        expected = expected if last else expected.permute(1, 2, 0)
        read = torch.ones_like(expected) if last else (torch.arange(time) < known[:, None])[:, None].double()
        assert_close(outputs[m] * read, expected * read, **CLOSE)
        total = total + (expected * toward[m]).sum()
        *found, to_x = torch.autograd.grad(total, [*named.values(), mine])
        assert_close(gradient[m], torch.cat([g.flatten() for g in found]), **CLOSE)
        assert_close(of_x[m], to_x, **CLOSE)


def split(row: Tensor, layers: Layers, shape: tuple[int, ...]) -> dict[str, Tensor]:
    parts = cut(row.detach().numpy(), parameters(layers, shape))
    return {name: torch.tensor(part, requires_grad=True) for name, part in parts.items()}


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("both", [False, True])
def test_names_shapes_and_products_are_those_of_torch(cell: str, both: bool) -> None:
    layer, shape = Recurrent(5, cell, both), (3, 7)
    module = TORCH.get(cell, nn.LSTM)(3, 5, bidirectional=both)
    expected = {f"0.{name}": tuple(part.shape) for name, part in module.named_parameters()}
    found = parameters((layer,), shape)
    assert {name: size for name, size in found.items() if "peephole" not in name} == expected
    assert sum("peephole" in name for name in found) == (1 + both if cell == "peephole" else 0)
    products = sum(np.prod(size) for name, size in found.items() if "bias" not in name)
    assert multiply_adds((layer,), shape) == 7 * products
    assert (
        activation_bytes((layer,), shape, 2) > 4 * 2 * 7 * 5 and training_step((layer,), shape, 2) > 12 * 7 * products
    )


@pytest.mark.parametrize("cell", ["gru", "peephole"])
def test_a_decoder_goes_on_from_the_states_of_an_encoder_step_by_step(cell: str) -> None:
    layers: Layers = (Embed(6, 3), Recurrent(4, cell), Recurrent(5, cell), Conv(6, 1))
    shape, rng = (1, 9), torch.Generator().manual_seed(0)
    weights, x = rows(layers, shape, 3), torch.randint(0, 6, (1, 2, 1, 9), generator=rng)
    whole, ends = sequence_forward(layers, shape, weights, x)
    found, state = sequence_forward(layers, shape, weights, x[..., :5])
    parts = [found]
    for step in range(5, 9):
        found, state = sequence_forward(layers, shape, weights, x[..., step : step + 1], start=state)
        parts.append(found)
    assert_close(torch.cat(parts, -1), whole, **CLOSE)
    assert_close(state, ends, **CLOSE)


def test_what_stands_at_the_padding_is_not_read() -> None:
    layers: Layers = (Recurrent(4, "peephole", both=True), Recurrent(3, "gru", both=True, last=True), Dense(2))
    weights, lengths = rows(layers, (2, 6), 2), torch.tensor([[3, 6], [1, 4]])
    x = torch.randn(2, 2, 2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    other = x.where(torch.arange(6) < lengths[..., None, None], 1e3)
    (found, ends), (again, ends_again) = (sequence_forward(layers, (2, 6), weights, v, lengths) for v in (x, other))
    assert torch.equal(found, again)
    for end, end_again in zip(ends, ends_again):
        assert all(map(torch.equal, end, end_again))
    alone, _ = sequence_forward(layers, (2, 6), weights[:1], x[:1, :1, :, :3])
    assert_close(found[:1, :1], alone, **CLOSE)


def test_backwards_is_its_own_inverse_and_keeps_the_padding() -> None:
    x = torch.arange(12.0).view(1, 4, 3, 1)
    lengths = torch.tensor([[4, 2, 1]])
    assert backwards(x, lengths)[0, :, 1, 0].tolist() == [4, 1, 7, 10]
    assert torch.equal(backwards(backwards(x, lengths), lengths), x)
    assert torch.equal(backwards(x, torch.tensor([[4, 4, 4]])), backwards(x, None))


def test_first_weights() -> None:
    plain, chosen = Recurrent(16, "lstm"), Recurrent(16, "lstm", opened=2.0, orthogonal=True)
    one, other = (cut(sequence_weights((Embed(9, 5), layer), (1, 4), 3), parameters((Embed(9, 5), layer), (1, 4)))
                  for layer in (plain, chosen))  # fmt: skip
    assert np.abs(one["1.weight_hh_l0"]).max() <= np.float32(0.25) and 0.8 < one["0.weight"].std() < 1.2
    assert (one["0.weight"] == other["0.weight"]).all() and (one["1.weight_ih_l0"] == other["1.weight_ih_l0"]).all()
    for block in other["1.weight_hh_l0"].reshape(4, 16, 16).astype(float):
        np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-6)
    both = other["1.bias_ih_l0"] + other["1.bias_hh_l0"]
    assert (both[16:32] == 2).all() and (other["1.bias_ih_l0"][:16] == one["1.bias_ih_l0"][:16]).all()
    gru = cut(
        sequence_weights((Recurrent(8, "gru", opened=1.0),), (2, 4), 0), parameters((Recurrent(8, "gru"),), (2, 4))
    )
    assert (gru["0.bias_ih_l0"][8:16] == 1).all() and (gru["0.bias_hh_l0"][8:16] == 0).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(Impossible):
        parameters((Recurrent(4, last=True), Recurrent(4)), (2, 5))
    with pytest.raises(Impossible):
        parameters((Embed(4, 3),), (2, 5))
    x, weights = torch.zeros(1, 1, 2, 6), torch.zeros(1, 0)
    with pytest.raises(TypeError):
        sequence_forward((Pool(2),), (2, 6), weights, x)
    with pytest.raises(KeyError):  # it is for core/ml/cells.py
        layered_forward((Recurrent(3, "rnn"),), (2, 6), torch.zeros(1, 21), x)
