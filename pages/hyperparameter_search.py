from core.concepts.hyperparameter_search.figures import draw_guess, summary_guess
from core.ui.page import Page

CONTROLS = {
    "": ("second", "data", "own"),
    "race": ("levels", "data", "own"),
    "importance": ("data", "draws", "own"),
}
page = Page("hyperparameter_search")


def guesses() -> None:
    """The reader's own search, against those of the run."""
    if not page.experiment.part:
        with page.folded("guess", page.text.say("words.guess"), "touch_app") as fold:
            if fold.open:
                page.question("guess", draw_guess, summary_guess)


page.show(*CONTROLS[page.experiment.part], claims=("random", "log", "rate"), after=guesses)
