"""A run: one execution of an experiment, or one that is stored, as whoever asked for it sees it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from core.concept.params import BaseParams
from core.concept.result import BaseResult, arrays

WAITING, RUNNING, COMPLETE, STOPPED, FAILED = "waiting", "running", "complete", "stopped", "failed"


@dataclass(eq=False)
class Run:
    """One execution, or a stored one. Written by its slot's thread, read by any session."""

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
    # Why it failed: died, raised, too_long, too_much_memory, too_large, no_worker, no_file, other_code; or why it was
    # stopped though nobody pressed Stop: unwatched, no_file.
    error: str = ""
    detail: str = ""  # what the experiment said when it raised
    reference: str = ""  # of the failure in the log
    started: float = 0.0
    seconds: float = 0.0
    updates: int = 0
    losses: int = 0  # times that what carried it on a cluster went away
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
