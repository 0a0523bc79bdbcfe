from core.concepts.recurrent_memory.figures import draw_typed, summary_typed
from core.ui.page import Page

CONTROLS = {
    "": ("length", "task", "nets"),
    "cliff": ("clips", "threshold", "seeds"),
    "names": ("typed", "readers", "seeds"),
}
page = Page("recurrent_memory")


def ask() -> None:
    """A sequence that is typed, for the trained networks."""
    if page.experiment.part:
        return
    with page.folded("ask", page.text.say("words.sequence"), "keyboard") as fold:
        if fold.open:
            page.question("sequence", draw_typed, summary_typed)


page.show(*CONTROLS[page.experiment.part], claims=("rnn", "lstm", "learns"), after=ask)
