"""What ships so that no page is empty: a result of every concept's default, and pictures of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from core.concept.catalog import CONCEPTS, LANGUAGES
from core.concept.parts import experiment, load
from core.concept.result import axes as result_axes
from core.concept.result import same
from core.defaults import THUMBNAILS, drawn, first_figure
from core.figures import style
from core.runs import store
from core.runs.manager import Manager
from core.runs.run import COMPLETE
from core.runs.store import SHIPPED, Store, about_shipped, shipped

STEMS = [entry.stem for entry in CONCEPTS]
NAMES = [each.name for stem in STEMS for each in load(stem).experiments]
ONE, PICTURES = 300 * 1024, 1024**2  # bytes that an experiment may ship, and one of pictures
ALL = 16 * 1024**2


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("name", NAMES)
def test_every_default_ships_complete_and_can_be_drawn(name: str) -> None:
    stored, again = shipped(name), f"make defaults name={experiment(name).stem}"
    assert stored, again
    assert stored.result.params == experiment(name).Params(), f"the default has changed: {again}"
    assert stored.result.complete and stored.meta["status"] == COMPLETE and stored.meta["device"] == "cpu"
    for figure in load(experiment(name).stem).figures:
        if figure.of == experiment(name).part and figure.shown(stored.result.params):
            for language in LANGUAGES:
                assert figure.draw(stored.result, language).data and figure.summary(stored.result, language)


@pytest.mark.parametrize("name", NAMES)
def test_what_ships_is_said_and_pictured_as_it_would_be_today(name: str) -> None:
    about, stored, again = about_shipped(name), shipped(name), f"make defaults name={experiment(name).stem}"
    assert about["shipped"] and about["saved"] > 1.6e9 and len(about["source"]) == 40 and about["versions"]["torch"]
    said = {language: first_figure(name).summary(stored.result, language) for language in LANGUAGES}
    assert about["summary"] == said, f"the sentence of its figure has changed: {again}"
    assert about["drawn"] == drawn(name, stored.result), f"its figure has changed: {again}"


def test_nothing_is_left_over_and_all_of_it_is_small() -> None:
    assert {path.name for path in SHIPPED.iterdir()} == set(NAMES)
    axes = {name: {axis for field in result_axes(experiment(name).Result).values() for axis in field} for name in NAMES}
    assert all(size(SHIPPED / name) <= (PICTURES if "pixel" in axes[name] else ONE) for name in NAMES)
    assert size(SHIPPED) + size(THUMBNAILS) <= ALL


@pytest.mark.parametrize("stem", STEMS)
def test_there_is_a_picture_per_theme_in_its_colours(stem: str) -> None:
    for theme, look in style.THEMES.items():
        with Image.open(THUMBNAILS / f"{stem}.{theme}.webp") as picture:
            assert picture.size == (720, 432)
            corner = picture.convert("RGB").getpixel((1, 1))
            wanted = [int(look["background"][i : i + 2], 16) for i in (1, 3, 5)]
            assert max(abs(a - b) for a, b in zip(corner, wanted)) <= 12
            assert len(picture.convert("L").getcolors(256) or []) > 20, "an empty picture"
    names = {f"{stem}.{theme}.webp" for stem in STEMS for theme in style.THEMES}
    assert {path.name for path in THUMBNAILS.iterdir()} == names


def test_it_stands_in_but_never_counts_as_a_run(tmp_path: Path) -> None:
    manager = Manager(Store(tmp_path))
    params = load("perceptron").Params()
    run = manager.shipped("perceptron")
    assert run and run is manager.shipped("perceptron") and run.meta["shipped"] and run.params == params
    assert manager.find("perceptron", params) is None and not manager.has("perceptron", params)
    assert manager.latest("perceptron", params) is None and manager.partial("perceptron", params) is None


def test_damage_costs_only_the_first_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIPPED / "perceptron", tmp_path / "perceptron")
    monkeypatch.setattr(store, "SHIPPED", tmp_path)
    look = shipped.__wrapped__
    assert same(look("perceptron").result, shipped("perceptron").result)
    arrays = tmp_path / "perceptron" / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"x")
    assert look("perceptron") is None and look("dropout") is None
    assert arrays.exists(), "what came with the project is not removed"


def test_the_first_figure_is_the_one_a_page_shows_first() -> None:
    assert first_figure("dropout").id == "test"  # the figure before it needs points
