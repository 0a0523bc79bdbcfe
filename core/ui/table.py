"""The editor of a table: numbers or texts that are typed, and rows that come and go where they may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.concept.params import Number, Problem, Refused, String, Table
from core.concept.text import Text
from core.ui.heard import heard

HERE = Path(__file__).parent
CHANGES = ({"add": bool}, {"remove": int}, {"row": int, "column": int, "value": str})  # what the browser sends

_component: Any = None


def table(
    name: str,
    kind: Table,
    value: tuple[tuple[Any, ...], ...],
    text: Text,
    *,
    key: str,
    version: int,
    put: Callable[[tuple], None],
    refuse: Callable[[Problem], None],
) -> None:
    """Show the cells of a field; `put` gets the table after a change, `refuse` what was wrong with it.

    version: another number shows the present cells again, also where the reader has typed something else.
    """
    global _component
    if _component is None:  # registered once per server
        script, css = ((HERE / f"table.{part}").read_text("utf-8") for part in ("js", "css"))
        html = '<div class="lab-table"></div>'
        _component = st.components.v2.component("lab_table", html=html, css=css, js=script, isolate_styles=False)
    said = {"add": text.say("frame.add"), "remove": text.say("frame.remove"), "cell": text.labels["problems.cell"]}
    data = {
        "columns": [text.labels.get(f"params.{name}.{column}", "") for column in kind.columns],
        "rows": [[kind.cell.write(cell) for cell in row] for row in value],
        "low": kind.low,
        "high": kind.high,
        "version": version,
        "words": said | {"label": text.say(f"params.{name}")},
    }
    if isinstance(kind.cell, Number):
        step = kind.cell.step or (kind.cell.high - kind.cell.low) / 100
        data["numbers"] = {"low": kind.cell.low, "high": kind.cell.high, "step": step}
    elif isinstance(kind.cell, String):
        data["longest"] = kind.cell.longest

    def changed() -> None:
        change = heard(st.session_state.get(key), "change", *CHANGES)
        if change is None:
            return
        try:
            put(changed_table(kind, value, change))
        except Refused as error:
            refuse(Problem(name, error.code, error.details))

    _component(key=key, data=data, on_change_change=changed)


def changed_table(kind: Table, value: tuple[tuple[Any, ...], ...], change: dict[str, Any]) -> tuple:
    """The table after one of CHANGES; raises Refused."""
    if change.get("add"):
        return kind.check((*value, (kind.cell.default,) * len(kind.columns)))
    i, k = change.get("remove", change.get("row")), change.get("column", 0)
    if i is None or not 0 <= i < len(value) or not 0 <= k < len(kind.columns):
        return value
    if "remove" in change:
        return kind.check((*value[:i], *value[i + 1 :]))
    try:
        cell = kind.cell.read(change["value"])
    except Refused as refused:
        problem = Problem(str(k + 1), refused.code, refused.details)
        raise Refused("bad_cell", row=i + 1, column=k + 1, problem=problem) from None
    return kind.check((*value[:i], (*value[i][:k], cell, *value[i][k + 1 :]), *value[i + 1 :]))
