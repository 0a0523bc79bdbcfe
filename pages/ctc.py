from core.concepts.ctc.figures import draw_read, summary_read
from core.ui.page import Page

CONTROLS = {"": ("nets", "stride", "repeats"), "paths": ("chances", "text", "seeds")}
page = Page("ctc")


def ask() -> None:
    """A strip of the reader's own."""
    if page.experiment.part:
        return
    with page.folded("strip", page.text.say("words.strip"), "draw") as fold:
        if fold.open:
            page.question("strip", draw_read, summary_read)


page.show(*CONTROLS[page.experiment.part], claims=("reads", "blanks", "peaks"), after=ask)
