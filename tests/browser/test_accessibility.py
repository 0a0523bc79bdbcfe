"""The lab for readers without a mouse, with a screen reader, in the dark, or on a phone. docs/accessibility.md lists
what is held here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Visit
from playwright.sync_api import Page, expect

from core.concept.catalog import CATALOG
from core.concept.params import write
from core.concept.parts import experiment

pytestmark = pytest.mark.browser

# What axe-core finds inside Streamlit's own widgets, whatever is shown in them: rule → closest of its test ids.
# The page's own content has no findings at all.
OF_STREAMLIT = {
    "list": "stSidebarNavItems",  # headers of the sections stand between the items of the list
    "listitem": "stSidebarNavItems",
    "scrollable-region-focusable": "stTable",  # the frame in which a wide table scrolls; browsers focus it
    "presentation-role-conflict": "stFileUploaderDropzone",  # named and focusable, though its role says it is nothing
}
COLOURS = ("color-contrast", "link-in-text-block")
CLOSEST = "target => document.querySelector(target[0])?.closest('[data-testid]')?.dataset.testid"
SMALL = "contenders=sgd~lr-0.1~~adam~lr-0.01&seeds=2&epochs=3"
LONG = "contenders=sgd~lr-0.1~~adam~lr-0.01&epochs=300&seeds=5&batch=4&device=cpu"


def opened(visit: Visit, stem: str, query: str = "") -> None:
    """The page with its run complete; without a query, of the concept's tiny run."""
    if next(entry for entry in CATALOG if entry.stem == stem).place:
        visit.page.goto("/" if stem == "home" else f"/{stem}")
        visit.page.locator("#root h1").wait_for()
    else:
        visit.page.goto(f"/{stem}?{query or urlencode(write(experiment(stem).tiny))}")
        visit.chart()
        visit.done()
    visit.idle()


def findings(page: Page, *rules: str) -> set[tuple[str, str]]:
    """Every finding of axe-core, or those of some rules: the rule, and the closest test id of Streamlit's around it."""
    page.add_style_tag(content="*, *::before { transition: none !important; animation: none !important; }")
    page.wait_for_function("!document.querySelector('[data-stale=true]')")  # what is being replaced is faint
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    at = {
        (v["id"], page.evaluate(CLOSEST, node["target"]) or "", node["html"][:200])
        for v in found
        for node in v["nodes"]
    }
    ours = [finding for finding in at if OF_STREAMLIT.get(finding[0]) != finding[1]]
    assert not ours, ours
    return {finding[:2] for finding in at}


@pytest.mark.parametrize("stem", [entry.stem for entry in CATALOG])
def test_a_page_has_no_findings_in_either_theme_and_fits_a_phone(another: Visit, stem: str) -> None:
    page = another.page
    page.emulate_media(color_scheme="light")
    opened(another, stem)
    another.unfold()
    assert page.locator("#root h1").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
    findings(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("getComputedStyle(document.querySelector('#root h1')).color.match(/\\d+/)[0] > 128")
    page.wait_for_timeout(500)
    findings(page, *COLOURS)  # all that is another in the dark
    page.set_viewport_size({"width": 380, "height": 800})
    page.wait_for_timeout(500)
    for box in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{box}.scrollWidth - {box}.clientWidth") <= 0
    for wide in page.locator(".lab-stage, .lab-rows, .lab-scrub:visible, .lab-chips:visible").all():
        box = wide.bounding_box()
        assert not box or (box["x"] >= 0 and box["x"] + box["width"] <= 380)


def test_the_findings_listed_as_streamlit_s_are_still_there(visit: Visit) -> None:
    """Else the list is longer than it must be."""
    visit.page.set_viewport_size({"width": 700, "height": 800})  # a table is wider than its place here
    opened(visit, "perceptron")
    visit.unfold()
    assert findings(visit.page) == set(OF_STREAMLIT.items())


def test_the_language_of_the_page_is_the_reader_s(visit: Visit) -> None:
    opened(visit, "perceptron")
    visit.page.get_by_role("radio", name="中文").click()
    visit.page.wait_for_function("document.documentElement.lang === 'zh-Hans'")


# Screen readers


def said(page: Page) -> str:
    return page.locator(".lab-said").first.inner_text()


def test_a_chart_has_its_sentence_which_is_said_once_when_a_run_is_over(visit: Visit) -> None:
    page = visit.page
    opened(visit, "optimizer_race", SMALL)
    image = page.locator(".lab-stage svg[role=img]").first
    before = image.get_attribute("aria-label") or ""
    assert before and page.get_by_text(before).count() and said(page) in ("", before)
    note = page.locator(".lab-stage").get_attribute("aria-describedby")
    assert "table" in page.locator(f"#{note}").text_content()
    page.evaluate(
        """() => { window.heard = []; const said = document.querySelector('.lab-said');
        new MutationObserver(() => heard.push(said.textContent)).observe(said, { childList: true }); }"""
    )
    rate = page.get_by_label("Learning rate η 1")
    rate.fill("0.003")
    rate.press("Enter")
    page.wait_for_url("**sgd~lr-0.003**")
    visit.done()
    page.wait_for_function("heard.length")
    (heard,) = page.evaluate("heard")
    assert heard != before
    expect(image).to_have_attribute("aria-label", heard)


def test_the_numbers_are_a_table_with_headers(visit: Visit) -> None:
    opened(visit, "optimizer_race", SMALL)
    visit.page.get_by_text("The numbers as a table").click()
    table = visit.page.get_by_role("table")
    expect(table.get_by_role("columnheader").first).to_be_visible()
    assert table.get_by_role("row").count() == 3


# Without a mouse

FOCUS = """() => { const at = document.activeElement; return {
  key: at.closest('[class*="st-key-"]')?.className.match(/st-key-([\\w-]+)/)[1] || '', kind: at.className.toString(),
  label: at.getAttribute('aria-label') || at.innerText || '', tag: at.tagName, name: at.dataset.name || '' }; }"""


def tab_to(page: Page, there: Callable[[dict[str, Any]], bool], most: int = 120) -> list[dict[str, Any]]:
    """Press Tab until the focus is where it should be: every stop on the way."""
    stops = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUS))
        if there(stops[-1]):
            shown = "getComputedStyle(document.activeElement)"
            assert page.evaluate(f"{shown}.outlineStyle !== 'none' || {shown}.boxShadow !== 'none'"), (
                "focus is not seen"
            )
            return stops
    raise AssertionError(f"Tab never came there, but to {stops}")


def test_a_page_is_walked_and_worked_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    opened(visit, "optimizer_race", SMALL)
    stops = tab_to(page, lambda at: at["name"] == "1-lr")
    page.keyboard.press("Control+A")
    page.keyboard.type("0.03")
    page.keyboard.press("Enter")
    page.wait_for_url("**adam~lr-0.03**")
    visit.done()
    assert page.evaluate(FOCUS)["name"] == "1-lr", "the answer took the focus away"
    visit.idle()
    stops += tab_to(page, lambda at: at["label"].startswith("English"))
    keys = {stop["key"] for stop in stops}
    for part in (
        "preset-en",
        "predict-en",
        "figure-en",
        "fold-table-en",
        "own-fold-en",
        "fold-more-en",
        "fold-share-en",
    ):
        assert f"optimizer_race-{part}" in keys, (part, keys)
    assert {"Play", "Moment"} <= {stop["label"] for stop in stops}
    assert any(key.startswith("search") for key in keys) and "run" in keys
    tab_to(page, lambda at: at["key"] == "optimizer_race-figure-en")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_url(lambda url: "figure=ranking" not in url)
    visit.chart()


def test_a_run_is_started_and_stopped_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.goto("/optimizer_race?figure=loss&" + LONG)
    page.wait_for_selector(".st-key-run button:visible, .st-key-stop button:visible")
    if page.locator(".st-key-run button:visible").count():
        tab_to(page, lambda at: at["key"] == "run")
        page.keyboard.press("Enter")
    visit.chart()
    tab_to(page, lambda at: at["key"] == "stop")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-status-row")).to_contain_text("Stopped at")


def test_what_a_click_does_the_arrow_keys_do(visit: Visit) -> None:
    page = visit.page
    opened(visit, "perceptron", "seeds=2&n=20")
    page.get_by_role("radio", name="places +1").press("Space")
    visit.idle()
    page.locator("#root h1").click()
    tab_to(page, lambda at: "lab-keys" in at["kind"])
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    x, y = map(float, said(page).split(", "))
    assert x > 0.3 and y > 0
    page.keyboard.press("Enter")
    page.wait_for_url(f"**added=plus~x-{x:.2g}~y-{round(y, 2):g}**")
    visit.done()
    assert "lab-keys" in page.evaluate(FOCUS)["kind"]


# Predict, then check


def test_a_guess_is_answered_by_the_run_on_the_screen(visit: Visit) -> None:
    page = visit.page
    opened(visit, "perceptron", "seeds=2&n=20")
    page.get_by_role("button", name="Predict first").click()
    page.get_by_text("Cover the picture").click()
    expect(page.get_by_text("Covered until you pick")).to_be_visible()
    expect(page.locator("#root .js-plotly-plot")).to_have_count(0)
    page.get_by_role("radio", name="On none").click()
    expect(page.get_by_text("Nothing was left to correct on 2 of 2 seeds.")).to_be_visible()
    expect(page.get_by_text("It came otherwise: On all of them.")).to_be_visible()
    visit.chart()
    page.get_by_role("radio", name="On all of them").click()
    expect(page.get_by_text("As you said.")).to_be_visible()
    page.get_by_role("radio", name="XOR").click()
    expect(page.get_by_text("Covered until you pick")).to_be_visible()  # another setting is another question


def test_a_picture_is_drawn_with_the_mouse_and_with_keys(visit: Visit) -> None:
    page = visit.page
    opened(visit, "autoencoder", "epochs=1&seeds=1&versions=plain")
    visit.done()
    page.get_by_text("Draw a digit").click()
    paper = page.locator(".lab-pad canvas")
    paper.scroll_into_view_if_needed()
    found = page.get_by_test_id("stMarkdown").get_by_text("the drawing comes back")
    expect(found).to_be_visible()
    empty = found.text_content()
    box = paper.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.9 * box["height"], steps=9)
    page.mouse.up()
    expect(found).not_to_have_text(empty)
    page.wait_for_url("**draw.pixels=*")  # what is asked is in the link
    ink = """() => { const paper = document.querySelector('.lab-pad canvas'), drawing = paper.getContext('2d');
    return [0.06, 0.56].map((x) => drawing.getImageData(x * paper.width, 0.3 * paper.height, 1, 1).data[0]); }"""
    assert page.evaluate(ink)[0] > 200 > 100 > page.evaluate(ink)[1]
    drawn = found.text_content()
    tab_to(page, lambda at: at["tag"] == "CANVAS")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(found).not_to_have_text(drawn)
    assert max(page.evaluate(ink)) < 100
    assert page.evaluate(FOCUS)["tag"] == "CANVAS", "the answer took the focus away"
    page.get_by_text("New paper").click()
    expect(found).to_have_text(empty)
