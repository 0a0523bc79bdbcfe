from core.concepts.inside_a_cnn.figures import (
    draw_dream,
    draw_seen,
    draw_unit,
    summary_dream,
    summary_seen,
    summary_unit,
)
from core.ui.page import Page

page = Page("inside_a_cnn")
QUESTIONS = (
    ("draw", "draw", draw_seen, summary_seen),
    ("unit", "trending_up", draw_unit, summary_unit),
    ("dream", "bedtime", draw_dream, summary_dream),
)


def questions() -> None:
    for ask, icon, draw, summary in QUESTIONS:
        with page.folded(ask, page.text.say(f"words.{ask}"), icon) as fold:
            if fold.open:
                page.question(ask, draw, summary)


page.show("digit", "own", "seeds", claims=("fooled", "prior", "guided"), after=questions)
