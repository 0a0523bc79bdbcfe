from core.ui.mistakes import Mistakes

place = Mistakes()
place.header()
place.curve()
place.filters()
place.table()
