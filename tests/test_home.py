"""The concept map of the home page, as it is sent to the browser."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qsl

import pytest

from core.concept.catalog import CATALOG, CHAPTERS, CONCEPTS, LANGUAGES, by_chapter
from core.concept.params import read
from core.concept.parts import load
from core.concept.text import words
from core.ui.home import LEADS_TO, as_html, said
from core.ui.link import RESERVED

ROWS = {entry.stem for entry in CONCEPTS}


class Parsed(HTMLParser):
    """Cards by their titles, each with its links, picture and what a search looks through."""

    def __init__(self, source: str):
        super().__init__()
        self.cards: list[dict] = []
        self.links: list[str] = []
        self.settings: list[str] = []  # addresses of presets and mistakes
        self.headings: list[str] = []
        self.inside = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.inside = tag if tag in ("h2", "h3") else self.inside
        if "lab-card" in (given.get("class") or "").split():
            self.cards.append({"title": "", "find": given["data-find"], "links": [], "alt": None})
        if tag == "img":
            self.cards[-1]["alt"] = given["alt"]
            assert given["width"] and given["height"] and given["loading"] == "lazy"
        if tag == "a" and "data-open" not in given:
            self.settings.append(str(given["href"]))
        elif tag == "a":
            (self.cards[-1]["links"] if self.inside == "h3" else self.links).append(given["data-open"])

    def handle_endtag(self, tag: str) -> None:
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside == "h2":
            self.headings.append(data)
        if self.inside == "h3":
            self.cards[-1]["title"] += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_concept_is_a_card_and_a_link(language: str) -> None:
    page = Parsed(as_html(language))
    cards = {card["title"]: card for card in page.cards}
    assert len(cards) == len(page.cards) == len(ROWS)
    for entry in CONCEPTS:
        card = cards[said(entry, language)[0]]
        assert card["links"] == [entry.stem]
        assert len(card["alt"]) > 20, "the picture has no sentence: make defaults"
    chapters = [words("", language).say(f"chapters.{chapter}") for chapter in CHAPTERS[1:]]
    assert page.headings[: len(chapters)] == chapters


def test_a_search_looks_through_both_languages_and_the_claims() -> None:
    for language in LANGUAGES:
        page = Parsed(as_html(language))
        found = {
            word: {c["title"] for c in page.cards if word in c["find"]} for word in ("残差", "residual", "perceptron")
        }
        titles = {entry.stem: said(entry, language)[0] for entry in CONCEPTS}
        assert titles["residual_networks"] in found["残差"] & found["residual"]
        assert titles["perceptron"] in found["perceptron"]
        claim = words("optimizer_race", "zh").say(
            next(k for k in words("optimizer_race", "zh").labels if k.startswith("claims."))
        )
        assert claim.lower() in as_html(language).replace("&quot;", '"').replace("&#x27;", "'")


def test_every_preset_and_mistake_is_found_and_opens_its_settings() -> None:
    for language in LANGUAGES:
        addresses = Parsed(as_html(language)).settings
        concepts = [load(entry.stem) for entry in CONCEPTS]
        assert len(addresses) == sum(len(concept.presets) + len(concept.mistakes) for concept in concepts)
        for concept in concepts:
            wanted = [concept.Params().replace(**preset.changes) for preset in concept.presets]
            wanted += [mistake.params for mistake in concept.mistakes]
            found = []
            for address in addresses:
                stem, _, query = address.partition("?")
                if stem == concept.stem:
                    said = {k: v for k, v in parse_qsl(query, keep_blank_values=True) if k not in RESERVED}
                    params, problems = read(concept.Params, said)
                    assert not problems
                    found.append(params)
            assert found == wanted


def test_the_map_is_small() -> None:
    assert len(as_html("en").encode()) / len(CONCEPTS) * len(ROWS) <= 400 * 1024


def test_the_timeline_leads_to_concepts_of_the_map() -> None:
    assert set(LEADS_TO.values()) <= ROWS
    years = {key.partition(".y")[2] for key in words("", "en").labels if key.startswith("timeline.")}
    assert set(LEADS_TO) <= years and {"1958", "2016"} <= years and max(years) > "2016"
    page = Parsed(as_html("en"))
    assert set(page.links) == set(LEADS_TO.values()) & {entry.stem for entry in CONCEPTS}


def test_the_map_is_in_reading_order_and_chapters_without_entries_are_left_out() -> None:
    order = [CHAPTERS.index(entry.chapter) for entry in CATALOG]
    assert order == sorted(order)
    assert list(by_chapter()) == [c for c in CHAPTERS if any(entry.chapter == c for entry in CATALOG)]
