"""The home page and the first picture of a page in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.concept.catalog import CONCEPTS
from core.concept.text import words
from tests.browser.conftest import Lab, Visit, start, visiting

pytestmark = pytest.mark.browser


def test_the_map_is_there_and_its_pictures_follow_the_theme(chromium: Browser, lab: Lab) -> None:
    for scheme in ("light", "dark"):
        for visit in visiting(chromium, lab, color_scheme=scheme):
            page = visit.page
            page.set_viewport_size({"width": 380, "height": 20_000})  # so tall that every picture is asked for
            page.goto("/")
            expect(page.locator("#root .lab-card")).to_have_count(len(CONCEPTS))
            expect(page.locator("#root .lab-card h3 a")).to_have_count(len(CONCEPTS))
            page.wait_for_function(
                """scheme => [...document.querySelectorAll("#root .lab-card img")].every(
                (image) => image.complete && image.naturalWidth === 720 && image.src.includes(`.${scheme}.webp`))""",
                arg=scheme,
            )
            assert page.evaluate("document.documentElement.scrollWidth") <= 380
            assert page.evaluate("typeof window.Plotly") == "undefined", "home needs no plotly"


def test_a_search_looks_through_both_languages(visit: Visit) -> None:
    page = visit.page
    page.goto("/?lang=en")
    search, cards = page.locator("#root .lab-map input"), page.locator("#root .lab-card:visible")
    expect(cards).to_have_count(len(CONCEPTS))
    search.fill(words("meta_learning", "zh").title)
    expect(cards.first).to_contain_text(words("meta_learning", "en").title)
    search.fill("relu")
    expect(page.get_by_role("link", name="Activation functions").and_(page.locator(":visible"))).not_to_have_count(0)
    search.fill("no such word")
    expect(cards).to_have_count(0)
    expect(page.locator(".lab-found")).to_have_text(words("", "en").say("home.found_none"))
    search.fill("感知")
    search.press("Enter")
    expect(page.get_by_role("heading", name="Perceptron", exact=True)).to_be_visible()
    visit.chart()


def test_a_card_opens_its_page_in_the_language_of_the_map(visit: Visit) -> None:
    page = visit.page
    page.goto("/?lang=zh")
    page.locator("#root .lab-card", has_text="感知机").first.click()
    expect(page.get_by_role("heading", name="感知机", exact=True)).to_be_visible()
    page.wait_for_url("**/perceptron?**lang=zh**")


def test_a_first_visit_shows_what_came_with_the_project(chromium: Browser, tmp_path: Path) -> None:
    """Also while nothing can be computed: here no worker ever comes up."""
    lab = start(tmp_path / "store", CUDA_VISIBLE_DEVICES="")
    try:
        for visit in visiting(chromium, lab):
            for language, sentence in (("en", "came with the project"), ("zh", "随项目附带")):
                visit.page.goto(f"/dropout?lang={language}", wait_until="commit")
                visit.chart()
                expect(visit.page.locator("#lab-first")).to_have_count(0)
                expect(visit.page.get_by_text(sentence)).to_be_visible()
    finally:
        lab.process.terminate()
        lab.process.wait(20)
