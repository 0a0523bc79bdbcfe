"""A paper to draw on with a mouse, a finger or keys: a grey picture, a curve, or points of a square."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.concept.params import LEVELS, Drawing, Number, Refused, Table
from core.concept.text import Text
from core.ui.heard import heard

HERE = Path(__file__).parent

_component: Any = None


def pad(
    kind: Drawing | Table, value: Any, text: Text, label: str, *, key: str, version: int, put: Callable[[Any], None]
) -> None:
    """Show the paper with `value` on it; `put` is given what the reader has made of it after every stroke.

    version: another number shows `value` again, whatever was drawn since.
    """
    global _component
    if _component is None:  # registered once per server
        script, css = ((HERE / f"pad.{kind}").read_text("utf-8") for kind in ("js", "css"))
        html = '<div class="lab-pad"></div>'
        _component = st.components.v2.component("lab_pad", html=html, css=css, js=script, isolate_styles=False)

    def changed() -> None:
        said = heard(st.session_state.get(key), "drawn", [float])
        drawn = None if said is None else meant(kind, said)
        if drawn is not None:
            put(drawn)

    look = kind.look if isinstance(kind, Table) else "ink"
    new = "new_paper" if look == "ink" else "as_first"
    words = {"paper": text.say(f"frame.paper_{look}"), "new": text.say(f"frame.{new}"), "label": label}
    data = {"look": look, "numbers": numbers(kind, value), "blank": numbers(kind, kind.default), "version": version}
    _component(key=key, data=data | _bounds(kind) | {"words": words}, on_drawn_change=changed)


def numbers(kind: Drawing | Table, value: Any) -> list[float]:
    """What is on the paper as the browser has it: levels row by row, heights from left to right, or x, y, x, y …"""
    if isinstance(kind, Drawing):
        return [LEVELS.index(level) for level in value.ljust(kind.height * kind.width, LEVELS[0])]
    return [number for row in value for number in row]


def meant(kind: Drawing | Table, said: list[float]) -> Any:
    """The value of the field that these numbers are, or None."""
    try:
        if isinstance(kind, Table):
            wide = len(kind.columns)
            return kind.check([said[i : i + wide] for i in range(0, len(said), wide)])
        if not all(0 <= level < kind.levels and level == int(level) for level in said):
            return None
        return kind.check("".join(LEVELS[int(level)] for level in said))
    except Refused:
        return None


def _bounds(kind: Drawing | Table) -> dict[str, float]:
    """What the browser may send."""
    if isinstance(kind, Drawing):
        return {"height": kind.height, "width": kind.width, "ink": kind.levels - 1}
    cell = kind.cell
    assert isinstance(cell, Number)
    return {"low": cell.low, "high": cell.high, "fewest": kind.low, "most": kind.high}
