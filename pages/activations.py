from core.ui.page import Page

Page("activations").show("depth", "contenders", "data", "own", claims=("no_activation", "relu_sigmoid", "first_stays"))
