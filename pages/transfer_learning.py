from core.ui.page import Page

CONTROLS = {
    "": ("ways", "data", "own"),
    "layers": ("labels", "data", "own"),
    "tasks": ("labels", "data", "own"),
    "pictures": ("steps", "lr", "seeds"),
}
page = Page("transfer_learning")
page.show(*CONTROLS[page.experiment.part], claims=("control", "few", "many"))
