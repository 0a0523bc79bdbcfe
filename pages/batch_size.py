from core.ui.page import Page

CONTROLS = {
    "": ("contenders", "data", "own"),
    "tuning": ("target", "epochs", "steps"),
    "noise": ("data", "own", "epochs"),
    "paths": ("contenders", "rate", "scaling"),
}
page = Page("batch_size")
part = page.experiment.part
page.show(
    *CONTROLS[part],
    claims=("per_pass", "per_step", "middle_one"),
    without=("contenders.lr",) if part == "paths" else (),
)
