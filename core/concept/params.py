"""Params: what a reader can turn, declared once.

A concept's Params is a frozen dataclass whose fields are made with `number`, `integer`, `choice`, `flag`, `string`,
`text`, `rows`, `drawing`, `matrix`, `curve`, `points`, `lines` or `upload`. Widgets, bounds, the link, the run key, the
command line and the tests all follow from that one declaration. Nothing here imports torch or streamlit.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

LINK_VERSION = "1"
SHOWN = 60  # longest piece of a refused value that a message repeats
SIGNS = str.maketrans("−．，", "-.,")  # as the figures write them, and full-width as an input method types them
DECIMAL_COMMA = re.compile(r"^(\s*[+-]?\d*),(\d+)")
GROUPED = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")  # a thousand to one reader, one to another
UPLOAD = re.compile(r"sha256:[0-9a-f]{64}:[0-9]{1,9}(x[0-9]{1,9})*")  # the name of an upload
LEVELS = "0123456789abcdefghijklmnopqrstuvwxyz"  # of a drawing, from paper to ink
RUN = re.compile(r"([0-9a-z])([A-Z]*)")  # a level and how often it comes, in a link
RUNS = re.compile(rf"(?:{RUN.pattern})*")
AXES = {  # of the shape of each kind of upload
    "table": ("rows", "features", "classes"),
    "text": ("characters", "distinct"),
    "image": ("height", "width", "channels"),
}
ENDINGS = {"table": "csv", "text": "txt", "image": "png"}  # of the names of cleaned files


@dataclass(frozen=True)
class Problem:
    """Why a value was refused: the field, a message code of `core/concept/text.*.md`, and what the message names."""

    field: str
    code: str
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Invalid(ValueError):
    """Raised when Params are made from values that do not stand; `problems` names each field."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: {p.code} {dict(p.details)}" for p in self.problems))


class Refused(Exception):
    """One value refused by one field: a message code and its details."""

    def __init__(self, code: str, **details: Any):
        super().__init__(code)
        self.code, self.details = code, details


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


Applies = Callable[[Any], bool]
Fresh = Callable[[str, Any], Any]  # (value of a row's first field, the row that changes to it or None) → the new row


@dataclass(frozen=True)
class Field:
    """What all kinds of field share: `applies(params)` says whether the field matters at these settings."""

    default: Any
    applies: Applies | None = None

    def check(self, value: Any) -> Any:
        """The canonical form of `value`; raises Refused."""
        raise NotImplementedError

    def take(self, value: Any) -> Any:
        """The value that a plain JSON value of `canonical` means; raises Refused."""
        return self.check(value)

    def read(self, text: str) -> Any:
        """The value a link or command line means by `text`; raises Refused."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """The text a link carries for `value`; `read(write(v)) == v`."""
        return str(value)


@dataclass(frozen=True)
class Number(Field):
    """A finite float between `low` and `high`, both allowed; `log` says that ratios matter, not differences."""

    low: float = 0.0
    high: float = 1.0
    step: float | None = None
    log: bool = False

    def check(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Refused("not_a_number", value=_short(value))
        if not self.low <= value <= self.high or not math.isfinite(value):
            raise Refused("out_of_range", value=_short(self.write(value)), low=self.low, high=self.high)
        return float(value) + 0.0  # -0.0 is 0.0

    def read(self, text: str) -> float:
        typed = text.translate(SIGNS)
        if GROUPED.fullmatch(typed):
            whole, part = typed.replace(",", ""), typed.replace(",", ".")
            raise Refused("which_comma", value=_short(text), whole=_short(whole), part=_short(part))
        try:
            value = float(DECIMAL_COMMA.sub(r"\1.\2", typed))
        except ValueError:
            raise Refused("not_a_number", value=_short(text)) from None
        return self.check(value)

    def write(self, value: float) -> str:
        return repr(value).removesuffix(".0")


@dataclass(frozen=True)
class Integer(Field):
    """A whole number between `low` and `high`, both allowed."""

    low: int = 0
    high: int = 1
    step: int = 1

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
            raise Refused("not_whole", value=_short(value))
        if not self.low <= value <= self.high:
            raise Refused("out_of_range", value=_short(value), low=self.low, high=self.high)
        return int(value)

    def read(self, text: str) -> int:
        try:
            return self.check(int(text.translate(SIGNS)) if len(text) <= SHOWN else text)
        except ValueError:
            raise Refused("not_whole", value=_short(text)) from None


@dataclass(frozen=True)
class Choice(Field):
    """One of a few named options."""

    options: tuple[str, ...] = ()

    def check(self, value: Any) -> str:
        if value not in self.options:
            raise Refused("unknown_option", value=_short(value), options=", ".join(self.options))
        return value

    def read(self, text: str) -> str:
        return self.check(text)


@dataclass(frozen=True)
class Flag(Field):
    """Yes or no; a link says 1 or 0."""

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Refused("unknown_option", value=_short(value), options="1, 0")
        return value

    def read(self, text: str) -> bool:
        return self.check({"1": True, "0": False, "true": True, "false": False}.get(text.lower(), text))

    def write(self, value: bool) -> str:
        return "1" if value else "0"


@dataclass(frozen=True)
class Rows(Field):
    """A tuple of small Params of one class, between `low` and `high` of them (contenders, points).

    In a link a row is its fields joined by `~`: the first bare, the others as name-value; rows are joined
    by `~~`. These characters need no escaping in an address.
    """

    row: type[BaseParams] = None  # type: ignore[assignment]
    low: int = 0
    high: int = 12
    fresh: Fresh | None = None

    def check(self, value: Any) -> tuple[BaseParams, ...]:
        if not isinstance(value, (tuple, list)) or not all(isinstance(row, self.row) for row in value):
            raise Refused("unreadable", value=_short(value))
        if not self.low <= len(value) <= self.high:
            raise Refused("row_count", count=len(value), low=self.low, high=self.high)
        return tuple(value)

    def take(self, value: Any) -> tuple[BaseParams, ...]:
        if not isinstance(value, list):
            raise Refused("unreadable", value=_short(value))
        rows: list[BaseParams] = []
        for given in value:
            row, problems = take(self.row, given)
            if problems:
                raise Refused("bad_row", row=len(rows) + 1, problem=problems[0])
            rows.append(row)
        return self.check(rows)

    def read(self, text: str) -> tuple[BaseParams, ...]:
        first, *_ = fields(self.row)
        rows: list[BaseParams] = []
        for part in text.split("~~") if text else []:
            head, *pairs = part.split("~")
            given = {first: head} | dict(pair.split("-", 1) for pair in pairs if "-" in pair)
            row, problems = read(self.row, given)
            problems += [
                Problem(_short(pair), "unreadable", {"value": _short(pair)}) for pair in pairs if "-" not in pair
            ]
            if problems:
                raise Refused("bad_row", row=len(rows) + 1, problem=problems[0])
            rows.append(row)
        return self.check(rows)

    def write(self, value: tuple[BaseParams, ...]) -> str:
        rows = []
        for row in value:
            (_, head), *rest = write(row).items()
            rows.append("~".join([head, *(f"{name}-{text}" for name, text in rest)]))
        return "~~".join(rows)


@dataclass(frozen=True)
class String(Field):
    """A short text in which every character is one of `alphabet` (None: any), at most `longest` of them (moves)."""

    alphabet: str | None = ""
    longest: int = 200

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or any("\ud800" <= c <= "\udfff" for c in value):  # halves of characters
            raise Refused("unreadable", value=ascii(_short(value)))
        if self.alphabet is not None and not set(value) <= set(self.alphabet):
            raise Refused("unknown_option", value=_short(value), options=" ".join(self.alphabet))
        if len(value) > self.longest:
            raise Refused("too_long", count=len(value), high=self.longest)
        return value

    def read(self, text: str) -> str:
        return self.check(text)


@dataclass(frozen=True)
class Upload(Field):
    """The name of a file the reader brought, or "" for none: `sha256:<hex of the cleaned file>:<its shape>`.

    kind: "table" (rows × features × classes; 0 classes: no labels), "text" (characters × distinct characters) or
        "image" (height × width × channels; 1 is grey, 3 are colours).
    bounds: the smallest and largest size along each axis of the shape. A larger image is scaled down to them.
    usable: asked about a text that is within them; raises Refused where the experiment cannot use it.
    """

    kind: str = "table"
    bounds: tuple[tuple[int, int], ...] = ()
    usable: Callable[[str], None] | None = None

    def check(self, value: Any) -> str:
        if value == "":
            return value
        if not isinstance(value, str) or not UPLOAD.fullmatch(value) or len(shape(value)) != len(self.bounds):
            raise Refused("unreadable", value=_short(value))
        self.fit(shape(value))
        return value

    def fit(self, sizes: Iterable[int]) -> None:
        """Raise Refused where a shape is out of bounds."""
        for axis, size, (low, high) in zip(AXES[self.kind], sizes, self.bounds):
            if not low <= size <= high:
                raise Refused(f"size_{axis}", count=size, low=low, high=high)

    def read(self, text: str) -> str:
        return self.check(text)


def shape(upload: str) -> tuple[int, ...]:
    """The shape that the name of an upload says."""
    return tuple(map(int, upload.split(":")[2].split("x")))


@dataclass(frozen=True)
class Drawing(Field):
    """A grey picture drawn by hand: its levels row by row, each a digit of LEVELS from paper (0) to ink; "" is paper.

    In a link a run of n > 1 equal levels is the level, then n in base 26 with the digits A to Z.
    """

    height: int = 8
    width: int = 8
    levels: int = 17

    def check(self, value: Any) -> str:
        allowed = LEVELS[: self.levels]
        if not isinstance(value, str) or not set(value) <= set(allowed):
            raise Refused("no_drawing", high=self.height, wide=self.width)
        if len(value) not in (0, self.height * self.width):
            raise Refused("no_drawing", high=self.height, wide=self.width)
        return value if value.strip(LEVELS[0]) else ""

    def read(self, text: str) -> str:
        found, size = [], self.height * self.width
        if not RUNS.fullmatch(text):
            raise Refused("no_drawing", high=self.height, wide=self.width)
        for run in RUN.finditer(text):
            count = 0
            for letter in run[2] or "B":  # one
                count = min(26 * count + ord(letter) - ord("A"), size + 1)
            found.append(run[1] * count)
            size -= count
            if size < 0:
                raise Refused("no_drawing", high=self.height, wide=self.width)
        return self.check("".join(found))

    def write(self, value: str) -> str:
        runs = ((run[0][0], len(run[0])) for run in re.finditer(r"(.)\1*", value))
        return "".join(level + (_base_26(count) if count > 1 else "") for level, count in runs)


def _base_26(count: int) -> str:
    more, last = divmod(count, 26)
    return (_base_26(more) if more else "") + chr(ord("A") + last)


@dataclass(frozen=True)
class Table(Field):
    """Rows of cells that all are of one kind, between `low` and `high` rows: numbers (a matrix, a curve, points) or
    texts (pairs, labelled lines).

    cell: the kind of all cells. columns: their names; a matrix and a curve have numbers for names.
    look: how it is turned: "grid" is typed, "curve" (of one row) and "points" (of x and y) are drawn.

    In a link cells are joined by `~` and rows by `~~`; in a text `!` is `!0`, `~` is `!1`, and an empty one `!`.
    """

    cell: Field = None  # type: ignore[assignment]
    columns: tuple[str, ...] = ()
    low: int = 0
    high: int = 12
    look: str = "grid"

    def check(self, value: Any) -> tuple[tuple[Any, ...], ...]:
        return self._made(value, self.cell.check)

    def read(self, text: str) -> tuple[tuple[Any, ...], ...]:
        rows = [part.split("~") for part in text.split("~~")] if text else []
        return self._made(rows, lambda cell: self.cell.read(_unescaped(cell)))

    def write(self, value: tuple[tuple[Any, ...], ...]) -> str:
        return "~~".join("~".join(_escaped(self.cell.write(cell)) for cell in row) for row in value)

    def _made(self, rows: Any, meant: Callable[[Any], Any]) -> tuple[tuple[Any, ...], ...]:
        if not isinstance(rows, (tuple, list)) or not all(isinstance(row, (tuple, list)) for row in rows):
            raise Refused("unreadable", value=_short(rows))
        if not self.low <= len(rows) <= self.high:
            raise Refused("row_count", count=len(rows), low=self.low, high=self.high)
        found = []
        for i, row in enumerate(rows, 1):
            if len(row) != len(self.columns):
                raise Refused("row_cells", row=i, count=len(row), width=len(self.columns))
            cells = []
            for k, cell in enumerate(row, 1):
                try:
                    cells.append(meant(cell))
                except Refused as refused:
                    problem = Problem(str(k), refused.code, refused.details)
                    raise Refused("bad_cell", row=i, column=k, problem=problem) from None
            found.append(tuple(cells))
        return tuple(found)


def _escaped(text: str) -> str:
    return text.replace("!", "!0").replace("~", "!1") or "!"


def _unescaped(text: str) -> str:
    return "" if text == "!" else text.replace("!1", "~").replace("!0", "!")


P = TypeVar("P", bound="BaseParams")


def _field(kind: Field) -> Any:
    return dataclasses.field(default=kind.default, metadata={"kind": kind})


def number(
    default: float,
    low: float,
    high: float,
    *,
    step: float | None = None,
    log: bool = False,
    applies: Applies | None = None,
) -> Any:
    return _field(Number(default, applies, low, high, step, log))


def integer(default: int, low: int, high: int, *, step: int = 1, applies: Applies | None = None) -> Any:
    return _field(Integer(default, applies, low, high, step))


def choice(default: str, options: Iterable[str], *, applies: Applies | None = None) -> Any:
    return _field(Choice(default, applies, tuple(options)))


def flag(default: bool, *, applies: Applies | None = None) -> Any:
    return _field(Flag(default, applies))


def string(default: str, alphabet: str, longest: int, *, applies: Applies | None = None) -> Any:
    return _field(String(default, applies, alphabet, longest))


def text(default: str, longest: int, *, applies: Applies | None = None) -> Any:
    return _field(String(default, applies, None, longest))


def rows(
    default: tuple,
    row: type[BaseParams],
    low: int,
    high: int,
    *,
    fresh: Fresh | None = None,
    applies: Applies | None = None,
) -> Any:
    return _field(Rows(tuple(default), applies, row, low, high, fresh))


def drawing(height: int, width: int, *, levels: int = 17, default: str = "", applies: Applies | None = None) -> Any:
    """A picture drawn by the reader, of this many grey levels, at most 36."""
    return _field(Drawing(default, applies, height, width, levels))


Rectangle = tuple[tuple[float, ...], ...]


def matrix(
    default: Rectangle, low: float, high: float, *, step: float | None = None, applies: Applies | None = None
) -> Any:
    """A small matrix of numbers of the shape of its default (a kernel)."""
    columns = tuple(str(k) for k in range(1, len(default[0]) + 1))
    return _field(Table(default, applies, Number(low, None, low, high, step), columns, len(default), len(default)))


def curve(default: tuple[float, ...], low: float, high: float, *, applies: Applies | None = None) -> Any:
    """A curve drawn by the reader: its heights at as many equidistant places as its default has."""
    columns = tuple(str(k) for k in range(1, len(default) + 1))
    return _field(Table((default,), applies, Number(low, None, low, high), columns, 1, 1, "curve"))


def points(
    default: Rectangle, low: float, high: float, fewest: int, most: int, *, applies: Applies | None = None
) -> Any:
    """Points of a square, x and y each, that can be put, moved and taken away."""
    return _field(Table(default, applies, Number(low, None, low, high), ("x", "y"), fewest, most, "points"))


def lines(
    default: tuple[tuple[str, ...], ...],
    columns: tuple[str, ...],
    longest: int,
    fewest: int,
    most: int,
    *,
    applies: Applies | None = None,
) -> Any:
    """Lines of several short texts: pairs (`("left", "right")`), lines with a label (`("label", "line")`)."""
    return _field(Table(default, applies, String("", None, None, longest), columns, fewest, most))


def upload(
    kind: str,
    *,
    applies: Applies | None = None,
    usable: Callable[[str], None] | None = None,
    **bounds: tuple[int, int],
) -> Any:
    """A table, text or image of the reader's own; `bounds` are those of every axis: rows=(10, 500), …"""
    return _field(Upload("", applies, kind, tuple(bounds[axis] for axis in AXES[kind]), usable))


@dataclass(frozen=True)
class BaseParams:
    """Base of every concept's Params. Making one with a value out of bounds raises Invalid."""

    def __post_init__(self) -> None:
        problems = []
        for name, kind in fields(type(self)).items():
            try:
                object.__setattr__(self, name, kind.check(getattr(self, name)))
            except Refused as refused:
                problems.append(Problem(name, refused.code, refused.details))
        if problems:
            raise Invalid(problems)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed; raises Invalid."""
        return dataclasses.replace(self, **changes)


def fields(cls: type[BaseParams]) -> dict[str, Field]:
    """Name → kind of every field, in the order of declaration."""
    return {f.name: f.metadata["kind"] for f in dataclasses.fields(cls)}


def applicable(params: BaseParams) -> dict[str, Field]:
    """The fields that matter at these settings."""
    return {n: k for n, k in fields(type(params)).items() if k.applies is None or k.applies(params)}


def uploaded(params: BaseParams) -> dict[str, str]:
    """Field → name of every upload that these settings use."""
    names = [name for name, kind in applicable(params).items() if isinstance(kind, Upload)]
    return {name: getattr(params, name) for name in names if getattr(params, name)}


def canonical(params: BaseParams) -> dict[str, Any]:
    """Plain JSON values of the applicable fields: equal for two Params exactly when their runs are equal."""

    def plain(value: Any) -> Any:
        if isinstance(value, BaseParams):
            return canonical(value)
        return list(map(plain, value)) if isinstance(value, tuple) else value

    return {name: plain(getattr(params, name)) for name in applicable(params)}


def write(params: BaseParams) -> dict[str, str]:
    """The applicable fields as the texts of a link."""
    return {name: kind.write(getattr(params, name)) for name, kind in applicable(params).items()}


def read(cls: type[P], given: Mapping[str, str], base: P | None = None) -> tuple[P, list[Problem]]:
    """Params from the texts of a link or a command line. Never raises: a field that does not stand takes its
    default, or what it is in `base`, and is named in the problems, and so is every name that is not a field."""
    return _made(base or cls(), given, lambda kind, text: kind.read(text))


def take(cls: type[P], given: Any) -> tuple[P, list[Problem]]:
    """As `read`, from the plain JSON values that `canonical` gives."""
    if not isinstance(given, dict):
        return cls(), [Problem(_short(given), "unreadable", {"value": _short(given)})]
    return _made(cls(), given, lambda kind, value: kind.take(value))


def _made(base: P, given: Mapping[str, Any], value_of: Callable[[Field, Any], Any]) -> tuple[P, list[Problem]]:
    kinds, values, problems = fields(type(base)), {}, []
    for name, value in given.items():
        if name not in kinds:
            problems.append(Problem(_short(name), "unknown_field", {}))
            continue
        try:
            values[name] = value_of(kinds[name], value)
        except Refused as refused:
            problems.append(Problem(name, refused.code, refused.details))
    return base.replace(**values), problems
