from typing import Any

from core.concepts.cnn_classics.figures import (
    draw_built,
    draw_digit,
    draw_squeezed,
    summary_built,
    summary_digit,
    summary_squeezed,
)
from core.ui.page import Page

CONTROLS = {
    "": ("net", "side", "edition"),
    "machine": ("steps", "sgd", "adam"),
    "pieces": ("updates", "seeds"),
}
ASKED: dict[str, Any] = {
    "": {"squeeze": (draw_squeezed, summary_squeezed), "build": (draw_built, summary_built)},
    "machine": {"digit": (draw_digit, summary_digit)},
}
ICONS = {"squeeze": "compress", "build": "construction", "digit": "draw"}
page = Page("cnn_classics")


def ask() -> None:
    """Questions to what has run."""
    for name, (draw, summary) in ASKED.get(page.experiment.part, {}).items():
        with page.folded(name, page.text.say(f"words.{name}"), ICONS[name]) as fold:
            if fold.open:
                page.question(name, draw, summary)


page.show(*CONTROLS[page.experiment.part], claims=("modern_short", "modern_long", "relu_faster"), after=ask)
