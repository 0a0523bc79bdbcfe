"""What programs of the project write to a console, whatever its encoding."""

from __future__ import annotations

import io
import sys


def tolerant() -> None:
    """From now on a character that the console cannot show is written as its number (`\\u03b7`) instead of ending the
    program, which may have computed for an hour."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_file(content: str) -> None:
    """Write a file to standard output: where that is no terminal, in UTF-8 with plain newlines on every system, since
    that is how Python reads a script and everybody a notebook."""
    if sys.stdout.isatty():
        print(content, end="")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content.encode())
    sys.stdout.buffer.flush()
