from core.concepts.optimizers.params import in_plane
from core.ui.page import Page

page = Page("optimizers")


def clicked(page: Page, at: dict[str, float]) -> None:
    """Start from the place that was clicked."""
    if in_plane(page.params):
        x, y = (round(min(max(at[axis], -10.0), 10.0), 2) for axis in ("x", "y"))
        page.change(placed=True, x=x, y=y)


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_click=clicked)
with presets:
    page.presets()
with settings:
    page.controls(
        "beta",
        "signal",
        "own",
        "scatter",
        "contenders",
        "surface",
        "angle",
        without=("contenders.lr",) if page.params.rates == "best" else (),
    )
page.claims("momentum_ravine", "adagrad_rotated", "local_best")
page.lesson()
page.share()
