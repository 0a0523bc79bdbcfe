"""A page with a widget for every kind of field that no page of the lab uses yet, and a figure whose nodes, cells and
points are picked and dragged, for the tests in a browser."""

import sys
from pathlib import Path

import streamlit as st
from plotly.subplots import make_subplots

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.concept.params import fields
from core.ui import link
from core.ui.chart import SENT, chart
from core.ui.controls import Controls, problems
from core.ui.heard import heard
from tests.fields import STEM, Params, said

st.set_page_config(layout="wide")
params = link.load(STEM, Params, {})
text = said(link.language())
st.html(
    f"<script>document.documentElement.lang = '{link.language()}'; document.title = '{text.title}'</script>",
    unsafe_allow_javascript=True,
)
st.title(text.title, anchor=False)
problems(STEM, text, Params)
for column, names in zip(st.columns(2), (["digit", "wave", "places"], ["kernel", "pairs", "notes"])):
    with column:
        for name in names:
            Controls(STEM, params, text).field(name)
assert {"digit", "wave", "places", "kernel", "pairs", "notes"} == set(fields(Params))
link.save(link.present(STEM))

figure = make_subplots(1, 2)
figure.add_scatter(
    x=[0, 1], y=[0, 1], customdata=["first", "second"], mode="markers", name="nodes", marker_size=14, row=1, col=1
)
figure.add_scatter(
    x=[0], y=[1], customdata=["loose"], mode="markers", name="free", meta={"drags": True}, marker_size=14, row=1, col=1
)
figure.add_heatmap(z=[[0, 1], [2, 3]], customdata=[["a", "b"], ["c", "d"]], name="cells", showscale=False, row=1, col=2)
figure.update_layout(height=380, margin={"l": 40, "r": 10, "t": 10, "b": 30})
figure.update_xaxes(range=[-1, 2], row=1, col=1)
figure.update_yaxes(range=[-1, 2], row=1, col=1)


def note(event: str) -> None:
    st.session_state["note"] = f"{event}: {heard(st.session_state['figure'], event, SENT[event])}"


named = {"file": "figure", "title": "Figure", "origin": ""}
acts = {f"on_{event}": lambda event=event: note(event) for event in ("pick", "drag")}
chart(figure.to_json(), text, key="figure", summary="Two nodes and four cells.", named=named, **acts)
st.text(st.session_state.get("note", "nothing yet"))
