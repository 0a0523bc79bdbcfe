"""The store: one folder per run, written whole or not at all, and believed only if it is undamaged.

    <root>/runs/<key>/meta.json     status, provenance, plain fields, checksums
    <root>/runs/<key>/arrays.npz    the arrays of the Result
    <root>/runs/<key>/state.safetensors  weights and the like, where the concept's asks need them
    <root>/latest/<setting>         the key of the last complete run of a setting, in whatever version
    <root>/running                  of which a server locks one byte for every run it has in a worker

A folder of the same make for every experiment's default comes with the project (`SHIPPED`), without state.

It knows nobody: who may see a run is asked in core/runs/manager.py, through which all readers come.

No pickle is read or written. A store that cannot be written (full, read-only) loses nothing but memory: the
lab goes on, and `trouble` says why. What it takes is counted as it changes; only `count` and `prune`, which are for a
thread in the background, look through all of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import io
import json
import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import safetensors.numpy as safetensors

from core.concept.params import read, write
from core.concept.parts import experiment
from core.concept.result import BaseResult, arrays
from core.runs import disk
from core.runs.key import digest

log = logging.getLogger("lab.store")
CAP_BYTES = int(os.environ.get("LAB_STORE_BYTES", 2 * 1024**3))
ROOM = 1 / 16  # of the cap that pruning makes free, so that it is rare: looking through a large store takes time
HALF_WRITTEN = 3600  # seconds after which a temporary folder is nobody's
LARGEST_RESULT = 16 * 1024**2  # bytes of arrays a Result may hold

STATE_FILE = "state.safetensors"
SHIPPED = Path(__file__).resolve().parents[2] / "data" / "defaults"  # a folder per experiment, made by `make defaults`

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class About:
    """What every meta.json says, and everyone who is given a Stored relies on."""

    status: str
    concept: str  # the name of the experiment
    device: str
    seconds: float
    plain: dict[str, Any]
    params: dict[str, str]
    checksums: dict[str, str]


@dataclass(frozen=True)
class Stored:
    """What the store gives back: a Result, and how it came about."""

    result: BaseResult
    meta: dict[str, Any]


def default_root() -> Path:
    return Path(os.environ.get("LAB_STORE", Path(__file__).resolve().parents[2] / ".store"))


class Store:
    def __init__(self, root: Path | None = None, cap: int = CAP_BYTES):
        self.root, self.cap = root or default_root(), cap
        self.trouble = ""
        self._runs, self._bytes = 0, 0  # as counted
        self._stuck = 0  # bytes that the last pruning had to leave
        self._counting = threading.Lock()
        self._lock = threading.Lock()
        self._running: int | None = None  # the open file `running`; closing it would give up all its locks

    def save(
        self, key: str, result: BaseResult, meta: dict[str, Any], state: State | None = None, setting: str = ""
    ) -> bool:
        """Keep a Result under `key`; `meta["status"]` is complete, stopped or failed. False if it could not be kept."""
        files = packed(result, meta, state)
        with self._lock:
            try:
                temporary = self.root / "runs" / f".{key}-{uuid.uuid4().hex}"
                temporary.mkdir(parents=True)
                try:
                    for name, content in files.items():
                        (temporary / name).write_bytes(content)
                    self._drop(self._folder(key))
                    try:
                        temporary.rename(self._folder(key))
                        self._add(1, _size(self._folder(key)))
                    except OSError:  # another server has just put its own there: equal keys, equal numbers
                        if self.load(key) is None:
                            raise
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
                if setting and meta["status"] == "complete":
                    pointer = self.root / "latest" / setting
                    pointer.parent.mkdir(exist_ok=True)
                    known = pointer.exists()
                    disk.write(pointer, key.encode())
                    self._add(0, 0 if known else disk.BLOCK)
            except OSError as error:
                self.trouble = disk.why(error)
                log.warning("run %s was not stored: %s", key, error)
                return False
            self.trouble = ""
            return True

    def hold(self, key: str) -> bool:
        """Claim the run `key` among the server processes on this store, until `release` or the end of this process.
        False while another process has it. Where no file can be locked, everyone may run everything."""
        try:
            if self._running is None:
                self.root.mkdir(parents=True, exist_ok=True)
                self._running = os.open(self.root / "running", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.lockf(self._running, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(key))
        except BlockingIOError:
            return False
        except OSError as error:
            log.warning("run %s is not locked against other servers: %s", key, error)
        return True

    def release(self, key: str) -> None:
        """Give up a claim."""
        if self._running is not None:
            with contextlib.suppress(OSError):
                fcntl.lockf(self._running, fcntl.LOCK_UN, 1, _byte(key))

    def load(self, key: str) -> Stored | None:
        """What is kept under `key`, or None; a damaged entry is removed."""
        folder = self._folder(key)
        try:
            stored = unpacked(folder)
        except (FileNotFoundError, NotADirectoryError):  # not there; or another server is just replacing or removing it
            return None
        except (OSError, MemoryError) as error:  # no damage: it cannot be read just now, or not by this user
            log.warning("stored run %s cannot be read: %s", key, error)
            return None
        except Exception as error:  # whatever the damage, the run is simply computed anew
            self._drop(folder)
            log.warning("stored run %s is damaged and was %s: %s", key, "left" if folder.exists() else "removed", error)
            return None
        with contextlib.suppress(OSError):  # a store that is read only, or of another user, serves as well
            os.utime(folder)
        return stored

    def complete(self, key: str) -> Stored | None:
        stored = self.load(key)
        return stored if stored and stored.meta["status"] == "complete" else None

    def status(self, key: str) -> str:
        """What is kept under `key`: a complete run, or part of one; empty where nothing is."""
        try:
            status = _meta(self._folder(key)).get("status")
        except (OSError, ValueError):
            return ""
        return status if isinstance(status, str) else ""

    def latest(self, setting: str) -> Stored | None:
        """The last complete run of a setting, perhaps of an older version of the code: to be shown as such."""
        try:
            return self.complete((self.root / "latest" / setting).read_text())
        except (OSError, ValueError):  # none, or a damaged pointer
            return None

    def forget(self, uploads: list[str]) -> None:
        """Remove every run on uploads that are gone: a Result may hold their rows."""
        for file in self.root.glob("runs/[!.]*/meta.json") if uploads else ():
            with contextlib.suppress(OSError):
                content = file.read_text("utf-8", "replace")
                if any(name in content for name in uploads):
                    self._drop(file.parent)

    def state(self, key: str) -> State | None:
        """The state kept beside a run, or None: then the run is trained again."""
        folder = self._folder(key)
        try:
            return safetensors.load(_content(folder, STATE_FILE, _meta(folder)))
        except Exception:
            return None

    def has_state(self, key: str) -> bool:
        return (self._folder(key) / STATE_FILE).exists()

    def usage(self) -> dict[str, int]:
        """Runs kept and bytes used, as counted: nothing is looked through for that."""
        return {"runs": self._runs, "bytes": self._bytes}

    @property
    def over(self) -> bool:
        """Whether there is something to prune."""
        return self._bytes > max(self.cap, self._stuck)

    def count(self) -> None:
        """Count everything: what there was before, and what other servers on this store have done meanwhile."""
        sizes = [_size(folder) for folder in self.root.glob("runs/[!.]*")]
        self._set(len(sizes), sum(sizes) + disk.BLOCK * sum(1 for _ in self._pointers()))

    def _add(self, runs: int, size: int) -> None:
        with self._counting:
            self._runs, self._bytes = max(0, self._runs + runs), max(0, self._bytes + size)

    def _set(self, runs: int, size: int) -> None:
        with self._counting:
            self._runs, self._bytes = runs, size

    def _drop(self, folder: Path) -> None:
        """Remove an entry, if it is there and can be removed."""
        size = _size(folder)
        shutil.rmtree(folder, ignore_errors=True)
        if size and not folder.exists():
            self._add(-1, -size)

    def _pointers(self) -> Iterator[Path]:
        """The files of `latest`, of which there may be very many."""
        with contextlib.suppress(OSError), os.scandir(self.root / "latest") as found:
            yield from (Path(entry.path) for entry in found)

    def _folder(self, key: str) -> Path:
        if not (len(key) == 40 and set(key) <= set("0123456789abcdef")):
            raise ValueError("a run key is 40 hexadecimal digits")
        return self.root / "runs" / key

    def prune(self) -> None:
        """Make room: remove pointers to what is gone, what a killed server left half written, and the runs used longest
        ago until the store is under its cap. Another server may remove the same at the same time."""
        for forgotten in self.root.glob("runs/.*"):
            if time.time() - _used(forgotten) > HALF_WRITTEN:
                shutil.rmtree(forgotten, ignore_errors=True)
        folders = sorted(self.root.glob("runs/[!.]*"), key=_used)
        sizes = {folder.name: _size(folder) for folder in folders}
        pointers = self._pruned_pointers(set(sizes))
        total = sum(sizes.values()) + disk.BLOCK * sum(map(len, pointers.values()))
        goal = self.cap - int(ROOM * self.cap) if total > self.cap else total
        for folder in folders[:-1]:
            if total <= goal:
                break
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                gone = pointers.pop(folder.name, [])
                for pointer in gone:
                    disk.remove(pointer)
                total -= sizes.pop(folder.name) + disk.BLOCK * len(gone)
        self._stuck = total
        self._set(len(sizes), total)

    def _pruned_pointers(self, kept: set[str]) -> dict[str, list[Path]]:
        """The pointers to the runs that are kept, by run; those to nothing are removed, and what was half written."""
        found: dict[str, list[Path]] = {}
        for pointer in self._pointers():
            try:
                key = pointer.read_text("ascii")
                there = key in kept or self._folder(key).exists()  # it may have come meanwhile
            except OSError:
                continue
            except ValueError:
                there = False
            if pointer.name.startswith("."):
                there = time.time() - _used(pointer) < HALF_WRITTEN
            if not there:
                disk.remove(pointer)
            elif key in kept:
                found.setdefault(key, []).append(pointer)
        return found


def _byte(key: str) -> int:
    """Where in the file `running` the lock of a run is."""
    return int(key[:15], 16)


def packed(
    result: BaseResult, meta: dict[str, Any], state: State | None = None, small: bool = False
) -> dict[str, bytes]:
    """The files of a folder, by name; `small` takes time to compress the arrays."""
    files = {"arrays.npz": _packed_arrays(arrays(result), small)}
    files |= {STATE_FILE: _packed_state(state)} if state else {}
    plain = {
        f.name: getattr(result, f.name)
        for f in dataclasses.fields(result)
        if f.name != "params" and "axes" not in f.metadata
    }
    meta = meta | {
        "plain": plain,
        "params": write(result.params),
        "saved": meta.get("saved", time.time()),
        "checksums": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return files | {"meta.json": json.dumps(meta | {"digest": digest(meta)}).encode()}


def unpacked(folder: Path) -> Stored:
    """What a folder holds; raises whatever its damage leads to."""
    meta = _meta(folder)
    if meta.pop("digest") != digest(meta):
        raise ValueError("meta.json does not match its digest")
    disk.fits(About, {name: meta[name] for name in get_type_hints(About)})
    of = experiment(meta["concept"])
    params, problems = read(of.Params, meta["params"])
    if problems:
        raise ValueError(f"params no longer stand: {problems}")
    with np.load(io.BytesIO(_content(folder, "arrays.npz", meta)), allow_pickle=False) as npz:
        plain: dict[str, Any] = meta["plain"] | dict(npz)
    return Stored(of.Result(params, **plain), meta)


def _meta(folder: Path) -> dict[str, Any]:
    """What is written beside the arrays. Raises OSError, and ValueError where it is no JSON object."""
    meta = disk.plain((folder / "meta.json").read_bytes())
    if not isinstance(meta, dict):
        raise ValueError("meta.json is no object")
    return meta


@cache
def shipped(name: str) -> Stored | None:
    """The default's Result that came with the project, or None where there is none that today's code can read."""
    try:
        return unpacked(SHIPPED / name)
    except FileNotFoundError:
        return None
    except Exception as error:  # made by another version of the code: only the first picture comes later
        log.warning("the result of %s that came with the project cannot be read: %s", name, error)
        return None


@cache
def about_shipped(name: str) -> dict[str, Any]:
    """Where the shipped Result comes from, and its first figure in a sentence per language (`summary`); empty where
    there is none. Reads no array."""
    try:
        return _meta(SHIPPED / name)
    except (OSError, ValueError):
        return {}


def _content(folder: Path, name: str, meta: dict[str, Any]) -> bytes:
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != meta["checksums"][name]:
        raise ValueError(f"{name} does not match its checksum")
    return content


def _used(folder: Path) -> float:
    """When a folder was last used; now, if it has just vanished."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def _size(folder: Path) -> int:
    """Bytes that a folder takes, as far as it is still there."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        total = disk.BLOCK
        for file in files:
            total += disk.taken(file.stat().st_size)
    return total


def _packed_state(state: State) -> bytes:
    return safetensors.save({name: np.array(values, order="C") for name, values in state.items()})  # in one piece


def _packed_arrays(named: dict[str, np.ndarray], small: bool) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if small else np.savez)(buffer, **named)  # type: ignore[arg-type]
    return buffer.getvalue()
