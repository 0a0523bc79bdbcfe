from core.ui.page import Page

CONTROLS = {
    "": ("stretch", "correlation", "own"),
    "rules": ("correlation", "target"),
    "tables": ("data", "optimizer", "own"),
    "lighting": ("epochs",),
}
page = Page("feature_scaling")
page.show(*CONTROLS[page.experiment.part], claims=("angle", "factor", "left"))
