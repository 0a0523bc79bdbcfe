"""Files that readers bring: from their bytes to a cleaned file and its name, or Refused with the row and the reason.

Nothing is guessed silently and nothing is filled in: `How` says how a file was read, and whoever brought it can ask for
another reading. The cleaned file is again an ordinary file (CSV or text, UTF-8, lines ending in \\n; of a picture a
PNG: core/images.py); cleaning it once more changes nothing. So whoever has the same file and chooses the same columns
gets the same name, and with it the same runs.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice, pairwise

import numpy as np

from core.concept.params import Refused, Upload
from core.encodings import likely, marked

LARGEST = 10 * 2**20  # bytes of a file; .streamlit/config.toml says the same
MOST_CELLS = 2_000_000
MOST_COLUMNS = 1000
LARGEST_NUMBER = 1e30  # its square is still a number
FARTHEST = 1e25  # range of a column over the smallest difference in it: scaled to either, the other is a number
LONGEST_LABEL = 60
MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?", "#n/a"}
LABELS = ("label", "class", "target", "species", "category", "标签", "类别", "类", "分类")
INDEX = (
    "column 1",
    "unnamed: 0",
    "index",
    "id",
    "no",
    "nr",
    "row",
    "编号",
    "序号",
)  # of a first column that numbers rows
LOOK = 20  # rows that are looked at to find the delimiter
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # what no text holds
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}  # of equals the first
DECIMALS = {".": "point", ",": "comma"}
PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .xls begin
SEPARATOR = re.compile(r"sep=([\t,;|])")  # a first line that Excel writes and reads


def _grammar(decimal: str, group: str) -> re.Pattern:
    """A number by its decimal sign; whole numbers may be in groups of three digits, as 12.400,5 or 1,234,567."""
    point, comma = re.escape(decimal), re.escape(group)
    grouped = rf"[1-9]\d{{0,2}}(?:{comma}\d{{3}})+(?:{point}\d*)?"
    return re.compile(rf"[+\-−]?(?:{grouped}|(?:\d+(?:{point}\d*)?|{point}\d+)(?:[eE][+\-−]?\d+)?)", re.ASCII)


NUMBERS = {".": _grammar(".", ","), ",": _grammar(",", ".")}
TWO_WAYS = re.compile(r"[+\-−]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)  # 12.400: a little over twelve, or twelve thousand?
ENOUGH = 1000  # cells that say which decimal sign there is
PLAIN = {d: re.compile(rf"(?:[+-]?(?:\d+(?:\{d}\d*)?|\{d}\d+)(?:[eE][+-]?\d+)?\n)*+", re.ASCII) for d in NUMBERS}
WHOLE = re.compile(r"[+\-−]?\d+", re.ASCII)

SIGNS = "=+-−@＝＋－＠"  # what begins a formula in a spreadsheet, wide ones too
PARTS = re.compile(r"[,;|\t]")  # what a spreadsheet may split a cell by, whatever the file's delimiter
BEGINS = re.compile(rf"(^|[,;|])[\s\"'{re.escape(SIGNS)}]+")


@dataclass
class How:
    """How a file is read. What is empty is found by reading, and filled in, also where the file is refused then."""

    encoding: str = ""  # of ENCODINGS
    delimiter: str = ""
    decimal: str = ""
    header: bool | None = None


@dataclass(frozen=True)
class Sheet:
    """Rows and columns as the file has them: cells are texts without blanks around them.

    lines: the line of the file on which each row ends. how: what was found, or asked for.
    """

    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    how: How

    def number(self, cell: str) -> float:
        """A cell as a number; raises ValueError."""
        decimal = self.how.decimal or "."
        if not NUMBERS[decimal].fullmatch(cell):
            raise ValueError(cell)
        return float(cell.replace("," if decimal == "." else ".", "").replace(decimal, ".").replace("−", "-"))


def decoded(content: bytes, how: How) -> str:
    """The text of a file, its lines ending in \\n. An encoding that is not asked for is the one that the bytes prove,
    or else the likeliest."""
    _bounded(content)
    if content.startswith(PACKED):
        raise Refused("spreadsheet")
    encoding, mark = marked(content)
    if how.encoding and how.encoding != encoding:
        encoding, mark = how.encoding, 0
    text = _decoded(content, encoding or "utf_8", mark)
    if isinstance(text, Refused) and not encoding:
        encoding = next((e for e in likely(content) if isinstance(_decoded(content, e), str)), "")
        text = _decoded(content, encoding) if encoding else text
    how.encoding = encoding or "utf_8"
    if isinstance(text, Refused):
        raise text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := CONTROL.search(text):
        raise Refused("not_text", row=text.count("\n", 0, found.start()) + 1)
    if not text.strip():
        raise Refused("empty")
    return text


def _decoded(content: bytes, encoding: str, mark: int = 0) -> str | Refused:
    try:
        return content[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        at = mark + error.start
        return Refused("encoding", row=content.count(b"\n", 0, at) + 1, byte=f"0x{content[at]:02X}", encoding=encoding)


def sheet(content: bytes, how: How | None = None) -> Sheet:
    """The rows of a table whose cells are separated by a delimiter. Raises Refused; `how` says then what was found."""
    how = how or How()
    text = decoded(content, how)
    skipped = 0
    if asked := SEPARATOR.fullmatch(text.partition("\n")[0].strip(' "')):
        text, skipped = text.partition("\n")[2], 1
        how.delimiter = how.delimiter or asked[1]
    if not how.delimiter:
        head = [line for line in text[: 64 * LONGEST_LABEL * LOOK].split("\n", 4 * LOOK)[: 4 * LOOK] if line.strip()]
        how.delimiter = max(DELIMITERS, key=lambda d: _numbers_in(head[:LOOK], d))
    rows, lines = _rows(text, how.delimiter, skipped)
    width = len(rows[0])
    if width > MOST_COLUMNS:
        raise Refused("too_many_columns", count=width, high=MOST_COLUMNS)
    for cells, line in zip(rows, lines):
        if len(cells) != width:
            raise Refused("row_length", row=line, count=len(cells), width=width)
    if how.header is None:
        how.header = _has_header(rows)
    names = rows[0] if how.header else [""] * width
    if how.header:
        del rows[0], lines[0]
    return Sheet(_distinct(names), rows, lines, how)


def _rows(text: str, delimiter: str, skipped: int) -> tuple[list[list[str]], list[int]]:
    """The rows that are not empty, and the lines on which they end."""
    if text.count(delimiter) + text.count("\n") > MOST_CELLS:
        raise Refused("too_many_cells", high=MOST_CELLS)
    rows, lines = [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = list(map(str.strip, row))
            if any(cells):
                rows.append(cells)
                lines.append(reader.line_num + skipped)
    except csv.Error as error:
        line = reader.line_num + skipped
        if "field limit" in str(error):
            raise Refused("cell_length", row=line, high=f"{csv.field_size_limit():,}") from None
        raise Refused("quotes", row=line) from None
    if not rows:
        raise Refused("empty")
    return rows, lines


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: it is no number where the second is, or numbers them, or begins with the
    empty cell above the row numbers of a data frame, or holds a word for labels, or one unlike all below it."""
    first, second = (rows + rows)[:2]
    if not any(map(_numeric, first)):
        return True
    if any(_numeric(later) and not _numeric(now) for now, later in zip(first, second)):
        return True
    numbers = [int(cell) for cell in first if WHOLE.fullmatch(cell) and len(cell) < 7]
    counted = _counts(numbers) and len(numbers) == len(first) > 2
    beside_index = second[0] and not first[0] and _counts(numbers) and len(set(first)) == len(first)
    if counted or beside_index or any(cell.lower() in LABELS for cell in first):
        return True
    for i, cell in enumerate(first):
        below = Counter(row[i] for row in rows[1:]) if not _numeric(cell) else Counter()
        if below and cell not in below and min(below.values()) > 1:
            return True
    return False


def _counts(numbers: Sequence[float]) -> bool:
    """Whether numbers count from 0 or 1."""
    return len(numbers) > 0 and numbers[0] in (0, 1) and all(b - a == 1 for a, b in pairwise(numbers))


def _numeric(cell: str) -> bool:
    """Whether a cell stands for a number by either decimal sign, perhaps a missing one."""
    return cell.lower() in MISSING or any(grammar.fullmatch(cell) for grammar in NUMBERS.values())


def _numbers_in(lines: list[str], delimiter: str) -> tuple[int, int]:
    """How many cells are numbers if this delimits, and how many cells there are."""
    cells = [cell.strip(' "') for line in lines for cell in line.split(delimiter)]
    return sum(bool(cell) and _numeric(cell) for cell in cells), len(cells)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns that are short, differ, are no numbers, and begin no formula."""
    found: dict[str, None] = {}
    for i, name in enumerate(names, 1):
        name = " ".join(BEGINS.sub(r"\1", " ".join(name.split()))[:LONGEST_LABEL].split())
        if not name or _numeric(name):
            name = f"column {i}"
        others = (f"{name[: LONGEST_LABEL - 10]} ({k})" for k in count(i))
        found[name if name not in found else next(other for other in others if other not in found)] = None
    return tuple(found)


def guess(found: Sheet, kind: Upload) -> tuple[list[int], int | None]:
    """The columns a reader most likely means: features, and the label (None where the concept takes none).

    The label is the column that is called so, else the last one that is not numbers, else the last. A column that is
    mostly numbers is meant as numbers: the cell that is none is named when the table is made.
    """
    some = found.rows[:LOOK]
    numeric = [i for i in range(len(found.names)) if 2 * sum(_numeric(row[i]) for row in some) > len(some)]
    label = None
    if kind.bounds[2][1]:
        called = [i for i, name in enumerate(found.names) if name.lower() in LABELS]
        others = [i for i in range(len(found.names)) if i not in numeric]
        label = (called or others or [len(found.names) - 1])[-1]
    features = [i for i in numeric if i != label]
    low, high = kind.bounds[1]
    if features[:1] == [0] and len(features) > low and found.names[0].lower() in INDEX and _counts_rows(found):
        del features[0]
    return features[:high], label


def _counts_rows(found: Sheet) -> bool:
    """Whether the first column numbers the rows, as that of a data frame does."""
    cells = [row[0] for row in found.rows]
    return all(WHOLE.fullmatch(cell) and len(cell) < 9 for cell in cells) and _counts(list(map(int, cells)))


def table(found: Sheet, features: Sequence[int], label: int | None, kind: Upload) -> tuple[str, bytes]:
    """Name and cleaned file of the chosen columns; raises Refused where a cell or the size does not stand."""
    if len(features) != len(set(features)) or label in features:
        raise Refused("same_column")
    low, high = kind.bounds[1]
    if not low <= len(features) <= high:
        raise Refused("size_features", count=len(features), low=low, high=high)
    kind.fit([len(found.rows)])
    found.how.decimal = found.how.decimal or _decimal(found, features)
    x = np.stack([_numbers(found, i) for i in features], 1) + 0.0  # -0.0 is 0.0
    labels = [] if label is None else _labels(found, label)
    sizes = len(x), len(features), len(set(labels))
    if len(set(labels)) == 1 and kind.bounds[2][0] > 1:
        raise Refused("one_class", column=found.names[label or 0], value=labels[0])
    kind.fit(sizes)
    for i, constant in zip(features, (np.ptp(x, 0) == 0) | (x.std(0) == 0)):  # or too near to tell apart
        if constant:
            raise Refused("constant", column=found.names[i])
    for i, column in zip(features, x.T):  # a split may leave out the outer ones, and is scaled to the others
        values = np.unique(column)
        if np.ptp(values) > FARTHEST * np.diff(values).min():
            raise Refused("spread", column=found.names[i])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    chosen = [*features, *([] if label is None else [label])]
    writer.writerow([found.names[i] for i in chosen])
    writer.writerows([*row, name] for row, name in zip(x.tolist(), labels) if labels)
    writer.writerows([] if labels else x.tolist())
    return _named(out.getvalue().encode(), sizes)


def _decimal(found: Sheet, columns: Sequence[int]) -> str:
    """The decimal sign in which these columns are written. Refused where every cell with a sign has exactly three
    digits after it, so that the sign may as well mark thousands, unless commas delimit and no cell is without it."""
    votes: Counter[str] = Counter()
    unclear = None
    for i in columns:
        points = found.how.delimiter == "," and not any(WHOLE.fullmatch(row[i]) for row in found.rows)
        for row, line in zip(found.rows, found.lines):
            if "." not in row[i] and "," not in row[i]:
                continue
            if TWO_WAYS.fullmatch(row[i]):
                if not unclear and not (points and "." in row[i]):
                    unclear = Refused("decimal", row=line, column=found.names[i], value=row[i])
                continue
            votes.update(sign for sign in DECIMALS if NUMBERS[sign].fullmatch(row[i]))
            if votes.total() >= ENOUGH:
                break
    if unclear and not votes:
        raise unclear
    return max(DECIMALS, key=lambda sign: votes[sign])


def _numbers(found: Sheet, i: int) -> np.ndarray:
    """A column as float64; Refused at the first cell that is none."""
    cells, column = [row[i] for row in found.rows], found.names[i]
    missing = [line for cell, line in zip(cells, found.lines) if cell.lower() in MISSING]
    if missing:
        raise Refused("missing", row=missing[0], column=column, count=len(missing))
    decimal, lines = found.how.decimal or ".", "\n".join(cells) + "\n"
    try:
        if PLAIN[decimal].fullmatch(lines):  # as nearly always, and then several times as fast
            values = np.array(lines.replace(decimal, ".").splitlines(), float)
        else:
            values = np.array([found.number(cell) for cell in cells])
    except ValueError:
        grammar = NUMBERS[decimal]
        line, cell = next((line, cell) for line, cell in zip(found.lines, cells) if not grammar.fullmatch(cell))
        raise Refused("text_in_numbers", row=line, column=column, value=cell[:LONGEST_LABEL]) from None
    for k in np.flatnonzero(~(np.abs(values) <= LARGEST_NUMBER)):
        raise Refused("number_size", row=found.lines[k], column=column, value=cells[k][:LONGEST_LABEL])
    return values


def _labels(found: Sheet, i: int) -> list[str]:
    """A column as labels; Refused at the first cell that is empty or too long."""
    labels, column = [" ".join(row[i].split()) for row in found.rows], found.names[i]
    for label, line in zip(labels, found.lines):
        if not label:
            raise Refused("missing", row=line, column=column, count=labels.count(""))
        if len(label) > LONGEST_LABEL:
            raise Refused("label_length", row=line, column=column, high=LONGEST_LABEL)
        if any(map(_formula, PARTS.split(label))):
            raise Refused("formula", row=line, column=column, value=label)
    return labels


def _formula(part: str) -> bool:
    """Whether a spreadsheet would compute a cell: a sign of SIGNS before anything that makes no number of it."""
    part = part.strip(" \"'")
    return len(part) > 1 and part[0] in SIGNS and not any(grammar.fullmatch(part) for grammar in NUMBERS.values())


def text(content: bytes, kind: Upload, how: How | None = None) -> tuple[str, bytes]:
    """Name and cleaned file of a text; `how` says in the end how it was read."""
    found = decoded(content, how or How())
    sizes = len(found), len(set(found))
    kind.fit(sizes)
    if kind.usable:
        kind.usable(found)
    return _named(found.encode(), sizes)


def image(content: bytes, kind: Upload) -> tuple[str, bytes]:
    """Name and cleaned file of a picture."""
    from core import images  # only who reads one needs Pillow

    _bounded(content)
    cleaned, sizes = images.cleaned(content, kind)
    return _named(cleaned, sizes)


def _bounded(content: bytes) -> None:
    if len(content) > LARGEST:
        raise Refused("file_size", size=f"{len(content) / 2**20:.1f}", high=LARGEST // 2**20)


def _named(content: bytes, sizes: Sequence[int]) -> tuple[str, bytes]:
    """A cleaned file under the name that it has in links."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}:{'x'.join(map(str, sizes))}", content


ROWS = 5  # of a preview
GLIMPSE = 300  # characters of a preview


@dataclass
class Read:
    """What a page shows of a file: all that was understood, and what is wrong with it if anything is.

    columns: the features and the label that were chosen, or else proposed. preview: the first rows of these columns,
    as the numbers that will be used where they are known.
    """

    how: How
    names: tuple[str, ...] = ()
    columns: tuple[list[int], int | None] = field(default_factory=lambda: ([], None))
    preview: list[list[str]] = field(default_factory=list)
    beginning: str = ""  # of a text
    picture: bytes = b""  # the cleaned one
    name: str = ""  # of the cleaned file
    cleaned: bytes = b""
    refused: Refused | None = None


def read(content: bytes, kind: Upload, how: How, columns: tuple[list[int], int | None] | None = None) -> Read:
    """A file as a page shows it. Never raises Refused: what was understood until then is there, too."""
    found = Read(replace(how))
    try:
        if kind.kind == "image":
            found.name, found.cleaned = image(content, kind)
            found.picture = found.cleaned
            return found
        if kind.kind == "text":
            found.beginning = decoded(content, found.how)[:GLIMPSE]
            found.name, found.cleaned = text(content, kind, found.how)
            return found
        rows = sheet(content, found.how)
        found.names = rows.names
        found.columns = columns or guess(rows, kind)
        features, label = found.columns
        chosen = [*features, *([] if label is None else [label])]
        found.preview = [[row[i] for i in chosen] for row in rows.rows[:ROWS]]
        if features or columns is None:
            found.name, found.cleaned = table(rows, features, label, kind)
            used = csv.reader(io.StringIO(found.cleaned.decode(), newline=""))
            found.preview = [
                [*(cell.removesuffix(".0") for cell in row[: len(features)]), *row[len(features) :]]
                for row in islice(used, 1, ROWS + 1)
            ]
    except Refused as refused:
        found.refused = refused
    return found
