"""What ships with the project so that no page is empty on a machine that has computed nothing yet: the result of every
concept's default (`data/defaults/<stem>/`), and pictures of them for the home page (`static/thumbnails/`).

`python -m core.defaults [stem …]` trains the defaults of these concepts, or of all, on the CPU, keeps them as the store
does (`core/runs/store.py`) without the networks, and has a Chromium draw the pictures. It needs playwright.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from core import console
from core.concept.catalog import CONCEPTS, LANGUAGES
from core.concept.parts import Figure, load
from core.concept.result import BaseResult
from core.figures import style
from core.runs import engines
from core.runs.store import SHIPPED, packed

ROOT = Path(__file__).resolve().parent.parent
THUMBNAILS = ROOT / "static" / "thumbnails"
WIDTH, HEIGHT = 720, 432  # dots of a thumbnail
TALL = (410, 480)  # pixels of the canvas it is drawn on: the figure's own height, within these

# Plotly's own picture of a figure, without a byte from outside.
DRAW = """([figure, height, scale]) =>
  Plotly.toImage(figure, { format: "png", width: height * 5 / 3, height, scale }).then((url) => url.split(",")[1])"""


def first_figure(stem: str) -> Figure:
    """The figure that the page of a concept shows first at its default."""
    concept = load(stem)
    return next(figure for figure in concept.figures if figure.shown(concept.Params()))


def train(stems: list[str]) -> dict[str, BaseResult]:
    """The results of the defaults, trained on the CPU by the engine a page would choose, written to SHIPPED."""
    from core.runs.manager import BUILD, Manager
    from core.runs.run import COMPLETE

    manager = Manager().start()
    manager.ready.wait()
    end = time.monotonic() + BUILD
    while engines.wanted() and time.monotonic() < end and engines.FUSED not in {e.device for e in manager.engines}:
        time.sleep(0.2)
    manager.engines = [engine for engine in manager.engines if engines.host(engine.device) == "cpu"]
    results = {}
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
            results[stem] = run.result
            print(f"{stem:20} {sum(map(len, files.values())) / 1024:5.0f} kB", flush=True)
    finally:
        manager.close()
    return results


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


def thumbnails(results: dict[str, BaseResult]) -> None:
    """Draw the first figures small, once per theme, in a Chromium without network."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    THUMBNAILS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM") or None
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(offline=True).new_page()
        page.add_script_tag(path=ROOT / "static" / "plotly.min.js")
        for stem, result in results.items():
            for theme in style.THEMES:
                figure = bare(stem, result, theme)
                height = min(max(figure["layout"].pop("height", 0), TALL[0]), TALL[1])
                drawn = base64.b64decode(page.evaluate(DRAW, [figure, height, HEIGHT / height]))
                picture = Image.open(io.BytesIO(drawn)).convert("RGB").resize((WIDTH, HEIGHT))
                picture.save(THUMBNAILS / f"{stem}.{theme}.webp", quality=82, method=6)
        browser.close()


def main(stems: list[str]) -> int:
    console.tolerant()
    known = [entry.stem for entry in CONCEPTS]
    if unknown := set(stems) - set(known):
        print(f"There is no concept {', '.join(sorted(unknown))}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    thumbnails(train(stems or known))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
