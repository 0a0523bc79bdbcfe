"""Widgets that are told what they show: what a browser still says of the value before is not heard."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


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
