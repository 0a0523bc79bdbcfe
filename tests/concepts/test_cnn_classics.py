"""The classic networks against torchvision's own numbers, a second description, and torch.nn, autograd, torch.optim."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.cnn_classics.claims import CLAIMS, reached
from core.concepts.cnn_classics.digits import scaled, small_digits
from core.concepts.cnn_classics.figures import short
from core.concepts.cnn_classics.machine.params import ALL, IDEAS, LENGTH, ROWS, SHAPES, Drawn
from core.concepts.cnn_classics.machine.train import KEPT, Machine, answer, first_weights, outputs, shifted
from core.concepts.cnn_classics.networks import MODELS
from core.concepts.cnn_classics.params import KINDS, PUBLISHED, TINY, VERSIONS, Params, Recipe, Squeeze
from core.concepts.cnn_classics.pieces.params import BRANCHES, ENDS, EXAMPLES, GIVEN, HEAD, HEADED, NETS
from core.concepts.cnn_classics.pieces.train import Pictures, some
from core.concepts.cnn_classics.train import answer as built
from core.ml.architecture import Act, Conv, Dense, Flatten, Layers, Mean, Norm, Pool, Residual, places
from core.ml.layered import layered_forward
from core.ml.mnist import mnist
from core.takeaway.weights import cut
from tests.known import known

# That texts repeat: years, sizes, published numbers and what papers say; layers of VGG-16; steps of claims
CONSTANTS = {*IDEAS.values(), 1989, 1998, 2012, 2014, 2015, 16, 32, 28, 192, 1200, 120, 12.4, 4.09, 1.59, 13, 5, 8, 12}
CONSTANTS |= {LENGTH, *PUBLISHED.values(), EXAMPLES, 600, 1600, 200, 256, 50, 84, 25, 6, 4, 7, 3}


@cache
def last(name: str, params: Params) -> Any:
    run = train_module(name).train(params)
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


def counts(**changes: Any) -> Any:
    return last("cnn_classics", Params().replace(**changes))[0]


def of(result: Any, version: str, name: str) -> np.ndarray:
    row = VERSIONS.index(version)
    return getattr(result, name)[row][result.kind[row] >= 0]


# Counts

WEIGHTS = {
    "alexnet": models.AlexNet_Weights.DEFAULT,
    "vgg": models.VGG16_Weights.DEFAULT,
    "googlenet": models.GoogLeNet_Weights.DEFAULT,
    "resnet": models.ResNet50_Weights.DEFAULT,
}


@pytest.mark.parametrize("version", WEIGHTS)
def test_counts_are_those_that_torchvision_publishes(version: str) -> None:
    result, published = counts(), WEIGHTS[version].meta
    assert of(result, version, "parameters").sum() == published["num_params"] == PUBLISHED[version]
    assert round(of(result, version, "multiply_adds").sum() / 1e9, 3) == pytest.approx(published["_ops"], abs=1e-3)


@pytest.mark.parametrize("version", VERSIONS)
def test_counts_are_those_of_the_network_as_torch_counts_them(version: str) -> None:
    """… at another size of the pictures, too."""
    side = {"lenet": 28, "lenet_1998": 32}.get(version, 96)
    result, counter = counts(side=96), FlopCounterMode(display=False)
    with torch.device("meta"):
        net = MODELS[version]()
        x = torch.zeros(2, 1 if side < 96 else 3, side, side)
        with counter:
            net(x)
    assert counter.get_total_flops() == 2 * 2 * of(result, version, "multiply_adds").sum()
    assert sum(p.numel() for p in net.parameters()) == of(result, version, "parameters").sum()


def test_papers_numbers() -> None:
    """LeCun et al. (1998): 60,000 trained weights, of which pooling has 12 and 32 and the second convolution 1,516."""
    result = counts()
    assert of(result, "lenet_1998", "parameters").tolist() == [156, 12, 1516, 32, 48120, 10164]
    assert of(result, "lenet_1998", "parameters").sum() == PUBLISHED["lenet_1998"]
    assert of(result, "alexnet_2012", "parameters").sum() == 60_965_224
    convs = [of(result, "vgg", "kind").tolist().count(KINDS.index(kind)) for kind in KINDS]
    assert convs == [13, 3, 5]
    ends = {version: of(result, version, "view") for version in VERSIONS}  # Araujo et al. (2019)
    assert ends["alexnet"][-4] == 195 and ends["vgg"][-4] == 212 and ends["resnet_2015"][-2] == 483


RELU = Act()
VGG: tuple[int, ...] = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
HEADS: Layers = (Flatten(), Dense(4096), RELU, Dense(4096), RELU, Dense(1000))


def stage(wide: int, count: int, stride: int) -> Layers:
    def block(step: int, shortcut: Layers) -> tuple[Any, ...]:
        normed = lambda conv: (conv, Norm())  # noqa: E731
        body = (*normed(Conv(wide, 1, bias=False)), RELU, *normed(Conv(wide, 3, step, bias=False)), RELU)
        return Residual((*body, *normed(Conv(4 * wide, 1, bias=False))), shortcut), RELU

    first = block(stride, (Conv(4 * wide, 1, stride, bias=False), Norm()))
    return (*first, *(layer for _ in range(count - 1) for layer in block(1, ())))


DESCRIBED: dict[str, Layers] = {
    "alexnet": (
        *(Conv(64, 11, 4, 2), RELU, Pool(3, "max", 2), Conv(192, 5), RELU, Pool(3, "max", 2), Conv(384), RELU),
        *(Conv(256), RELU, Conv(256), RELU, Pool(3, "max", 2), *HEADS),
    ),
    "vgg": (*(layer for wide in VGG for layer in ((Conv(wide), RELU) if wide else (Pool(),))), *HEADS),
    "resnet": (
        *(Conv(64, 7, 2, bias=False), Norm(), RELU, Pool(3, "max", 2, 1), *stage(64, 3, 1), *stage(128, 4, 2)),
        *(*stage(256, 6, 2), *stage(512, 3, 2), Mean(), Dense(1000)),
    ),
}


@pytest.mark.parametrize("version", DESCRIBED)
def test_layer_tables_equal_a_second_description(version: str) -> None:
    """Shapes, kernels, parameters, multiply-adds and receptive fields, layer by layer."""
    rows: list[list[int]] = []
    for place in places(DESCRIBED[version], (3, 224, 224)):
        own = sum(int(np.prod(size)) for size in place.parameters.values())
        if isinstance(place.layer, Norm):
            rows[-1][3] += own
        elif isinstance(place.layer, Conv | Pool | Dense):
            sides = place.gives[-1] if len(place.gives) > 1 else 1
            rows.append([place.given[0], place.gives[0], sides, own, place.multiply_adds, place.field])
    result = counts()
    found = [of(result, version, name) for name in ("given", "channels", "height", "parameters", "multiply_adds")]
    convs = of(result, version, "kind") != KINDS.index("dense")
    wanted = np.array(rows, np.int64)
    keys = [sorted(map(tuple, table)) for table in (wanted[:, :5].tolist(), np.stack(found, 1).tolist())]
    assert keys[0] == keys[1]  # a shortcut is computed after the block by one, before it by the other
    assert wanted[convs, 5].max() == of(result, version, "view")[convs].max()


def test_weights_do_not_depend_on_the_side_and_products_do() -> None:
    small, large = counts(side=224), counts(side=448)
    assert (small.parameters == large.parameters).all()
    conv = of(small, "vgg", "kind") == KINDS.index("conv")
    assert (4 * of(small, "vgg", "multiply_adds")[conv] == of(large, "vgg", "multiply_adds")[conv]).all()


def test_what_readers_build() -> None:
    result = counts()
    found = built(Params(), result, None, Recipe(convs=2, blocks=2, pools=1, dense=1, size=32, first=8))
    assert found.channels.tolist() == [8, 8, 16, 16, 256, 10] and found.height.tolist() == [32, 32, 16, 16, 1, 1]
    assert found.parameters[4] == 16 * 8 * 8 * 256 + 256 and not found.reason
    assert built(Params(), result, None, Recipe(blocks=8, size=32)).reason == "reach"
    squeezed = built(Params(), result, None, Squeeze())
    assert squeezed.multiply_adds.tolist() == [28**2 * 192 * 25 * 32, 28**2 * 192 * 16, 28**2 * 16 * 25 * 32]
    assert short(squeezed.multiply_adds[0]) == "120 M" and short(squeezed.multiply_adds[1:].sum()) == "12.4 M"
    assert [short(n) for n in (7, 999.7, 61_706, 138_357_544, 15.47e9)] == ["7", "1 k", "61.7 k", "138 M", "15.5 G"]


# The time machine


def test_digits_are_means_of_what_their_pixels_cover() -> None:
    pictures = mnist()[0][::500]
    fine = pictures.repeat(16, 1).repeat(16, 2).reshape(-1, 16, 28, 16, 28)
    np.testing.assert_allclose(scaled(pictures), 2 * fine.mean((2, 4)) - 1, atol=1e-5)


def alone(w: dict[str, Tensor], x: Tensor, relu: bool) -> Tensor:
    """The network of 1989 for one member, map by map, at x [n, 16, 16] with a border of −1: [n, 10]."""
    active = torch.relu if relu else lambda z: 1.7159 * torch.tanh(2 / 3 * z)
    padded = functional.pad(x[:, None], (2, 2, 2, 2), value=-1.0)
    h = active(functional.conv2d(padded, w["H1.weight"], stride=2) + w["H1.bias"])
    h, parts = functional.pad(h, (2, 2, 2, 2), value=-1.0), []
    for k in range(12):  # groups of four maps: 0–7, 4–11, and 8–11 with 0–3
        seen = h[:, [*range(8)]] if k < 4 else h[:, [*range(4, 12)]] if k < 8 else h[:, [8, 9, 10, 11, 0, 1, 2, 3]]
        parts.append(functional.conv2d(seen, w["H2.weight"][k : k + 1], stride=2))
    h = active(torch.cat(parts, 1) + w["H2.bias"]).flatten(1)
    h = active(functional.linear(h, w["H3.weight"], w["H3.bias"]))
    return functional.linear(h, w["output.weight"], w["output.bias"])


def parts(row: np.ndarray) -> dict[str, Tensor]:
    return {name: torch.tensor(part, requires_grad=True) for name, part in cut(row, SHAPES).items()}


def test_the_network_of_1989_has_9760_weights_and_computes_what_it_should() -> None:
    assert LENGTH == 9760
    row, x = first_weights(3), torch.as_tensor(small_digits(0)[0][:6])
    framed = functional.pad(x, (2, 2, 2, 2), value=-1.0)[None]
    for relu in (False, True):
        z = outputs(torch.as_tensor(np.stack([row, row])), framed, torch.tensor([relu, not relu]))
        assert_close(z[0].T, alone(parts(row), x, relu), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("row", [0, 1, 5, ALL])
def test_a_member_learns_as_it_would_alone(row: int) -> None:
    """Squared error by SGD, cross-entropy, Adam, and everything at once with shifts and dropout."""
    params = TINY.replace(seeds=2, steps=2)
    machine, rng = Machine(params), np.random.default_rng(0)
    seed, has = 1, ROWS[row]
    w = parts(first_weights(params.weight_seed + seed))
    rule = torch.optim.Adam(w.values(), params.adam) if "adam" in has else torch.optim.SGD(w.values(), params.sgd)
    x, y = small_digits(params.data_seed + seed)
    for _ in range(2):
        which, moved = rng.integers(4000, size=(2, 5)), rng.integers(-1, 2, size=(2, 5, 2))
        machine.learn(which, moved, np.ones((2, 30, 5), bool))
        digits, labels = torch.as_tensor(x[which[seed]]), torch.as_tensor(y[which[seed]])
        if "shifts" in has:
            frames = np.pad(digits.numpy(), ((0, 0), (1, 1), (1, 1)), constant_values=-1.0)
            cuts = [frame[1 - a : 17 - a, 1 - b : 17 - b] for frame, (a, b) in zip(frames, moved[seed])]
            digits = torch.as_tensor(np.stack(cuts))
        if "dropout" in has:  # nothing is dropped here, so all units are divided by the share that is kept
            scaled_w = w | {"output.weight": w["output.weight"] / KEPT}
        z = alone(scaled_w if "dropout" in has else w, digits, "relu" in has)
        aims = 2.0 * functional.one_hot(labels, 10) - 1
        square = functional.mse_loss(1.7159 * torch.tanh(2 / 3 * z), aims)
        loss = functional.cross_entropy(z, labels) if "softmax" in has else square
        rule.zero_grad()
        loss.backward()
        rule.step()
    mine = cut(machine.weights[2 * row + seed].numpy(), SHAPES)
    for name, part in w.items():
        assert_close(torch.tensor(mine[name]), part.detach(), rtol=0, atol=2e-5)


def test_shifted_pictures_bring_in_the_border() -> None:
    x = functional.pad(torch.arange(256.0).view(1, 1, 16, 16), (2, 2, 2, 2), value=-1.0)
    down = shifted(x, torch.tensor([[[1, -1]]]))[0, 0]
    assert (down[3:19, 1:17] == x[0, 0, 2:18, 2:18]).all() and (down[:3] == -1).all()


def test_the_answer_for_a_drawing_is_the_networks() -> None:
    result, state = last("cnn_classics.machine", TINY)
    drawn = "".join(np.random.default_rng(0).choice(list("012345678"), 256))
    said = answer(TINY, result, state, Drawn(pixels=drawn))
    x = torch.tensor([int(level) / 4 - 1 for level in drawn]).view(1, 16, 16)
    for row in (0, ALL):
        z = alone(parts(state["weights"][row, 0]), x, "relu" in ROWS[row])[0]
        assert said.outputs[row].argmax() == int(z.argmax())
        assert_close(torch.tensor(said.outputs[row]), (z - z.min()) / (z.max() - z.min()), rtol=1e-3, atol=1e-4)


def test_steps_to_an_error_lie_between_the_moments_measured() -> None:
    kind, params = experiment("cnn_classics.machine").Result, Params(seeds=1)
    error = np.full((len(ROWS), 1, 4, 2), 0.9)
    error[0, 0, :, 0] = 0.9, 0.5, 0.3, 0.2
    result = known(kind, params, error=error, tick=np.array([0, 10, 20, 40]))
    assert 2 ** reached(result)[0, 0] == pytest.approx(30) and 2 ** reached(result)[1, 0] == pytest.approx(40)


# Pieces


@cache
def small() -> tuple[np.ndarray, np.ndarray]:
    x, y = some(0)
    return np.stack([x[-1064:]] * 2), np.stack([y[-1064:]] * 2)


def race(net: str, head: float | None = None) -> Pictures:
    found = Pictures(NETS[net], GIVEN, [0, 1], *small(), 2)
    found.head = head
    return found


def test_an_auxiliary_head_adds_its_loss_in_training_and_is_off_in_the_test() -> None:
    mine, which = race("headed", HEAD), np.arange(16)[None].repeat(2, 0)
    trunk, start = HEADED[:-1], mine.weights.clone()
    leaf = start[1:].clone().requires_grad_()
    named, x, y = cut(leaf, NAMES), mine.x[1:, :16], mine.y[1, :16]
    said = {}
    for end, layers in ENDS.items():
        prefix, own = f"{len(trunk)}.{end}.", (*trunk, *layers)
        parts = [p for n, p in named.items() if n.startswith(prefix) or not n.startswith(f"{len(trunk)}.")]
        said[end] = layered_forward(own, GIVEN, torch.cat([p.flatten(1) for p in parts], 1), x)[0].T
    loss = functional.cross_entropy(said["body"], y) + HEAD * functional.cross_entropy(said["shortcut"], y)
    (slope,) = torch.autograd.grad(loss, leaf)
    mine.step(which)
    wanted = start[1] - 0.003 * slope[0] / (slope[0].abs() + 1e-8)  # the first step of Adam
    assert_close(mine.weights[1], wanted, rtol=0, atol=2e-4)
    mine.weights = start
    right = (said["body"].argmax(1) == y).double().mean().item()
    assert mine.right(mine.x[:, :16], mine.y[:, :16])[1] == pytest.approx(right)


NAMES = {name: size for place in places(HEADED, GIVEN) for name, size in place.parameters.items()}


def test_a_deleted_branch_is_one_whose_last_weights_are_zero() -> None:
    from core.concepts.cnn_classics.pieces.train import without

    found, mine = without(race("inception")), race("inception")
    sizes = {name: size for place in places(NETS["inception"], GIVEN) for name, size in place.parameters.items()}
    last_of = [name for name, size in sizes.items() if size[0] == 32]
    assert len(last_of) == len(BRANCHES)
    for k, name in enumerate(last_of):
        changed = race("inception")
        cut(changed.weights, sizes)[name].zero_()
        np.testing.assert_allclose(found[k], changed.tested())
    assert not np.allclose(found, mine.tested()[None])


def test_dense_layers_are_convolutions() -> None:
    result, _ = last("cnn_classics.pieces", TINY)
    assert result.gap.max() < 1e-5


# Claims

MANY = 40
CLAIMED = {claim.id: claim for claim in CLAIMS}


def machine(id: str, late: float = 0.0, split: int = 1, **rows: float) -> BaseResult:
    """Errors 0.3 throughout, or else `late` before the end; of rows by number (r0) others in the end."""
    params = CLAIMED[id].params.replace(seeds=MANY)
    error = np.full((len(ROWS), MANY, 4, 2), 0.3)
    error[0, :, 1] += late
    for row, value in rows.items():
        error[int(row[1:]), :, -1, split] = value
    return known(experiment("cnn_classics.machine").Result, params, error=error, tick=np.arange(4) * 100)


def quick(id: str, row: int) -> BaseResult:
    """Training errors fall below a quarter in the end, of one row at once."""
    result: Any = machine(id, split=0, **{f"r{k}": 0.2 for k in range(len(ROWS))})
    if row >= 0:
        result.error[row, :, 1:, 0] = 0.1
    return result  # type: ignore[no-any-return]


def pieces(id: str, **nets: tuple[float, float]) -> BaseResult:
    params = CLAIMED[id].params.replace(seeds=MANY)
    accuracy = np.full((len(NETS), MANY, 2, 2), 0.8)
    for net, values in nets.items():
        accuracy[list(NETS).index(net), :, -1] = values
    deleted = np.full((len(BRANCHES), 1, MANY), 0.8)
    return known(experiment("cnn_classics.pieces").Result, params, accuracy=accuracy, deleted=deleted)


def left(id: str, *branches: float) -> BaseResult:
    result: Any = pieces(id)
    result.deleted[:] = np.reshape(branches, (4, 1, 1))
    return result  # type: ignore[no-any-return]


def equal(gap: float) -> BaseResult:
    kind, params = experiment("cnn_classics.pieces").Result, CLAIMED["convolutions"].params.replace(seeds=MANY)
    return known(kind, params, gap=np.full((1, MANY), gap))


def gained(id: str, row: int, good: float = 0.1, bad: float = 0.3) -> tuple[BaseResult, BaseResult]:
    return machine(id, **{f"r{row}": good}), machine(id, **{f"r{row}": bad})


MISSED = {idea: ALL + 1 + k for k, idea in enumerate(IDEAS)}
KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "modern_short": gained("modern_short", ALL),
    "modern_long": gained("modern_long", ALL),
    "longer": (machine("longer", late=0.1), machine("longer")),
    **{f"{idea}_added": gained(f"{idea}_added", 1 + k) for k, idea in enumerate(IDEAS)},
    **{f"{idea}_missed": gained(f"{idea}_missed", MISSED[idea], 0.5) for idea in ("softmax", "shifts", "relu")},
    "shifts_long": gained("shifts_long", MISSED["shifts"], 0.5),
    "sum": (machine("sum", r1=0.2, r2=0.2, r6=0.2), machine("sum", r1=0.2, r6=0.2)),
    "relu_faster": (quick("relu_faster", 3), quick("relu_faster", 0)),
    "relu_faster_modern": (quick("relu_faster_modern", ALL), quick("relu_faster_modern", -1)),
    "mean_fewer": (pieces("mean_fewer"), pieces("mean_fewer", dense=(0.9, 0.9))),
    "mean_overfits": (pieces("mean_overfits", dense=(0.9, 0.8)), pieces("mean_overfits")),
    "stack": (pieces("stack", stack=(0.8, 0.9)), pieces("stack")),
    "head_learns": (pieces("head_learns", headed=(0.9, 0.8)), pieces("head_learns")),
    "head_overfits": (pieces("head_overfits", alone=(0.9, 0.8)), pieces("head_overfits")),
    "deleted": (left("deleted", 0.6, 0.6, 0.6, 0.6), left("deleted", 0.8, 0.8, 0.8, 0.8)),
    "uneven": (left("uneven", 0.2, 0.8, 0.8, 0.8), left("uneven", 0.6, 0.6, 0.6, 0.6)),
    "convolutions": (equal(1e-7), equal(0.1)),
    "version": (counts(edition="mixed"), counts(edition="papers", net="resnet")),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    for part in ("machine", "pieces"):
        name = f"cnn_classics.{part}"
        first = next(train_module(name).train(experiment(name).tiny))
        assert all(claim.measure(first) is None for claim in CLAIMS if claim.of == part)
    assert load("cnn_classics").experiments[0].cost(Params()).steps == len(VERSIONS)
