"""Random bits against published vectors, masks against a plain loop, training with dropout against torch.nn."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional

from core.ml.dropout import HALVES, LEVELS, Dropout
from core.ml.fused.population import Fused
from core.ml.networks import initial_weights
from core.ml.optimizers import Settings
from core.ml.population import Stacked
from core.ml.random import philox

ALL = 0xFFFFFFFF
# kat_vectors of Random123 (Salmon et al., 2011): philox4x32, 10 rounds: counter, key → words
VECTORS = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ALL, ALL, ALL, ALL), (ALL, ALL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
SIZES = (5, 19, 8, 3)
SEEDS = np.array([7, 50_003])


def made(rates: list[list[float]], scaling: str = "inverted", sizes: tuple[int, ...] = SIZES) -> Dropout:
    """Members on two data sets in turn."""
    which = np.arange(len(rates)) % 2
    return Dropout(sizes, np.array(rates), [scaling] * len(rates), SEEDS, which)


def test_philox_gives_the_published_words() -> None:
    for counter, key, words in VECTORS:
        assert philox(counter, key) == words
    columns = [np.array(column, np.int64) for column in zip(*(counter + key for counter, key, _ in VECTORS))]
    for kind in (np.asarray, torch.as_tensor):
        found = philox(tuple(map(kind, columns[:4])), tuple(map(kind, columns[4:])))
        assert [tuple(map(int, word)) for word in zip(*found)] == [words for *_, words in VECTORS]


def test_bits_depend_on_seed_step_layer_example_and_unit_alone() -> None:
    found = made([[0.5, 0.5, 0.5]]).bits("training", 1234, 6)
    for layer, units in enumerate(SIZES[:-1]):
        assert found[layer].shape == (2, units, 6)
        for s, seed in enumerate(SEEDS):
            for unit in range(units):
                for example in range(6):
                    counter = (unit // HALVES, example, 1234, layer)
                    words = philox(counter, (int(seed), zlib.crc32(b"training")))
                    half = words[unit % HALVES // 2] >> 16 * (unit % 2) & 0xFFFF
                    assert found[layer][s, unit, example] == half
    fewer = made([[0.1, 0.9, 0.3]] * 3).bits("training", torch.tensor(1234), 2)
    assert all(torch.equal(f, whole[..., :2]) for f, whole in zip(fewer, found))


def test_units_are_left_out_at_their_rate_and_independently() -> None:
    rates = [0.2, 0.5, 0.9]
    dropout, n = made([rates], sizes=(64, 64, 64, 2)), 4096
    left = [mask[0] == 0 for mask in dropout.masks("training", 3, n)]
    other = [mask[0] == 0 for mask in dropout.masks("training", 4, n)]
    for rate, now, later in zip(rates, left, other):
        share = now.double().mean(1)
        assert (share - rate).abs().max() < 5 * (rate * (1 - rate) / n) ** 0.5
        both = torch.corrcoef(torch.cat([now, later]).double()) - torch.eye(128)
        assert both.abs().max() < 6 / n**0.5
    assert not torch.equal(left[1], dropout.masks("loss", 3, n)[1][0] == 0)


def test_who_is_left_out_at_a_low_rate_is_left_out_at_a_higher_one() -> None:
    low, high = made([[0.2, 0.2, 0.2]]), made([[0.2, 0.6, 0.9]])
    for a, b in zip(low.masks("training", 0, 50), high.masks("training", 0, 50)):
        assert ((a == 0) <= (b == 0)).all()


def test_masks_and_weights_keep_the_expectation() -> None:
    rates = [[0.0, 0.25, 0.5], [0.1, 0.0, 0.75]]
    weights = torch.stack([torch.as_tensor(initial_weights(SIZES, i)) for i in range(2)])
    for scaling in ("inverted", "classic", "none"):
        dropout = made(rates, scaling)
        for layer, mask in enumerate(dropout.masks("training", 0, 40)):
            for member, rate in enumerate(r[layer] for r in rates):
                values = set(mask[member].unique().tolist())
                kept = float(np.float32(1 / (1 - rate))) if scaling == "inverted" else 1.0
                assert values == ({kept} if rate == 0 else {0.0, kept})
        tested, first = dropout.at_test(weights), 0
        for layer, (i, o) in enumerate(pairwise(SIZES)):
            for member, rate in enumerate(r[layer] for r in rates):
                factor = np.float32(1 - rate) if scaling == "classic" else 1.0
                w, b = slice(first, first + i * o), slice(first + i * o, first + i * o + o)
                assert torch.equal(tested[member, w], weights[member, w] * factor)
                assert torch.equal(tested[member, b], weights[member, b])
            first += i * o + o


def population(
    rates: list[list[float]], scaling: str = "inverted", kind: type = np.float64, make: Any = Stacked, **more: Any
) -> Any:
    rng = np.random.default_rng(0)
    n, members, epochs = 22, len(rates), 4
    x, y = rng.normal(size=(2, n, SIZES[0])), rng.integers(0, SIZES[-1], (2, n))
    orders = np.stack([[rng.permutation(n) for _ in range(epochs)] for _ in range(2)]).astype(np.int32)
    weights = np.stack([initial_weights(SIZES, i) for i in range(members)]).astype(kind)
    settings, which = [Settings("adam", 0.01)] * members, np.arange(members) % 2
    dropout = made(rates, scaling)
    return make(SIZES, "relu", "softmax", weights, settings, x, y, which, orders, 8, dropout=dropout, **more)


@pytest.mark.parametrize("make", [Stacked, Fused])
@pytest.mark.parametrize("scaling", ["inverted", "classic"])
def test_members_train_as_torch_would_train_them_alone(scaling: str, make: Any) -> None:
    rates = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.2, 0.5, 0.0]]
    race, stacked = population(rates, scaling, make=make), population(rates, scaling)
    before, x, y, orders = stacked.weights, stacked.x, stacked.y, stacked.orders
    race.advance(12)
    masks = [made(rates, scaling).masks("training", step, 8) for step in range(12)]
    for member in range(3):
        s, layers, row = member % 2, [], torch.as_tensor(before[member])
        for i, o in pairwise(SIZES):
            layers.append(nn.Linear(i, o, dtype=torch.float64))
            with torch.no_grad():
                layers[-1].weight.copy_(row[: i * o].view(o, i))
                layers[-1].bias.copy_(row[i * o : i * o + o])
            row = row[i * o + o :]
        optimizer = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=0.01)
        for step in range(12):
            epoch, k = divmod(step, 3)
            chosen = torch.as_tensor(orders[s, epoch, 8 * k : 8 * k + 8].astype(np.int64))
            a = x[s].T[chosen]
            for layer, mask in zip(layers, masks[step]):
                a = torch.relu(a) if layer is not layers[0] else a
                a = layer(a * mask[member].T[: len(a)])
            optimizer.zero_grad()
            functional.cross_entropy(a, y[s][chosen]).backward()
            optimizer.step()
        found = torch.cat([p.detach().flatten() for layer in layers for p in (layer.weight, layer.bias)])
        assert np.abs(found.numpy() - race.weights[member]).max() < 1e-12


@pytest.mark.parametrize("make", [Stacked, Fused])
def test_where_a_run_is_cut_changes_nothing(make: Any) -> None:
    rates = [[0.1, 0.5, 0.5]] * 40
    whole, parts = (population(rates, kind=np.float32, make=make) for _ in range(2))
    whole.advance(11)
    for steps in (1, 4, 6):
        parts.advance(steps)
        parts.measure([0, 10, 22])
    assert whole.weights.tobytes() == parts.weights.tobytes()


def test_the_kernel_trains_with_threads_and_measures_as_stacked_torch_does() -> None:
    rates = [[0.1, 0.5, 0.5], [0.0, 0.0, 0.75]] * 20
    for scaling in ("inverted", "classic"):
        one, two = (population(rates, scaling, np.float32, Fused, threads=n) for n in (1, 2))
        stacked = population(rates, scaling, np.float32)
        for race in (one, two, stacked):
            race.advance(10)
        assert one.weights.tobytes() == two.weights.tobytes()
        assert np.abs(one.weights - stacked.weights).max() < 1e-4
        for found, expected in zip(one.measure([0, 8, 22]), stacked.measure([0, 8, 22])):
            assert np.allclose(found, expected, atol=1e-4)
        x, some = np.random.default_rng(1).normal(size=(9, SIZES[0])), np.array([3, 17])
        assert np.allclose(one.outputs(x, some), stacked.outputs(x, some), atol=1e-4)
    with pytest.raises(ValueError, match="other networks"):
        population(rates[:3], make=lambda *a, **k: Fused(*a, **k | {"dropout": made(rates[:2])}))


def test_measuring_leaves_nobody_out() -> None:
    """At test the network is the one without dropout; with classic scaling its weights are multiplied."""
    rates, x = [[0.2, 0.5, 0.5]] * 2, np.random.default_rng(1).normal(size=(9, SIZES[0]))
    plain = population([[0.0, 0.0, 0.0]] * 2)
    for scaling in ("inverted", "classic"):
        race = population(rates, scaling)
        if scaling == "classic":
            plain._weights = made(rates, "classic").at_test(race._weights)
        members = np.arange(2)
        assert np.array_equal(race.outputs(x, members), plain.outputs(x, members))
        assert np.array_equal(race.measure([0, 22])[0], plain.measure([0, 22])[0])


def test_a_rate_is_met_to_the_last_bit() -> None:
    """Half of all sixteen bits, not one level more."""
    assert made([[0.5, 0.5, 0.5]]).limits.unique().tolist() == [LEVELS // 2]


def test_a_trace_of_one_step_replayed_leaves_out_other_units_every_time() -> None:
    """As a GPU replays it: the step is counted where the weights are."""
    traced, plain = (population([[0.2, 0.5, 0.5]] * 2, kind=np.float32) for _ in range(2))
    x, y = traced.x[..., :8].clone(), traced.y[..., :8].clone()
    trace = make_fx(lambda x, y: traced._learn(x, y))(x, y)  # tracing takes a step too
    for _ in range(4):
        trace(x, y)
    for _ in range(5):
        plain._learn(x, y)
    assert torch.equal(traced._weights, plain._weights)
