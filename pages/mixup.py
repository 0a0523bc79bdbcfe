from core.ui.page import Page

page = Page("mixup")
page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    page.controls("data", "own", "flipped", "methods")
page.claims("better_last", "better_early", "memorises")
page.lesson()
page.share()
