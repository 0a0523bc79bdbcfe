import streamlit as st

from core.concepts.autoencoder.figures import draw_pad, draw_rebuilt, draw_walk, summary_rebuilt
from core.concepts.autoencoder.params import INK, PICTURES, PIXELS, SIDE, SIZES
from core.ui.chart import SENT, chart, named
from core.ui.heard import heard
from core.ui.page import Page

page = Page("autoencoder")
text, say = page.text, page.text.say
SOFT = {(0, 0): 16, (0, 1): 6, (0, -1): 6, (1, 0): 6, (-1, 0): 6}  # ink that a click leaves on a pixel and beside it


def about(id: str) -> dict[str, str]:
    return named(page.figure, text, {"": page.run}) | {
        "file": f"autoencoder-{id}",
        "title": f"{text.title}: {say(f'words.{id}')}",
    }


def version(key: str) -> int:
    count = len(page.params.versions)
    hint = text.hint("params.version")
    return st.number_input(say("params.version"), 1, count, min(2, count), key=f"{key}-{count}", help=hint)


def draw() -> None:
    """A click on the paper leaves ink; a click on black takes it away."""
    at = heard(st.session_state.get("autoencoder-pad"), "click", SENT["click"])
    if not at:
        return
    pixels, column, row = list(pad()), round(at["x"]), SIDE - 1 - round(at["y"])
    if not (0 <= column < SIDE and 0 <= row < SIDE):
        return
    if pixels[row * SIDE + column] == 16:
        pixels[row * SIDE + column] = 0
    else:
        for (down, across), ink in SOFT.items():
            if 0 <= row + down < SIDE and 0 <= column + across < SIDE:
                place = (row + down) * SIDE + column + across
                pixels[place] = min(16, max(pixels[place], ink))
    st.session_state["autoencoder-drawing"] = pixels
    st.session_state["whole page"] = True


def pad() -> list[int]:
    return st.session_state.get("autoencoder-drawing", [0] * PIXELS)


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    page.controls("versions", "noise", "own")

with page.folded("walk", say("words.walk"), "directions_walk") as fold:
    if fold.open:
        st.caption(say("words.walk_hint"))
        with st.container(horizontal=True):
            question = {"version": version("autoencoder-walk-version")}
            sizes = [str(size) for size in SIZES]
            question["size"] = st.selectbox(say("params.size"), sizes, 2, key="autoencoder-walk-size")
            for name, first in (("start", 4), ("end", 10)):
                key, hint = f"autoencoder-walk-{name}", text.hint(f"params.{name}")
                question[name] = st.number_input(say(f"params.{name}"), 1, PICTURES, first, key=key, help=hint)
        answer = page.ask("walk", **question)
        if answer is None or answer.result is None:
            st.caption(say("words.wait"))
        else:
            drawn = draw_walk(answer.result, text.language)
            chart(drawn.to_json(), text, key="autoencoder-walk", summary=say("summaries.walk"), named=about("walk"))

with page.folded("draw", say("words.draw"), "draw") as fold:
    if fold.open:
        st.caption(say("words.draw_hint"))
        paper, came = st.columns([0.3, 0.7])
        with paper:
            chart(
                draw_pad(pad()).to_json(), text, key="autoencoder-pad", summary=say("words.draw_hint"),
                named=about("draw"), on_click=draw,
            )  # fmt: skip
            if st.button(say("words.clear"), icon=":material/ink_eraser:", key="autoencoder-clear"):
                st.session_state["autoencoder-drawing"] = [0] * PIXELS
                st.rerun()
        with came:
            which = version("autoencoder-draw-version")
            answer = page.ask("rebuild", version=which, pixels="".join(INK[ink] for ink in pad()))
            if answer is None or answer.result is None:
                st.caption(say("words.wait"))
            else:
                drawn, said = draw_rebuilt(answer.result, text.language), summary_rebuilt(answer.result, text.language)
                chart(drawn.to_json(), text, key="autoencoder-rebuilt", summary=said, named=about("draw"))
                st.markdown(said)

page.claims("bent", "keeps", "gaps")
page.lesson()
page.share()
