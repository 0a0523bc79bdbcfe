"""The places of all claims and all mistakes: what they list, what filters let through, what pictures and files say."""

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
from core.concept.params import canonical, fields, read
from core.concept.parts import load
from core.concept.text import words
from core.conclusions import claims, kept
from core.conclusions.kept import stored
from core.ui import link
from core.ui.ledger import HEIGHT, MARGIN, PLACES, VERDICTS, WIDTH, Ledger, Row, frame, picture, table_html
from core.ui.mistakes import Mistakes
from core.ui.verdicts import Verdicts

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "language", lambda: "en")


def rows(place: type[Ledger], language: str = "en") -> list[Row]:
    return list(place.rows(language))


def spoken(place: type[Ledger], language: str) -> Ledger:
    """The place without its page."""
    found = place.__new__(place)
    found.text = words("", language)
    return found


BOTH = pytest.mark.parametrize("place", [Verdicts, Mistakes])


def test_every_claim_and_every_mistake_is_there_with_its_stored_verdict() -> None:
    every = {(row.entry.stem, row.claim.id): row for place in (Verdicts, Mistakes) for row in rows(place)}
    assert set(every) == {(entry.stem, claim.id) for entry in CONCEPTS for claim in load(entry.stem).measured}
    assert [row.key for row in rows(Verdicts)] == [f"claims.{c.id}" for e in CONCEPTS for c in load(e.stem).claims]
    assert all(row.found == stored(stem).get(id, {}) and row.verdict in VERDICTS for (stem, id), row in every.items())


@BOTH
def test_a_link_opens_the_settings_that_show_it(place: type[Ledger]) -> None:
    for row in rows(place):
        page, _, query = row.address.partition("?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        assert page == row.entry.stem and load(page).figure(asked["figure"]).shown(row.params)
        given = {name: value for name, value in asked.items() if name not in link.RESERVED}
        params, problems = read(load(page).Params, given)
        assert not problems and canonical(params) == canonical(row.params)


@BOTH
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_and_its_file_say_the_same(place: type[Ledger], language: str) -> None:
    said, every = spoken(place, language), rows(place, language)
    html = table_html(every, said)
    assert html.count("<a href=") == len(every) and html.count("<svg") == sum(bool(row.found) for row in every)
    groups = list(dict.fromkeys(row.group or row.text.title for row in every))
    assert [escape(group) for group in groups] == re.findall(r'scope="rowgroup">(.*?)</th>', html)
    data = frame(every, said, "http://lab/")
    assert len(data) == len(every) and data.columns.is_unique
    verdicts = [said.say(f"{place.said}.{row.verdict}") for row in every]
    assert data[said.say("ledger.verdict")].tolist() == verdicts
    for verdict in set(verdicts):
        assert len(re.findall(rf"</span> {re.escape(verdict)}</td>", html)) == verdicts.count(verdict)
    assert data[said.say("ledger.link")].str.startswith("http://lab/").all()


@BOTH
def test_filters_divide_what_there_is(place: type[Ledger]) -> None:
    every = rows(place)
    options = [kind for kind in fields(place.Filter)[place.kind].options if kind not in ("all", "older")]
    assert sum(row.fits("all", "", kind) for row in every for kind in options) == len(every)
    assert not {entry.stem for entry in CONCEPTS} & set(CHAPTERS)  # a filter names either
    assert sum(row.fits(entry.stem, "") for row in every for entry in CONCEPTS) == len(every)
    assert {name for name in PLACES for row in every if row.fits(name, "")} >= set(CHAPTERS) & set(PLACES)
    assert not any(row.fits("all", "<script>") for row in every)


def test_words_find_claims_and_symptoms() -> None:
    tuned = [row.claim.id for row in rows(Verdicts) if row.fits("all", "LESS tuning")]
    assert "adam_less_tuning" in tuned and len(tuned) < len(rows(Verdicts))
    for language, said in (("en", "chance"), ("zh", "乱猜")):
        found = [row for row in rows(Mistakes, language) if row.fits("all", said)]
        assert 3 <= len(found) < len(rows(Mistakes)) / 2


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
    ("place", "asked"),
    [
        ("claims", {}),
        ("claims", {"verdict": "fails", "about": "training"}),
        ("claims", {"find": "<b>![x](y)"}),
        ("claims", {"verdict": "maybe", "about": "start", "x": "1"}),
        ("mistakes", {"sign": "floor"}),
        ("mistakes", {"sign": "maybe", "about": "start", "find": "<b>![x](y)"}),
    ],
)
def test_the_place_opens_with_any_link(place: str, asked: dict[str, str]) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.query_params.clear()
    for name, value in asked.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{place}.py").run()
    assert not app.exception and app.title[0].value == words("", "en").say(f"chapters.{place}")
    refused = {"maybe", "start", "x"} & {*asked, *asked.values()}
    said = app.warning[0].value if app.warning else ""
    assert bool(said) == bool(refused) and all(word in said for word in refused)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_claim_says_the_settings_that_decide_it(language: str) -> None:
    """Which mean of thinned networks is better turns with the epochs: each claim names its own, wherever it is read."""
    every = rows(Verdicts, language)
    told = {row.claim.id: row.at for row in every if row.entry.stem == "dropout"}
    epochs = words("dropout", language).say("params.epochs")
    assert f"{epochs} 100 " in f"{told['average_loss']} " and f"{epochs} 20 " in f"{told['average_loss_short']} "
    table, page = table_html(every, spoken(Verdicts, language)), claims.page(kept.every())
    assert all(escape(row.at) in table for row in every)
    assert language != "en" or all(row.at in page for row in every)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_chance_alone_gets_wrong_is_said(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the verdicts that say holds or does not hold, on the place and in the document; at most 2.5 % of them."""
    monkeypatch.setattr(link, "language", lambda: language)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.switch_page("pages/claims.py").run()
    decided = sum(row.verdict in ("holds", "fails") for row in rows(Verdicts, language))
    said = [caption.value for caption in app.caption if f"{decided}" in caption.value]
    assert said and "2.5" in said[0] and f" {0.025 * decided:.0f}" in said[0]
    document = " ".join(claims.PAGE.read_text("utf-8").split())
    sure = len(re.findall(r"\| \*\*(?:holds|does not hold)\*\* \|", document))
    assert "Chance alone gets at most 2.5 % of those wrong" in document
    assert f" of these {sure} about {0.025 * sure:.0f} at most" in document
