from core.concepts.meta_learning.figures import draw_adapt, summary_adapt
from core.ui.page import Page

CONTROLS = {"": ("points", "ways", "rate"), "glyphs": ("shots", "steps"), "quadratic": ("inner", "steepest")}
page = Page("meta_learning")


def adapt() -> None:
    """The starts at a reader's own points."""
    if not page.experiment.part:
        with page.folded("adapt", page.text.say("words.adapt"), "draw") as fold:
            if fold.open:
                page.question(
                    "adapt",
                    lambda found, language: draw_adapt(found, page.run.result, language),
                    lambda found, language: summary_adapt(found, page.run.result, language),
                )


page.show(*CONTROLS[page.experiment.part], claims=("suffices", "joint", "one_step"), after=adapt)
