import streamlit as st

from core.concepts.linear_models.calibration.params import NAMES
from core.ui.page import Page

CONTROLS = {
    "": ("distance", "data", "own"),
    "descent": ("loss", "steps"),
    "three": ("middle", "steps"),
    "calibration": ("examples", "epochs"),
    "features": ("epochs", "width"),
}
page = Page("linear_models")
text, say = page.text, page.text.say


def cool() -> None:
    """What a temperature changes in the probabilities."""
    if page.experiment.part == "calibration":
        warmth = st.slider(say("words.temperature"), 0.5, 20.0, 1.0, 0.5, key="linear_models-temperature")
        answer = page.ask("temperature", temperature=warmth)
        if answer is not None and answer.result is not None:
            rows = zip(NAMES, 100 * answer.result.error, answer.result.loss)
            found = (say("words.cools", name=say(f"rows.{n}"), error=float(e), loss=float(v)) for n, e, v in rows)
            st.info(say("words.cooled", warmth=warmth, found=text.listed(found, ";")))


page.show(*CONTROLS[page.experiment.part], claims=("too_right", "masked", "twice"), after=cool)
