from core.ui import present
from core.ui.shown import hand_over_to_entry

hand_over_to_entry()
place = present.place()
if place is None:
    present.talks()
else:
    present.Slide(place).show()
