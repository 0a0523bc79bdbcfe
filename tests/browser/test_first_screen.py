"""What is seen before anything is touched: the whole default figure, its controls beside it, no word cut, and none of
another language."""

from __future__ import annotations

import contextlib

import pytest
from conftest import Visit
from playwright.sync_api import TimeoutError
from test_chinese import speaks_no_english

from core.concept.catalog import CONCEPTS, LANGUAGES

pytestmark = pytest.mark.browser

SIZES = (1366, 650), (1440, 780)  # a laptop with its browser's bars, and a larger one
MEASURE = """() => {
  const box = (name) => document.querySelector(name).getBoundingClientRect();
  const right = (one) => one.getBoundingClientRect().right, whole = (one) => one.scrollWidth <= one.clientWidth + 1;
  const chart = box("#root .lab-chart"), picker = box(".st-key-figure-picker"), columns = box(".st-key-lesson-columns");
  const tabs = [...document.querySelectorAll(".st-key-figure-picker button")].filter((tab) => tab.offsetWidth);
  const hidden = [...document.querySelectorAll("#root .lab-plot .main-svg text")].filter((text) => {
    const at = text.getBoundingClientRect();
    return at.width && (at.bottom > innerHeight + 1 || at.right > innerWidth + 1);
  });
  return {
    bottom: chart.bottom - innerHeight, head: columns.top, share: chart.width / columns.width,
    cut: tabs.filter((tab) => !whole(tab) || right(tab) > picker.right + 1).map((tab) => tab.innerText),
    rows: picker.height, hidden: hidden.map((text) => text.textContent),
  };
}"""
SETTLED = "seen.bottom <= 0 && !seen.hidden.length && !seen.cut.length"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stem", [entry.stem for entry in CONCEPTS])
def test_the_default_figure_is_whole_on_the_first_screen(another: Visit, stem: str, language: str) -> None:
    page = another.page
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
    page.goto(f"/{stem}?lang={language}")
    another.chart()
    page.locator(".st-key-way").wait_for()  # the page is there to its end
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            with contextlib.suppress(TimeoutError):  # a figure that is just drawn anew has words elsewhere for a moment
                page.wait_for_function(f"(seen => {SETTLED})(({MEASURE})())", timeout=5000)
            seen = page.evaluate(MEASURE)
            said = f"{stem}, {language}, {scheme}, {width}: {seen}"
            assert seen["bottom"] <= 0 and seen["head"] <= 150 and seen["share"] >= 0.6 and seen["rows"] <= 44, said
            assert not seen["cut"] and not seen["hidden"], said
    if language == "zh":
        speaks_no_english(another, stem)


def test_on_a_phone_the_figure_comes_before_the_controls_and_is_chosen_from_a_menu(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/optimizer_race?lang=en")
    visit.chart()
    places = "#root .lab-chart", ".st-key-optimizer_race-contenders-rows"
    figure, controls = (page.locator(place).first.bounding_box() for place in places)
    assert figure and controls and figure["y"] < 300 < controls["y"]
    page.get_by_role("button", name="Ranking", exact=True).filter(visible=True).click()
    page.get_by_role("menuitem", name="Loss", exact=True).or_(
        page.get_by_role("option", name="Loss", exact=True)
    ).click()
    page.wait_for_url("**figure=loss**")
