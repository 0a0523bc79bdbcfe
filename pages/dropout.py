from core.ui.page import Page

Page("dropout").show("nets", "data", "own", "wrong", claims=("test_last", "test_stopped", "underfits"))
