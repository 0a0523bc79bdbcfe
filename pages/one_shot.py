from core.concepts.one_shot.figures import draw_compared, summary_compared
from core.ui.page import Page

CONTROLS = {
    "": ("loss", "margin", "identities"),
    "losses": ("margin", "identities", "data"),
    "identities": ("loss", "margin", "hand"),
}
page = Page("one_shot")


def ask() -> None:
    if not page.experiment.part:
        with page.folded("compare", page.text.say("words.compare"), "draw") as fold:
            if fold.open:
                page.question("compare", draw_compared, summary_compared)


page.show(*CONTROLS[page.experiment.part], claims=("pixels", "no_margin", "more"), after=ask)
