"""Widgets that are told by the app what they show.

With every message a browser says again what it knows of all widgets, and a page that follows a run sends several a
second. What it says of a widget that was told something else a moment ago is old, and streamlit would take it for the
reader's wish. So a widget that is told anew gets a new key, and what is still said under the old one is not heard.

Where a page runs twice at once a browser may get a widget without what the first run told it. It then begins with the
widget's own default, and says so. So the default (`value`, `index`, `default`) is always what the widget is told, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

TURNS = 4  # keys of one widget, in turn: streamlit keeps what it knows of every widget a session ever had


def told(
    name: str, value: Any, heard: Callable[[Any], bool | None], means: Callable[[Any], Any] = lambda given: given
) -> dict[str, Any]:
    """`key` and `on_change` of a widget that shows `value`, whatever the browser says of it now.

    heard: called with what the reader sets it to; where it answers False, the widget shows `value` again.
    means: what a state of the widget stands for; while that is `value` the widget keeps its key, and with it the focus.
    """
    state = st.session_state
    turns: dict[str, int] = state.setdefault("told", {})
    key = _key(name)
    if key in state and means(state[key]) != means(value):
        turns[name] = (turns.get(name, 0) + 1) % TURNS
        key = _key(name)
        state[key] = value
    elif key not in state:
        state[key] = value

    def changed() -> None:
        if key == _key(name) and heard(state[key]) is False:
            state[key] = value

    return {"key": key, "on_change": changed}


def _key(name: str) -> str:
    turn = st.session_state["told"].get(name, 0)
    return f"{name}-{turn}" if turn else name
