"""The live chart: a plotly figure that updates in place, keeps zoom and hidden traces, scrubs, and answers clicks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core import style
from core.text import Text

HERE = Path(__file__).parent
HTML = """<div class="lab-chart">
<div class="lab-chips" role="group" hidden></div>
<button type="button" class="lab-keys" hidden></button>
<div class="lab-stage" role="figure"><div class="lab-plot"></div><i class="lab-cross" hidden></i></div>
<div class="lab-scrub" role="group" hidden>
<button type="button"></button><input type="range" min="0" step="1"><output aria-live="off"></output>
</div>
<span class="lab-note" hidden></span><p class="lab-said" role="status"></p></div>"""

WORDS = ("play", "pause", "moment", "shown", "point", "table_below")

_component: Any = None


def _chart() -> Any:
    """The component, registered once per server."""
    global _component
    if _component is None:
        script, css = ((HERE / name).read_text("utf-8") for name in ("chart.js", "chart.css"))
        _component = st.components.v2.component("lab_chart", html=HTML, css=css, js=script, isolate_styles=False)
    return _component


def chart(
    figure: str,
    text: Text,
    *,
    key: str,
    summary: str,
    over: bool = True,
    pale: bool = False,
    on_click: Callable[[], None] | None = None,
    on_select: Callable[[], None] | None = None,
) -> Any:
    """Show a figure given as plotly JSON.

    summary: the figure in one sentence, which is what a screen reader says of it.
    over: whether the run is; only then the sentence is said of itself, not at every look at a run.
    pale: dimmed, because it is not of the run at hand.
    on_click: called after a click inside the axes; `st.session_state[key].click` is {"x", "y"} in axis units.
    on_select: called after a box selection; `st.session_state[key].selected` lists {curve, point, x, y, data}.
    """
    data = {
        "figure": figure,
        "summary": summary,
        "over": over,
        "pale": pale,
        "dark": style.DARK_OF,
        "words": {word: text.say(f"frame.{word}") for word in WORDS},
        "wants": {"clicks": on_click is not None, "selects": on_select is not None},
    }
    nothing = lambda: None  # noqa: E731
    return _chart()(key=key, data=data, on_click_change=on_click or nothing, on_selected_change=on_select or nothing)
