import streamlit as st

from core.concepts.text_generation.params import Prompt
from core.params import fields
from core.ui.link import plain
from core.ui.page import Page

page = Page("text_generation")
say, hint = page.text.say, page.text.hint
kinds = fields(Prompt)


def key(name: str) -> str:
    return f"text_generation-write-{name}-{page.text.language}"


def slider(name: str) -> float:
    kind = kinds[name]
    return st.slider(
        say(f"params.{name}"),
        kind.low,
        kind.high,
        kind.default,
        kind.step,
        key=key(name),
        help=hint(f"params.{name}"),
    )


def coloured(letters: str, marks: list[bool], prompted: int) -> str:
    """Markdown of a text: the prompt bold, what is copied on orange."""
    found, first = "", 0
    for i in range(1, len(letters) + 1):
        if i == len(letters) or i == prompted or marks[i] != marks[first] or letters[i] == "\n":
            piece = plain(letters[first:i].lstrip("\n"))
            piece = f":orange-background[{piece}]" if marks[first] and piece.strip() else piece
            found += ("  \n" if letters[first] == "\n" else "") + (f"**{piece}**" if piece and i <= prompted else piece)
            first = i
    return found


def write() -> None:
    """The trained network of the first seed goes on with what the reader types."""
    st.subheader(say("words.write"), anchor=False)
    kind = kinds["prompt"]
    prompt = st.text_input(say("params.prompt"), max_chars=kind.longest, key=key("prompt"), help=hint("params.prompt"))
    for left, right in (("temperature", "top_p"), ("top_k", "length")):
        columns = st.columns(2)
        for column, name in zip(columns, (left, right)):
            with column:
                slider(name)
    luck = st.session_state.setdefault("text_generation-luck", 0)
    given = {name: st.session_state[key(name)] for name in ("temperature", "top_k", "top_p", "length")}
    run = page.ask("write", prompt=prompt, luck=luck, **given)

    def again() -> None:
        st.session_state["text_generation-luck"] = (luck + 1) % (kinds["luck"].high + 1)

    st.button(say("words.again"), icon=":material/casino:", key=key("again"), on_click=again, disabled=run is None)
    if run is None:
        st.caption(say("words.after_training"))
    elif run.result is None:
        st.caption(say("words.writing" if run.live else "words.no_weights"))
    else:
        found = run.result
        letters, marks = "".join(map(chr, found.letters)), found.copied.astype(bool).tolist()
        with st.container(border=True):
            st.markdown(coloured(letters, marks, int(found.prompted)))
        if found.unknown.size:
            st.warning(say("words.unknown", letters=plain(" ".join(map(chr, found.unknown)))))
        st.caption(say("words.written", copied=f"{100 * sum(marks) / max(1, len(marks)):.0f}"))


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
    st.fragment(write)()
with presets:
    page.presets()
with settings:
    page.controls("corpus", "cell", "units")
page.claims("names_counting", "prose_counting", "cold_repeats")
page.lesson()
page.share()
