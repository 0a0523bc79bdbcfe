"""Imported first by the process that starts workers, and by no other: all shall be gone as soon as the server is.

It imports torch before it serves. That takes seconds in which it does not look after its server, and in which a thread
of its own would not always get a turn; nor does one in a worker on a busy machine. So all of them are a process group,
and a process of a few megabytes, forked before torch comes, kills it when the server has ended, in whatever way.
"""

from __future__ import annotations

import os
import select
import signal

from core.runs.worker import SERVER


def guard(server: int) -> None:
    """Put this process in a group of its own, and have the group killed once the server has ended."""
    os.setpgid(0, 0)
    try:
        watched = os.pidfd_open(server)
    except ProcessLookupError:  # it has ended already
        os._exit(0)
    except OSError:  # an older kernel: workers look after their server, and this process after them
        return
    if os.fork():
        return
    try:
        select.select([watched], [], [])
    finally:
        os.killpg(0, signal.SIGKILL)


if SERVER in os.environ:
    guard(int(os.environ[SERVER]))
