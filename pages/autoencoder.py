from core.concepts.autoencoder.figures import draw_rebuilt, draw_walk, summary_rebuilt, summary_walk
from core.ui.page import Page

page = Page("autoencoder")
say = page.text.say


def questions() -> None:
    most = {"version": len(page.params.versions)}
    with page.folded("walk", say("words.walk"), "directions_walk") as fold:
        if fold.open:
            page.question("walk", draw_walk, summary_walk, most)
    with page.folded("draw", say("words.draw"), "draw") as fold:
        if fold.open:
            page.question("draw", draw_rebuilt, summary_rebuilt, most)


page.show("versions", "noise", "own", claims=("bent", "keeps", "gaps"), after=questions)
