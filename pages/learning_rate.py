from core.ui.page import Page

CONTROLS = {
    "": ("rate", "schedules", "wrong_labels"),
    "rates": ("wrong_labels", "every", "drop"),
    "range_test": ("wrong_labels", "data", "own"),
    "warmup": ("gain",),
    "edge": ("objective",),
}
page = Page("learning_rate")
page.show(*CONTROLS[page.experiment.part], claims=("lower", "accuracy", "lives"))
