import streamlit as st

from core.concepts.linear_models.calibration.params import NAMES
from core.concepts.linear_models.figures import named
from core.concepts.linear_models.params import REACH, in_plane
from core.ui.page import Page

page = Page("linear_models")
text, say, part = page.text, page.text.say, page.experiment.part


def clicked(page: Page, at: dict[str, float]) -> None:
    """Ask every method about this place."""
    asked = {axis: round(min(max(at[axis], -REACH), REACH), 2) for axis in ("x", "y")}
    st.session_state["linear_models-asked"] = asked


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_click=clicked)
    asked = st.session_state.get("linear_models-asked")
    answer = page.ask("classify", **asked) if asked and not part and in_plane(page.params) else None
    if answer is not None and answer.result is not None:
        rows = zip(named(page.run.result, text), answer.result.label, answer.result.ahead)
        found = text.listed((say("words.answers", name=n, label=int(c), ahead=float(z)) for n, c, z in rows), ";")
        st.info(say("words.answer", **asked, found=found))
    if part == "calibration":
        warmth = st.slider(say("words.temperature"), 0.5, 20.0, 1.0, 0.5, key="linear_models-temperature")
        answer = page.ask("temperature", temperature=warmth)
        if answer is not None and answer.result is not None:
            rows = zip(NAMES, 100 * answer.result.error, answer.result.loss)
            found = text.listed(
                (say("words.cools", name=say(f"models.{n}"), error=float(e), loss=float(v)) for n, e, v in rows), ";"
            )
            st.info(say("words.cooled", warmth=warmth, found=found))
with presets:
    page.presets()
with settings:
    first = {"descent": ("loss", "steps"), "three": ("middle", "steps"), "calibration": ("examples", "epochs")}
    page.controls(*first.get(part, ("epochs", "width") if part else ("distance", "data", "own")))
page.claims("too_right", "masked", "twice")
page.lesson()
page.share()
