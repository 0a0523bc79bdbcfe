"""The queue of one device: first come, first served between people, not between tabs.

Next is the run of whoever was served longest ago (never is longest), among these the one that came first. So
thirty tabs of one person do not keep another waiting for more than the run at hand. A run that had begun, and was lost
with what carried it, goes before all.
"""

from __future__ import annotations

import threading

from core.runs.run import Run

REMEMBERED = 4096  # people


class FairQueue:
    """Runs that wait. A run that several people asked for counts for each of them."""

    def __init__(self) -> None:
        self._waiting: list[Run] = []
        self._served: dict[str, int] = {}  # person → number of the serving that was theirs last
        self._count = 0
        self._changed = threading.Condition()

    def put(self, run: Run) -> None:
        with self._changed:
            self._waiting.append(run)
            self._changed.notify()

    def get(self) -> Run:
        """Wait for a run, and take it."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            run = _next(self._waiting, self._served)
            self._waiting.remove(run)
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
    """What had begun already; else the run of the person served longest ago; of several, the one that came first."""
    return min(
        waiting, key=lambda run: (not run.started, min((served.get(person, 0) for person in run.people), default=0))
    )
