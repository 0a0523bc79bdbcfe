from core.concepts.loss_functions.params import Point
from core.ui.page import Page

CONTROLS = {
    "": ("wrong", "losses", "rate"),
    "surface": ("overlap", "examples"),
    "classifier": ("wrong_labels", "data", "own"),
    "outliers": ("outliers", "height", "delta"),
}
page = Page("loss_functions")


def clicked(page: Page, at: dict[str, float]) -> None:
    """An outlier where one clicks."""
    place = Point(x=round(min(max(at["x"], -1.0), 1.0), 2), y=round(min(max(at["y"], -40.0), 40.0), 1))
    page.change(added=(*page.params.added, place)[-20:])


part = page.experiment.part
act = clicked if part == "outliers" else None
page.show(*CONTROLS[part], claims=("saturated", "learns", "linear"), on_click=act)
