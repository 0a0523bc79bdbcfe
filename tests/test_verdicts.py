"""The place of all claims: which it lists, what a filter lets through, what its pictures and its file say."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.concept.catalog import CHAPTERS, CONCEPTS, LANGUAGES
from core.concept.params import canonical, read
from core.concept.parts import load
from core.concept.text import words
from core.conclusions import claims, kept
from core.conclusions.kept import stored
from core.ui import link
from core.ui.verdicts import HEIGHT, MARGIN, PLACES, VERDICTS, WIDTH, Filter, frame, picture, rows, table_html

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "language", lambda: "en")


def test_every_claim_is_there_with_its_stored_verdict_and_a_link_to_what_decides_it() -> None:
    found = {(row.entry.stem, row.claim.id): row for row in rows("en")}
    assert list(found) == [(entry.stem, claim.id) for entry in CONCEPTS for claim in load(entry.stem).claims]
    for (stem, id), row in found.items():
        assert row.found == stored(stem).get(id, {}) and row.verdict in VERDICTS
        page, _, query = row.address.partition("?")
        given = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name not in link.RESERVED}
        params, problems = read(load(stem).Params, given)
        assert page == stem and not problems and canonical(params) == canonical(row.claim.params)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_and_its_file_say_the_same(language: str) -> None:
    text, every = words("", language), rows(language)
    html = table_html(every, text)
    assert html.count("<a href=") == len(every) and html.count("<svg") == sum(bool(row.found) for row in every)
    data = frame(every, text, "http://lab/")
    assert len(data) == len(every) and data.columns.is_unique
    verdicts = [text.say(f"verdicts.{row.verdict}") for row in every]
    assert data[text.say("all_claims.verdict")].tolist() == verdicts
    for verdict in set(verdicts):
        assert len(re.findall(rf"</span> {re.escape(verdict)}</td>", html)) == verdicts.count(verdict)
    assert data[text.say("all_claims.link")].str.startswith("http://lab/").all()


def test_filters_divide_the_claims() -> None:
    every = rows("en")
    parts = [[row for row in every if row.fits(Filter(verdict=verdict))] for verdict in VERDICTS]
    assert sum(map(len, parts)) == len(every)
    assert not {entry.stem for entry in CONCEPTS} & set(CHAPTERS)  # a filter names either
    of_concepts = [[row for row in every if row.fits(Filter(about=entry.stem))] for entry in CONCEPTS]
    assert [len(part) for part in of_concepts] == [len(load(entry.stem).claims) for entry in CONCEPTS]
    assert all(any(row.fits(Filter(about=name)) for row in every) for name in PLACES)
    tuned = [row.claim.id for row in every if row.fits(Filter(find="LESS tuning"))]
    assert "adam_less_tuning" in tuned and len(tuned) < len(every)
    assert not any(row.fits(Filter(find="<script>")) for row in every)


NUMBERS = st.floats(-1e3, 1e3)


@given(
    st.tuples(NUMBERS, NUMBERS, NUMBERS).map(sorted),
    st.floats(1e-6, 1e3),
    st.sampled_from(["above", "below", "within"]),
)
@settings(max_examples=100)
def test_a_picture_shows_the_bar_inside_the_shade_exactly_when_the_claim_holds(
    numbers: list[float], smallest: float, direction: str
) -> None:
    low, mean, high = numbers
    svg = picture({"low": low, "mean": mean, "high": high, "smallest": smallest, "direction": direction}, False)
    left, width = map(float, re.findall(r'lab-side" x="([^"]+)".*?width="([^"]+)"', svg)[0])
    ends = tuple(map(float, re.findall(r'lab-bar" x1="([^"]+)" x2="([^"]+)"', svg)[0]))
    assert all(MARGIN - 0.1 <= x <= WIDTH - MARGIN + 0.1 for x in (left, left + width, *ends)) and f"{HEIGHT}" in svg
    inside = left - 0.15 <= ends[0] and ends[1] <= left + width + 0.15  # what is drawn has one decimal
    holds = {"above": low > smallest, "below": high < smallest, "within": -smallest < low and high < smallest}[
        direction
    ]
    if holds:
        assert inside
    elif inside:  # so close to the edge that a pixel cannot tell
        scale = (WIDTH / 2 - MARGIN) / (1.08 * max(abs(low), abs(high), abs(mean), smallest))
        edges = [smallest, -smallest] if direction == "within" else [smallest]
        assert min(abs(end - edge) for end in (low, high) for edge in edges) * scale < 0.3


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"verdict": "fails", "about": "training"},
        {"find": "<b>![x](y)"},
        {"verdict": "maybe", "about": "start", "x": "1"},
    ],
)
def test_the_place_opens_with_any_link(asked: dict[str, str]) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.query_params.clear()
    for name, value in asked.items():
        app.query_params[name] = value
    app.switch_page("pages/claims.py").run()
    assert not app.exception and app.title[0].value == "Claims"
    refused = {"maybe", "start", "x"} & {*asked, *asked.values()}
    said = app.warning[0].value if app.warning else ""
    assert bool(said) == bool(refused) and all(word in said for word in refused)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_claim_says_the_settings_that_decide_it(language: str) -> None:
    """Which mean of thinned networks is better turns with the epochs: each claim names its own, wherever it is read."""
    every = rows(language)
    told = {row.claim.id: row.at for row in every if row.entry.stem == "dropout"}
    epochs = words("dropout", language).say("params.epochs")
    assert f"{epochs} 100 " in f"{told['average_loss']} " and f"{epochs} 20 " in f"{told['average_loss_short']} "
    table, page = table_html(every, words("", language)), claims.page(kept.every())
    assert all(escape(row.at) in table for row in every)
    assert language != "en" or all(row.at in page for row in every)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_chance_alone_gets_wrong_is_said(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the verdicts that say holds or does not hold, on the place and in the document; at most 2.5 % of them."""
    monkeypatch.setattr(link, "language", lambda: language)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.switch_page("pages/claims.py").run()
    decided = sum(row.verdict in ("holds", "fails") for row in rows(language))
    said = [caption.value for caption in app.caption if f"{decided}" in caption.value]
    assert said and "2.5" in said[0] and f" {0.025 * decided:.0f}" in said[0]
    document = " ".join(claims.PAGE.read_text("utf-8").split())
    sure = len(re.findall(r"\| \*\*(?:holds|does not hold)\*\* \|", document))
    assert "Chance alone gets at most 2.5 % of those wrong" in document
    assert f" of these {sure} about {0.025 * sure:.0f} at most" in document
