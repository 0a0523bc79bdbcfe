from core.concepts.word_embeddings.figures import draw_neighbours, summary_neighbours
from core.ui.page import Page

CONTROLS = {"": ("methods", "data", "own"), "reader": ("steps", "negatives")}
page = Page("word_embeddings")


def picked(page: Page, at: dict[str, str]) -> None:
    """Ask for the neighbours of the word that was clicked."""
    page.reask("near", word=at["id"])
    page.unfold("near")


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_pick=picked)
with presets:
    page.presets()
with settings:
    page.controls(*CONTROLS[page.experiment.part])
if not page.experiment.part:
    with page.folded("near", page.text.say("words.near"), "near_me") as fold:
        if fold.open:
            page.question("near", draw_neighbours, summary_neighbours, {"method": len(page.params.methods)})
page.claims("close", "pmi", "sum")
page.lesson()
page.share()
