"""A run: one execution of an experiment, or one that is stored, as whoever asked for it sees it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from core.concept.params import BaseParams
from core.concept.result import BaseResult, arrays
from core.runs import limits

WAITING, RUNNING, COMPLETE, STOPPED, FAILED = "waiting", "running", "complete", "stopped", "failed"


@dataclass(eq=False)
class Run:
    """One execution, or a stored one. Written by the thread of its place, read by any session.

    A run that is cut has parts, which are runs that nobody sees: they share its watchers, people and wish to stop.
    """

    key: str
    name: str  # of the experiment
    params: BaseParams
    device: str
    predicted: float  # seconds
    status: str = WAITING
    result: BaseResult | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    stored: bool = False  # came from the store, was not computed now
    anew: bool = False  # shall be computed, whatever the store has
    # Why it failed: died, raised, too_long, too_much_memory, too_large, no_worker, no_file, edited, other_code; or why
    # it was stopped though nobody pressed Stop: unwatched, no_file.
    error: str = ""
    detail: str = ""  # what the experiment said when it raised
    reference: str = ""  # of the failure in the log
    started: float = 0.0
    seconds: float = 0.0
    updates: int = 0
    losses: int = 0  # times that what carried it went away, and it began again
    moment: bool = False  # predicted to take so little that it may have the place for moments
    carrier: Any = None  # the worker process that waits with it for a place
    aside: float = 0.0  # since when it is waiting with what it has
    whole: Run | None = None  # the run of which this is a part
    parts: list[Run] = field(default_factory=list)
    job: dict[str, Any] = field(default_factory=dict)
    drawn: dict[Any, Any] = field(default_factory=dict)  # figures of the present Result, kept by the page
    watchers: dict[str, float] = field(default_factory=dict)  # session → when it last looked
    people: set[str] = field(default_factory=set)  # who asked for it; one person may have many sessions
    done: threading.Event = field(default_factory=threading.Event)
    wish_to_stop: threading.Event = field(default_factory=threading.Event)

    @property
    def stem(self) -> str:
        """The concept whose experiment it is."""
        return self.name.partition(".")[0]

    @property
    def live(self) -> bool:
        return self.status in (WAITING, RUNNING)

    @property
    def open(self) -> bool:
        """Whether others who ask the same may have this run: it has, or will have, what they want."""
        return self.status == COMPLETE or (self.live and not self.wish_to_stop.is_set())

    def let_go(self) -> None:
        """Kill the worker that waits with it for a place, if one does."""
        carrier, self.carrier = self.carrier, None
        if carrier is not None:
            carrier.kill()

    @property
    def unseen(self) -> bool:
        """Whether nobody has looked at it of late. While it is cut, or begins, others may look for the first time."""
        return max(list(self.watchers.values()), default=0.0) < time.monotonic() - limits.AWAY

    @property
    def yields(self) -> bool:
        """Whether it lets others go first: nobody looks at it, or it is a further part of a run that has a place."""
        first = next((part for part in self.whole.parts if part.live), self) if self.whole else self
        return first is not self or self.unseen

    @property
    def elapsed(self) -> float:
        """Seconds it has been running, or took."""
        return time.monotonic() - self.started if self.status == RUNNING else self.seconds

    @property
    def fraction(self) -> float:
        return self.result.step / max(self.result.total, 1) if self.result else 0.0

    @property
    def bytes(self) -> int:
        """What it holds in memory: its Result, its networks, its figures."""
        held = [*(arrays(self.result) if self.result else {}).values(), *(self.meta.get("state") or {}).values()]
        return sum(array.nbytes for array in held) + sum(len(drawn) for _, drawn in list(self.drawn.values()))
