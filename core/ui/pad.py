"""A paper to draw on with a mouse, a finger or keys. What is drawn is a small grey picture, for any page to take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.concept.text import Text
from core.ui.heard import picture

HERE = Path(__file__).parent
INK = 16  # of a pixel that is all black; paper is 0

_component: Any = None


def pad(text: Text, side: int, *, key: str) -> list[int]:
    """Show the paper; what is drawn on it so far: its side² pixels, row by row, from 0 to INK."""
    global _component
    if _component is None:  # registered once per server
        script, css = ((HERE / f"pad.{kind}").read_text("utf-8") for kind in ("js", "css"))
        html = '<div class="lab-pad"></div>'
        _component = st.components.v2.component("lab_pad", html=html, css=css, js=script, isolate_styles=False)

    def changed() -> None:
        drawn = picture(st.session_state.get(key), "drawn", side, INK)
        if drawn is not None:
            st.session_state[f"{key}-drawn"] = drawn

    pixels: list[int] = st.session_state.get(f"{key}-drawn", [0] * side**2)
    words = {word: text.say(f"frame.{word}") for word in ("paper", "new_paper")}
    _component(key=key, data={"side": side, "ink": INK, "pixels": pixels, "words": words}, on_drawn_change=changed)
    return pixels
