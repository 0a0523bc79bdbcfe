"""What a reader can take away from a page: the figure, its numbers, the run, and the experiment as source.

Pictures are made in the reader's browser by plotly, of the chart as it is seen. The HTML file is the same chart, whole.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import streamlit as st

from core.concept.parts import Figure
from core.concept.text import Text
from core.figures import style
from core.figures.numbers import readable
from core.runs.manager import shared
from core.runs.run import COMPLETE, Run
from core.takeaway import export, records
from core.ui import chart, own
from core.ui.shown import Shown
from core.ui.visitor import person

HERE = Path(__file__).parent
PLOTLY = HERE.parents[1] / "static" / "plotly.min.js"

THEMES = (
    f":root {{ {style.variables('light')} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {style.variables('dark')} }} }}\n"
)

_component: Any = None


def downloads(page: Shown) -> None:
    """The buttons, in three groups."""
    say, text, stem, params, figure = page.text.say, page.text, page.stem, page.params, page.figure
    run: Any = page.run if page.run is not None and page.run.result is not None and not page.run.live else None
    there = run is not None
    name, me, trained = f"{stem}-{figure.id}", person(), page.experiment.name

    def mine() -> Any:
        """The run when a button is pressed, perhaps long after it was drawn. Raises NotHere."""
        return shared().again(run, me) if there else None

    def button(kind: str, make: Any, file: str, mime: str, ready: bool = True) -> None:
        hint = text.hint(f"export.{kind}") or None
        st.download_button(
            say(f"export.{kind}"),
            make,
            file,
            mime,
            disabled=not ready,
            help=hint,
            on_click="ignore",
            key=f"{stem}-{kind}",
        )

    st.caption(say("frame.share_hint"))
    st.markdown(f"**{say('export.figure')}**")
    with st.container(horizontal=True):
        pictures(page, run)
        button("html", lambda: document(mine(), figure, text), f"{name}.html", "text/html", there)
        button("csv", lambda: numbers(mine(), figure, text.language), f"{name}.csv", "text/csv", there)
    st.markdown(f"**{say('export.run')}**")
    with st.container(horizontal=True):
        button("settings", lambda: records.settings(trained, params, mine()), f"{stem}.json", "application/json")
        if page.experiment.weights:
            kept = there and run.status == COMPLETE and shared().has_state(run)
            button("weights", lambda: weights(run, me), f"{stem}.safetensors", "application/octet-stream", kept)
        own.downloads(params, text)
    st.markdown(f"**{say('export.source')}**")
    with st.container(horizontal=True):
        button("script", lambda: export.script(trained, params), f"{stem}.py", "text/x-python")
        button("notebook", lambda: export.notebook(trained, params), f"{stem}.ipynb", "application/x-ipynb+json")


def pictures(page: Shown, run: Run | None) -> None:
    """Buttons for PNG and SVG, which the browser makes."""
    global _component
    if _component is None:
        css, js = ((HERE / f"picture.{kind}").read_text("utf-8") for kind in ("css", "js"))
        both = '<div class="lab-picture"><button value="png"></button><button value="svg"></button></div>'
        _component = st.components.v2.component("lab_picture", html=both, css=css, js=js, isolate_styles=False)
    data = {
        "chart": f"{page.stem}-chart-{page.figure.id}",
        "labels": {kind: page.text.say(f"export.{kind}") for kind in ("png", "svg")},
        "ready": run is not None,
    }
    _component(key=f"{page.stem}-picture", data=data, width="content", height="content")


def numbers(run: Run, figure: Figure, language: str) -> bytes:
    """The table of a figure as CSV, with the mark that tells Excel it is UTF-8."""
    return figure.table(run.result, language).to_csv(index=False).encode("utf-8-sig")


def weights(run: Run, person: str) -> bytes:
    state = shared().state(run, person)
    return records.weights(run, state) if state else b""


def document(run: Run, figure: Figure, text: Text) -> bytes:
    """A figure as a page of its own: the chart with all its controls, its sentence, its numbers and where it comes
    from. It needs no network, and loads nothing."""
    body, css, _ = chart.parts()
    say, result, language = text.say, run.result, text.language
    drawn = figure.draw(result, language).to_json(validate=False)
    summary = figure.summary(result, language)
    title = html.escape(f"{text.title}: {say(f'figures.{figure.id}')}")
    named = chart.named(figure, text, {"": run})
    parts = {
        "language": "zh-CN" if language == "zh" else language,
        "title": title,
        "css": THEMES + css,
        "chart": body,
        "summary": html.escape(summary),
        "table": readable(figure.table(result, language)).to_html(index=False, border=0),
        "numbers": html.escape(say("frame.table")),
        "origin": html.escape(say("export.origin")),
        "settings": html.escape(records.settings(run.name, run.params, run)),
        "plotly": PLOTLY.read_text("utf-8").replace("</script", "<\\/script"),
        "script": f"{chart.alone(drawn, text, summary, named)}\ndraw(document.body);",
    }
    page = (HERE / "figure.html").read_text("utf-8")
    first, *rest = page.split("[[")
    return "".join([first, *(parts[name] + after for name, after in (r.split("]]", 1) for r in rest))]).encode()
