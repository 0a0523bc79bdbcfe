"""The editor of rows (contenders): one light component, because three widgets for each of a dozen rows are slow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from core.concept.params import (
    BaseParams,
    Choice,
    Field,
    Flag,
    Integer,
    Number,
    Problem,
    Refused,
    Rows,
    applicable,
    fields,
)
from core.concept.text import Text
from core.figures import style
from core.ui.heard import heard

HERE = Path(__file__).parent
LOG_STEPS = (1, 3)  # offered digits of every power of ten
CHANGES = ({"add": bool}, {"remove": int}, {"row": int, "field": str, "value": str})  # what the browser sends

_component: Any = None


def _editor() -> Any:
    """The component, registered once per server."""
    global _component
    if _component is None:
        script, css = ((HERE / name).read_text("utf-8") for name in ("rows.js", "rows.css"))
        html = '<div class="lab-rows"></div>'
        _component = st.components.v2.component("lab_rows", html=html, css=css, js=script, isolate_styles=False)
    return _component


def rows(
    name: str,
    kind: Rows,
    value: tuple[BaseParams, ...],
    text: Text,
    *,
    key: str,
    version: int,
    put: Callable[[dict[str, Any]], None],
    refuse: Callable[[Problem], None],
    without: tuple[str, ...] = (),
) -> None:
    """Show the rows; `put` gets a change as `changed_rows` takes it, `refuse` what was wrong with it; fields in
    `without` are left out.

    version: another number shows the present rows again, also where the reader has typed something else.
    """
    _, beside, *_ = *fields(kind.row), ""  # the field that stands beside the first
    data = {
        "beside": beside,
        "rows": [
            {"values": _texts(row, without), "colours": [light, style.DARK_OF[light]]}
            for row, light in _coloured(value)
        ],
        "fields": {field: _described(field, kind, text) for field, kind in fields(kind.row).items()},
        "low": kind.low,
        "high": kind.high,
        "version": version,
        "words": {
            "add": text.say("frame.add") if kind.fresh else "",
            "more": text.say("frame.settings_of"),
            "remove": text.say("frame.remove"),
        },
    }

    def changed() -> None:
        change = heard(st.session_state.get(key), "change", *CHANGES)
        if change is None:
            return
        try:
            put(change)
        except Refused as error:
            field, row = str(change.get("field")), change.get("row")
            problem = Problem(name, error.code, error.details)
            if field in fields(kind.row) and isinstance(row, int):
                problem = Problem(name, "bad_row", {"row": row + 1, "problem": replace(problem, field=field)})
            refuse(problem)

    _editor()(key=key, data=data, on_change_change=changed)


def changed_rows(kind: Rows, value: tuple[BaseParams, ...], change: dict[str, Any]) -> tuple[BaseParams, ...]:
    """The rows after one of CHANGES; raises Refused."""
    head, head_kind = next(iter(fields(kind.row).items()))
    if change.get("add") and kind.fresh:
        used = {getattr(row, head) for row in value}
        options = head_kind.options  # type: ignore[attr-defined]
        return kind.check((*value, kind.fresh(next((o for o in options if o not in used), options[0]), None)))
    i = change.get("remove", change.get("row"))
    if i is None or not 0 <= i < len(value):
        return value
    if "remove" in change:
        return kind.check((*value[:i], *value[i + 1 :]))
    field = change["field"]
    if field not in applicable(value[i]):
        return value
    new = fields(kind.row)[field].read(change["value"])
    row = kind.fresh(new, value[i]) if field == head and kind.fresh else value[i].replace(**{field: new})
    return kind.check((*value[:i], row, *value[i + 1 :]))


def log_options(kind: Number) -> list[str]:
    """1, 3, 10, 30, … within the bounds."""
    found = (float(f"{digit}e{power}") for power in range(-12, 7) for digit in LOG_STEPS)
    return [kind.write(v) for v in found if kind.low <= v <= kind.high]


def _texts(row: BaseParams, without: tuple[str, ...]) -> dict[str, str]:
    return {field: kind.write(getattr(row, field)) for field, kind in applicable(row).items() if field not in without}


def _coloured(value: tuple[BaseParams, ...]) -> list[tuple[BaseParams, str]]:
    return [(row, style.contender(i)[0]) for i, row in enumerate(value)]


def _described(name: str, kind: Field, text: Text) -> dict[str, Any]:
    """What the browser needs to know of a field."""
    found: dict[str, Any] = {"label": text.say(f"params.{name}"), "hint": text.hint(f"params.{name}")}
    if isinstance(kind, Choice):
        found["options"] = [(option, text.say(f"options.{name}.{option}")) for option in kind.options]
    elif isinstance(kind, Flag):
        found["flag"] = True
    elif isinstance(kind, Number) and kind.log:
        found["suggestions"] = log_options(kind)
    elif isinstance(kind, (Number, Integer)):
        found |= {"low": kind.low, "high": kind.high, "step": kind.step or (kind.high - kind.low) / 100}
    return found
