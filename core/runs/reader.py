"""Reading what a visitor brought, apart from the web process where it is large.

A large file is read by a process of its own, so that nobody's page waits for it: it has SECONDS of processor time, so
that a busy machine refuses nothing that a quiet one reads, and MEMORY, and it ends when its visitor is gone or the
server is. So is every image, as a few bytes may be a great many pixels. Small tables and texts are read at once.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from core import readers
from core.concept.params import Refused, Upload
from core.readers import How, Read

ROOT = Path(__file__).resolve().parents[2]
LARGE = 100_000  # bytes; what is smaller takes a tenth of a second at most, whatever is in it
SECONDS = 4  # of processor time for a file, where the system counts it
PATIENCE = 30.0  # seconds in which it must have had them
MEMORY = 2 * 2**30  # bytes of addresses, where the system counts them
LOOK = 0.1  # seconds between looks at whether its visitor is still there
_turns = threading.BoundedSemaphore(2)  # files read at once


def read(
    content: bytes,
    kind: Upload,
    how: How,
    columns: tuple[list[int], int | None] | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Read:
    """As `readers.read`. `waiting` is called while a large file is being read; what it raises ends that."""
    request = (content, kind, how, columns)
    if len(content) <= LARGE and kind.kind != "image":
        return readers.read(*request)
    while not _turns.acquire(timeout=LOOK):
        waiting()
    try:
        return _apart(request, waiting)
    finally:
        _turns.release()


def _apart(request: tuple, waiting: Callable[[], None]) -> Read:
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    there, back = process.stdin, process.stdout
    assert there and back
    found: list[Read] = []

    def talk() -> None:
        try:
            pickle.dump(request, there)
            there.flush()
            found.append(pickle.load(back))  # of our own process: nothing of the file is unpickled
        except (OSError, EOFError, pickle.UnpicklingError):  # it was killed
            pass

    talking = threading.Thread(target=talk, daemon=True, name="reader")
    end = time.monotonic() + PATIENCE
    try:
        talking.start()
        while talking.is_alive() and time.monotonic() < end:
            talking.join(LOOK)
            waiting()
    finally:
        process.kill()  # unless it has ended
        process.wait()
        talking.join()
        back.close()
        with contextlib.suppress(OSError):  # what was not yet written
            there.close()
    how = request[2]
    late = process.returncode == -getattr(signal, "SIGXCPU", 0) or time.monotonic() >= end
    return found[0] if found else Read(how, refused=Refused("too_slow" if late else "not_read", seconds=str(SECONDS)))


def main() -> None:
    """The process: one request from standard input, its answer to standard output. It ends when the other side does."""
    if hasattr(os, "nice"):
        os.nice(1)
    request = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_server, daemon=True).start()
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    pickle.dump(readers.read(*request), sys.stdout.buffer)
    sys.stdout.flush()


def _end_with_server() -> None:
    sys.stdin.buffer.read()
    os._exit(3)


if __name__ == "__main__":
    main()
