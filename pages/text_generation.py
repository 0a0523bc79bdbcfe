import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.concept.params import fields
from core.concepts.text_generation.params import Prompt, Written
from core.ui.link import plain
from core.ui.page import Page

page = Page("text_generation")
say, hint = page.text.say, page.text.hint
kinds = fields(Prompt)


def key(name: str) -> str:
    return f"text_generation-write-{name}-{page.text.language}"


def slider(place: DeltaGenerator, name: str) -> float:
    kind, label = kinds[name], say(f"params.{name}")
    return place.slider(label, kind.low, kind.high, kind.default, kind.step, key=key(name), help=hint(f"params.{name}"))


def coloured(letters: str, marks: list[bool], prompted: int) -> str:
    """Markdown of a text: the prompt bold, what is copied on orange."""
    found, first = "", 0
    for i in range(1, len(letters) + 1):
        if i == len(letters) or i == prompted or marks[i] != marks[first] or letters[i] == "\n":
            piece = plain(letters[first:i].lstrip("\n"))
            piece = f":orange-background[:orange[{piece}]]" if marks[first] and piece.strip() else piece
            found += ("  \n" if letters[first] == "\n" else "") + (f"**{piece}**" if piece and i <= prompted else piece)
            first = i
    return found


def write() -> None:
    """The trained network of the first seed goes on with what the reader types."""
    st.header(say("words.write"), anchor=False)
    kind = kinds["prompt"]
    prompt = st.text_input(say("params.prompt"), max_chars=kind.longest, key=key("prompt"), help=hint("params.prompt"))
    luck = st.session_state.setdefault("text_generation-luck", 0)
    question = {"prompt": prompt, "luck": luck}
    for column, name in zip(st.columns(4), ("temperature", "top_p", "top_k", "length")):
        question[name] = slider(column, name)

    def again() -> None:
        st.session_state["text_generation-luck"] = (luck + 1) % (kinds["luck"].high + 1)

    run = page.ask("write", **question)
    st.button(say("words.again"), icon=":material/casino:", key=key("again"), on_click=again, disabled=run is None)
    waiting = run is not None and run.live  # the workers are busy: look again until it is there

    def answer() -> None:
        run = page.ask("write", **question)
        if run is None:
            st.caption(say("words.after_training"))
        elif run.live:
            st.caption(say("words.writing"))
        elif run.result is None:
            st.caption(say("words.no_weights"))
        else:
            if waiting:
                st.rerun()
            shown(run.result)

    st.fragment(answer, run_every=0.5 if waiting else None)()


def shown(found: Written) -> None:
    letters, marks = "".join(map(chr, found.letters)), found.copied.astype(bool).tolist()
    with st.container(border=True, height=320):
        st.markdown(coloured(letters, marks, int(found.prompted)))
    if found.unknown.size:
        st.warning(say("words.unknown", letters=plain(" ".join(map(chr, found.unknown)))))
    st.caption(say("words.written", copied=f"{100 * sum(marks) / max(1, len(marks)):.0f}"))


page.show(
    "corpus",
    "own",
    "cell",
    "units",
    claims=("names_counting", "prose_counting", "cold_repeats"),
    after=st.fragment(write),
)
