from core.ui.page import Page

CONTROLS = {
    "": ("depth", "nets", "own"),
    "shift": ("depth", "lr", "data"),
    "serving": ("depth", "lr", "other"),
    "invariance": ("depth", "lr", "data"),
}
page = Page("batch_norm")
page.show(*CONTROLS[page.experiment.part], claims=("larger_rates", "yet_faster", "bias"))
