"""A page with a widget for every kind of field that no page of the lab uses yet, for the tests in a browser."""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.concept.params import fields
from core.ui import link
from core.ui.controls import Controls, problems
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
