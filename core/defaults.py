"""What ships with the project so that no page is empty on a machine that has computed nothing yet: the result of every
concept's default (`data/defaults/<stem>/`), pictures of them for the home page (`static/thumbnails/`), and of each
page's first figure, with every word on it, to be seen while the app still starts (`static/first/`, core/first.py).

`python -m core.defaults [stem …]` trains the defaults of these concepts, or of all, on the CPU, keeps them as the store
does (`core/runs/store.py`) without the networks, and has a Chromium draw the pictures. It needs playwright. With
`--pictures` it draws only, what ships already.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from core import style
from core.catalog import CONCEPTS, LANGUAGES
from core.concept import Figure, load
from core.result import BaseResult
from core.runs import engines
from core.runs.store import SHIPPED, packed, shipped

ROOT = Path(__file__).resolve().parent.parent
THUMBNAILS, FIRST = ROOT / "static" / "thumbnails", ROOT / "static" / "first"
FONTS = ROOT / "static" / "fonts"
BROAD, MARGIN = 640, 32  # pixels that a first figure is wide, about as on its page, and those beside it in its file
WIDTH, HEIGHT = 720, 432  # dots of a thumbnail
TALL = (410, 480)  # pixels of the canvas it is drawn on: the figure's own height, within these

# Plotly's own picture of a figure, without a byte from outside.
DRAW = """([figure, height, scale]) =>
  Plotly.toImage(figure, { format: "png", width: height * 5 / 3, height, scale }).then((url) => url.split(",")[1])"""


def first_figure(stem: str) -> Figure:
    """The figure that the page of a concept shows first at its default."""
    concept = load(stem)
    return next(figure for figure in concept.figures if figure.shown(concept.Params()))


def train(stems: list[str]) -> None:
    """Train the defaults on the CPU, by the engine a page would choose, and write the results to SHIPPED."""
    from core.runs.manager import BUILD, COMPLETE, Manager

    manager = Manager().start()
    manager.ready.wait()
    end = time.monotonic() + BUILD
    while engines.wanted() and time.monotonic() < end and engines.FUSED not in {e.device for e in manager.engines}:
        time.sleep(0.2)
    manager.engines = [engine for engine in manager.engines if engines.host(engine.device) == "cpu"]
    try:
        for stem in stems:
            run = manager.ask(stem, load(stem).Params(), anew=True)
            while not run.done.wait(1):
                manager.look(run, "")
            if run.status != COMPLETE or run.result is None:
                raise RuntimeError(f"the default of {stem} {run.status}: {run.error} {run.detail}")
            figure = first_figure(stem)
            summary = {language: figure.summary(run.result, language) for language in LANGUAGES}
            meta = {name: value for name, value in run.meta.items() if name != "state"}
            files = packed(run.result, meta | {"shipped": True, "summary": summary}, small=True)
            shutil.rmtree(SHIPPED / stem, ignore_errors=True)
            (SHIPPED / stem).mkdir(parents=True)
            for name, content in files.items():
                (SHIPPED / stem / name).write_bytes(content)
            print(f"{stem:20} {sum(map(len, files.values())) / 1024:5.0f} kB", flush=True)
    finally:
        manager.close()


def bare(stem: str, result: BaseResult, theme: str) -> dict[str, Any]:
    """The first figure of a result as plotly's JSON, without legend, axis labels and remarks: small it is a picture."""
    figure = first_figure(stem).draw(result, "en")
    drawn = figure.update_layout(template=style.template(theme=theme)).to_json(validate=False)
    if theme == "dark":
        drawn = re.sub(r"#[0-9a-f]{6}", lambda found: style.to_dark(found[0]), drawn)
    found = json.loads(drawn)
    layout = found["layout"]
    for name in [n for n in layout if n.startswith(("xaxis", "yaxis"))]:
        layout[name] |= {"title": None, "showticklabels": False, "ticks": "", "automargin": False}
    for name in [n for n in layout if n.startswith("coloraxis")]:
        layout[name]["showscale"] = False
    for trace in found["data"]:
        if "colorscale" in trace or "showscale" in trace or trace["type"] in style.FIELDS:
            trace["showscale"] = False
    layout |= {"showlegend": False, "title": None, "annotations": [], "updatemenus": [], "sliders": []}
    layout |= {"margin": {"l": 12, "r": 12, "t": 18, "b": 12}, "width": None, "meta": None}
    return found


def pictures(stems: list[str]) -> None:
    """Draw what ships, in a Chromium without network."""
    from playwright.sync_api import sync_playwright

    for folder in (THUMBNAILS, FIRST):
        folder.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM") or None
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for stem in stems:
            thumbnails(browser, stem)
            first_pictures(browser, stem)
        browser.close()


def thumbnails(browser: Any, stem: str) -> None:
    """The first figure without words, small, once per theme."""
    page = browser.new_context(offline=True).new_page()
    page.add_script_tag(path=ROOT / "static" / "plotly.min.js")
    stored = shipped(stem)
    assert stored
    for theme in style.THEMES:
        figure = bare(stem, stored.result, theme)
        height = min(max(figure["layout"].pop("height", 0), TALL[0]), TALL[1])
        drawn = base64.b64decode(page.evaluate(DRAW, [figure, height, HEIGHT / height]))
        save(drawn, THUMBNAILS / f"{stem}.{theme}.webp", (WIDTH, HEIGHT))
    page.context.close()


def first_pictures(browser: Any, stem: str) -> None:
    """The first figure as its page shows it, once per language and theme."""
    from core.runs.manager import Manager
    from core.text import words
    from core.ui.share import document

    run = Manager().shipped(stem)
    assert run
    for language in LANGUAGES:
        with tempfile.NamedTemporaryFile(suffix=".html") as file:
            Path(file.name).write_bytes(document(run, first_figure(stem), words(stem, language)))
            for theme in style.THEMES:
                look = {"color_scheme": theme, "device_scale_factor": 2, "bypass_csp": True}  # else no typeface
                page = browser.new_context(offline=True, **look).new_page()
                page.set_viewport_size({"width": BROAD + MARGIN, "height": 1000})
                page.goto(f"file://{file.name}")
                page.locator(".js-plotly-plot .main-svg").first.wait_for()
                page.add_style_tag(content=face())
                page.evaluate("document.fonts.load('16px Inter').then(() => dispatchEvent(new Event('resize')))")
                page.wait_for_timeout(500)  # until plotly has drawn once more
                save(page.locator(".lab-plot").screenshot(), FIRST / f"{stem}.{language}.{theme}.webp")
                page.context.close()


def face() -> str:
    """The project's own typeface as a rule of CSS that brings it along."""
    font = base64.b64encode((FONTS / "inter-latin-wght-normal.woff2").read_bytes()).decode()
    return f"@font-face {{ font-family: Inter; font-weight: 100 900; src: url(data:font/woff2;base64,{font}) }}"


def save(png: bytes, file: Path, size: tuple[int, int] | None = None) -> None:
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    (picture.resize(size) if size else picture).save(file, quality=82, method=6)


def main(given: list[str]) -> int:
    only_pictures, stems = "--pictures" in given, [stem for stem in given if stem != "--pictures"]
    known = [entry.stem for entry in CONCEPTS]
    if unknown := set(stems) - set(known):
        print(f"There is no concept {', '.join(sorted(unknown))}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    if not only_pictures:
        train(stems or known)
    pictures(stems or known)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
