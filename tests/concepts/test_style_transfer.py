"""Style transfer against numpy, autograd, scikit-learn's sizes and pictures written by hand."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.signal import correlate2d

from core.concept.catalog import LANGUAGES
from core.concept.params import Refused, fields
from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.style_transfer import claims, data, figures, networks
from core.concepts.style_transfer import params as settings
from core.concepts.style_transfer.depth.params import KINDS
from core.concepts.style_transfer.depth.params import Result as Depth
from core.concepts.style_transfer.params import LAYERS, PRESETS, SIZES, TINY, Params, Result
from core.concepts.style_transfer.shuffled.params import NETWORKS, ORDERS, SHOWN
from core.concepts.style_transfer.shuffled.params import Result as Shuffled
from core.concepts.style_transfer.shuffled.train import related
from core.concepts.style_transfer.texture.params import WAYS
from core.concepts.style_transfer.texture.params import Result as Texture
from core.concepts.style_transfer.texture.train import LAGS, autocorrelation
from core.conclusions.measures import preset
from core.images import cleaned
from core.ml.own import CONTENTS
from core.ml.photographs import photograph
from core.ml.pretrained import installed
from tests.known import known

# That texts repeat: layers, maps that are shown, sizes of filters, levels, evaluations of the claims
CONSTANTS = {*range(LAYERS + 1), SHOWN, *SIZES, 255, Params().evaluations}
needed = pytest.mark.skipif(not installed(), reason="the pretrained network is not installed")


@cache
def last(part: str, params: Params) -> BaseResult:
    *_, result = train_module("style_transfer" + part).train(params)
    return result


def transfer(**changes: Any) -> Result:
    return last("", TINY.replace(**{"steps": 20, "network": "random", **changes}))  # type: ignore[return-value]


# Gram matrices


def test_gram_matrices_are_means_of_products() -> None:
    maps = torch.randn(2, 5, 7, 9, dtype=torch.float64)
    flat = maps.numpy().reshape(2, 5, 63)
    np.testing.assert_allclose(networks.gram(maps), np.einsum("nip,njp->nij", flat, flat) / 63)
    np.testing.assert_allclose(networks.gram(maps, False), 63 * networks.gram(maps))


def test_centred_and_scaled_they_are_covariances_and_correlations() -> None:
    maps = torch.rand(1, 4, 6, 8, dtype=torch.float64)
    flat = maps.numpy().reshape(4, -1)
    covariance, cosines, correlations = related(maps)
    np.testing.assert_allclose(covariance, np.cov(flat, bias=True))
    np.testing.assert_allclose(correlations, np.corrcoef(flat))
    lengths = np.linalg.norm(flat, axis=1)
    np.testing.assert_allclose(cosines, flat @ flat.T / np.outer(lengths, lengths))


def test_the_gram_matrix_of_colours_is_the_same_after_shuffling_all_pixels() -> None:
    """Whatever the picture; that of maps behind a filter that sees neighbours is not."""
    picture = torch.as_tensor(photograph("china", 24, 24).transpose(2, 0, 1).copy(), dtype=torch.float64)[None]
    order = np.random.default_rng(0).permutation(24 * 24)
    mixed = picture.flatten(2)[..., order].reshape(picture.shape)
    torch.testing.assert_close(networks.gram(mixed), networks.gram(picture), rtol=1e-12, atol=1e-12)
    assert float(networks.off(mixed, picture)) > 0.05
    look = networks.eye("random", 0).look
    one, other = (networks.gram(look(each.float(), 1)[0]) for each in (picture, mixed))
    assert float(networks.off(one, other)) > 0.01


def test_the_page_shows_what_shuffling_leaves() -> None:
    result: Any = last(".shuffled", TINY)
    places, pixels = (ORDERS.index(order) for order in ("places", "pixels"))
    own = slice(0 if installed() else 1, None)
    assert result.style[own, places].max() < 1e-12 and result.style[own, pixels, :, 0].max() < 1e-12
    inner = slice(None, -1)  # the last layer of so small a picture has one place
    assert (result.content[own, places, :, inner] > 0.001).all() and (result.style[own, pixels, :, 1:] > 1e-6).all()
    np.testing.assert_allclose(*result.colours, atol=1e-12)
    assert sorted(result.pictures[0].reshape(-1, 3).tolist()) == sorted(result.pictures[1].reshape(-1, 3).tolist())
    assert claims.same_gram(result)[0] == "same"  # type: ignore[index]


# Networks, pictures, optimizers


def test_random_filters_are_those_of_torch() -> None:
    found = networks.eye("random", 3)
    x = torch.rand(1, 3, 16, 16)
    conv = torch.nn.Conv2d(3, 16, 3, padding=1, padding_mode="reflect", bias=False)
    conv.weight.data = found.weights[0]
    torch.testing.assert_close(found.look(x, 1)[0], conv((x - networks.MIDDLE) / networks.SPREAD).relu())
    assert [maps.shape[-1] for maps in found.look(x, LAYERS)] == [16, 8, 4, 2, 1]
    many = networks.eye("sizes", 0)
    assert [w.shape[-1] for w in many.weights] == list(SIZES) and many.look(x, LAYERS)[0].shape == (1, 80, 16, 16)


@needed
def test_the_trained_network_sees_five_layers() -> None:
    maps = networks.eye("trained", 0).look(torch.rand(1, 3, 16, 16), LAYERS)
    assert [tuple(each.shape[1:]) for each in maps] == [(32, 16, 16), (16, 16, 16), (24, 8, 8), (40, 4, 4), (80, 2, 2)]


@pytest.mark.parametrize("kind", ["adam", "lbfgs"])
def test_optimizers_find_a_picture_and_count_what_they_look_at(kind: str) -> None:
    wanted = torch.full((1, 3, 4, 4), 0.25)
    painting = networks.Painting(torch.rand(1, 3, 4, 4), lambda picture: networks.off(picture, wanted), kind, 0.05)
    painting.advance(40)
    assert 40 <= len(painting.losses) < 66 and painting.losses[-1] < 0.02
    torch.testing.assert_close(painting.picture, wanted, atol=0.1, rtol=0)


def test_autocorrelations_are_those_of_scipy() -> None:
    picture = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    grey = picture[0].mean(0).numpy()
    grey = grey - grey.mean()
    wanted = correlate2d(np.tile(grey, (3, 3)), grey, "valid")[16 - LAGS : 17 + LAGS, 16 - LAGS : 17 + LAGS]
    np.testing.assert_allclose(autocorrelation(picture), wanted / (grey**2).sum(), atol=1e-12)


def test_patterns_are_pictures_and_pairs_are_drawn() -> None:
    for name in settings.DRAWN:
        small, large = data.pattern(name, 16), data.pattern(name, 32)
        assert small.shape == (16, 16, 3) and small.min() >= 0 and small.max() <= 1 and small.std() > 0.1
        np.testing.assert_allclose(large.reshape(16, 2, 16, 2, 3).mean((1, 3)), small, atol=0.2)
    drawn = [data.pair(seed, 16) for seed in range(6)]
    assert len({content.tobytes() for content, _ in drawn}) == 6
    assert all(each.shape == (16, 16, 3) for pair in drawn for each in pair)


# The transfer


def test_the_picture_moves_from_content_to_style() -> None:
    much, little = transfer(start="content", weight=100.0), transfer(start="content", weight=0.01)
    assert much.style_distance[-1] < little.style_distance[-1] <= much.still[0] * 1.01
    assert much.content_distance[-1] > little.content_distance[-1]
    np.testing.assert_array_equal(much.picture[0], much.content)
    assert much.content_distance[0] == 0 and much.style_distance[0] == pytest.approx(much.still[0])
    assert figures.table_transfer(much, "en")["style distance"].iloc[1] == 0


def test_without_the_trained_network_random_filters_see_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = TINY.replace(network="trained")
    monkeypatch.setattr(settings, "installed", lambda: False)
    for module in ("texture", "shuffled", "depth"):
        monkeypatch.setattr(f"core.concepts.style_transfer.{module}.train.installed", lambda: False)
    *_, result = train_module("style_transfer").train(wanted)
    assert not result.trained and experiment("style_transfer").data_files(wanted) == settings.PHOTOGRAPHS["cat"]
    np.testing.assert_array_equal(result.picture, last("", TINY).picture)  # type: ignore[attr-defined]
    for part in ("", ".texture", ".depth"):
        *_, result = train_module("style_transfer" + part).train(wanted.replace(seeds=1))
        assert not result.trained
        for figure in load("style_transfer").figures:
            if figure.of == part[1:]:
                assert "not installed" in figure.summary(result, "en"), figure.id
                assert "没有安装" in figure.summary(result, "zh")
                figure.draw(result, "en").to_json()


@needed
def test_with_it_the_page_says_nothing_of_that() -> None:
    result = last("", TINY.replace(network="trained"))
    assert result.trained and "installed" not in load("style_transfer").figures[0].summary(result, "en")  # type: ignore[attr-defined]


# Own pictures


def encoded(pixels: np.ndarray, mode: str, kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels, mode).save(out, kind)
    return out.getvalue()


def test_pictures_of_any_kind_are_taken_and_keep_their_shape() -> None:
    kind: Any = fields(Params)["own"]
    clear = encoded(np.full((40, 60, 4), 90, np.uint8), "RGBA", "PNG")
    inks = encoded(np.zeros((60, 40, 4), np.uint8), "CMYK", "JPEG")
    for content, shape in ((clear, (11, 16, 3)), (inks, (16, 11, 3))):
        made, size = cleaned(content, kind)
        name = f"sha256:{hashlib.sha256(made).hexdigest()}:{'x'.join(map(str, size))}"
        CONTENTS[name] = made
        result = transfer(own=name, own_style=name, steps=5)
        assert result.picture.shape[1:] == shape == result.style.shape
        assert experiment("style_transfer").data_files(result.params) == ()
        load("style_transfer").figures[0].draw(result, "en").to_json()
    with pytest.raises(Refused, match="picture_damaged"):
        cleaned(encoded(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8), "RGB", "PNG")[:5000], kind)


# Figures


def test_pictures_in_colour_stand_on_their_axes_and_remember() -> None:
    result = transfer()
    for figure in load("style_transfer").figures[:1]:
        drawn = figure.draw(result, "en")
        shots = drawn.layout.meta["scrub"]["shots"]
        assert len(drawn.layout.images) == 3 and list(shots) == ["2"]
        assert len(shots["2"]) == len(result.tick) and shots["2"][-1] == drawn.layout.images[2].source
        assert all(image.source.startswith("data:image/png;base64,") for image in drawn.layout.images)


def test_sentences_with_nothing_to_say() -> None:
    for part in ("", ".texture", ".shuffled", ".depth"):
        first = next(iter(train_module("style_transfer" + part).train(TINY)))
        for figure in load("style_transfer").figures:
            if figure.of == part[1:]:
                for language in LANGUAGES:
                    assert "nan" not in figure.summary(first, language)


# Claims


def ways(name: str, **given: float) -> Texture:
    """Textures of which these ways have these numbers, all others 1."""
    params = claims.DECIDES
    values = np.ones((len(WAYS), params.seeds, 1)) * np.array([given.get(way, 1.0) for way in WAYS])[:, None, None]
    return known(Texture, params, trained=True, **{name: values})


def both(name: str, one: dict[str, float], other: dict[str, float]) -> tuple[Texture, Texture]:
    return ways(name, **one), ways(name, **other)


def moved(name: str, value: float) -> Shuffled:
    shape = (len(NETWORKS), len(ORDERS), claims.DECIDES.seeds, LAYERS + 1)
    colours = np.stack([np.ones((3, 3)), np.ones((3, 3)) + value])
    return known(Shuffled, claims.DECIDES, trained=True, colours=colours, **{name: np.full(shape, value)})


def layered(name: str, rows: int, *values: float) -> Depth:
    """By layer; of the PSNR the same for all kinds, but for the random network less by the last."""
    params = claims.DECIDES
    found = np.broadcast_to(np.array(values)[:, None, None], (LAYERS, params.seeds, 1))
    found = np.stack([found, found + rows, *[found] * (len(KINDS) - 2)]) if name == "psnr" else found
    return known(Depth, params, trained=True, **{name: found})


def reached(id: str, far: float) -> Result:
    """So far from the style in the end, and as far from its colour."""
    level = {"picture": np.full((1, 4, 4, 3), 200 - 100 * far, np.uint8)}
    made = level | {"content": np.full((4, 4, 3), 90, np.uint8), "style": np.full((4, 4, 3), 200, np.uint8)}
    params = preset(Params(), PRESETS, id)
    return known(Result, params, trained=True, style_distance=np.array([far]), tick=np.array([80]), **made)


FALL, FLAT = (20, 18, 10, 9, 8), (9, 9, 9, 9, 9)
KNOWN = {
    "places": (moved("style", 0), moved("style", 0.1)),
    "content": (moved("content", 1), moved("content", 0)),
    "colours": (moved("style", 0), moved("style", 0.1)),
    "pixels": (moved("style", 1), moved("style", 0)),
    "uncentred": tuple(
        known(Shuffled, claims.DECIDES, trained=True, uncentred=np.full(claims.DECIDES.seeds, v)) for v in (0.3, 0.0)
    ),
    "untrained": (ways("changed", **dict.fromkeys(WAYS, 0.0)), ways("changed")),
    "filters": both("repeats", {}, {"one": 1.4}),
    "filters_colours": both("repeats", {"one": 0.5}, {}),
    "sizes": both("repeats", {"sizes": 0.5}, {}),
    "seen": both("seen", {"trained": 0.5}, {}),
    "lbfgs": both("loss", {"trained_lbfgs": 0.1}, {}),
    "lbfgs_filters": both("loss", {"sizes_lbfgs": 0.1}, {}),
    "deeper": (layered("psnr", 0, *FALL), layered("psnr", 0, *FLAT)),
    "deeper_random": (layered("psnr", 0, *FALL), layered("psnr", 0, *FLAT)),
    "trained_forgets": (layered("psnr", 2, *FALL), layered("psnr", 0, *FALL)),
    "shallow": (layered("styled", 0, 0.9, 0.5, 0.3, 0.2, 0.1), layered("styled", 0, *FLAT)),
    "deep": (layered("alike", 0, 0.9, 0.9, 0.5, 0.3, 0.1), layered("alike", 0, *FLAT)),
    "undivided": (reached("undivided", 0.6), reached("undivided", 0.1)),
    "bytes": (reached("bytes", 1.0), reached("bytes", 0.1)),
}


def test_mistakes_speak_of_what_ought_to_meet_the_style() -> None:
    for mistake in load("style_transfer").mistakes:
        assert mistake.shows(reached("little", 0.9)) is None and mistake.shows(reached("waves", 0.1)) is False


def test_whose_colours() -> None:
    found = {far: claims.whose(reached("waves", far)) for far in (0.1, 0.55, 1.0)}
    assert [found[far] and found[far][0] for far in found] == ["style", None, "content"]  # type: ignore[index]
