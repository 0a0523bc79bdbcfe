from typing import Any

from core.concepts.object_detection.figures import draw_detected, summary_detected
from core.concepts.object_detection.params import BOXES, SIZE
from core.ui.page import Page

CONTROLS = {
    "": ("noise", "objects", "together"),
    "targets": ("updates", "seeds"),
    "window": ("updates", "seeds"),
    "overlap": BOXES,
}
page = Page("object_detection")


def dragged(page: Page, at: dict[str, Any]) -> None:
    """Move the corner of a box."""
    name, corner = at["name"], int(at["id"])
    if name in BOXES:
        points = [list(point) for point in getattr(page.params, name)]
        place = at["x"] + 0.5, SIZE - at["y"] - 0.5
        points[corner] = [round(min(max(float(v), 0.0), float(SIZE)), 1) for v in place]
        page.change(**{name: tuple(map(tuple, points))})


page.header()
presets, picture, settings = page.places()
with picture:
    page.figures(on_drag=dragged)
with presets:
    page.presets()
with settings:
    page.controls(*CONTROLS[page.experiment.part])
if not page.experiment.part:
    with page.folded("detect", page.text.say("words.detect"), "draw") as fold:
        if fold.open:
            page.question("detect", draw_detected, summary_detected)
page.claims("detects", "order", "anchors")
page.lesson()
page.share()
