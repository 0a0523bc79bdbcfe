"""The queue of one device: first come, first served between people, not between tabs.

Next is the run of whoever was served longest ago (never is longest), among these the one that came first. So
thirty tabs of one person do not keep another waiting for more than the run at hand. A run that had begun, and was lost
with what carried it or had outgrown its place, goes before all. What lets others go first (`Run.yields`) comes after
all, had it begun or not, and where it is under way it makes room for who waits.
"""

from __future__ import annotations

import threading
from typing import Any

from core.runs.run import Run

REMEMBERED = 4096  # people
LOOK = 0.05  # seconds between looks at whether what waits suits a place by now


class FairQueue:
    """Runs that wait. A run that several people asked for counts for each of them."""

    def __init__(self) -> None:
        self._waiting: list[Run] = []
        self._served: dict[str, int] = {}  # person → number of the serving that was theirs last
        self._count = 0
        self._changed = threading.Condition()
        self._promised: set[int] = set()  # of the waiting runs (by id): those for which another has just made room

    def put(self, run: Run) -> None:
        with self._changed:
            self._waiting.append(run)
            self._changed.notify_all()

    def get(self, slot: Any = None) -> Run:
        """Wait for a run that suits a place (None: any), take it, and let the place have it as its `run`."""
        with self._changed:
            while not (suited := [run for run in self._waiting if slot is None or slot.suits(run)]):
                self._changed.wait(LOOK if self._waiting else None)
            run = _next(suited, self._served)
            self._waiting.remove(run)
            self._promised.clear()
            if slot is not None:
                slot.run = run
            if not run.started and run.whole is None:  # else it was served before
                self._count += 1
                self._served |= dict.fromkeys(run.people, self._count)
            if len(self._served) > REMEMBERED:  # who was served long ago counts as never served
                self._served = {p: n for p, n in self._served.items() if n > self._count - REMEMBERED // 2}
            return run

    def remove(self, run: Run) -> None:
        """Forget a run that nobody waits for any more."""
        with self._changed:
            if run in self._waiting:
                self._waiting.remove(run)

    def room_wanted(self) -> bool:
        """Whether somebody waits for a place; who asks and hears yes makes room for this one, which is promised once.
        What takes a moment has a place of its own."""
        with self._changed:
            for run in self._waiting:
                if not (run.yields or run.moment or id(run) in self._promised):
                    self._promised.add(id(run))
                    return True
            return False

    def crowded(self) -> bool:
        """Whether anyone waits who goes before what lets others go first."""
        with self._changed:
            return any(not run.yields for run in self._waiting)

    def paused(self) -> list[Run]:
        """The waiting runs whose processes stand still, those that have stood longest first."""
        with self._changed:
            return sorted((run for run in self._waiting if run.carrier), key=lambda run: run.aside)

    def order(self) -> list[Run]:
        """The waiting runs in the order in which they will start."""
        with self._changed:
            waiting, served, count = list(self._waiting), dict(self._served), self._count
        found = []
        while waiting:
            run = _next(waiting, served)
            waiting.remove(run)
            count += 1
            served |= dict.fromkeys(run.people, count)
            found.append(run)
        return found


def _next(waiting: list[Run], served: dict[str, int]) -> Run:
    """Not what lets others go first; what had begun already; else the run of the person served longest ago; of
    several, the one that came first."""
    return min(
        waiting,
        key=lambda run: (
            run.yields,
            not run.started,
            min((served.get(person, 0) for person in run.people), default=0),
        ),
    )
