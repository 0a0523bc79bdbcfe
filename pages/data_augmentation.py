from core.ui.page import Page

CONTROLS = {"": ("count", "ways", "own"), "sizes": ("ways", "steps", "data"), "picture": ("picture", "data_seed")}
page = Page("data_augmentation")
page.show(*CONTROLS[page.experiment.part], claims=("move", "upside", "digits_buy"))
