from core.concepts.optimizers.params import in_plane
from core.ui.page import Page

page = Page("optimizers")


def clicked(page: Page, at: dict[str, float]) -> None:
    """Start from the place that was clicked."""
    if in_plane(page.params):
        x, y = (round(min(max(at[axis], -10.0), 10.0), 2) for axis in ("x", "y"))
        page.change(placed=True, x=x, y=y)


page.show(
    "beta",
    "signal",
    "own",
    "scatter",
    "contenders",
    "surface",
    "angle",
    claims=("momentum_ravine", "adagrad_rotated", "local_best"),
    without=("contenders.lr",) if page.params.rates == "best" else (),  # the sweep chooses it
    on_click=clicked,
)
