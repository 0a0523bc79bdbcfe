from core.ui.mistakes import Mistakes

place = Mistakes()
place.header()
place.filters()
place.table()
