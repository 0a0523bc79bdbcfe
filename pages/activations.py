from core.ui.page import Page

page = Page("activations")
page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    page.controls("depth", "contenders", "data", "own")
page.claims("no_activation", "relu_sigmoid", "first_stays")
page.lesson()
page.share()
