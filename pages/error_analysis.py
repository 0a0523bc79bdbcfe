import streamlit as st

from core.concepts.error_analysis.figures import draw_people, summary_people
from core.concepts.error_analysis.params import CLASSES, GUESSES, MOVES, QUESTIONS, on_points, open_moves
from core.ui.page import Page

FIRST = "dn"  # the two buttons that are seen at once

page = Page("error_analysis")
say, params = page.text.say, page.params


def play(move: str) -> None:
    """The next move, with what the reader expects of it."""
    before = len(params.moves)
    guesses = params.guesses[:before].ljust(before, GUESSES[-1])
    guess = st.session_state.get("error_analysis-guess") or GUESSES[-1]
    page.change(moves=params.moves + move, guesses=guesses + guess)


def button(move: str, allowed: str) -> None:
    st.button(
        say(f"moves.{move}"),
        key=f"error_analysis-move-{move}",
        help=page.text.hint(f"moves.{move}"),
        disabled=move not in allowed,
        on_click=lambda: play(move),
    )


def moves() -> None:
    allowed = open_moves(params, params.moves)
    st.segmented_control(
        say("words.guess"),
        list(GUESSES),
        default=GUESSES[-1],
        required=True,
        format_func=lambda letter: say(f"guesses.{letter}"),
        key="error_analysis-guess",
        help=page.text.hint("words.guess"),
    )
    with st.container(horizontal=True):
        for move in FIRST:
            button(move, allowed)
        if params.moves:
            st.button(
                say("words.undo"),
                key="error_analysis-undo",
                type="tertiary",
                on_click=lambda: page.change(moves=params.moves[:-1], guesses=params.guesses[: len(params.moves) - 1]),
            )
    with page.folded("moves", say("words.more_moves"), "sports_esports") as fold:
        if fold.open:
            with st.container(horizontal=True):
                for move in MOVES:
                    if move not in FIRST:
                        button(move, allowed)


def people() -> None:
    """Points that the reader labels one by one: a score beside the best rule's and the network's."""
    with page.folded("people", say("words.people"), "person") as fold:
        if fold.open:
            labels = page.asking("people").labels
            with st.container(horizontal=True):
                for k in range(CLASSES):
                    st.button(
                        f"{'●■◆'[k]} {k}",
                        key=f"error_analysis-label-{k}",
                        disabled=len(labels) >= QUESTIONS,
                        on_click=lambda k=k: page.reask("people", labels=labels + str(k)),
                    )
                st.button(
                    say("words.undo"),
                    key="error_analysis-label-undo",
                    type="tertiary",
                    disabled=not labels,
                    on_click=lambda: page.reask("people", labels=labels[:-1]),
                )
            page.question("people", draw_people, summary_people, labels=labels)


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    moves()
    page.controls(without=("moves", "guesses"))
if on_points(params):
    people()
page.claims("bias_data", "bias_net", "mismatch_target")
page.lesson()
page.share()
