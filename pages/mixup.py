from core.ui.page import Page

Page("mixup").show("data", "own", "flipped", "methods", claims=("better_last", "better_early", "memorises"))
