from core.ui.page import Page

CONTROLS = {
    "": ("degree", "data", "own"),
    "learning": ("noise", "data"),
    "networks": ("noise", "activation"),
    "descent": ("wrong", "ridge"),
}
page = Page("bias_variance")
page.show(*CONTROLS[page.experiment.part], claims=("rigid", "flexible", "sum"))
