from core.concepts.residual_networks.figures import draw_operation, summary_operation
from core.concepts.residual_networks.params import blocks
from core.ui.page import Page

CONTROLS = {"": ("deepest", "nets", "own"), "copy": ("norm", "lr"), "rates": ("deepest", "norm", "own")}
page = Page("residual_networks")


def operate() -> None:
    """Blocks of the trained networks are taken out or change places."""
    if page.experiment.part:
        return
    most = blocks(page.params.deepest)
    with page.folded("operation", page.text.say("words.operation"), "content_cut") as fold:
        if fold.open:
            page.question("operation", draw_operation, summary_operation, {"first": most, "second": most})


page.show(*CONTROLS[page.experiment.part], claims=("degrades", "repaired", "no_vanishing"), after=operate)
