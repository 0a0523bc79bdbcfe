"""Residual networks against torch.nn, autograd and made-up Results."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.testing import assert_close

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.residual_networks.claims import CLAIMS, MISTAKES, ROWS
from core.concepts.residual_networks.copy.params import CHAINS, CLOSE, STARTED
from core.concepts.residual_networks.networks import Examples, Population, batches, data_of, first_weights, operated
from core.concepts.residual_networks.params import (
    BUILT,
    LADDER,
    PRESETS,
    TINY,
    Net,
    Operation,
    Params,
    blocks,
    depths,
    layers,
    shape_of,
    sizes,
    weights,
)
from core.concepts.residual_networks.rates.params import RATES
from core.concepts.residual_networks.train import answer
from core.ml.architecture import Act, Residual, multiply_adds, parameters
from core.ml.own import CONTENTS
from core.ml.signals import CLASSES, LENGTH
from core.takeaway.weights import cut
from tests.known import known

# That the texts repeat: depths, sizes of the data, of chains and what counts as copied; how much longer the preset runs
CONSTANTS = {*LADDER, *CHAINS, 20, 56, LENGTH, CLASSES, 100 * CLOSE, len(RATES), 360 / 180}


class Block(nn.Module):
    def __init__(self, kind: str):
        super().__init__()
        own = [nn.Conv1d(8, 8, 3, padding=1, bias=False), nn.BatchNorm1d(8), nn.ReLU()]
        self.body = nn.Sequential(*own, nn.Conv1d(8, 8, 3, padding=1, bias=False), nn.BatchNorm1d(8))
        if kind == "positive":
            self.body.append(nn.ReLU())
        self.added, self.out = kind != "plain", False

    def forward(self, x: Tensor) -> Tensor:
        return x if self.out else self.body(x) + x if self.added else self.body(x)


def alone(kind: str, depth: int) -> nn.Sequential:
    """The page's network on signals by torch.nn."""
    first = [nn.Conv1d(1, 8, 5, 2, 2, bias=False), nn.BatchNorm1d(8), nn.ReLU()]
    inner = [part for _ in range((depth - 2) // 2) for part in (Block(kind), nn.ReLU())]
    return nn.Sequential(*first, *inner, nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten()), nn.Linear(8, 10))


@cache
def last(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    run = train_module(name).train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


def filled(result: Any, state: dict[str, np.ndarray], place: int, seed: int) -> nn.Sequential:
    """The deepest trained network, put into torch.nn by its exported names."""
    key = f"{place}.{result.params.deepest}."
    found = {
        name.removeprefix(key): part[seed] for name, part in weights(result, state).items() if name.startswith(key)
    }
    net = alone(result.params.nets[place].kind, result.params.deepest)
    missing = net.load_state_dict({name: torch.tensor(part) for name, part in found.items()}, strict=False)
    assert not missing.unexpected_keys and all("num_batches" in name for name in missing.missing_keys)
    return net


@pytest.mark.parametrize("place", range(2))
def test_the_exported_network_is_as_right_in_torch_nn(place: int) -> None:
    """… also without a block, and with two that changed places."""
    result, state = last("residual_networks", TINY)
    _, test = data_of(TINY)
    seed, rows = 1, state[f"{place}.6"]
    net = filled(result, state, place, seed).eval()
    with torch.no_grad():
        said = net(test.x[seed])
        assert (said.argmax(1) == test.y[seed]).float().mean() == pytest.approx(result.accuracy[place, -1, seed, -1, 1])
        assert_close(operated(TINY, place, 6, rows, test.x)[seed].mT, said, rtol=1e-4, atol=1e-4)
        net[3].out = True
        assert_close(operated(TINY, place, 6, rows, test.x, out=[0])[seed].mT, net(test.x[seed]), rtol=1e-4, atol=1e-4)
        without = (net(test.x[seed]).argmax(1) == test.y[seed]).float().mean()
        assert without == pytest.approx(result.removed[place, seed, 0, 0])
        net[3].out, order = False, [0, 1, 2, 5, 4, 3, 6, 7, 8]
        other = nn.Sequential(*(net[k] for k in order))(test.x[seed])
        assert_close(operated(TINY, place, 6, rows, test.x, swapped=(0, 1))[seed].mT, other, rtol=1e-4, atol=1e-4)
        assert (other.argmax(1) == test.y[seed]).float().mean() == pytest.approx(result.swapped[place, seed, 0, 0])


@pytest.mark.parametrize("kind", ["plain", "positive"])
def test_a_member_learns_and_looks_as_it_would_alone(kind: str) -> None:
    params = TINY.replace(nets=(Net(kind=kind),), lr=0.003)
    training, _ = data_of(params)
    population = Population(params, params.nets[0], 6, [params.lr])
    net = alone(kind, 6)
    own = parameters(population.layers, population.shape)
    for name, part in cut(population.rows[1].numpy(), own).items():
        net.get_parameter(name).data = torch.tensor(part)
    look = population.look(Examples(training.x[:, :32], training.y[:, :32]))
    taps: list[Tensor] = []
    h = training.x[1, :32]
    for layer in net:
        h = layer(h)
        if isinstance(layer, nn.ReLU):
            h.retain_grad()
            taps.append(h)
    functional.cross_entropy(h, training.y[1, :32]).backward()
    for k, tap in enumerate(taps):
        assert look["size"][1, k] == pytest.approx(tap.square().mean().sqrt().item(), rel=1e-4)
        assert look["gradient"][1, k] == pytest.approx(tap.grad.square().mean().sqrt().item(), rel=1e-3)
    optimizer, fresh = torch.optim.Adam(net.parameters(), params.lr), alone(kind, 6)
    for buffer, start in zip(net.buffers(), fresh.buffers()):
        buffer.copy_(start)  # looking in training mode moved them
    orders = batches(params, training.x.shape[1], 16)
    for step in range(2):
        chosen = torch.as_tensor(orders[step].astype(np.int64))
        at = torch.arange(params.seeds)[:, None]
        population.learn(Examples(training.x[at, chosen], training.y[at, chosen]))
        optimizer.zero_grad()
        functional.cross_entropy(net(training.x[1, chosen[1]]), training.y[1, chosen[1]]).backward()
        optimizer.step()
    for name, part in cut(population.rows[1].numpy(), own).items():
        assert_close(torch.tensor(part), net.get_parameter(name).data, rtol=0, atol=1e-4)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_blocks_that_start_at_zero_hand_on_what_comes_in(norm: str) -> None:
    """Then depth changes nothing: outputs of 2 and of 8 layers are the same before training, and plain ones are not."""
    params, said = Params(norm=norm, seeds=1), {}
    training, _ = data_of(params)
    for kind in ("residual", "plain"):
        for depth in (2, 8):
            population = Population(params, Net(kind=kind), depth, [0.01])
            said[kind, depth] = population.look(Examples(training.x[:, :16], training.y[:, :16]))["size"][0, -1]
    assert said["residual", 2] == pytest.approx(said["residual", 8], rel=1e-6)
    assert said["plain", 2] != pytest.approx(said["plain", 8], rel=1e-3)


def test_layers_of_one_name_start_the_same_in_all_networks() -> None:
    params = Params()
    plain, random = (
        cut(first_weights(net, shape_of(params), kind, 3), parameters(net, shape_of(params)))
        for kind in ("plain", "random")
        for net in [layers(params, Net(kind=kind), 20)]
    )
    assert plain.keys() == random.keys() and all((plain[name] == random[name]).all() for name in plain)
    shallow = cut(
        first_weights(net := layers(params, Net(), 8), shape_of(params), "plain", 3), parameters(net, shape_of(params))
    )
    assert all((plain[name] == part).all() for name, part in shallow.items() if ".body." in name)


def test_depth_counts_layers_with_weights() -> None:
    for depth in (2, 8, 20, 56):
        params = Params(deepest=depth) if depth > 2 else Params()
        names = parameters(layers(params, Net(), depth), shape_of(params))
        assert sum(len(size) > 1 for size in names.values()) == depth == 2 * blocks(depth) + 2
        unread = layers(params, Net(kind="unread"), depth)
        assert sum(isinstance(layer, Residual) for layer in unread) == blocks(BUILT)
    assert depths(Params(deepest=6)) == [2, 6] and depths(Params(deepest=8)) == [2, 8]
    shortcut, plain = (layers(Params(), Net(kind=kind), 20) for kind in ("residual", "plain"))
    assert parameters(shortcut, (1, LENGTH)) == parameters(plain, (1, LENGTH))
    assert multiply_adds(shortcut, (1, LENGTH)) == multiply_adds(plain, (1, LENGTH))
    assert type(shortcut[2]) is Act


def test_batches_pass_over_no_example_twice_in_an_epoch() -> None:
    params = Params(steps=7, batch=4, seeds=2)
    orders = batches(params, 13, 4)
    assert orders.shape == (7, 2, 4)
    for seed in range(2):
        assert len(np.unique(orders[:3, seed])) == 12
    assert (batches(params.replace(seeds=1, data_seed=1), 13, 4)[:, 0] == orders[:, 1]).all()


def test_operating_answers_for_every_network() -> None:
    result, state = last("residual_networks", TINY)
    found = answer(TINY, result, state, Operation(first=1, second=0, example=5))
    np.testing.assert_allclose(found.accuracy[..., 0], result.accuracy[:, -1, :, -1, 1], atol=1e-6)
    np.testing.assert_allclose(found.accuracy[..., 1], result.removed[:, :, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found.said.sum(1), 1, rtol=1e-5)
    swapped = answer(TINY, result, state, Operation(swap=True, first=1, second=2))
    np.testing.assert_allclose(swapped.accuracy[..., 1], result.swapped[:, :, 0, 0], atol=1e-6)
    nothing = answer(TINY, result, state, Operation(swap=True, first=1, second=9))
    np.testing.assert_array_equal(nothing.accuracy[..., 0], nothing.accuracy[..., 1])


def test_a_copied_chain_of_blocks_is_measured_as_torch_has_it() -> None:
    from core.concepts.residual_networks.copy.params import COPIED, chain
    from core.concepts.residual_networks.copy.train import off
    from core.ml.layered import layered_weights

    nets = [chain(Params(), kind, 1) for kind in STARTED]
    rows = [torch.tensor(layered_weights(net, COPIED, 0, "he")[None]) for net in nets]
    x = torch.randn(1, 6, *COPIED, generator=torch.Generator().manual_seed(0)).clamp_min(0)
    for kind, net, row in zip(STARTED, nets, rows):
        block = Block(kind)
        for name, part in cut(row[0].numpy(), parameters(net, COPIED)).items():
            block.get_parameter(name.removeprefix("0.")).data = torch.tensor(part)
        wanted = (block(x[0]).relu() - x[0]).square().mean() / x[0].var()
        assert off(net, row, x).item() == pytest.approx(wanted.item(), rel=1e-4)


def test_a_table_of_ones_own_is_learned() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    x = rng.standard_normal((80, 12)) * 0.3 + 50 + 3 * np.sin(np.arange(12) * np.where(y, 2.0, 0.7)[:, None])
    content = ",".join("abcdefghijkl") + ",kind\n"
    content += "".join(",".join(f"{v:.3f}" for v in row) + f",{'ab'[k]}\n" for row, k in zip(x, y))
    name = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}:80x12x2"
    CONTENTS[name] = content.encode()
    params = Params(own=name, seeds=2, steps=40, batch=16, deepest=4)
    result, _ = last("residual_networks", params)
    assert sizes(params) == (48, 16, 2) and shape_of(params) == (1, 12)
    assert result.accuracy[:, -1, :, -1, 1].mean() > 0.8


# Claims

MANY = 40
CLAIMED = {claim.id: claim for claim in CLAIMS} | {mistake.id: mistake for mistake in MISTAKES}
RATE = len(RATES)


def of(id: str) -> tuple[type[BaseResult], Params]:
    part = getattr(CLAIMED[id], "of", "")
    name = "residual_networks" + (f".{part}" if part else "")
    return experiment(name).Result, CLAIMED[id].params.replace(seeds=MANY)


def reach(id: str, split: int = 0, **values: tuple[float, float]) -> BaseResult:
    """Accuracy 0.5 everywhere, of named networks otherwise at the last two depths."""
    kind, params = of(id)
    filled = np.full((len(params.nets), 3, MANY, 2, 2), 0.5)
    for i, net in enumerate(params.nets):
        filled[i, -2:, :, :, split] = np.reshape(values.get(net.kind, (0.5, 0.5)), (2, 1, 1))
    return known(kind, params, accuracy=filled)


def inside(id: str, field: str, **first: float) -> BaseResult:
    """1 at all places, of named networks another number at the first."""
    kind, params = of(id)
    filled = np.ones((len(params.nets), MANY, 2, 10))
    for i, net in enumerate(params.nets):
        filled[i, :, 0, 0] = first.get(net.kind, 1)
    return known(kind, params, **{field: filled})


def left(id: str, residual: float, plain: float) -> BaseResult:
    kind, params = of(id)
    accuracy = np.full((2, 3, MANY, 2, 2), 0.9)
    filled = np.stack([np.full((MANY, 1, 9), 0.9 * share) for share in (plain, residual)])
    filled = filled[..., :-1] if id == "swapped" else filled
    return known(kind, params, accuracy=accuracy, **{id: filled})


def errors(id: str, random: float) -> BaseResult:
    kind, params = of(id)
    filled = np.full((len(STARTED), len(CHAINS), MANY, 2), 0.4)
    filled[STARTED.index("random"), CHAINS.index(1 if id == "copy_one" else 4)] = random
    return known(kind, params, error=filled)


def rate(id: str, *tops: float) -> BaseResult:
    kind, params = of(id)
    filled = np.full((len(ROWS), RATE, MANY, 2, 2), 0.2)
    filled[:, 1] = np.reshape(tops, (4, 1, 1, 1))
    return known(kind, params, accuracy=filled)


WORSE, SAME = (0.8, 0.3), (0.8, 0.8)
KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "degrades": (reach("degrades", plain=WORSE), reach("degrades", plain=SAME)),
    "repaired": (reach("repaired", residual=SAME), reach("repaired", residual=WORSE)),
    "shortcut": (reach("shortcut", plain=WORSE, residual=SAME), reach("shortcut")),
    "generalises": (reach("generalises", 1, plain=WORSE, residual=SAME), reach("generalises", 0, residual=SAME)),
    "shallow": (reach("shallow", plain=WORSE, residual=SAME), reach("shallow", residual=SAME)),
    "no_vanishing": (inside("no_vanishing", "gradient", plain=10), inside("no_vanishing", "gradient", plain=0.1)),
    "even": (inside("even", "gradient", plain=10), inside("even", "gradient", residual=10)),
    "deep_plain": (reach("deep_plain", plain=WORSE), reach("deep_plain", plain=SAME)),
    "deep_residual": (reach("deep_residual", residual=SAME), reach("deep_residual", residual=WORSE)),
    "longer": (reach("longer", plain=WORSE), reach("longer", plain=SAME)),
    "removed": (left("removed", 0.9, 0.2), left("removed", 0.5, 0.5)),
    "swapped": (left("swapped", 0.9, 0.2), left("swapped", 0.5, 0.5)),
    "bare": (reach("bare", plain=WORSE, residual=SAME), reach("bare")),
    "bare_gradient": (inside("bare_gradient", "gradient", plain=2), inside("bare_gradient", "gradient", plain=10)),
    "zero_start": (reach("zero_start", residual=SAME), reach("zero_start", random=SAME)),
    "copy_one": (errors("copy_one", 0.1), errors("copy_one", 0.4)),
    "copy_four": (errors("copy_four", 0.1), errors("copy_four", 0.4)),
    "tuned": (rate("tuned", 0.9, 0.5, 0.9, 0.9), rate("tuned", 0.9, 0.9, 0.9, 0.9)),
    "tuned_residual": (rate("tuned_residual", 0.9, 0.5, 0.9, 0.9), rate("tuned_residual", 0.9, 0.5, 0.9, 0.7)),
    "positive": (reach("positive", random=SAME), reach("positive", positive=SAME)),
    "relu_first": (inside("relu_first", "size", positive=0.1), inside("relu_first", "size")),
    "unread": (reach("unread"), reach("unread", unread=WORSE)),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    for claim in CLAIMS:
        name = load("residual_networks").of(claim).name
        assert claim.measure(next(train_module(name).train(experiment(name).tiny))) is None
    assert all(PRESETS[0].changes != preset.changes for preset in PRESETS[1:])
