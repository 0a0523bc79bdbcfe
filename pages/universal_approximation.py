import streamlit as st

from core.concepts.universal_approximation.params import REACH
from core.ui.page import Page

CONTROLS = {
    "": ("units", "data", "own"),
    "depth": ("folds", "equal", "target"),
    "frequencies": ("total", "steps"),
    "parity": ("bits",),
}
page = Page("universal_approximation")


def clicked(page: Page, at: dict[str, float]) -> None:
    """Ask what the network says at this place."""
    st.session_state["universal_approximation-asked"] = round(min(max(at["x"], -REACH), REACH), 2)


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_click=clicked)
    x = st.session_state.get("universal_approximation-asked")
    answer = page.ask("value", x=x) if x is not None and not page.experiment.part else None
    if answer is not None and answer.result is not None:
        found = {name: float(getattr(answer.result, name)) for name in ("said", "slope", "true")}
        st.info(page.text.say("words.answer", x=x, **found))
with presets:
    page.presets()
with settings:
    page.controls(*CONTROLS[page.experiment.part])
page.claims("width", "none", "four_folds")
page.lesson()
page.share()
