import streamlit as st

from core.concept.params import BaseParams
from core.concept.text import words
from core.ui import home, link
from core.ui.controls import problems
from core.ui.shown import hand_over_to_entry

hand_over_to_entry()
language = link.language()
text = words("", language)
link.load("home", BaseParams, {})
link.save(BaseParams())
st.title(text.title, anchor=False)
st.markdown(text.lead)
problems("home", text, BaseParams)
st.caption(text.say("home.intro"))
home.concept_map(language)
home.machine(language)
