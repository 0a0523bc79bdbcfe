"""The cluster as the server sees it: the broker process, kept alive, and lines to it. Imports neither ray nor torch."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from core.runs import broker

log = logging.getLogger("lab.cluster")
START = 60.0  # seconds in which the broker must have joined the cluster
SILENCE = 10.0  # seconds without a word after which the cluster counts as unreachable, and the broker begins anew
PAUSE = 2.0  # seconds between two attempts
MISSING = "RAY_ADDRESS is set, but the package ray is not there: pip install -r requirements-ray.txt"


class Lost(RuntimeError):
    """What carried a run has gone away; the run itself may be carried out again."""


class Line:
    """A place on the cluster, with the face of a Worker."""

    def __init__(self, pipe: Connection):
        self.pipe = pipe

    def takes(self, job: dict[str, Any]) -> bool:
        """Hand over a job; whether it was taken. Raises Lost when the broker has gone away."""
        try:
            self.pipe.send_bytes(pickle.dumps(job))
            return self.pipe.poll(30.0) and self.pipe.recv() == ("taken",)
        except (EOFError, OSError):
            raise self.lost() from None

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(broker.STOP)

    def helped(self, threads: int) -> None:
        """A place of the cluster is one CPU."""

    def alive(self) -> bool:
        return not self.pipe.closed

    def taken(self) -> float:
        """Bytes of this machine that the run at hand takes: the task looks after its own."""
        return 0.0

    def kept(self) -> float:
        return 0.0

    def lost(self) -> RuntimeError:
        return Lost("the broker went away")

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.close()


class Cluster:
    """A broker on a Ray cluster. When it ends or falls silent, another takes its place, until `close`.

    hear: called with ("nodes", nodes) and ("engine", engine), on a thread of its own.
    """

    def __init__(self, address: str, hear: Callable[[str, Any], None], source: Path = broker.ROOT):
        self.address, self.source = address, source
        self.nodes: list[dict[str, Any]] = []
        self.trouble = ""  # why the cluster cannot be used just now
        self.process: Any = None
        self._hear = hear
        self._at: Any = None  # where the broker answers lines; None while it does not
        self._changed = threading.Condition()
        self._closed = False

    def start(self) -> Cluster:
        threading.Thread(target=self._keep, daemon=True, name="cluster").start()
        return self

    def line(self, share: dict[str, float] | str) -> Line:
        """A line for jobs that take this share each, or to the processes for what takes a moment (`broker.BESIDE`).
        Waits until the cluster can be reached."""
        while not self._closed:
            with self._changed:
                self._changed.wait_for(lambda: self._at or self._closed)
                at = self._at
            if at is None:
                break
            with contextlib.suppress(OSError, EOFError, multiprocessing.AuthenticationError):
                pipe = Client(at, authkey=multiprocessing.current_process().authkey)
                pipe.send(share)
                return Line(pipe)
            time.sleep(0.1)
        raise RuntimeError("the server ends")

    def status(self) -> dict[str, Any]:
        """For the health endpoint, which anyone may read: reasons, with addresses in them, are in the log."""
        nodes = []
        for node in self.nodes:
            state = "unusable" if node["trouble"] else "usable" if node["warm"] else "warming"
            shown = {name: node[name] for name in ("kind", "cpus", "gpus", "memory")}
            nodes.append({"id": node["id"][:8], "state": state} | shown)
        return {"reachable": bool(nodes), "nodes": nodes}

    def close(self) -> None:
        self._closed = True
        self._leave()

    def _keep(self) -> None:
        while not self._closed:
            try:
                reason = self._listen()
            except (EOFError, OSError):
                reason = "the broker ended"
            if self._closed:
                return
            if reason != self.trouble:
                log.warning("the cluster cannot be used: %s", reason)
            self.trouble = reason
            self._leave()
            time.sleep(PAUSE)

    def _listen(self) -> str:
        """Start a broker and hear it until something is wrong: what."""
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        self.process = context.Process(target=broker.serve, args=(theirs, self.address, self.source), daemon=True)
        self.process.start()
        theirs.close()
        patience = START
        while pipe.poll(patience):
            kind, content = pipe.recv()
            if kind == "trouble":
                return content
            if kind == "at":
                patience = SILENCE
                with self._changed:
                    self._at, self.trouble = content, ""
                    self._changed.notify_all()
                continue
            if kind == "nodes":
                self.nodes = content
            self._hear(kind, content)
        return f"nothing was heard for {patience:.0f} s"

    def _leave(self) -> None:
        """End the broker, and with it its tasks."""
        with self._changed:
            self._at, self.nodes = None, []
            self._changed.notify_all()
        if self.process is not None:
            self.process.kill()
            threading.Thread(target=self.process.join, daemon=True).start()


def wanted() -> str:
    """The address of the cluster that runs go to: Ray's own RAY_ADDRESS; empty where they stay on this machine."""
    return os.environ.get("RAY_ADDRESS", "")


def installed() -> bool:
    return find_spec("ray") is not None
