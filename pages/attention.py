from core.concepts.attention.figures import draw_sequence, summary_sequence
from core.ui.page import Page

page = Page("attention")


def picked(page: Page, at: dict[str, str]) -> None:
    """Look into the place of the answer that was clicked."""
    page.reask("sequence", place=int(at["id"]))


def ask() -> None:
    nets = page.params.nets
    most = {
        "net": len(nets),
        "head": max(net.heads for net in nets),
        "place": max(1, len(page.asking("sequence").digits)),
    }
    with page.folded("sequence", page.text.say("words.sequence"), "keyboard") as fold:
        if fold.open:
            page.question("sequence", draw_sequence, summary_sequence, most, on_pick=picked)


page.show("nets", "task", "length", claims=("blind", "positions", "two_layers"), after=ask)
