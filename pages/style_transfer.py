from core.ui.page import Page

FURTHER = {"shuffled": ("small", "data_seed", "weight_seed"), "texture": ("evaluations", "small", "seeds")}
CONTROLS = {"": ("weight", "style", "own")} | FURTHER | {"depth": FURTHER["texture"]}
page = Page("style_transfer")
page.show(*CONTROLS[page.experiment.part], claims=("places", "deeper", "untrained"))
