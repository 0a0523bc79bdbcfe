"""What people hold and have set up: a finger, another keyboard, an input method, paper, a zoomed page, the system's
own colours."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from conftest import Lab, Visit, swipe, visiting
from playwright.sync_api import Browser, Page, expect

from core.concept.catalog import CONCEPTS
from core.concept.params import write
from core.concept.parts import experiment, load
from core.runs.store import shipped

pytestmark = pytest.mark.browser

PLOT = "document.querySelector('#root .js-plotly-plot')"
PLACED = "/perceptron?lang=en&seeds=2&n=20&added=plus~x-0~y-0.1~~minus~x-0.1~y--0.1~~plus~x--0.1~y-0"
RACE = "/optimizer_race?lang=en&contenders=sgd~lr-0.1~~adam~lr-0.01&seeds=2&epochs=3&figure=accuracy"
BOX = "Select points in a box"
# As wide as its place.
FILLS = f"Math.abs({PLOT}.querySelector('.main-svg').getAttribute('width') - {PLOT}.clientWidth) < 1"


@pytest.fixture
def phone(chromium: Browser, lab: Lab) -> Iterator[Visit]:
    for visit in visiting(chromium, lab, has_touch=True, is_mobile=True):
        visit.page.set_viewport_size({"width": 390, "height": 844})
        yield visit


def axes(page: Page) -> dict[str, float]:
    """Where on the screen the axes of the figure are, once it stands still in the middle."""
    page.evaluate(f"{PLOT}.scrollIntoView({{ block: 'center' }})")
    page.wait_for_timeout(300)
    box = page.locator("#root .js-plotly-plot .nsewdrag").first.bounding_box()
    assert box
    return box


def at_ticks(page: Page, x: str, y: str) -> tuple[float, float]:
    """The place that these two labels of the axes point at, as they are seen."""
    axes(page)
    found = page.evaluate(
        f"""labels => labels.map((label, i) => {{
        const ticks = [...{PLOT}.querySelectorAll(`.${{'xy'[i]}}tick text`)];
        const box = ticks.find((tick) => tick.textContent === label).getBoundingClientRect();
        return i ? box.top + box.height / 2 : box.left + box.width / 2; }})""",
        [x, y],
    )
    return found[0], found[1]


def one_of_each_kind() -> list[str]:
    """A page for every set of traces that first figures are made of."""
    found = {}
    for stem in (entry.stem for entry in CONCEPTS):
        stored = shipped(stem)
        assert stored
        drawn = load(stem).first(stored.result.params).draw(stored.result, "en")
        found[frozenset(trace.type for trace in drawn.data), bool(drawn.layout.images)] = stem
    return list(found.values())


def test_a_swipe_over_any_figure_scrolls_the_page_and_changes_nothing(phone: Visit) -> None:
    page = phone.page
    seen = f"JSON.stringify([{PLOT}._fullLayout.xaxis.range, {PLOT}._fullLayout.yaxis.range, location.search])"
    for stem in ("perceptron", *one_of_each_kind()):
        page.goto(PLACED if stem == "perceptron" else f"/{stem}?{urlencode(write(experiment(stem).tiny))}")
        phone.chart()
        phone.done()
        phone.idle()
        box, before = axes(page), page.evaluate(seen)
        top = "document.querySelector('[data-testid=stMain]').scrollTop"
        stood = page.evaluate(top)
        swipe(page, (box["x"] + box["width"] / 2, box["y"] + 0.6 * box["height"]), (0, -150))
        assert page.evaluate(top) > stood + 50, f"{stem} does not scroll"
        assert page.evaluate(seen) == before, stem


def test_panels_stand_below_each_other_on_a_phone_and_beside_each_other_where_there_is_room(phone: Visit) -> None:
    page = phone.page
    page.goto(f"/mixup?lang=en&figure=compare&{urlencode(write(experiment('mixup').tiny))}")
    phone.chart()
    phone.done()
    phone.idle()
    boxes = "[...document.querySelectorAll('#root .nsewdrag')].map((one) => one.getBoundingClientRect().toJSON())"
    first, second = page.evaluate(boxes)
    assert second["top"] > first["bottom"] + 20 and abs(second["left"] - first["left"]) < 2
    assert min(first["width"], second["width"]) > 150 and abs(first["height"] - second["height"]) < 2
    rows = page.evaluate(f"['y', 'y2'].map((n) => {PLOT}.querySelectorAll(`.${{n}}tick text`).length)")
    assert rows[0] == rows[1] > 0  # every panel says whose values it shows
    titles = page.locator("#root .js-plotly-plot .infolayer .g-xtitle, #root .js-plotly-plot .infolayer .g-x2title")
    upper, lower = (titles.nth(i).bounding_box() for i in range(2))
    assert upper and lower and first["bottom"] < upper["y"] + upper["height"] / 2 < second["top"] < lower["y"]
    page.set_viewport_size({"width": 1100, "height": 844})
    page.wait_for_function(f"(([a, b]) => b.left > a.right && Math.abs(b.top - a.top) < 2)({boxes})")


def test_a_finger_draws_a_box_when_that_is_switched_on_and_what_it_takes_comes_back(phone: Visit) -> None:
    page = phone.page
    page.goto(PLACED)
    phone.chart()
    phone.done()
    phone.idle()
    box = axes(page)
    page.get_by_role("button", name=BOX).tap()
    page.wait_for_function(f"{PLOT}._fullLayout.dragmode === 'select'")
    start = (box["x"] + 0.35 * box["width"], box["y"] + 0.35 * box["height"])
    swipe(page, start, (0.35 * box["width"], 0.3 * box["height"]))
    page.wait_for_url(lambda url: "added=plus" not in url)
    expect(page.get_by_text("Taken away: 3.")).to_be_visible()
    phone.done()
    phone.idle()
    page.get_by_role("button", name="Undo").tap()
    page.wait_for_url("**added=plus~x-0~y-0.1~~minus~x-0.1~y--0.1~~plus~x--0.1~y-0**")
    expect(page.get_by_text("Taken away: 3.")).to_have_count(0)
    phone.done()
    phone.idle()
    page.get_by_role("button", name=BOX).tap()
    page.wait_for_function(f"{PLOT}._fullLayout.dragmode === false")
    page.get_by_text("places +1").tap()
    phone.idle()
    box = axes(page)
    page.touchscreen.tap(box["x"] + 40, box["y"] + 60)
    page.wait_for_url("**~~plus~x--0.1~y-0~~plus~x-**")


@pytest.mark.parametrize(
    "zoom", [f"{part}.style.zoom = {by}" for part in ("documentElement", "body") for by in (0.7, 1.25)]
)
def test_a_zoomed_page_takes_a_click_and_a_box_where_they_are_seen(visit: Visit, zoom: str) -> None:
    page = visit.page
    page.goto("/perceptron?lang=en&seeds=2&n=20")
    visit.chart()
    visit.done()
    page.get_by_text("places +1").click()
    visit.idle()
    page.evaluate(f"document.{zoom}")
    page.wait_for_function(
        FILLS, timeout=15_000
    )  # by itself: what waited for the next result would move under the pointer
    # at 0: plotly hides labels to the right of what it takes for the figure's width where CSS enlarges its texts
    page.mouse.click(*at_ticks(page, "0", "0.5"))
    page.wait_for_url("**added=plus~x-0~y-0.5&**")
    visit.done()
    visit.idle()
    x, y = at_ticks(page, "0", "0.5")
    page.mouse.move(x - 20, y - 20)
    page.mouse.down()
    page.mouse.move(x + 20, y + 20, steps=5)
    page.mouse.up()
    page.wait_for_url(lambda url: "added=plus" not in url)


def test_a_figure_takes_the_room_that_the_sidebar_leaves(visit: Visit) -> None:
    page = visit.page
    page.goto(PLACED)
    visit.chart()
    visit.done()
    visit.idle()
    page.wait_for_function(FILLS)
    before = page.evaluate(f"{PLOT}.clientWidth")
    page.get_by_test_id("stSidebar").hover()
    page.get_by_test_id("stSidebarCollapseButton").locator("button").click()
    page.wait_for_function(f"{FILLS} && {PLOT}.clientWidth > {before} + 50")


def test_on_paper_a_figure_is_as_wide_as_the_sheet_and_back_on_the_screen_as_before(visit: Visit) -> None:
    page = visit.page
    page.goto(RACE)
    visit.chart()
    visit.done()
    visit.idle()
    width = f"[+{PLOT}.querySelector('.main-svg').getAttribute('width'), {PLOT}.clientWidth]"
    before = page.evaluate(width)
    page.emulate_media(color_scheme="dark")
    visit.idle()
    ink = f"getComputedStyle({PLOT}.querySelector('.xtick text')).fill"
    on_screen = page.evaluate(ink)
    keep = f"window.paper = [...{width}, {ink}]"
    page.evaluate(f"matchMedia('print').addEventListener('change', (m) => m.matches && ({keep}))")
    page.pdf(format="A4")
    drawn, room, on_paper = page.evaluate("paper")
    assert drawn == room > 600  # of the 794 pixels of A4
    assert on_paper == "rgb(21, 24, 29)" != on_screen  # dark on light, whatever the theme
    page.wait_for_function(f"{width}[0] === {before[0]}")
    page.emulate_media(media="print")
    for furniture in ("stSidebar", "stButton", "stButtonGroup"):
        expect(page.get_by_test_id(furniture).and_(page.locator(":visible"))).to_have_count(0)
    expect(page.locator(".modebar, .lab-scrub, .lab-rows").and_(page.locator(":visible"))).to_have_count(0)


def test_the_system_s_own_colours_leave_what_tells_contenders_apart(visit: Visit) -> None:
    page = visit.page
    page.goto(RACE)
    visit.chart()
    visit.done()
    colours = """() => { const rows = [...document.querySelectorAll('.lab-row')];
        const lines = [...document.querySelectorAll('.scatterlayer .js-line')];
        return [...rows.map((row) => getComputedStyle(row, '::before').backgroundColor),
                ...lines.map((line) => getComputedStyle(line).stroke)]; }"""
    before = page.evaluate(colours)
    assert len(set(before)) >= 2
    page.emulate_media(forced_colors="active")
    assert page.evaluate(colours) == before
    ground = "chip => getComputedStyle(chip).backgroundColor"
    chips = page.locator(".lab-chips button")
    pressed = {chip.get_attribute("aria-pressed"): chip.evaluate(ground) for chip in chips.all()}
    assert pressed["true"] != pressed["false"]


# Keyboards


def press(page: Page, selector: str, **event: object) -> None:
    """A key as a browser reports it of another keyboard."""
    page.locator(selector).first.evaluate(
        "(at, event) => at.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...event }))",
        event,
    )


def test_a_presenter_s_keys_work_by_their_place_where_their_signs_are_others(visit: Visit) -> None:
    page = visit.page
    page.goto("/present?concept=perceptron&figure=line&seeds=2&n=20")
    page.wait_for_selector(".lab-presenter button", state="attached")
    page.evaluate(
        "() => { window.acts = []; document.querySelector('.lab-presenter').lab.act = (name) => acts.push(name); }"
    )
    typed = [  # sign, place, with Shift, what is done
        ("р", "KeyH", False, "cover"), ("Р", "KeyH", True, "cover"),  # Russian
        ("η", "KeyH", False, "cover"), ("ψ", "KeyC", False, None),  # Greek
        ("נ", "KeyB", False, "blank"), ("ض", "KeyQ", False, "code"),  # Hebrew, Arabic
        ("à", "Digit0", False, "undo"), (":", "Period", False, "blank"), (".", "Comma", True, "blank"),  # AZERTY
        (",", "Slash", True, "help"), ("=", "Equal", False, None),
        ("l", "KeyP", False, "language"), ("n", "KeyL", False, None), (")", "Digit0", True, None),  # Dvorak, US
        ("PageDown", "PageDown", False, "on"), ("Insert", "Numpad0", False, None),
    ]  # fmt: skip
    for key, code, shift, _ in typed:
        press(page, "body", key=key, code=code, shiftKey=shift)
    press(page, "body", key="h", code="KeyH", isComposing=True)
    assert page.evaluate("acts") == [done for *_, done in typed if done]


def test_enter_that_ends_a_word_of_an_input_method_does_nothing_else(visit: Visit) -> None:
    page = visit.page
    page.goto("/?lang=en")
    search = page.locator("#root .lab-map input")
    search.fill("感知")
    for event in ({"isComposing": True}, {"keyCode": 229}):
        press(page, "#root .lab-map input", key="Enter", **event)
    page.wait_for_timeout(500)
    expect(page.get_by_role("heading", name="The deep-learning concept lab")).to_be_visible()
    search.press("Enter")
    expect(page.get_by_role("heading", name="Perceptron", exact=True)).to_be_visible()
