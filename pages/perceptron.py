from math import isnan

import streamlit as st

from core.concepts.perceptron.params import REACH, Point
from core.ui.page import Page

page = Page("perceptron")
say = page.text.say


def clicked(page: Page, at: dict[str, float]) -> None:
    """Place a point of the chosen class, or ask what the perceptron says of this place."""
    x, y = (round(min(max(at[axis], -REACH), REACH), 2) for axis in ("x", "y"))
    act = st.session_state.get("perceptron-click", "ask")
    if act == "ask":
        st.session_state["perceptron-asked"] = {"x": x, "y": y}
    else:
        page.change(added=(*page.params.added, Point(label=act, x=x, y=y)))


def selected(page: Page, points: list[dict]) -> None:
    """Take away the placed points inside the box."""
    inside = {(round(p["x"], 2), round(p["y"], 2)) for p in points}
    page.take_away("added", tuple(p for p in page.params.added if (p.x, p.y) not in inside))


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_click=clicked, on_select=selected)
    asked = st.session_state.get("perceptron-asked")
    answer = page.ask("classify", **asked) if asked else None
    if answer is not None and answer.result is not None:
        found = answer.result
        side = say("words.plus" if found.label > 0 else "words.minus" if found.label < 0 else "words.on_line")
        line = say("words.no_distance") if isnan(found.distance) else f"{found.distance:.3f}"
        st.info(say("words.answer", **asked, side=side, activation=float(found.activation), distance=line))
with presets:
    page.presets()
with settings:
    st.segmented_control(
        say("words.click"),
        ["ask", "plus", "minus"],
        default="ask",
        required=True,
        format_func=lambda act: say(f"words.click_{act}"),
        key="perceptron-click",
        help=say("words.click_hint"),
    )
    if page.params.order == "by_hand":
        with st.container(horizontal=True):
            for move in "mnp":
                st.button(
                    say(f"words.move_{move}"),
                    key=f"perceptron-move-{move}",
                    on_click=lambda move=move: page.change(moves=page.params.moves + move),
                )
            st.button(
                say("words.undo"), key="perceptron-undo", on_click=lambda: page.change(moves=page.params.moves[:-1])
            )
    page.controls("data", "own", "margin", "order", without=("moves",))
page.claims("stops", "xor_never", "swings_random")
page.lesson()
page.share()
