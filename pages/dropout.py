from core.ui.page import Page

page = Page("dropout")
page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    page.controls("nets", "data", "own", "wrong")
page.claims("test_last", "test_stopped", "underfits")
page.lesson()
page.share()
