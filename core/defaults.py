"""What ships with the project so that no page is empty on a machine that has computed nothing yet: the result of every
experiment's default (`data/defaults/<name>/`), and pictures of them for the home page (`static/thumbnails/`).

`python -m core.defaults [stem …]` trains the defaults of these concepts, or of all, on the CPU where their code or
settings have changed (`--all`: anyway), keeps them as the store does (`core/runs/store.py`) without the networks, and
has a Chromium draw the pictures. It needs playwright.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from core import console
from core.concept.catalog import CONCEPTS, LANGUAGES
from core.concept.parts import Figure, experiment, load
from core.concept.result import BaseResult
from core.figures import style
from core.runs import engines
from core.runs.key import digest, source_digest
from core.runs.store import SHIPPED, Stored, packed, shipped

ROOT = Path(__file__).resolve().parent.parent
THUMBNAILS = ROOT / "static" / "thumbnails"
LITTLE = 20_000  # bytes of an array that ships whole
WIDTH, HEIGHT = 720, 432  # dots of a thumbnail
TALL = (410, 480)  # pixels of the canvas it is drawn on: the figure's own height, within these

# Plotly's own picture of a figure, without a byte from outside.
DRAW = """([figure, height, scale]) =>
  Plotly.toImage(figure, { format: "png", width: height * 5 / 3, height, scale }).then((url) => url.split(",")[1])"""


def first_figure(name: str) -> Figure:
    """The figure that a page shows first of this experiment at its default."""
    asked = experiment(name)
    return load(asked.stem).first(asked.Params(), asked.part)


def results(names: list[str], anew: bool = False) -> dict[str, Stored]:
    """The results of these experiments' defaults: those that ship where they are of today's code and settings, the
    others (`anew`: all) trained on the CPU by the engine a page would choose."""
    from core.runs.limits import BUILD
    from core.runs.manager import Manager
    from core.runs.run import COMPLETE

    found = {} if anew else {name: stored for name in names if (stored := shipped(name)) and _of_today(name, stored)}
    if len(found) == len(names):
        return found
    manager = Manager().start()
    manager.ready.wait()
    end = time.monotonic() + BUILD
    while (
        engines.wanted() and time.monotonic() < end and engines.FUSED not in {e.device for e in manager.places.engines}
    ):
        time.sleep(0.2)
    manager.places.engines = [engine for engine in manager.places.engines if engines.host(engine.device) == "cpu"]
    try:
        for name in names:
            if name in found:
                continue
            run = manager.ask(name, experiment(name).Params(), anew=True)
            while not run.done.wait(1):
                manager.look(run, "")
            if run.status != COMPLETE or run.result is None:
                raise RuntimeError(f"the default of {name} {run.status}: {run.error} {run.detail}")
            found[name] = Stored(run.result, {key: value for key, value in run.meta.items() if key != "state"})
            print(f"{name:20} trained in {run.seconds:.1f} s", flush=True)
    finally:
        manager.close()
    return found


def _of_today(name: str, stored: Stored) -> bool:
    return stored.meta["source"] == source_digest(name) and stored.result.params == experiment(name).Params()


def keep(name: str, stored: Stored) -> None:
    """Write a result to SHIPPED, with the sentence of its first figure, and what its picture is made of."""
    figure = first_figure(name)
    summary = {language: figure.summary(stored.result, language) for language in LANGUAGES}
    about = {"shipped": True, "summary": summary, "drawn": drawn(name, stored.result)}
    files = packed(lean(name, stored.result), stored.meta | about, small=True)
    shutil.rmtree(SHIPPED / name, ignore_errors=True)
    (SHIPPED / name).mkdir(parents=True)
    for file, content in files.items():
        (SHIPPED / name / file).write_bytes(content)
    print(f"{name:20} {sum(map(len, files.values())) / 1024:5.0f} kB", flush=True)


def lean(name: str, result: BaseResult) -> BaseResult:
    """A result without those earlier moments of its large arrays that no page shows of it: only the scrubber asks for
    them, and it waits for the page's own run."""
    before = still(name, result)
    for field in dataclasses.fields(result):
        values, axes = getattr(result, field.name), field.metadata.get("axes", ())
        growing = [k for k, axis in enumerate(axes) if axis.endswith("+")]
        if not growing or values.nbytes < LITTLE or not values.shape[growing[0]]:
            continue
        last = (*[slice(None)] * growing[0], slice(-1, None))
        emptied = np.full_like(values, field.metadata["fill"])
        emptied[last] = values[last]
        trial = dataclasses.replace(result, **{field.name: emptied})
        if still(name, trial) == before:
            result = trial
    return result


def still(name: str, result: BaseResult) -> str:
    """All that a page shows of a result without moving the scrubber: figures, tables, sentences, measures."""
    asked, shown = experiment(name), []
    concept = load(asked.stem)
    for figure in (f for f in concept.figures if concept.of(f) is asked and f.shown(result.params)):
        for language in LANGUAGES:
            drawn = json.loads(figure.draw(result, language).to_json(validate=False))
            drawn["layout"].get("meta", {}).pop("scrub", None)
            shown += [drawn, figure.table(result, language).to_csv(), figure.summary(result, language)]
    measured = [c.measure(result) for c in concept.claims if concept.of(c) is asked]
    shown += [None if values is None else np.asarray(values).tolist() for values in measured]
    shown += [p.answer(result) for p in concept.predictions if concept.of(p) is asked]
    return json.dumps(shown, default=str)


def drawn(name: str, result: BaseResult) -> str:
    """What the picture of a result comes to: another figure, another picture. Numbers count by three digits, as the
    last bits of a mean depend on the processor."""

    def read(part: Any) -> Any:
        if isinstance(part, dict) and "bdata" in part:
            return read(np.frombuffer(base64.b64decode(part["bdata"]), part["dtype"]).tolist())
        if isinstance(part, dict):
            return {key: read(value) for key, value in part.items()}
        if isinstance(part, list):
            return [read(value) for value in part]
        return f"{part:.3g}" if isinstance(part, float) else part

    return digest([read(bare(name, result, theme)) for theme in style.THEMES])


def bare(name: str, result: BaseResult, theme: str) -> dict[str, Any]:
    """The first figure of a result as plotly's JSON, without legend, axis labels and remarks: small it is a picture."""
    figure = first_figure(name).draw(result, "en")
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


def main(given: list[str]) -> int:
    console.tolerant()
    known = [entry.stem for entry in CONCEPTS]
    stems = [name for name in given if name != "--all"]
    if unknown := set(stems) - set(known):
        print(f"There is no concept {', '.join(sorted(unknown))}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    found = results([each.name for stem in stems or known for each in load(stem).experiments], "--all" in given)
    for name, stored in found.items():
        keep(name, stored)
    thumbnails({name: stored.result for name, stored in found.items() if name in known})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
