import streamlit as st

from core.concepts.reinforcement_learning.figures import draw_balance, draw_board, summary_balance, summary_board
from core.concepts.reinforcement_learning.params import LETTERS
from core.ui.page import Page

CONTROLS = {
    "": ("distance", "episodes", "noise"),
    "cliff": ("epsilon", "alpha", "trips"),
    "pole": ("updates", "batch", "lr"),
    "game": ("games", "explore", "seeds"),
}
page = Page("reinforcement_learning")
say = page.text.say


def wall(page: Page, at: dict[str, str]) -> None:
    """Put a wall where there is none, or take it away."""
    walls, cell = page.params.walls, at["id"]
    if cell in LETTERS:
        page.change(walls=walls.replace(cell, "") if cell in walls else walls + cell)


def go_on(ask: str, field: str, sign: str) -> None:
    page.reask(ask, **{field: getattr(page.asking(ask), field) + sign})


def again(ask: str, field: str) -> None:
    label, key = say("words.again"), f"reinforcement_learning-{ask}-again"
    st.button(label, key=key, type="tertiary", on_click=lambda: page.reask(ask, **{field: ""}))


def balance() -> None:
    """The pole in the reader's hands: a button or an arrow key is a push."""
    with st.container(horizontal=True):
        for sign, key in (("l", "Left"), ("r", "Right")):
            st.button(
                say(f"words.push_{sign}"),
                key=f"reinforcement_learning-push-{sign}",
                shortcut=key,
                on_click=lambda sign=sign: go_on("balance", "pushes", sign),
            )
        again("balance", "pushes")
    page.question("balance", draw_balance, summary_balance, pushes=page.asking("balance").pushes)


def play() -> None:
    """A game against what a learner knows: a click on a cell, or its number, is a move."""

    def picked(page: Page, at: dict[str, str]) -> None:
        go_on("play", "moves", at["id"])

    again("play", "moves")
    page.question("play", draw_board, summary_board, on_pick=picked, moves=page.asking("play").moves)


def questions() -> None:
    asks = {"pole": ("balance", balance, "sports_esports"), "game": ("play", play, "grid_3x3")}
    if page.experiment.part in asks:
        ask, show, icon = asks[page.experiment.part]
        with page.folded(ask, say(f"words.{ask}"), icon) as fold:
            if fold.open:
                show()


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_pick=wall)
with presets:
    page.presets()
with settings:
    page.controls(*CONTROLS[page.experiment.part], without=("walls",))
questions()
page.claims("one_step", "at_once", "way_found")
page.lesson()
page.share()
