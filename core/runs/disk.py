"""Files on disk: written whole or not at all, and read as what they are declared to be, whatever is in them."""

from __future__ import annotations

import contextlib
import errno
import json
import uuid
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

Kind = TypeVar("Kind")
BLOCK = 4096  # bytes that the smallest file takes


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all: aside first, under a name with a dot before it. Raises OSError."""
    pending = path.with_name(f".{uuid.uuid4().hex}")
    try:
        pending.write_bytes(content)
        pending.replace(path)
    finally:
        remove(pending)


def why(error: OSError | ValueError) -> str:
    """The system's own name of what went wrong, ENOSPC say; `system` of the texts has words for the usual ones."""
    code = getattr(error, "errno", None) or errno.EINVAL  # a path that is none is a ValueError
    return errno.errorcode.get(code, str(code))


def remove(path: Path) -> None:
    """Remove a file if it is there and can be removed."""
    with contextlib.suppress(OSError):
        path.unlink()


def taken(size: int) -> int:
    """Bytes that a file of this size takes on a disk."""
    return max(1, -(-size // BLOCK)) * BLOCK


def plain(content: bytes) -> Any:
    """JSON. Raises ValueError for whatever is none, also where it is nested so deeply that it cannot be read."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def fits(kind: type[Kind], content: Any) -> Kind:
    """A plain dataclass made of a JSON object. Raises ValueError where a field is missing, unknown, or of another type
    than declared."""
    if not isinstance(content, dict):
        raise ValueError("not an object")
    for name, declared in get_type_hints(kind).items():
        if name in content and not _is(content[name], declared):
            raise ValueError(f"{name} is of another type")
    try:
        return kind(**content)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _is(value: Any, declared: Any) -> bool:
    """Whether a value read from JSON is of a declared type: a plain one, or a dict of them."""
    if inner := get_args(declared):
        names, values = inner
        return isinstance(value, dict) and all(_is(k, names) and _is(v, values) for k, v in value.items())
    return declared is Any or type(value) is declared or (declared is float and type(value) is int)
