from core.ui.verdicts import Verdicts

place = Verdicts()
place.header()
place.filters()
place.table()
