from core.concepts.sequence_to_sequence.figures import draw_translated, summary_translated
from core.ui.page import Page

page = Page("sequence_to_sequence")


def ask() -> None:
    """A source that is typed, for the trained networks."""
    with page.folded("translate", page.text.say("words.translate"), "keyboard") as fold:
        if fold.open:
            page.question("translate", draw_translated, summary_translated, {"net": len(page.params.nets)})


page.show("task", "length", "own", claims=("falls", "holds", "beyond"), after=ask)
