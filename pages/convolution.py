from core.concepts.convolution.figures import draw_sizes, summary_sizes
from core.ui.page import Page

CONTROLS = {
    "": ("kernel", "data", "own"),
    "algebra": ("data", "own", "seeds"),
    "shuffled": ("examples", "epochs", "seeds"),
    "pooling": ("updates", "seeds"),
}
page = Page("convolution")


def chosen(page: Page, at: dict[str, str]) -> None:
    """Show the arithmetic of the output pixel that was clicked."""
    row, column = map(int, at["id"].split(","))
    page.change(row=row, column=column)


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_pick=chosen)
with presets:
    page.presets()
with settings:
    page.controls(*CONTROLS[page.experiment.part])
if not page.experiment.part:
    with page.folded("calculate", page.text.say("words.calculate"), "calculate") as fold:
        if fold.open:
            page.question("calculate", draw_sizes, summary_sizes)
page.claims("found", "shuffled_lead", "not_inverse")
page.lesson()
page.share()
