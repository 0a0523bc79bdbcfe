"""Convolution against torch, scipy and pictures that are written by hand."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.signal import convolve2d, correlate2d
from sklearn.datasets import load_sample_image
from torch.nn import functional

from core.concept.catalog import LANGUAGES
from core.concept.params import Invalid, Refused, fields
from core.concept.parts import Experiment, experiment, load, train_module
from core.concept.result import BaseResult
from core.concept.text import words
from core.concepts.convolution import claims, figures
from core.concepts.convolution.algebra.params import BACK, CROP, LENGTH, MOVED, SMALL, UPSAMPLED, VIEWS
from core.concepts.convolution.algebra.params import Result as Algebra
from core.concepts.convolution.algebra.train import jacobian, products
from core.concepts.convolution.arithmetic import as_matrix, correlated, pooled, spread
from core.concepts.convolution.params import EDGE, HIGH, SAME, SIDE, WIDE, Params, Result, Stack
from core.concepts.convolution.pooling.params import COUNTS
from core.concepts.convolution.pooling.params import NETS as POOLED
from core.concepts.convolution.pooling.params import Result as Pooling
from core.concepts.convolution.shuffled.params import NARROW, NETS, ORDERS, PATCHES, REACH
from core.concepts.convolution.shuffled.params import Result as Shuffled
from core.concepts.convolution.shuffled.train import given as put
from core.concepts.convolution.train import answer
from core.conclusions.measures import unseen
from core.images import cleaned
from core.ml.architecture import parameters
from core.ml.own import CONTENTS
from core.ml.photographs import photograph
from core.ml.signal_nets import RATE, Race
from core.ml.signals import signals
from core.takeaway.export import script
from core.takeaway.weights import cut
from tests.known import known

# That texts repeat: the kernel and its weights, sizes of the drawn matrix, kernels that upsample, of the presets
CONSTANTS = {SIDE, SIDE**2, SMALL, SMALL**2, *UPSAMPLED, *COUNTS}


@cache
def last(name: str, params: Params) -> BaseResult:
    *_, result = train_module(name).train(params)
    return result


def photo(**changes: Any) -> Result:
    return last("convolution", Params().replace(**changes))  # type: ignore[return-value]


# Photographs and own pictures


@pytest.mark.parametrize("name", ["china", "flower"])
def test_photographs_are_those_of_scikit_learn_scaled_down(name: str) -> None:
    full, small = load_sample_image(f"{name}.jpg") / 255, photograph(name, HIGH, WIDE)
    assert small.shape == (HIGH, WIDE, 3) and small.dtype == np.float32
    assert small.mean((0, 1)) == pytest.approx(full.mean((0, 1)), abs=0.002)
    first = full[: full.shape[0] // HIGH, : full.shape[1] // WIDE].mean((0, 1))
    assert small[0, 0] == pytest.approx(first, abs=0.02)


def encoded(pixels: np.ndarray, mode: str, kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels, mode).save(out, kind)
    return out.getvalue()


def test_pictures_of_cameras_are_taken_and_bad_ones_refused() -> None:
    """Twenty megapixels, transparency, CMYK; cut off, or too many pixels."""
    kind: Any = fields(Params)["own"]
    large = encoded(np.broadcast_to(np.uint8([200, 40, 40]), (3650, 5480, 3)).copy(), "RGB", "JPEG")
    clear = encoded(np.zeros((40, 60, 4), np.uint8), "RGBA", "PNG")
    inks = encoded(np.zeros((40, 60, 4), np.uint8), "CMYK", "JPEG")
    for content in (large, clear, inks):
        made, size = cleaned(content, kind)
        name = f"sha256:{hashlib.sha256(made).hexdigest()}:{'x'.join(map(str, size))}"
        CONTENTS[name] = made
        params = Params(own=name)
        result: Any = last("convolution", params)
        assert result.output.shape == result.picture.shape == size[:2] and result.planes.shape[0] == size[2]
        assert experiment("convolution").data_files(params) == ()
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    for content, code in ((encoded(noise, "RGB", "PNG")[:5000], "picture_damaged"), (b"GIF", "no_picture")):
        with pytest.raises(Refused, match=code):
            cleaned(content, kind)
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    with pytest.raises(Refused, match="too_many_pixels"):
        cleaned(bomb.getvalue(), kind)


# The kernel on the picture


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.integers(13, 20), st.integers(13, 17)
)
def test_sums_of_products_are_those_of_torch(
    k: int, stride: int, pad: int, dilation: int, high: int, wide: int
) -> None:
    rng = np.random.default_rng(k)
    x, w = rng.standard_normal((high, wide)), rng.standard_normal((k, k))
    at = torch.as_tensor(x)[None, None], torch.as_tensor(w)[None, None]
    wanted = functional.conv2d(*at, None, stride, pad, dilation)[0, 0].numpy()
    np.testing.assert_allclose(correlated(x, w, stride, (pad, pad), dilation), wanted, atol=1e-12)


def test_the_pages_outputs_are_those_of_scipy() -> None:
    result = photo()
    np.testing.assert_allclose(result.output, correlate2d(result.picture, EDGE, "same"), atol=1e-12)
    turned = photo(turned=True)
    np.testing.assert_allclose(turned.output, convolve2d(result.picture, EDGE, "same"), atol=1e-12)
    np.testing.assert_allclose(result.ways[1], turned.output)
    np.testing.assert_allclose(result.answers.sum(0), correlate2d(result.planes.sum(0), EDGE, "same"), atol=1e-9)


@pytest.mark.parametrize("changes", [{}, {"stride": 3}, {"dilation": 4}, {"padding": "none", "row": 41, "column": 61}])
def test_the_arithmetic_shown_is_that_of_the_pixel(changes: dict[str, Any]) -> None:
    result = photo(**changes)
    assert (result.patch * result.used).sum() == pytest.approx(result.output[tuple(result.at)], abs=1e-12)
    table = figures.table_slide(result, "en")
    assert table["product"].sum() == pytest.approx(result.output[tuple(result.at)], abs=1e-3)


def test_padding_that_is_off_by_one_has_the_right_size_and_moves_the_picture() -> None:
    right, wrong = photo(kernel=SAME), photo(kernel=SAME, padding="off_by_one")
    assert wrong.output.shape == right.output.shape
    np.testing.assert_array_equal(wrong.output[1:, 1:], right.output[:-1, :-1])
    assert claims.moved_by(right) == 0 and claims.moved_by(wrong) == 1
    assert claims.moved_by(photo(stride=2)) is None


def test_pooling_and_unpooling_are_those_of_torch() -> None:
    x = np.random.default_rng(0).standard_normal((8, 6)).clip(0.01)
    given_x = torch.as_tensor(x)[None, None]
    made, back = pooled(x)
    largest, where = functional.max_pool2d(given_x, 2, return_indices=True)
    for one, other in zip(made, (largest, functional.avg_pool2d(given_x, 2), -functional.max_pool2d(-given_x, 2))):
        np.testing.assert_allclose(one, other[0, 0].numpy())
    np.testing.assert_array_equal(made[3], x[::2, ::2])
    np.testing.assert_allclose(back, functional.max_unpool2d(largest, where, 2)[0, 0].numpy())


# The calculator


@settings(max_examples=150, deadline=None)
@given(st.builds(
    Stack, side=st.integers(1, 12), inputs=st.integers(1, 6), outputs=st.integers(1, 6), window=st.integers(0, 5),
    stride=st.integers(0, 3), padding=st.integers(0, 3), dilation=st.integers(0, 3), groups=st.integers(1, 3),
    sides=st.integers(1, 3), depth=st.just(1),
))  # fmt: skip
def test_the_calculator_is_right_and_refuses_what_torch_refuses(asked: Stack) -> None:
    found = answer(Params(), None, None, asked)  # type: ignore[arg-type]
    if 0 in (asked.window, asked.dilation):  # torch takes what has no weight or no second place
        assert found.reason
        return
    try:
        conv: Any = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[asked.sides - 1]
        how = {"groups": asked.groups, "dilation": asked.dilation}
        layer = conv(asked.inputs, asked.outputs, asked.window, asked.stride, asked.padding, **how)
        shape = layer(torch.zeros(1, asked.inputs, *[asked.side] * asked.sides)).shape
    except (RuntimeError, ValueError, ZeroDivisionError):
        assert found.reason
        for language in LANGUAGES:
            assert "{" not in figures.reason(found, language) and figures.summary_sizes(found, language)
        return
    assert not found.reason and found.side[0] == shape[2] and found.view[0] == asked.dilation * (asked.window - 1) + 1
    assert found.parameters[0] == sum(p.numel() for p in layer.parameters())
    assert found.multiply_adds[0] == layer.weight.numel() * np.prod(shape[2:])


def test_twenty_kernels_on_twenty_channels_give_twenty_maps_and_thirty_thirty() -> None:
    found = answer(Params(), None, None, Stack())  # type: ignore[arg-type]
    said = figures.summary_sizes(found, "en")
    assert "30 kernels of 20 × 3 × 3 weights: 30 maps of 32 × 32, not 600" in said
    refused = answer(Params(), None, None, Stack(stride=0))  # type: ignore[arg-type]
    assert refused.reason == "stride" and not refused.side.size
    for language, word in (("en", "never moves on"), ("zh", "走不动")):
        assert word in figures.summary_sizes(refused, language)
        assert len(figures.draw_sizes(refused, language).data)
    shrinking = answer(Params(), None, None, Stack(side=8, padding=0, stride=2))  # type: ignore[arg-type]
    assert shrinking.reason == "reach" and list(shrinking.side) == [3, 1]
    with pytest.raises(Invalid):
        Stack(stride=-1)


# What holds whatever the numbers


@pytest.mark.parametrize(("k", "stride", "pad"), [(3, 1, 1), (3, 2, 0), (4, 2, 1), (2, 3, 0)])
def test_the_matrix_and_its_transpose_are_those_of_torch(k: int, stride: int, pad: int) -> None:
    rng = np.random.default_rng(k + stride)
    x, w = rng.standard_normal((9, 8)), rng.standard_normal((k, k))
    m = as_matrix(w, 9, 8, stride, (pad, pad))
    kernel = torch.as_tensor(w)[None, None]
    y = functional.conv2d(torch.as_tensor(x)[None, None], kernel, None, stride, pad)
    np.testing.assert_allclose(m @ x.ravel(), y.flatten().numpy(), atol=1e-12)
    back = functional.conv_transpose2d(y, kernel, None, stride)[0, 0].numpy()
    np.testing.assert_allclose(spread(y[0, 0].numpy(), w, stride), back, atol=1e-12)


@pytest.mark.parametrize("kernel", UPSAMPLED)
def test_products_that_meet_are_counted_as_torch_sums_ones(kernel: int) -> None:
    ones = torch.ones(1, 1, 8, 8), torch.ones(1, 1, kernel, kernel)
    np.testing.assert_allclose(products(kernel), functional.conv_transpose2d(*ones, None, 2)[0, 0, :16, :16].numpy())
    inner = products(kernel)[4:12, 4:12]
    assert (np.ptp(inner) == 0) == (kernel == 4)


def test_what_an_output_sees_is_what_autograd_finds() -> None:
    result: Any = last("convolution.algebra", Params())
    for i, (name, net) in enumerate(VIEWS.items()):
        x = torch.zeros(1, 1, LENGTH, dtype=torch.float64, requires_grad=True)
        h = x
        for layer in net:
            if name == "pooling" and not parameters((layer,), (1, LENGTH)):
                h = functional.avg_pool1d(h, 2)
            else:
                conv: Any = layer
                ones = torch.ones(1, 1, 3, dtype=torch.float64)
                h = functional.conv1d(h, ones, None, conv.stride, conv.padded, conv.dilation)
        (slope,) = torch.autograd.grad(h[0, 0, h.shape[2] // 2], x)
        seen = int((slope != 0).sum())
        assert (result.seen[i] == seen).all() and result.fields[i, -1] == seen
    assert jacobian(VIEWS["stride"], np.random.default_rng(0)).shape == (4, LENGTH)


def test_echoes_are_causal_and_their_mirror_image_is_not() -> None:
    result: Any = last("convolution.algebra", Params())
    pulses, (back, ahead) = result.pulses, result.echoes
    y = 0.0
    for t, pulse in enumerate(pulses):
        y = 0.7 * y + pulse
        assert back[t] == pytest.approx(y)
    y = 0.0
    for t in range(LENGTH - 1, -1, -1):
        y = 0.7 * y + pulses[t]
        assert ahead[t] == pytest.approx(y)


def test_a_piece_comes_back_by_equations_and_not_by_the_transpose() -> None:
    result: Any = last("convolution.algebra", Params())
    piece, _, solved, transposed = result.pieces
    np.testing.assert_allclose(solved, piece, atol=1e-6)
    assert transposed.shape == piece.shape == (CROP, CROP) and not np.allclose(transposed, piece)


# Trained networks


def test_the_layer_that_is_not_shared_is_a_kernel_for_every_patch() -> None:
    """Against a loop over patches; and with equal kernels it is the convolution of one layer."""
    x, _ = signals(4, 0)
    race = Race(*NETS["local"], [0], put("local", x[None]), np.zeros((1, 4), np.int64), 1)
    w = cut(race.weights.numpy(), parameters(*NETS["local"]))
    kernels, bias = w["0.weight"][0].reshape(PATCHES, NARROW, REACH), w["0.bias"][0].reshape(PATCHES, NARROW)
    hidden = np.stack([x[:, p : p + REACH] @ kernels[p].T + bias[p] for p in range(PATCHES)], 1).clip(0)
    wanted = hidden.reshape(4, -1) @ w["3.weight"][0].T + w["3.bias"][0]
    found = np.stack([race.right(race.x, torch.full((1, 4), k))[0] for k in range(10)])
    np.testing.assert_allclose(found, [(wanted.argmax(1) == k).mean() for k in range(10)])


def test_a_step_is_that_of_torch() -> None:
    x, y = signals(20, 1)
    race = Race(*NETS["one"], [3, 4], np.stack([x, x]), np.stack([y, y]), 2)
    w = {name: torch.tensor(row[1]) for name, row in cut(race.weights.numpy(), parameters(*NETS["one"])).items()}
    module = torch.nn.Sequential(
        torch.nn.Conv1d(1, NARROW, REACH), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(NARROW * PATCHES, 10)
    )
    module.load_state_dict(w)
    adam = torch.optim.Adam(module.parameters(), RATE)
    for which in (np.arange(10), np.arange(10, 20)):
        race.step(np.stack([which, which]))
        adam.zero_grad()
        functional.cross_entropy(module(torch.as_tensor(x[which])[:, None]), torch.as_tensor(y[which])).backward()
        adam.step()
    after = cut(race.weights.numpy(), parameters(*NETS["one"]))
    for name, tensor in module.state_dict().items():
        np.testing.assert_allclose(after[name][1], tensor.numpy(), atol=2e-6)


@pytest.mark.parametrize("part", load("convolution").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


def test_attribution_stands_on_the_page() -> None:
    for language in LANGUAGES:
        said = words("convolution", language).hint("figures.slide")
        assert "danielbuechele" in said and "vultilion" in said and "CC BY 2.0" in said


# Claims

TEN = unseen(Params(), 20)


def algebra(**found: Any) -> Algebra:
    return known(Algebra, TEN, **{name: np.asarray(values, float) for name, values in found.items()})


def rows(values: list[float]) -> np.ndarray:
    return np.repeat(np.array(values)[:, None], 20, 1)


def raced(ordered: dict[str, float], shuffled: dict[str, float]) -> Shuffled:
    both = [[part.get(net, 0.4) for part in (ordered, shuffled)] for net in NETS]
    return known(Shuffled, TEN, accuracy=np.repeat(np.array(both)[:, :, None, None], 20, 2))


def pools(few: dict[str, float], many: dict[str, float]) -> Pooling:
    both = [[part.get(net, 0.3) for part in (few, {}, many)] for net in POOLED]
    return known(Pooling, TEN, accuracy=np.repeat(np.repeat(np.array(both)[:, :, None, None], 20, 2), 2, 3))


def one(name: str, yes: float, no: float) -> tuple[Algebra, Algebra]:
    return algebra(**{name: np.full(20, yes)}), algebra(**{name: np.full(20, no)})


def of(name: str, place: int, count: int, yes: float, no: float) -> tuple[Algebra, Algebra]:
    found = [rows([value if k == place else 0.5 for k in range(count)]) for value in (yes, no)]
    return algebra(**{name: found[0]}), algebra(**{name: found[1]})


SEEN = [rows([9, 31, 46, at]) for at in (31, 9)]
KNOWN = {
    "shuffled_lead": (raced({}, {"cnn": 0.4}), raced({}, {"cnn": 0.6})),
    "lead": (raced({"cnn": 0.7}, {}), raced({}, {})),
    "mlp_same": (raced({}, {}), raced({"mlp": 0.7}, {})),
    "sharing": (raced({"one": 0.5}, {}), raced({}, {})),
    "sharing_shuffled": (raced({}, {}), raced({}, {"one": 0.6})),
    "deeper": (raced({"cnn": 0.7}, {}), raced({}, {})),
    "few": (pools({"max": 0.4}, {}), pools({}, {})),
    "few_many": (pools({"max": 0.4}, {}), pools({"max": 0.4}, {"max": 0.4})),
    "activation": (pools({}, {"max_alone": 0.5}), pools({}, {})),
    "relu_too": (pools({}, {"max": 0.5}), pools({}, {})),
    "found": of("moved", MOVED.index("inside"), 3, 0.0, 0.2),
    "border": of("moved", MOVED.index("border"), 3, 0.3, 0.0),
    "strided": of("moved", MOVED.index("strided"), 3, 0.3, 0.0),
    "sizes": one("sized", 1.0, 0.9),
    "as_matrix": one("dense", 0.0, 0.1),
    "full": one("full", 0.0, 0.1),
    "spread": one("spread", 0.0, 0.1),
    "restored": one("restored", 1.0, 0.0),
    "not_inverse": of("lost", BACK.index("transposed"), 2, 0.5, 0.0),
    "solved": of("lost", BACK.index("solved"), 2, 0.0, 0.5),
    "checkerboard": of("uneven", 0, 2, 0.7, 0.1),
    "even": of("uneven", 1, 2, 0.1, 0.7),
    "dilated": (algebra(seen=SEEN[0]), algebra(seen=SEEN[1])),
    "mean_linear": of("linear", 1, 2, 0.0, 0.2),
    "max_not": of("linear", 0, 2, 0.2, 0.0),
    "unpooled": one("unpooled", 1.0, 0.9),
    "off_by_one": (photo(kernel=SAME, padding="off_by_one"), photo(kernel=SAME)),
    "inverse": of("lost", BACK.index("transposed"), 2, 0.5, 0.0),
}


def test_predictions_answer_by_the_sum_of_the_kernel_and_by_the_order() -> None:
    flat, order = claims.PREDICTIONS
    assert [flat.answer(photo(kernel=kernel))[0] for kernel in (EDGE, SAME)] == ["zero", "same"]  # type: ignore[index]
    five = ((0.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 0.0))
    assert flat.answer(photo(kernel=five))[0] == "other"  # type: ignore[index]
    assert order.answer(raced({}, {"cnn": 0.2}))[0] == "less"  # type: ignore[index]
    assert len(ORDERS) == 2
