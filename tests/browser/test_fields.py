"""The widgets of fields that are drawn or typed into tables, in a real Chromium: by mouse, by keys, in the link."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import swipe
from playwright.sync_api import Browser, Page, expect

from core.concept.params import fields
from tests.fields import Params

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = Path(__file__).with_name("fields_app.py")
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(app),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    for _ in range(240):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
            break
        except OSError:
            time.sleep(0.25)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@pytest.fixture
def page(chromium: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    size, touch = {"width": 1400, "height": 1500}, getattr(request, "param", False)
    context = chromium.new_context(viewport=size, has_touch=touch, locale="en-US", base_url=address)
    context.set_default_timeout(60_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/lab/plotly.min.js", lambda asked: asked.fulfill(path=ROOT / "static" / "plotly.min.js"))
    yield page
    context.close()
    assert errors == []


def opened(page: Page, query: str = "lang=en") -> None:
    page.goto(f"/?{query}")
    page.locator(".lab-pad canvas").nth(2).wait_for()
    page.locator(".lab-table table").nth(2).wait_for()
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def said(page: Page, name: str, until: str = "") -> str:
    """A field as the link has it, once it is that."""
    for _ in range(100):
        found = parse_qs(urlparse(page.url).query, keep_blank_values=True).get(name, [""])[0]
        if found == until:
            break
        page.wait_for_timeout(100)
    return found


def drag(page: Page, which: int, *way: tuple[float, float]) -> None:
    """From place to place over a paper, in shares of it from the left and from the top."""
    box = page.locator(".lab-pad canvas").nth(which).bounding_box()
    assert box
    for i, (x, y) in enumerate(way):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=1 + 5 * (i > 0))
        if not i:
            page.mouse.down()
    page.mouse.up()


def test_papers_are_drawn_on_with_a_mouse(page: Page) -> None:
    opened(page)
    drag(page, 0, (0.06, 0.08), (0.94, 0.08))
    ink = fields(Params)["digit"].write("g" * 8 + "6" * 8 + "0" * 32)
    assert said(page, "digit", ink) == ink
    drag(page, 1, (0.04, 0.25), (0.96, 0.25))
    wave = "~".join(["0.5"] * 12)
    assert said(page, "wave", wave) == wave
    drag(page, 2, (0.5, 0.25), (0.25, 0.25))  # a point that is there is moved,
    assert said(page, "places", "-0.5~0.5~~0.5~-0.5") == "-0.5~0.5~~0.5~-0.5"
    drag(page, 2, (0.75, 0.25))  # one is put,
    assert said(page, "places", "-0.5~0.5~~0.5~-0.5~~0.5~0.5").endswith("~~0.5~0.5")
    drag(page, 2, (0.25, 0.25), (-0.3, 0.25))  # and one is taken away
    assert said(page, "places", "0.5~-0.5~~0.5~0.5") == "0.5~-0.5~~0.5~0.5"
    page.get_by_role("button", name="New paper").click()
    assert said(page, "digit") == ""


@pytest.mark.parametrize("page", [True], indirect=True, ids=["touch"])
def test_papers_are_drawn_on_with_a_finger(page: Page) -> None:
    opened(page)

    def stroke(which: int, start: tuple[float, float], by: tuple[float, float]) -> None:
        box = page.locator(".lab-pad canvas").nth(which).bounding_box()
        assert box
        at = (box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
        swipe(page, at, (by[0] * box["width"], by[1] * box["height"]))

    stroke(0, (0.06, 0.08), (0.88, 0))
    ink = fields(Params)["digit"].write("g" * 8 + "6" * 8 + "0" * 32)
    assert said(page, "digit", ink) == ink
    stroke(1, (0.04, 0.25), (0.92, 0))
    wave = "~".join(["0.5"] * 12)
    assert said(page, "wave", wave) == wave
    stroke(2, (0.5, 0.25), (-0.25, 0))
    assert said(page, "places", "-0.5~0.5~~0.5~-0.5") == "-0.5~0.5~~0.5~-0.5"
    assert page.evaluate("scrollY") == 0  # it drew, and the page stood still


def test_papers_are_drawn_on_with_keys(page: Page) -> None:
    opened(page)
    papers = page.locator(".lab-pad canvas")
    papers.nth(0).focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    pixels = ["0"] * 48
    pixels[9], pixels[1], pixels[17], pixels[8], pixels[10] = "g", "6", "6", "6", "6"
    ink = fields(Params)["digit"].write("".join(pixels))
    assert said(page, "digit", ink) == ink
    papers.nth(1).focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    wave = "~".join(["0", "0.2"] + ["0"] * 10)
    assert said(page, "wave", wave) == wave
    papers.nth(2).focus()
    for key in ("PageDown", "Enter", "ArrowUp", "Enter"):  # to the first point, take hold of it, move it, let go
        page.keyboard.press(key)
    assert said(page, "places", "0~0.55~~0.5~-0.5") == "0~0.55~~0.5~-0.5"
    page.keyboard.press("Delete")
    assert said(page, "places", "0.5~-0.5") == "0.5~-0.5"


def test_tables_are_typed(page: Page) -> None:
    opened(page)
    cell = page.get_by_role("textbox", name="row 2, column 3")
    cell.fill("2,5")
    cell.press("Enter")
    assert said(page, "kernel", "-1~0~1~~-2~0~2.5~~-1~0~1") == "-1~0~1~~-2~0~2.5~~-1~0~1"
    cell.press("ArrowUp")
    cell.press("Tab")
    assert said(page, "kernel", "-1~0~1~~-2~0~3~~-1~0~1") == "-1~0~1~~-2~0~3~~-1~0~1"
    cell.fill("much")
    cell.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Kernel (kernel), row 2, column 3: “much” is not a number.")
    expect(cell).to_have_value("3")
    meaning = page.get_by_role("textbox", name="Meaning 2")
    meaning.fill("小狗~")
    meaning.press("Tab")
    assert said(page, "pairs", "cat~猫~~dog~小狗!1") == "cat~猫~~dog~小狗!1"
    page.get_by_role("button", name="Add").first.click()
    expect(page.get_by_role("textbox", name="Word 3")).to_have_value("")
    page.get_by_role("button", name="Remove 1").first.click()
    expect(page.get_by_role("textbox", name="Word 1")).to_have_value("dog")


def test_a_link_brings_all_of_it(page: Page) -> None:
    ring = fields(Params)["digit"].write("0g" * 24)
    opened(page, f"lang=zh&digit={ring}&places=0~0&notes=a~b~~c~d&kernel=1~1~1~~1~1~1~~1~1~1")
    expect(page.get_by_role("textbox", name="第 3 行第 3 列")).to_have_value("1")
    expect(page.get_by_role("textbox", name="句子 2")).to_have_value("d")
    shade = "c => [20, 60].map((x) => c.getContext('2d').getImageData(x, 20, 1, 1).data[0])"
    assert page.locator(".lab-pad canvas").first.evaluate(shade) == [253, 21]
    assert said(page, "digit", ring) == ring


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "width"), [("en", 1400), ("zh", 390)])
def test_axe_finds_nothing(page: Page, scheme: str, language: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 1500})
    opened(page, f"lang={language}")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    ours = [v["id"] for v in found if any("lab-" in str(node["html"]) + str(node["target"]) for node in v["nodes"])]
    assert ours == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# A figure whose points and cells are picked and dragged

PLACE = """([panel, x, y]) => { const plot = document.querySelector('.lab-chart .js-plotly-plot');
const box = plot.getBoundingClientRect();
const [across, down] = ['xaxis', 'yaxis'].map((axis) => plot._fullLayout[axis + panel]);
return [box.left + across._offset + across.d2p(x), box.top + down._offset + down.d2p(y)]; }"""


def figure(page: Page) -> None:
    opened(page)
    page.wait_for_selector(".lab-chart .js-plotly-plot .main-svg")
    page.locator(".lab-chart").scroll_into_view_if_needed()
    before = None
    while before != (before := at(page, 1, 1)):  # typefaces that come late move what stands beside a legend
        page.wait_for_timeout(500)


def at(page: Page, x: float, y: float, panel: str = "") -> tuple[float, float]:
    found = page.evaluate(PLACE, [panel, x, y])
    return found[0], found[1]


def noted(page: Page, what: str) -> None:
    expect(page.get_by_test_id("stText")).to_have_text(what)


def test_nodes_and_cells_are_picked_and_points_dragged_with_a_mouse(page: Page) -> None:
    figure(page)
    page.mouse.click(*at(page, 1, 1))
    noted(page, "pick: {'name': 'nodes', 'id': 'second'}")
    page.mouse.click(*at(page, 0.4, 0.6, "2"))  # anywhere in a cell
    noted(page, "pick: {'name': 'cells', 'id': 'c'}")
    page.mouse.click(*at(page, 1.5, 0))  # beside all of them
    page.mouse.move(*at(page, 0, 1))
    page.mouse.down()
    page.mouse.move(*at(page, 1.5, -0.5), steps=8)
    page.mouse.up()
    text = page.get_by_test_id("stText")
    expect(text).to_contain_text("drag: {'name': 'free', 'id': 'loose', 'x': ")
    x, y = (
        float(part) for part in text.text_content().removesuffix("}").replace("'y': ", "").split("'x': ")[1].split(", ")
    )
    assert abs(x - 1.5) < 0.03 and abs(y + 0.5) < 0.03
    assert page.evaluate("document.querySelector('.lab-chart .js-plotly-plot')._fullLayout.xaxis.range") == [-1, 2]


def test_nodes_and_cells_are_picked_and_points_dragged_with_keys(page: Page) -> None:
    figure(page)
    keys = page.locator(".lab-keys")
    keys.focus()
    expect(keys).to_have_text("Choose with the arrow keys, Enter takes hold of a point and lets it go")
    page.keyboard.press("ArrowUp")  # from the middle of the first panel to the point above it
    expect(page.locator(".lab-said")).to_have_text("nodes: second")
    page.keyboard.press("Enter")
    noted(page, "pick: {'name': 'nodes', 'id': 'second'}")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stText")).to_contain_text("'cells'")
    for _ in range(9):
        if page.locator(".lab-said").text_content() == "free: loose":
            break
        page.keyboard.press("PageDown")
    for key in ("Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("stText")).to_contain_text("drag: {'name': 'free', 'id': 'loose', 'x': 0.3")
