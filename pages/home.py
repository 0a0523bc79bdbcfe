import streamlit as st

from core.catalog import by_chapter
from core.text import words
from core.ui import link
from core.ui.frame import card
from core.ui.page import hand_over_to_entry

hand_over_to_entry()
language = link.language()
text = words("", language)
st.title(text.title, anchor=False)
st.markdown(text.lead)
st.caption(text.say("home.intro"))
for chapter, entries in by_chapter().items():
    concepts = [entry for entry in entries if not entry.place]
    if concepts:
        st.header(text.say(f"chapters.{chapter}"), anchor=False)
        for column, entry in zip(st.columns(3), concepts):
            with column:
                card(entry, language)
