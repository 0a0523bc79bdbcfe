from math import hypot

import streamlit as st

from core.concepts.gan.figures import draw_walk, summary_walk
from core.concepts.gan.params import OUTERMOST, Centre, mode_count
from core.ui.page import Page

page = Page("gan")
say = page.text.say

NEAR = 0.25  # a click this near a centre takes it away


def clicked(page: Page, at: dict[str, float]) -> None:
    """Place a Gaussian, or take away the one that is there."""
    x, y = (round(min(max(at[axis], -OUTERMOST), OUTERMOST), 2) for axis in ("x", "y"))
    left = tuple(c for c in page.params.centres if hypot(c.x - x, c.y - y) > NEAR)
    if left != page.params.centres:
        page.take_away("centres", left)
    else:
        page.change(centres=(*left, Centre(x, y)))


drawn = page.params.data == "drawn" and not page.params.own
page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_click=clicked if drawn else None)
with presets:
    page.presets()
with settings:
    if drawn:
        st.caption(say("words.draw_hint"))
    if page.params.order == "by_hand":
        with st.container(horizontal=True):
            for move in "dgbDGB":
                st.button(
                    say(f"words.move_{move}"),
                    key=f"gan-move-{move}",
                    on_click=lambda move=move: page.change(moves=page.params.moves + move),
                )
            st.button(say("words.undo"), key="gan-undo", on_click=lambda: page.change(moves=page.params.moves[:-1]))
    page.controls("data", "own", "versions", "steps", without=("moves",))

with page.folded("walk", say("words.walk"), "directions_walk") as fold:
    if fold.open:
        st.caption(say("words.walk_hint"))
        most = {"version": len(page.params.versions), "seed": page.params.seeds, "mode": 0}
        if not page.params.own and any(version.conditional for version in page.params.versions):
            most["mode"] = mode_count(page.params) - 1
        page.question("walk", lambda walk, lang: draw_walk(walk, page.run.result, lang), summary_walk, most)

page.claims("half", "collapse", "d_generates")
page.lesson()
page.share()
