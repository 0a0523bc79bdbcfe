"""Everything a page lets one take away, in a real Chromium: taken, opened, and true to what was on the screen."""

from __future__ import annotations

import io
import json
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import safetensors.numpy
from conftest import Lab, Visit, visiting
from playwright.sync_api import Browser, expect

from core.concept.params import read
from core.concept.parts import load
from core.takeaway.records import read_settings

pytestmark = pytest.mark.browser

LINK = {"contenders": "sgd~lr-0.1~~adam~lr-0.01", "epochs": "4", "seeds": "2", "device": "cpu", "figure": "loss"}
SVG = "{http://www.w3.org/2000/svg}"


def taken(visit: Visit, label: str) -> tuple[str, bytes]:
    """Name and content of the file behind a button."""
    with visit.page.expect_download(timeout=60_000) as download:
        visit.page.get_by_role("button", name=label, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def opened(visit: Visit) -> None:
    visit.page.goto("/optimizer_race?" + "&".join(f"{name}={value}" for name, value in LINK.items()))
    visit.chart()
    visit.done()
    visit.page.get_by_text("Share and download").click()
    expect(visit.page.get_by_role("button", name="Figure (PNG)")).to_be_enabled()
    visit.idle()


def test_every_file_opens_and_says_what_was_on_the_screen(visit: Visit) -> None:
    opened(visit)
    wanted, problems = read(
        load("optimizer_race").Params, {k: v for k, v in LINK.items() if k not in ("device", "figure")}
    )
    assert not problems
    size = visit.page.evaluate(
        "(() => { const p = document.querySelector('#root .lab-plot'); return [p.clientWidth, p.clientHeight]; })()"
    )

    name, png = taken(visit, "Figure (PNG)")
    assert name == "optimizer_race-loss.png" and png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width == 2 * size[0] and height > 2 * size[1]
    visit.page.locator("#root .js-plotly-plot").first.hover()
    assert taken(visit, "Picture of the figure (PNG)") == (name, png)  # the camera over the figure

    name, svg = taken(visit, "Figure (SVG)")
    assert name == "optimizer_race-loss.svg"
    picture = ET.fromstring(svg)
    texts = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
    assert any(text.startswith("Optimizer race: Loss") for text in texts) and "SGD" in texts
    assert any("stacked torch" in text and "2.14" in text for text in texts)
    assert picture.find(f"{SVG}rect").get("fill") == "#ffffff" and b"http://127" not in svg  # type: ignore[union-attr]

    _, csv = taken(visit, "Numbers (CSV)")
    assert csv.startswith(b"\xef\xbb\xbf") and len(pd.read_csv(io.BytesIO(csv))) >= 2
    name, settings = taken(visit, "Settings (JSON)")
    assert name == "optimizer_race.json" and read_settings("optimizer_race", settings) == (wanted, [])
    told = json.loads(settings)["run"]
    assert told["device"] == "cpu" and told["status"] == "complete"
    _, weights = taken(visit, "Weights (safetensors)")
    assert safetensors.numpy.load(weights)["0.weight"].shape[:2] == (2, 2)
    _, script = taken(visit, "Standalone PyTorch script")
    compile(script, "script", "exec")
    _, notebook = taken(visit, "The same as a notebook")
    nbformat.validate(nbformat.reads(notebook.decode(), as_version=4))


def test_a_picture_shows_the_moment_the_traces_and_the_theme_that_are_seen(chromium: Browser, lab: Lab) -> None:
    for visit in visiting(chromium, lab, color_scheme="dark"):
        opened(visit)
        scrub = visit.page.locator(".lab-scrub input")
        scrub.focus()
        scrub.press("ArrowLeft")
        moment = visit.page.locator(".lab-scrub output").inner_text()
        visit.page.evaluate(
            """() => { const plot = document.querySelector('#root .js-plotly-plot');
            const hidden = plot.data.flatMap((trace, i) => trace.name === 'SGD' ? [i] : []);
            Plotly.restyle(plot, { visible: 'legendonly' }, hidden); }"""
        )
        before = visit.page.evaluate("document.querySelectorAll('#root .js-plotly-plot .scatterlayer .trace').length")
        _, svg = taken(visit, "Figure (SVG)")
        picture = ET.fromstring(svg)
        texts = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
        assert any(text.endswith(f"· {moment}") for text in texts)
        assert picture.find(f"{SVG}rect").get("fill") == "#15181d"  # type: ignore[union-attr]
        drawn = [g for g in picture.iter(f"{SVG}g") if g.get("class", "").startswith("trace scatter")]
        assert len(drawn) == before


def test_a_figure_as_html_opens_without_a_network_and_replays(visit: Visit, chromium: Browser, tmp_path: Path) -> None:
    opened(visit)
    name, content = taken(visit, "Figure (HTML)")
    (tmp_path / name).write_bytes(content)
    context = chromium.new_context(offline=True)
    page, wrong, asked = context.new_page(), [], []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / name).as_uri())
    page.wait_for_selector(".js-plotly-plot .main-svg")
    points = "Math.max(...document.querySelector('.js-plotly-plot')._fullData.map(t => t.x.length))"
    scrub = page.locator(".lab-scrub input")
    scrub.focus()
    scrub.press("Home")
    assert page.locator(".lab-scrub output").inner_text().endswith(" 0")
    first = page.evaluate(points)
    scrub.press("End")
    assert page.evaluate(points) > first
    page.get_by_text("Settings and origin").click()
    expect(page.locator("pre")).to_contain_text('"engine": "stacked torch"')
    assert not wrong and len(asked) == 1
    context.close()
