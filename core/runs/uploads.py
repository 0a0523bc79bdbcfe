"""Files that readers brought: kept by content, for whom and until when, and read only if undamaged.

    <root>/<name>              the cleaned file, named by its content: sha256-<hex>-<shape>
    <root>/<name>.<person>     who brought it: its label, end date, and whether it is shared

A file is readable by whoever brought it (a browser, by its cookie, of which a hash is kept), and by everyone who has
its name once one of them shares it. It goes when nobody holds it any more. Nothing here is ever logged.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from core.params import UPLOAD, BaseParams, Refused, uploaded
from core.runs.key import digest

CAP_BYTES = int(os.environ.get("LAB_UPLOAD_BYTES", 500 * 2**20))
DAYS = float(os.environ.get("LAB_UPLOAD_DAYS", 7))
PERSON_BYTES = 30 * 2**20
BLOCK = 4096  # bytes that the smallest file counts
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
    def __init__(self, root: Path, cap: int = CAP_BYTES, per_person: int = PERSON_BYTES):
        self.root, self.cap, self.per_person = root, cap, per_person
        self._lock = threading.Lock()

    def put(self, person: str, name: str, content: bytes, label: str) -> None:
        """Keep a cleaned file for a person, from now for DAYS; Refused when there is no room for it."""
        before = self.held(name, person)
        size = max(BLOCK, len(content))
        holding = Holding(name, label[:LONGEST_LABEL], size, time.time() + 86400 * DAYS, bool(before and before.shared))
        with self._lock:
            mine = sum(other.size for other in self.mine(person) if other.name != name)
            if mine + size > self.per_person:
                raise Refused("quota", used=f"{mine / 2**20:.1f}", high=f"{self.per_person / 2**20:.0f}")
            if not self._file(name).exists() and self.usage()["bytes"] + size > self.cap:
                raise Refused("full")
            try:
                self._write(self._file(name), content)
                self._hold(person, holding)
            except OSError as error:
                raise Refused("not_kept", reason=error.strerror or str(error)) from None

    def content(self, name: str) -> bytes | None:
        """The cleaned file, or None; a damaged one is removed and must be brought again."""
        try:
            content = self._file(name).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(content).hexdigest() != name.split(":")[1]:
            self._remove(self._file(name))
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
        if holding := self.held(name, person):
            with contextlib.suppress(OSError):
                self._hold(person, Holding(**asdict(holding) | {"shared": shared}))

    def delete(self, name: str, person: str) -> bool:
        """Give up a person's hold; whether the file is gone with it, because nobody else holds it."""
        with self._lock:
            self._remove(self._file(name, person))
            if self.wanted(name):
                return False
            self._remove(self._file(name))
            return True

    def sweep(self) -> list[str]:
        """Remove what is past its end date, damaged or half written; the names that are gone."""
        gone = []
        for path in self.root.glob("*"):
            name = path.name.split(".")[0].replace("-", ":")
            if not UPLOAD.fullmatch(name):
                if _age(path) > HALF_WRITTEN:
                    self._remove(path)
            elif path.suffix:
                if self._read(path) is None:
                    self._remove(path)
            elif not self.wanted(name) and _age(path) > HALF_WRITTEN:
                self._remove(path)
                gone.append(name)
        return gone

    def usage(self) -> dict[str, int]:
        """Files kept, and the bytes they count."""
        sizes = []
        for path in self.root.glob("sha256-*"):
            with contextlib.suppress(OSError):
                if not path.suffix:
                    sizes.append(max(BLOCK, path.stat().st_size))
        return {"files": len(sizes), "bytes": sum(sizes)}

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
            content = json.loads(path.read_bytes())
            intact = content.pop("digest") == digest(content)
            holding = Holding(**content)
            return holding if intact and holding.until > time.time() else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _file(self, name: str, person: str = "") -> Path:
        if not UPLOAD.fullmatch(name):
            raise ValueError("this is not the name of an upload")
        return self.root / (name.replace(":", "-") + (f".{_hashed(person)}" if person else ""))

    def _write(self, path: Path, content: bytes) -> None:
        """Whole or not at all."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        pending = self.root / f".{uuid.uuid4().hex}"
        try:
            pending.write_bytes(content)
            pending.replace(path)
        finally:
            self._remove(pending)

    @staticmethod
    def _remove(path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()


def _hashed(person: str) -> str:
    """A person as the store knows them: the cookie itself is not kept."""
    return hashlib.sha256(person.encode()).hexdigest()[:32]


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
