"""What stands on a page while the app still starts."""

from __future__ import annotations

import dataclasses
import json
import re
from html import escape
from pathlib import Path
from typing import Any

import pytest

from core import server
from core.concept.catalog import CATALOG, CONCEPTS, LANGUAGES
from core.concept.parts import load
from core.concept.result import BaseResult
from core.concept.text import words
from core.runs.key import run_key
from core.runs.manager import Manager
from core.runs.store import Store, about_shipped, shipped
from core.ui import first

STEMS = [entry.stem for entry in CONCEPTS]


@pytest.fixture
def manager(tmp_path: Path) -> Manager:
    """With an empty store, and without workers."""
    return Manager(Store(tmp_path))


def given(shown: str) -> dict[str, Any]:
    """What the chart in this HTML is given."""
    found = re.search(r"start\(\{ parentElement, data: (.*) \}\);$", shown, re.MULTILINE)
    assert found
    return json.loads(found[1])


def drawn(shown: str) -> list[dict[str, Any]]:
    return json.loads(given(shown)["figure"])["data"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", STEMS)
def test_a_default_link_shows_title_sentence_and_a_real_result_with_its_origin(
    stem: str, language: str, manager: Manager
) -> None:
    shown = first.shown(stem, f"lang={language}&v=1", language, manager)
    text, about, concept = words(stem, language), about_shipped(stem), load(stem)
    assert escape(text.title) in shown and escape(text.lead) in shown
    assert escape(about["summary"][language]) in shown and about["source"][:7] in shown
    figure = next(figure for figure in concept.figures if figure.shown(concept.Params()))
    wanted = json.loads(figure.draw(shipped(stem).result, language).to_json(validate=False))
    assert drawn(shown) == wanted["data"] and given(shown)["summary"] == about["summary"][language]
    assert len(shown) < 250_000, "it is sent before anything else"


def keep(manager: Manager, result: BaseResult, device: str) -> None:
    """Put a Result into the store as a run of its Params on this device."""
    meta = shipped("perceptron").meta | {"device": device, "shipped": False}
    manager.store.save(run_key("perceptron", result.params, device), result, meta)


def test_a_link_with_a_stored_result_shows_that_result_and_the_figure_chosen(manager: Manager) -> None:
    concept, stored = load("perceptron"), shipped("perceptron").result
    other = dataclasses.replace(stored, params=concept.Params(data_seed=7))
    query = "lang=en&data_seed=7"
    assert first.shown("perceptron", query, "en", manager) == ""
    keep(manager, other, "cpu")
    shown = first.shown("perceptron", query, "en", manager)
    assert drawn(shown) and words("perceptron", "en").say("run.stored") in shown
    last = [figure for figure in concept.figures if figure.shown(other.params)][-1]
    chosen = first.shown("perceptron", f"{query}&figure={last.id}", "en", manager)
    assert given(chosen)["summary"] == last.summary(other, "en")
    assert first.shown("perceptron", f"{query}&figure=no_such", "en", manager) == shown, "as the page does"
    assert first.shown("perceptron", "lang=en&data_seed=8", "en", manager) == ""
    assert first.shown("perceptron", f"{query}&device=cpu", "en", manager) == shown


@pytest.mark.parametrize(
    "query", ["nonsense=1", "weight_seed", "epochs=1e99", "lang=en&v=1&hello=", "x=" + 30000 * "y"]
)
def test_a_link_of_which_there_is_something_to_say_shows_nothing_first(query: str, manager: Manager) -> None:
    assert first.shown("dropout", query, "en", manager) == ""


@pytest.mark.parametrize("query", ["utm_source=mail&utm_campaign=x", "gclid=1&lang=en", "fbclid=1&ref=x", "embed=true"])
def test_what_others_add_to_a_link_does_not_cost_the_first_picture(query: str, manager: Manager) -> None:
    for stem in ("home", "dropout"):
        assert first.shown(stem, query, "en", manager) == first.shown(stem, "", "en", manager) != ""


def test_what_a_link_brings_cannot_leave_the_script_it_stands_in(manager: Manager) -> None:
    shown = first.shown("perceptron", "lang=en", "en", manager)
    assert shown.count("<script") == shown.count("</script>") == 3


def test_a_figure_that_cannot_be_drawn_costs_the_page_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("as an experiment may")

    monkeypatch.setattr(first, "shown", broken)
    monkeypatch.setattr("core.runs.manager.shared", lambda: None)
    page = b"<html><head><title>Streamlit</title></head><body><div id='root'></div></body></html>"
    found = server._filled(page, "dropout", "lang=en", "").decode()
    assert "<title>Dropout</title>" in found and "<body><div id='root'>" in found and "plotly.min.js" in found


def test_home_shows_the_whole_map(manager: Manager) -> None:
    shown = first.shown("home", "", "zh", manager)
    assert all(escape(words(stem, "zh").title) in shown for stem in STEMS)
    assert all(f'data-picture="thumbnails/{stem}"' in shown for stem in STEMS)


def test_pages_and_their_titles(manager: Manager) -> None:
    assert first.page("/") == "home" and first.page("/dropout/") == "dropout"
    assert first.page("/_stcore/health") == first.page("/app/static/x.png") == first.page("/nothing") == ""
    assert all(first.title(entry.stem, language) for entry in CATALOG for language in LANGUAGES)
    assert first.shown("status", "", "en", manager) == ""


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [("", "", "en"), ("", "zh-CN,zh;q=0.9", "zh"), ("lang=en", "zh", "en"), ("lang=zh&lang=xx", "de", "en")],
)
def test_the_language_is_the_link_s_or_the_browser_s(query: str, accepted: str, language: str) -> None:
    assert first.language(query, accepted) == language
