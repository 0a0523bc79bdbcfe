from core.concepts.segmentation.figures import draw_segmented, summary_segmented
from core.ui.page import Page

CONTROLS = {
    "": ("depth", "noise", "moved"),
    "upsampling": ("depth", "noise", "steps"),
    "losses": ("depth", "steps", "seeds"),
}
page = Page("segmentation")

page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    page.controls(*CONTROLS[page.experiment.part])
if not page.experiment.part:
    with page.folded("segment", page.text.say("words.segment"), "draw") as fold:
        if fold.open:
            page.question("segment", draw_segmented, summary_segmented)
page.claims("flatters", "skips", "border")
page.lesson()
page.share()
