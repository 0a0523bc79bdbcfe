from core.ui.page import Page

CONTROLS = {
    "": ("depth", "activation", "starts"),
    "symmetry": ("activation", "steps", "rate"),
    "moves": ("starts", "hidden", "activation"),
    "depth": ("activation", "data", "own"),
    "ladder": ("steps", "rate", "data"),
}
page = Page("initialization")
page.show(*CONTROLS[page.experiment.part], claims=("small", "he_relu", "default_factor"))
