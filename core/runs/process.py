"""Worker processes as the server sees them: started, handed a job, heard, paused, killed. Imports no torch."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from core.runs import engines, limits, worker
from core.runs.engines import Engine

ROOT = Path(__file__).resolve().parents[2]


def context_for(device: str) -> Any:
    """How processes for this device start: from one that has imported what they need, where that is possible."""
    forks = device == "cpu" and sys.platform == "linux"  # CUDA and macOS frameworks do not survive a fork
    context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        os.environ[worker.SERVER] = str(os.getpid())
        kernel = ["core.ml.fused.population"] if engines.wanted() else []
        trains = (path.relative_to(ROOT).with_suffix("") for path in sorted(ROOT.glob("core/concepts/**/train.py")))
        before = ["core.runs.leave", "torch", "torch._dynamo", "sklearn.datasets", "core.runs.worker", *kernel]
        context.set_forkserver_preload([*before, *(".".join(path.parts) for path in trains)])
    return context


class Worker:
    """A worker process and the pipe to it. nice: how much it lets others go first."""

    def __init__(self, device: str, nice: int = worker.NICE, measure: bool = False):
        context = context_for(device)
        self.device, self.stop = device, context.RawValue("b", 0)  # no lock: a killed worker would keep it
        self.helpers = context.RawValue("i", 0)  # further threads that the run at hand may use
        self.pipe, theirs = context.Pipe()
        given = (theirs, self.stop, self.helpers, device, nice, measure)
        self.process = context.Process(target=worker.serve, args=given, daemon=True)
        self.process.start()
        theirs.close()
        self.devices: list[str] = []
        self.engine: Engine | None = None
        self._fresh = self._before = 0.0  # bytes it held before its first run, and before the run at hand
        self._worked = 0.0  # seconds of processor time it had had before the run at hand

    def wait(self, seconds: float = 120.0) -> None:
        """Until the worker is warm; raises RuntimeError when it does not come up."""
        try:
            if not self.pipe.poll(seconds):
                raise RuntimeError("a worker did not start in time")
            _, self.devices, self.engine = self.pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError("a worker ended while it started") from None

    def takes(self, job: dict[str, Any]) -> bool:
        """Hand over a job; whether the worker was there to take it."""
        self.stop.value = 0
        self._begin()
        patience = time.monotonic() + limits.TAKES
        try:
            self.pipe.send(job)
            while not self.pipe.poll(1.0):
                if not self.alive() or time.monotonic() > patience:
                    return False
            return self.pipe.recv() == ("taken",)
        except (EOFError, OSError):
            return False

    def interrupt(self) -> None:
        """Ask it to end the run at hand."""
        self.stop.value = 1

    def helped(self, threads: int) -> None:
        """Let the run at hand use so many further threads from now on."""
        self.helpers.value = threads

    def alive(self) -> bool:
        return self.process.is_alive()

    def pause(self) -> None:
        """Let it stand still, with all it has, until it goes on."""
        with contextlib.suppress(psutil.Error):
            psutil.Process(self.process.pid).suspend()

    def go_on(self) -> None:
        with contextlib.suppress(psutil.Error):
            psutil.Process(self.process.pid).resume()

    def last_in_line(self) -> None:
        """Let it give way to others as what trains for long does; there is no way back."""
        with contextlib.suppress(psutil.Error):
            psutil.Process(self.process.pid).nice(worker.NICE)

    def worked(self) -> float:
        """Seconds of processor time that the run at hand has had."""
        return self._time() - self._worked

    def _time(self) -> float:
        try:
            return sum(psutil.Process(self.process.pid).cpu_times()[:2])
        except psutil.Error:
            return 0.0

    def _begin(self) -> None:
        self._before, self._worked = self._memory(), self._time()
        self._fresh = self._fresh or self._before

    def taken(self) -> float:
        """Bytes that the run at hand takes, whatever the worker held before it."""
        return self._memory() - self._before

    def kept(self) -> float:
        """Bytes that it keeps of earlier runs."""
        return self._memory() - self._fresh if self._fresh else 0.0

    def _memory(self) -> float:
        try:
            return psutil.Process(self.process.pid).memory_info().rss
        except psutil.Error:
            return 0.0

    def lost(self) -> RuntimeError:
        """What to raise when the worker has gone away, with the way it ended."""
        self.process.join(1.0)
        if self.process.exitcode is None:
            return RuntimeError("the worker does not answer")
        return RuntimeError(f"the worker ended with exit code {self.process.exitcode}")

    def kill(self) -> None:
        self.process.kill()
        threading.Thread(target=self.process.join, daemon=True).start()  # its memory takes a while to be given back
        with contextlib.suppress(OSError):  # closed by another thread while the server ends
            self.pipe.close()
