from core.ui.page import Page

page = Page("optimizer_race")
page.header()
presets, picture, settings = page.places()
with picture:
    page.figures()
with presets:
    page.presets()
with settings:
    page.controls("contenders", "data", "own", "epochs")
page.claims("momentum_same_rate", "momentum_same_reach", "adam_own_rates")
page.lesson()
page.share()
