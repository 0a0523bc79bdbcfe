"""The live chart: a plotly figure that updates in place, keeps zoom and hidden traces, scrubs, and answers clicks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.concept.parts import Figure
from core.concept.text import Text
from core.figures import style
from core.runs.run import Run
from core.takeaway import records

HERE = Path(__file__).parent

WORDS = ("play", "pause", "moment", "shown", "point", "pick", "move", "table_below")
BUTTONS = ("zoom", "pan", "box", "zoom_in", "zoom_out", "reset_axes", "png", "full_screen")  # over a figure
TOASTS = ("zoomed", "hidden")  # what plotly says after a zoom, and after a curve was hidden
SENT = {  # event → what the browser sends
    "click": {"x": float, "y": float},
    "selected": [{"x": float, "y": float}],
    "pick": {"name": str, "id": str},
    "drag": {"name": str, "id": str, "x": float, "y": float},
}
WANTS = {"click": "clicks", "selected": "selects", "pick": "picks", "drag": "drags"}

_component: Any = None


def parts() -> tuple[str, str, str]:
    """What a chart is made of: HTML, CSS, JavaScript."""
    html, css, js = ((HERE / f"chart.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return html, css, js


def named(figure: Figure, text: Text, runs: dict[str, Run]) -> dict[str, str]:
    """What a picture of a figure says of itself: the name of its file, the title above it, and where its runs come
    from, a line each. `runs`: what each run is called in the figure; a single one needs no name."""
    come = [
        f"{name and f'{name}: '}{records.origin(run, text)} · {records.provenance(run)['date'][:10]}"
        for name, run in runs.items()
        if run.result and run.meta
    ]
    title = f"{text.title}: {text.say(f'figures.{figure.id}')}"
    return {"file": f"{next(iter(runs.values())).stem}-{figure.id}", "title": title, "origin": "\n".join(come)}


def given(
    figure: str, text: Text, summary: str, named: dict[str, str], over: bool = True, pale: bool = False
) -> dict[str, Any]:
    """What chart.js needs for a figure given as plotly JSON."""
    said = {word: text.say(f"frame.{word}") for word in (*WORDS, *BUTTONS, *TOASTS)}
    about = {"figure": figure, "summary": summary, "named": named, "over": over, "pale": pale}
    return about | {"dark": style.DARK_OF, "words": said, "wants": {}}


def alone(figure: str, text: Text, summary: str, named: dict[str, str]) -> str:
    """JavaScript of a function `draw(parentElement)` that shows a figure, given as plotly JSON, without streamlit."""
    js = parts()[2].replace("export default function", "const start = function")
    data = json.dumps(given(figure, text, summary, named)).replace("<", "\\u003c")
    return f"{js}\nconst draw = (parentElement) => start({{ parentElement, data: {data} }});"


def _chart() -> Any:
    """The component, registered once per server."""
    global _component
    if _component is None:
        html, css, js = parts()
        _component = st.components.v2.component("lab_chart", html=html, css=css, js=js, isolate_styles=False)
    return _component


def figure_json(run: Run, figure: Figure, language: str) -> str:
    """The figure of a run as JSON, drawn once per update of the run."""
    name, updates = (figure.id, language), run.updates
    if run.drawn.get(name, (-1, ""))[0] != updates:
        drawn = figure.draw(run.result, language)
        if run.meta.get("shipped") and drawn.layout.meta:  # earlier moments are most of it, and the run brings its own
            drawn.layout.meta = {key: value for key, value in drawn.layout.meta.items() if key != "scrub"}
        run.drawn[name] = (updates, drawn.to_json(validate=False))
    return run.drawn[name][1]


def chart(
    figure: str,
    text: Text,
    *,
    key: str,
    summary: str,
    named: dict[str, str],
    over: bool = True,
    pale: bool = False,
    big: dict[str, Any] | None = None,
    on_click: Callable[[], None] | None = None,
    on_select: Callable[[], None] | None = None,
    on_pick: Callable[[], None] | None = None,
    on_drag: Callable[[], None] | None = None,
) -> Any:
    """Show a figure given as plotly JSON.

    summary: the figure in one sentence, which is what a screen reader says of it.
    named: what a picture of it says of it, as `named` gives it.
    over: whether the run is; only then the sentence is said of itself, not at every look at a run.
    pale: dimmed, because it is not of the run at hand.
    big: for a room: it fills the window in large type, and a run that is `done` is replayed. {"place", "run": a change
        of either is something else to show, "done", "seen": it was drawn while it ran, which is replay enough,
        "still": it stays at its first moment}.
    on_click, on_select: called after a click inside the axes, and after a box selection.
    on_pick: called after a click on a point, or on a cell, of a trace with `customdata`.
    on_drag: called after such a point was moved, of a trace whose `meta` is {"drags": True}.
        `heard(st.session_state[key], event, SENT[event])` is what was clicked, selected, picked (the name of the trace,
        the point's customdata as text) or dragged, in axis units.
    """
    told = {"click": on_click, "selected": on_select, "pick": on_pick, "drag": on_drag}
    wants = {WANTS[event]: act is not None for event, act in told.items()}
    data = given(figure, text, summary, named, over, pale) | {"wants": wants, "big": big}
    handlers = {f"on_{event}_change": act or (lambda: None) for event, act in told.items()}
    return _chart()(key=key, data=data, **handlers)
