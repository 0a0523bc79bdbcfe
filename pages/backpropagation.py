import streamlit as st

from core.concept.params import fields
from core.concepts.backpropagation.figures import nearest
from core.ui.page import Page

CONTROLS = {
    "": ("lit", "edited", "updates"),
    "graph": (),
    "bench": ("lr", "steps", "penalty"),
    "check": ("activation", "loss", "lr"),
    "speed": ("seeds",),
}
page = Page("backpropagation")
say = page.text.say


def clicked(page: Page, at: dict[str, float]) -> None:
    """Light the edge that is nearest to the click."""
    if page.figure.id == "network":
        page.change(lit=nearest(at["x"], at["y"]))


def shown(option: str) -> str:
    return say(f"words.{option}") if option.isalpha() else str(tuple(map(int, option.split("x"))))


def shapes() -> None:
    """What NumPy makes of two arrays."""
    if page.experiment.part == "speed":
        asked = {}
        with st.container(horizontal=True):
            for name, kind in fields(page.experiment.ask("shapes").question).items():
                own = {"format_func": shown, "key": f"backpropagation-{name}"}
                asked[name] = st.selectbox(say(f"params.{name}"), kind.options, kind.options.index(kind.default), **own)
        answer = page.ask("shapes", **asked)
        if answer is not None and answer.result is not None:
            found = answer.result
            st.info(say("words.refused") if found.refused else say("words.makes", shape=tuple(found.shape.tolist())))


page.show(*CONTROLS[page.experiment.part], claims=("exact", "one_pass", "falls"), on_click=clicked, after=shapes)
