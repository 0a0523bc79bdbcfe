"""What programs of the project write to a console, whatever its encoding."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable

LEFT = 1  # exit status of a program whose output nobody read to its end


def tolerant() -> None:
    """From now on a character that the console cannot show is written as its number (`\\u03b7`) instead of ending the
    program, which may have computed for an hour."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def to_its_end(program: Callable[[], int]) -> int:
    """Exit status of a program. Who reads what it writes may leave early, as `| head -1` does: this ends it without a
    word."""
    try:
        status = program()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes when it ends
        return LEFT


def write_file(content: str) -> None:
    """Write a file to standard output: where that is no terminal, in UTF-8 with plain newlines on every system, since
    that is how Python reads a script and everybody a notebook."""
    if sys.stdout.isatty():
        print(content, end="")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content.encode())
    sys.stdout.buffer.flush()
