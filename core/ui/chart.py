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
<div class="lab-plot"></div>
<div class="lab-scrub" hidden>
<button type="button"></button><input type="range" min="0" step="1"><output></output>
</div></div>"""

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
    pale: bool = False,
    big: dict[str, Any] | None = None,
    on_click: Callable[[], None] | None = None,
    on_select: Callable[[], None] | None = None,
) -> Any:
    """Show a figure given as plotly JSON.

    pale: dimmed, because it is not of the run at hand.
    big: for a room: it fills the window in large type, and a run that is `done` is replayed. {"place", "run": a change
        of either is something else to show, "done", "seen": it was drawn while it ran, which is replay enough,
        "still": it stays at its first moment}.
    on_click: called after a click inside the axes; `st.session_state[key].click` is {"x", "y"} in axis units.
    on_select: called after a box selection; `st.session_state[key].selected` lists {curve, point, x, y, data}.
    """
    data = {
        "figure": figure,
        "pale": pale,
        "big": big,
        "dark": style.DARK_OF,
        "words": {word: text.say(f"frame.{word}") for word in ("play", "pause", "moment")},
        "wants": {"clicks": on_click is not None, "selects": on_select is not None},
    }
    nothing = lambda: None  # noqa: E731
    return _chart()(key=key, data=data, on_click_change=on_click or nothing, on_selected_change=on_select or nothing)
