"""Files that readers brought: kept by content, for whom and until when, and read only if undamaged.

    <root>/<name>              the cleaned file, named by its content: sha256-<hex>-<shape>
    <root>/<name>.<person>     who brought it: its label, end date, and whether it is shared

A file is readable by whoever brought it (a browser, by its cookie, of which a hash is kept), and by everyone who has
its name once one of them shares it. It goes when nobody holds it any more, and before it what was computed from it: a
server that ends in between finds the rest when it sweeps. Nothing here is ever logged.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from core.concept.params import UPLOAD, BaseParams, Refused, uploaded
from core.runs import disk
from core.runs.key import digest

CAP_BYTES = int(os.environ.get("LAB_UPLOAD_BYTES", 500 * 2**20))
DAYS = float(os.environ.get("LAB_UPLOAD_DAYS", 7))
PERSON_BYTES = 30 * 2**20
HALF_WRITTEN = 3600  # seconds after which what nobody holds is nobody's
LONGEST_LABEL = 60
ANYONE = ""  # somebody of whom nothing is known, and nobody's cookie: reads what is shared


class NotHere(Exception):
    """Raised where something of a concept is asked for that was made of files which are not here for whoever asks.

    missing: field → name of each such file.
    """

    def __init__(self, stem: str, missing: dict[str, str]):
        super().__init__(f"{stem}: not here for this reader: {', '.join(missing)}")
        self.stem, self.missing = stem, missing


@dataclass(frozen=True)
class Holding:
    """One person's hold on an upload."""

    name: str
    label: str  # what the reader's file was called
    size: int  # bytes it counts
    until: float  # end date, seconds since 1970
    shared: bool = False


class Uploads:
    """forget: removes everything that was computed from the uploads of these names."""

    def __init__(
        self,
        root: Path,
        cap: int = CAP_BYTES,
        per_person: int = PERSON_BYTES,
        forget: Callable[[list[str]], None] = lambda names: None,
    ):
        self.root, self.cap, self.per_person, self.forget = root, cap, per_person, forget
        self._lock = threading.RLock()
        self._files, self._bytes = 0, 0  # as counted
        self.count()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While room is counted and taken nobody else does so, in this process or in another on the same store."""
        with self._lock, contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # a disk that cannot be written says so where it is written
                self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder = os.open(self.root, os.O_RDONLY)
                stack.callback(os.close, folder)  # which also unlocks it
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield

    def put(self, person: str, name: str, content: bytes, label: str) -> None:
        """Keep a cleaned file for a person, from now for DAYS; Refused when there is no room for it."""
        size = disk.taken(len(content))
        with self._alone():
            self.count()  # other servers take room, too
            before = self.held(name, person)
            mine = sum(other.size for other in self.mine(person) if other.name != name)
            if mine + size > self.per_person:
                raise Refused("quota", used=f"{mine / 2**20:.1f}", high=f"{self.per_person / 2**20:.0f}")
            there = self._file(name).exists()
            more = (not before) * disk.BLOCK + (not there) * size
            if more and self._bytes + more > self.cap:
                raise Refused("full")
            until, shared = time.time() + 86400 * DAYS, bool(before and before.shared)
            try:
                self._write(self._file(name), content)
                self._files, self._bytes = self._files + (not there), self._bytes + (not there) * size
                self._hold(person, Holding(name, label[:LONGEST_LABEL], size, until, shared))
                self._bytes += (not before) * disk.BLOCK
            except OSError as error:
                raise Refused("not_kept", reason=disk.why(error)) from None

    def content(self, name: str) -> bytes | None:
        """The cleaned file, or None; a damaged one is removed and must be brought again."""
        try:
            content = self._file(name).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() != name.split(":")[1]:
            self._drop(name)
            return None
        return content

    def readable(self, name: str, person: str) -> bool:
        """Whether this person may use an upload, and it is there."""
        allowed = self.held(name, person) or any(holding.shared for holding in self._holdings(name))
        return bool(allowed) and self._file(name).exists()

    def missing(self, params: BaseParams, person: str) -> dict[str, str]:
        """Field → name of every upload that these settings use and that is not here for this person."""
        return {field: name for field, name in uploaded(params).items() if not self.readable(name, person)}

    def held(self, name: str, person: str) -> Holding | None:
        """The hold of a person on an upload."""
        return self._read(self._file(name, person))

    def wanted(self, name: str) -> bool:
        """Whether anybody holds an upload."""
        return any(self._holdings(name))

    def mine(self, person: str) -> list[Holding]:
        """What a person brought, the latest first."""
        found = [self._read(path) for path in self.root.glob(f"*.{_hashed(person)}")]
        return sorted((holding for holding in found if holding), key=lambda holding: -holding.until)

    def share(self, name: str, person: str, shared: bool) -> None:
        """Open an upload to everyone who has its name, or close it again; only who brought it can."""
        with self._alone(), contextlib.suppress(OSError):
            if holding := self.held(name, person):
                self._hold(person, Holding(**asdict(holding) | {"shared": shared}))

    def delete(self, name: str, person: str) -> None:
        """Give up a person's hold, and with the last hold the file and what was computed from it."""
        with self._alone():
            self._bytes -= disk.BLOCK * self._file(name, person).exists()
            disk.remove(self._file(name, person))
        if not self.wanted(name):
            self._give_up([name])

    def sweep(self) -> None:
        """Give up what is past its end date; remove what is damaged or half written; count what is left."""
        found: set[str] = set()
        held: set[str] = set()
        over = []
        for path in list(self.root.glob("*")):
            name = path.name.split(".")[0].replace("-", ":")
            if not UPLOAD.fullmatch(name):
                if _age(path) > HALF_WRITTEN:
                    disk.remove(path)
            elif path.suffix and self._read(path):
                held.add(name)
            elif path.suffix:
                over.append(path)
                found.add(name)
            elif _age(path) > HALF_WRITTEN:  # else its hold may not have been written yet
                found.add(name)
        if gone := sorted(found - held):
            self._give_up(gone)
        for path in over:
            if self._read(path) is None:
                disk.remove(path)
        self.count()

    def usage(self) -> dict[str, int]:
        """Files kept, and the bytes they and who holds them take, as counted."""
        return {"files": self._files, "bytes": self._bytes}

    def count(self) -> None:
        """Count everything, also what other servers have done meanwhile."""
        with self._lock:
            files, size = 0, 0
            for path in self.root.glob("sha256-*"):
                with contextlib.suppress(OSError):
                    size += disk.taken(path.stat().st_size)
                    files += not path.suffix
            self._files, self._bytes = files, size

    def _give_up(self, names: list[str]) -> None:
        """Remove uploads that nobody holds: last of all the files."""
        self.forget(names)
        for name in names:
            with self._alone():
                if not self.wanted(name):  # it may have been brought again meanwhile
                    self._drop(name)

    def _drop(self, name: str) -> None:
        with self._lock, contextlib.suppress(OSError):
            size = disk.taken(self._file(name).stat().st_size)
            self._file(name).unlink()
            self._files, self._bytes = self._files - 1, self._bytes - size

    def _holdings(self, name: str) -> list[Holding]:
        found = [self._read(path) for path in self.root.glob(f"{self._file(name).name}.*")]
        return [holding for holding in found if holding]

    def _hold(self, person: str, holding: Holding) -> None:
        content = asdict(holding)
        self._write(self._file(holding.name, person), json.dumps(content | {"digest": digest(content)}).encode())

    @staticmethod
    def _read(path: Path) -> Holding | None:
        """A hold that is undamaged and not over."""
        try:
            content = disk.plain(path.read_bytes())
            intact = content.pop("digest") == digest(content)
            holding = disk.fits(Holding, content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return holding if intact and holding.until > time.time() else None

    def _file(self, name: str, person: str = "") -> Path:
        if not UPLOAD.fullmatch(name):
            raise ValueError("this is not the name of an upload")
        return self.root / (name.replace(":", "-") + (f".{_hashed(person)}" if person else ""))

    def _write(self, path: Path, content: bytes) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        disk.write(path, content)


def _hashed(person: str) -> str:
    """A person as the store knows them: the cookie itself is not kept."""
    return hashlib.sha256(person.encode()).hexdigest()[:32]


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
