import streamlit as st

from core.concepts.optimizer_race.tuning import tuned_contenders
from core.ui.page import Page

page = Page("optimizer_race")


def take_tuned() -> None:
    """The contenders at the rates of this sweep, without the sweep."""
    page.change(contenders=tuned_contenders(page.run.result), sweep=0)


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    page.controls("contenders", "sweep", "data", "own")
    if page.params.sweep and page.run is not None and page.run.result is not None and page.run.result.complete:
        label, hint = page.text.say("words.take_tuned"), page.text.hint("words.take_tuned")
        st.button(label, icon=":material/tune:", key="take-tuned", help=hint, on_click=take_tuned)
page.claims("momentum_same_reach", "adam_tuned", "adam_less_tuning")
page.lesson()
page.share()
