"""The runs that a person has seen: for every browser a short list beside the store, read by that browser only.

    <root>/<person>.json    the latest runs of a person (a hash of the cookie), newest first

An entry holds settings, not results: what a run found is in the store, or is trained again. A run on an upload leaves
the list with the person's right to read that upload.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.concept.params import BaseParams, read, uploaded, write
from core.concept.parts import experiment
from core.runs import disk
from core.runs.key import digest

KEPT = 60  # runs per person
PEOPLE = 5_000
DAYS = 90  # an unused list is kept
HALF_WRITTEN = 3600  # seconds after which a file under another name is nobody's


@dataclass(frozen=True)
class Past:
    """A run that a person has seen: its settings as the texts of its link, and how it came about."""

    name: str  # of the experiment
    settings: dict[str, str]
    device: str  # what trained it: "cpu", "cuda", "fused", …
    seconds: float
    when: float  # seconds since 1970
    pinned: bool = False

    @property
    def stem(self) -> str:
        """The concept whose experiment it was."""
        return self.name.partition(".")[0]

    @property
    def params(self) -> BaseParams:
        return read(experiment(self.name).Params, self.settings)[0]

    def same(self, name: str, settings: dict[str, str], device: str) -> bool:
        return (self.name, self.settings, self.device) == (name, settings, device)


class History:
    """readable(upload, person): whether a person may use an upload."""

    def __init__(self, root: Path, readable: Callable[[str, str], bool]):
        self.root, self.readable = root, readable
        self._lock = threading.Lock()

    def add(self, person: str, run: Any) -> None:
        """Put a complete run at the head of a person's list."""
        settings = write(run.params)
        with self._lock:
            before = self._read(person)
            pinned = any(past.pinned for past in before if past.same(run.name, settings, run.device))
            past = Past(run.name, settings, run.device, run.seconds, time.time(), pinned)
            self._write(person, [past, *(p for p in before if not p.same(run.name, settings, run.device))])

    def mine(self, person: str, stem: str = "") -> list[Past]:
        """What a person has seen (of one concept), the latest first."""
        return [past for past in self._read(person) if stem in ("", past.stem) and self._allowed(past, person)]

    def pin(self, person: str, run: Any | None, name: str) -> None:
        """Mark one run of an experiment as pinned, or none."""
        settings = write(run.params) if run is not None else {}
        with self._lock:
            changed = []
            for past in self._read(person):
                pinned = run is not None and past.same(name, settings, run.device)
                changed.append(Past(**asdict(past) | {"pinned": pinned if past.name == name else past.pinned}))
            self._write(person, changed)

    def clear(self, person: str) -> None:
        """Forget what a person has seen."""
        with contextlib.suppress(OSError):
            self._file(person).unlink()

    def _allowed(self, past: Past, person: str) -> bool:
        return all(self.readable(name, person) for name in uploaded(past.params).values())

    def _file(self, person: str) -> Path:
        return self.root / f"{digest(['history', person])}.json"

    def _read(self, person: str) -> list[Past]:
        """Entries whose settings still stand; of a damaged list nothing."""
        try:
            content = disk.plain(self._file(person).read_bytes())
            found = [disk.fits(Past, entry) for entry in content]
            return [past for past in found if not read(experiment(past.name).Params, past.settings)[1]]
        except (OSError, ValueError, TypeError, AttributeError, ImportError):
            return []

    def _write(self, person: str, entries: list[Past]) -> None:
        """Whole or not at all; a list that cannot be written is a convenience lost, no error."""
        kept = [p for i, p in enumerate(entries) if i < KEPT or p.pinned]
        with contextlib.suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            disk.write(self._file(person), json.dumps([asdict(past) for past in kept]).encode())

    def sweep(self) -> None:
        """Remove lists that nobody has added to for DAYS, the oldest of too many, and what was half written."""
        ages = []
        for path in self.root.glob("*"):
            with contextlib.suppress(OSError):
                ages.append((time.time() - path.stat().st_mtime, path))
        for age, path in [(age, path) for age, path in ages if path.name.startswith(".")]:
            if age > HALF_WRITTEN:
                disk.remove(path)
        lists = sorted((age, path) for age, path in ages if not path.name.startswith("."))
        for i, (age, path) in enumerate(lists):
            if i >= PEOPLE or age > 86400 * DAYS:
                disk.remove(path)
