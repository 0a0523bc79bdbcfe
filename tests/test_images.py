"""Pictures of readers: what is read, and as what; everything else is refused in words, and no bomb is decoded."""

from __future__ import annotations

import ast
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from streamlit.testing.v1 import AppTest

from core import cli, images, readers
from core.concept.catalog import LANGUAGES
from core.concept.messages import explain
from core.concept.params import ENDINGS, Problem, Refused, Upload, shape
from core.concept.parts import load
from core.concept.text import words
from core.ml import own
from core.runs import manager as runs
from core.runs import reader
from core.runs.store import Store
from core.takeaway import source
from tests.images import KIND, PHOTO, cases, saved, turned

CASES = {what: (content, code) for what, content, code in cases()}
GREY = Upload("", None, "image", ((4, 64), (4, 64), (1, 1)))
EITHER = Upload("", None, "image", ((4, 64), (4, 64), (1, 3)))


def read_back(content: bytes, kind: Upload = KIND) -> np.ndarray:
    name, cleaned = readers.image(content, kind)
    own.CONTENTS[name] = cleaned
    return own.image(name)


def test_there_are_fifty() -> None:
    assert len(CASES) == 50


@pytest.mark.parametrize("what", CASES)
def test_a_hostile_picture_is_read_or_refused_in_words(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content, code = CASES[what]
    decoded = []
    load_ = ImageFile.ImageFile.load
    monkeypatch.setattr(
        ImageFile.ImageFile, "load", lambda picture: decoded.append(np.prod(picture.size)) or load_(picture)
    )
    found = readers.read(content, KIND, readers.How())
    assert (found.refused.code if found.refused else "") == code
    assert max(decoded, default=0) <= images.MOST_PIXELS  # what is not decoded takes neither time nor memory
    if code:
        for language in LANGUAGES:
            problem = Problem("own", found.refused.code, found.refused.details)  # type: ignore[union-attr]
            assert explain(problem, words("perceptron", language), load("perceptron").Params, instead=False)
        return
    again = readers.image(found.cleaned, KIND)
    assert again == (found.name, found.cleaned)  # clean already
    clean = Image.open(io.BytesIO(found.cleaned))
    assert clean.format == "PNG" and clean.mode == "RGB" and not clean.info and not clean.getexif()
    assert b"script" not in found.cleaned


def test_a_picture_is_upright_and_its_colours_stay() -> None:
    whole = read_back(saved(PHOTO, "PNG"))
    assert whole.dtype == np.float32 and whole.shape == (48, 64, 3) and 0 <= whole.min() < whole.max() <= 1
    small = np.asarray(PHOTO, np.float32)[4::10, 4::10] / 255  # the middles of its fields
    assert np.abs(whole[1::4, 1::4] - small).max() < 0.12
    upright = {1: whole, 3: whole[::-1, ::-1], 6: whole.transpose(1, 0, 2)[:, ::-1]}
    upright |= {2: whole[:, ::-1], 4: whole[::-1], 8: whole.transpose(1, 0, 2)[::-1], 5: whole.transpose(1, 0, 2)}
    upright |= {7: whole.transpose(1, 0, 2)[::-1, ::-1]}
    for orientation, wanted in upright.items():
        assert np.abs(read_back(turned(orientation)) - wanted).mean() < 0.03, orientation  # JPEG is not exact


def test_a_small_picture_is_kept_pixel_by_pixel() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    assert np.array_equal(np.round(255 * read_back(saved(Image.fromarray(pixels), "PNG"))), pixels)
    grey = read_back(saved(Image.fromarray(pixels), "PNG"), GREY)
    assert grey.shape == (9, 7, 1) and np.allclose(grey[..., 0], pixels @ [0.299, 0.587, 0.114] / 255, atol=0.005)
    assert shape(readers.image(saved(Image.fromarray(pixels), "PNG"), EITHER)[0]) == (9, 7, 3)
    assert shape(readers.image(saved(Image.fromarray(pixels[..., 0]), "PNG"), EITHER)[0]) == (9, 7, 1)


def test_what_is_transparent_is_paper_and_16_bits_are_8() -> None:
    alpha = np.zeros((8, 8, 4), np.uint8)
    alpha[:, :4, 3] = 255  # black on the left, nothing on the right
    found = read_back(saved(Image.fromarray(alpha), "PNG"))
    assert (found[:, :4] == 0).all() and (found[:, 4:] == 1).all()
    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    assert np.abs(read_back(saved(Image.fromarray(deep), "PNG"), GREY)[..., 0] - deep / 65535).max() < 0.005
    inks = Image.fromarray(np.full((8, 8, 4), (0, 255, 255, 0), np.uint8), "CMYK")
    assert (read_back(saved(inks, "JPEG")).mean((0, 1)) - [1, 0, 0]).max() < 0.02  # red


def test_of_several_frames_the_first_is_taken() -> None:
    for what in ("animated GIF", "animated WebP"):
        assert np.abs(read_back(CASES[what][0]).mean((0, 1)) - [1, 0, 0]).max() < 0.02


@settings(max_examples=80, deadline=None)
@given(
    form=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]),
    at=st.floats(0, 1),
    put=st.binary(min_size=1, max_size=40),
    cut=st.booleans(),
)
def test_whatever_is_changed_in_a_picture_it_is_read_or_refused(form: str, at: float, put: bytes, cut: bool) -> None:
    whole = saved(PHOTO, form)
    place = int(at * len(whole))
    content = whole[:place] + put + (b"" if cut else whole[place + len(put) :])
    try:
        name, cleaned = readers.image(content, KIND)
    except Refused as refused:
        assert refused.code in ("no_picture", "picture_damaged", "too_many_pixels", "size_height", "size_width")
    else:
        assert readers.image(cleaned, KIND) == (name, cleaned)


def test_every_picture_is_read_by_another_process() -> None:
    apart: list[int] = []
    found = reader.read(saved(PHOTO, "PNG"), KIND, readers.How(), None, lambda: apart.append(1))
    assert apart and found == readers.read(saved(PHOTO, "PNG"), KIND, readers.How())


def test_the_command_line_takes_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "photo.webp"
    file.write_bytes(saved(PHOTO, "WEBP"))
    name = cli.brought(file, KIND, "")
    assert own.image(name).shape == shape(name) == (48, 64, 3)
    file.write_bytes(b"none")
    with pytest.raises(Refused, match="no_picture"):
        cli.brought(file, KIND, "")


def test_a_script_reads_the_cleaned_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What of a page's train is exported, and that this is enough."""
    for file in ("core/ml/own.py", "core/concept/params.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source.ROOT / file, tmp_path / file)
    train = tmp_path / "core/concepts/look/train.py"
    train.parent.mkdir(parents=True)
    train.write_text("from core.ml.own import image\n\n\ndef train(own):\n    return image(own)\n")
    source.forget()
    monkeypatch.setattr(source, "ROOT", tmp_path)
    pieces, imports = source.closure("look", ("train",))
    source.forget()
    assert not any(word in piece.text for piece in pieces for word in ("BaseParams", "csv"))
    lines = ["from __future__ import annotations", *map(ast.unparse, imports), *(piece.text for piece in pieces)]
    alone: dict[str, Any] = {}
    exec("\n".join(lines), alone)
    name, cleaned = readers.image(saved(PHOTO, "PNG"), KIND)
    alone["CONTENTS"][name] = own.CONTENTS[name] = cleaned
    assert np.array_equal(alone["train"](name), own.image(name)) and ENDINGS["image"] == "png"


# The page


def one_picture() -> None:
    """A page with nothing but a field for a picture."""
    from dataclasses import dataclass

    import streamlit as st

    from core.concept.params import BaseParams, upload
    from core.concept.text import words
    from core.ui.own import Own

    @dataclass(frozen=True)
    class Params(BaseParams):
        own: str = upload("image", height=(4, 64), width=(4, 64), channels=(3, 3))

    state = st.session_state
    state.setdefault("generation:perceptron", 0)
    state.setdefault("problems:perceptron", [])
    known = state.setdefault("params", {"perceptron": Params()})["perceptron"]
    Own("perceptron", "own", Params(known.own), words("perceptron", "zh")).show()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[runs.Manager]:
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {"lab-person": "anna"})
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # else later workers would import a page
    runs._shared = runs.Manager(Store(tmp_path))
    yield runs._shared
    runs._shared = None


def test_a_picture_is_brought_looked_at_used_and_shown_to_nobody_else(
    manager: runs.Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bytes] = []
    monkeypatch.setattr("streamlit.image", lambda content, alt, width: shown.append(content))
    app = AppTest.from_function(one_picture, default_timeout=60)
    app.session_state["perceptron-own-fold-zh"] = True
    app.run()
    assert any("GIF" in caption.value and "像素" in caption.value for caption in app.caption)
    app.get("file_uploader")[0].set_value(("me.jpg", b"\xff\xd8\xff", "image/jpeg")).run()
    assert not app.exception and "不是此处能读取的图片" in app.error[0].value and not shown
    app.get("file_uploader")[0].set_value(("me.jpg", turned(6), "image/jpeg")).run()
    assert not app.exception and not app.error and manager.uploads.usage()["files"] == 0
    cleaned = readers.image(turned(6), KIND)[1]
    assert shown == [cleaned]
    next(b for b in app.button if b.label == "使用这份数据").click().run()
    name = app.session_state["params"]["perceptron"].own
    assert name.endswith(":64x48x3") and manager.uploads.content(name) == cleaned and set(shown) == {cleaned}
    for cookie, shares, seen in (("bo", False, 0), ("bo", True, 1), ("anna", False, 1)):
        shown.clear()
        manager.uploads.share(name, "anna", shares)
        monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {"lab-person": cookie})
        app.run()
        assert not app.exception and len(shown) == seen
