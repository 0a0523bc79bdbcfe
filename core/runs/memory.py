"""The runs that this server remembers: those under way, and of those that are over the latest, within bounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from core.runs import limits
from core.runs.run import Run


class Memory:
    """Key → run. What is done with several of its runs at once is done under its `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._runs: dict[str, Run] = {}

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def get(self, key: str) -> Run | None:
        return self._runs.get(key)

    def put(self, run: Run) -> None:
        """The lock must be held, here and in what follows."""
        self._runs.pop(run.key, None)
        self._runs[run.key] = run
        self.let_go()

    def remove(self, run: Run) -> None:
        self._runs.pop(run.key, None)

    def let_go(self) -> None:
        """Of the runs that are over, remember only the latest, and only so many bytes. Pages that show one of the
        others keep it, without its networks: they are in the store."""
        held = 0
        for number, run in enumerate([run for run in reversed(self._runs.values()) if not run.live]):
            held += run.bytes
            if number and (number >= limits.REMEMBERED or held > limits.REMEMBERED_BYTES):
                del self._runs[run.key]
                run.meta.pop("state", None)
