import streamlit as st

from core.concept.params import fields
from core.concepts.regularization.params import Params
from core.ui.page import Page

CONTROLS = {
    "": ("exponent", "data", "noise"),
    "table": ("noise_columns", "own", "folds"),
    "looks": ("looks", "held"),
    "nets": ("noise", "examples", "steps"),
}
page = Page("regularization")
part = page.experiment.part

page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    if part == "looks":
        left = fields(Params)["looks"].high - page.params.looks
        with st.container(horizontal=True):
            for word, count in (("try_one", 1), ("try_many", 20)):
                st.button(
                    page.text.say(f"words.{word}", count=count),
                    key=f"regularization-{word}",
                    disabled=left < count,
                    on_click=lambda count=count: page.change(looks=page.params.looks + count),
                )
    page.controls(*CONTROLS[part])
page.claims("smoother", "helps", "no_cure")
page.lesson()
page.share()
