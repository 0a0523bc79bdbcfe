"""The store: one folder per run, written whole or not at all, and believed only if it is undamaged.

    <root>/runs/<key>/meta.json     status, provenance, plain fields, checksums
    <root>/runs/<key>/arrays.npz    the arrays of the Result
    <root>/runs/<key>/state.safetensors  weights and the like, where the concept's asks need them
    <root>/latest/<setting>         the key of the last complete run of a setting, in whatever version
    <root>/running                  of which a server locks one byte for every run it has in a worker

A folder of the same make for every concept's default comes with the project (`SHIPPED`), without state.

It knows nobody: who may see a run is asked in core/runs/manager.py, through which all readers come.

No pickle is read or written. A store that cannot be written (full, read-only) loses nothing but memory: the
lab goes on, and `trouble` says why.
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
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy as safetensors

from core.concept import load as load_concept
from core.params import read, write
from core.result import BaseResult, arrays
from core.runs.key import digest

log = logging.getLogger("lab.store")
CAP_BYTES = int(os.environ.get("LAB_STORE_BYTES", 2 * 1024**3))
PRUNE_EVERY = 16  # saves: looking through a large store takes time
HALF_WRITTEN = 3600  # seconds after which a temporary folder is nobody's
LARGEST_RESULT = 16 * 1024**2  # bytes of arrays a Result may hold

STATE_FILE = "state.safetensors"
SHIPPED = Path(__file__).resolve().parents[2] / "data" / "defaults"  # a folder per concept, made by `make defaults`

State = dict[str, np.ndarray]


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
        self._saves = 0
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
                    try:
                        shutil.rmtree(self._folder(key), ignore_errors=True)
                        temporary.rename(self._folder(key))
                    except OSError:  # another server has just put its own there: equal keys, equal numbers
                        if not self._folder(key).exists():
                            raise
                finally:
                    shutil.rmtree(temporary, ignore_errors=True)
                if setting and meta["status"] == "complete":
                    pointer = self.root / "latest" / setting
                    pointer.parent.mkdir(exist_ok=True)
                    pending = pointer.with_name(f".{setting}-{uuid.uuid4().hex}")
                    pending.write_text(key)
                    pending.replace(pointer)
                self._saves += 1
                if self._saves % PRUNE_EVERY == 0:
                    self.prune()
            except OSError as error:
                self.trouble = str(error.strerror or error)
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
        if not (folder / "meta.json").exists():
            return None
        try:
            stored = unpacked(folder)
            os.utime(folder)
        except FileNotFoundError:  # another server is just replacing or removing it
            return None
        except Exception as error:  # whatever the damage, the run is simply computed anew
            log.warning("stored run %s is damaged and was removed: %s", key, error)
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return stored

    def complete(self, key: str) -> Stored | None:
        stored = self.load(key)
        return stored if stored and stored.meta["status"] == "complete" else None

    def status(self, key: str) -> str:
        """What is kept under `key`: a complete run, or part of one; empty where nothing is."""
        try:
            return json.loads((self._folder(key) / "meta.json").read_bytes())["status"]
        except (OSError, ValueError, KeyError):
            return ""

    def latest(self, setting: str) -> Stored | None:
        """The last complete run of a setting, perhaps of an older version of the code: to be shown as such."""
        try:
            return self.complete((self.root / "latest" / setting).read_text())
        except (OSError, ValueError):  # none, or a damaged pointer
            return None

    def forget(self, upload: str) -> None:
        """Remove every run on an upload that is gone: a Result may hold its rows."""
        for file in self.root.glob("runs/[!.]*/meta.json"):
            with contextlib.suppress(OSError):
                if upload in file.read_text("utf-8", "replace"):
                    shutil.rmtree(file.parent, ignore_errors=True)

    def state(self, key: str) -> State | None:
        """The state kept beside a run, or None: then the run is trained again."""
        folder = self._folder(key)
        try:
            meta = json.loads((folder / "meta.json").read_bytes())
            return safetensors.load(_content(folder, STATE_FILE, meta))
        except Exception:
            return None

    def has_state(self, key: str) -> bool:
        return (self._folder(key) / STATE_FILE).exists()

    def usage(self) -> dict[str, int]:
        """Runs kept and bytes used."""
        folders = list(self.root.glob("runs/[!.]*"))
        return {"runs": len(folders), "bytes": sum(map(_size, folders))}

    def _folder(self, key: str) -> Path:
        if not (len(key) == 40 and set(key) <= set("0123456789abcdef")):
            raise ValueError("a run key is 40 hexadecimal digits")
        return self.root / "runs" / key

    def prune(self) -> None:
        """Remove the runs used longest ago until the store is under its cap, and what a killed server left half
        written. Another server may remove the same at the same time."""
        for forgotten in self.root.glob("runs/.*"):
            if time.time() - _used(forgotten) > HALF_WRITTEN:
                shutil.rmtree(forgotten, ignore_errors=True)
        folders = sorted(self.root.glob("runs/[!.]*"), key=_used)
        sizes = {folder: _size(folder) for folder in folders}
        excess = sum(sizes.values()) - self.cap
        for folder in folders[:-1]:
            if excess <= 0:
                return
            shutil.rmtree(folder, ignore_errors=True)
            excess -= sizes[folder]


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
        "saved": time.time(),
        "checksums": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return files | {"meta.json": json.dumps(meta | {"digest": digest(meta)}).encode()}


def unpacked(folder: Path) -> Stored:
    """What a folder holds; raises whatever its damage leads to."""
    meta = json.loads((folder / "meta.json").read_bytes())
    if meta.pop("digest") != digest(meta):
        raise ValueError("meta.json does not match its digest")
    concept = load_concept(meta["concept"])
    params, problems = read(concept.Params, meta["params"])
    if problems:
        raise ValueError(f"params no longer stand: {problems}")
    with np.load(io.BytesIO(_content(folder, "arrays.npz", meta)), allow_pickle=False) as npz:
        plain: dict[str, Any] = meta["plain"] | dict(npz)
    return Stored(concept.Result(params, **plain), meta)


@cache
def shipped(stem: str) -> Stored | None:
    """The default's Result that came with the project, or None where there is none that today's code can read."""
    try:
        return unpacked(SHIPPED / stem)
    except FileNotFoundError:
        return None
    except Exception as error:  # made by another version of the code: only the first picture comes later
        log.warning("the result of %s that came with the project cannot be read: %s", stem, error)
        return None


@cache
def about_shipped(stem: str) -> dict[str, Any]:
    """Where the shipped Result comes from, and its first figure in a sentence per language (`summary`); empty where
    there is none. Reads no array."""
    try:
        return json.loads((SHIPPED / stem / "meta.json").read_bytes())
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
    """Bytes in a folder, as far as it is still there."""
    total = 0
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            total += file.stat().st_size
    return total


def _packed_state(state: State) -> bytes:
    return safetensors.save({name: np.array(values, order="C") for name, values in state.items()})  # in one piece


def _packed_arrays(named: dict[str, np.ndarray], small: bool) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if small else np.savez)(buffer, **named)  # type: ignore[arg-type]
    return buffer.getvalue()
