from core.ui.page import Page

page = Page("optimizer_race")
page.header()
page.presets()
picture, settings = page.columns()
with picture:
    page.figures()
with settings:
    page.controls("contenders", "data", "epochs")
page.claims("momentum_same_rate", "momentum_same_reach", "adam_own_rates")
page.lesson()
page.share()
