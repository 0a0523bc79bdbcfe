"""Threads beside each other in a worker, for the fused kernel, which holds no lock while it computes. The numbers are
the same bits for any number of them: a member's lane sees no other.

How many there may be is asked each time: places that are free now may be wanted a moment later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Crew:
    """The threads of one run. helpers: how many there may be now, beside the one that runs it."""

    def __init__(self, helpers: Callable[[], int]):
        self.helpers = helpers
        self.behind: list[Apart] = []  # populations that have yet to take steps
        self._pool: ThreadPoolExecutor | None = None

    def map(self, work: Callable[[Any], Any], jobs: Iterable[Any]) -> list[None]:
        """Do the work for every job, in whatever order. As an executor's, for `Fused` takes it for one."""
        given = list(jobs)
        left, lock = iter(given), threading.Lock()

        def each() -> Iterator[Any]:
            while True:
                with lock:
                    job = next(left, self)
                if job is self:
                    return
                yield job

        def labour() -> None:
            for job in each():
                work(job)

        count = min(self.helpers(), len(given) - 1)
        if count > 0 and self._pool is None:
            self._pool = ThreadPoolExecutor(32)  # starts a thread only when it has something to do
        others = [self._pool.submit(labour) for _ in range(count)] if self._pool else []
        labour()
        for other in others:
            other.result()
        return []

    def fused(self, trainer: Any, apart: bool) -> Any:
        """The class of the kernel, for `train` to make populations with. apart: whether an experiment's populations
        have nothing to do with each other and none is timed, so that they may advance side by side."""
        crew = self

        class Shared(trainer):
            """The kernel, its members shared between the threads there are."""

            def __init__(self, *given: Any, **named: Any):
                super().__init__(*given, **named, threads=1 if apart else SHARES)
                if self.registers > 1 and not apart:
                    self._pool.shutdown()
                    self._pool: Any = crew

        if not apart:
            return Shared

        class Beside(Apart):
            LANES, ACTIVATIONS = trainer.LANES, trainer.ACTIVATIONS

            def __init__(self, *given: Any, **named: Any):
                super().__init__(crew, Shared(*given, **named))

        return Beside

    def catch_up(self) -> None:
        """Take all steps that populations have yet to take, side by side."""
        behind, self.behind = self.behind, []
        self.map(lambda population: population.take(), behind)


SHARES = 64  # parts of a population's registers, at most: one register each


class Apart:
    """A population that takes its steps when it, or another of its crew, is asked for something."""

    def __init__(self, crew: Crew, population: Any):
        self._crew, self._population, self._due = crew, population, 0

    def advance(self, steps: int) -> None:
        if steps and not self._due:
            self._crew.behind.append(self)
        self._due += steps

    def take(self) -> None:
        due, self._due = self._due, 0
        self._population.advance(due)

    def __getattr__(self, name: str) -> Any:
        self._crew.catch_up()
        return getattr(self._population, name)
