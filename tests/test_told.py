"""Widgets that are told what they show: what a browser still says of the value before is not heard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.runs import manager as runs
from core.runs.store import Store

ROOT = Path(__file__).resolve().parents[1]


def app() -> None:
    import streamlit as st

    from core.ui.told import TURNS, told

    heard: list[float] = []

    def hear(given: str) -> bool:
        heard.append(float(given))
        return float(given) > 0

    one = told("rate", "0.1", hear, float)
    assert st.session_state[one["key"]] == "0.1"
    st.session_state[one["key"]] = "0.10"  # the same, as a reader writes it: the widget keeps key and words
    assert told("rate", "0.1", hear, float)["key"] == one["key"] and st.session_state[one["key"]] == "0.10"

    other = told("rate", "0.3", hear, float)
    assert other["key"] != one["key"] and st.session_state[other["key"]] == "0.3"
    st.session_state[one["key"]] = "0.7"
    one["on_change"]()
    assert heard == []

    st.session_state[other["key"]] = "0.5"
    other["on_change"]()
    assert heard == [0.5]
    st.session_state[other["key"]] = "-1"
    other["on_change"]()
    assert heard == [0.5, -1.0] and st.session_state[other["key"]] == "0.3", "refused: what stands is shown again"

    keys = [told("rate", f"{value}", hear, float)["key"] for value in range(1, 3 * TURNS)]
    assert len(set(keys)) == TURNS, "streamlit keeps what it knows of every key"
    st.write("done")


def test_only_the_present_key_is_heard() -> None:
    found = AppTest.from_function(app).run()
    assert not found.exception, found.exception
    assert found.markdown[0].value == "done"


@pytest.mark.parametrize(
    ("stem", "link", "wanted"),
    [
        ("compare", {"concept": "gan", "a": "seeds=2"}, {"compare-concept-en": "gan"}),
        ("claims", {"about": "gan", "find": "mode"}, {"claims-about-en": "gan", "claims-find-en": "mode"}),
        ("activations", {"lr": "0.5", "data": "moons"}, {"activations-data-en": "moons"}),
    ],
)
def test_a_widget_that_is_told_begins_with_what_it_is_told(
    stem: str, link: dict[str, str], wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a browser that missed the telling says the widget's own default, as if the reader had chosen it."""
    manager = runs.Manager(Store(tmp_path))
    manager.places.trouble = "no workers in this test"
    manager.ready.set()
    monkeypatch.setattr(runs, "_shared", manager)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    for name, value in {"lang": "en", **link}.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{stem}.py").run()
    assert not app.exception and not app.warning
    told = [widget for widget in (*app.selectbox, *app.text_input, *app.checkbox, *app.toggle) if widget.key]
    assert wanted.items() <= {widget.key: widget.value for widget in told}.items()
    for widget in told:
        if widget.key.startswith(stem):
            proto = widget.proto
            begins = widget.options.index(widget.format_func(widget.value)) if widget in app.selectbox else widget.value
            assert proto.default == begins, widget.key
    for group in app.get("button_group"):
        if group.key and group.key.startswith(stem) and "predict" not in group.key and group.value is not None:
            assert len(group.proto.default) == 1, group.key
