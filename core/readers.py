"""Files that readers bring: from their bytes to a cleaned file and its name, or Refused with the row and the reason.

Nothing is guessed silently and nothing is filled in. The cleaned file is again an ordinary file (CSV or text, UTF-8,
lines ending in \\n); cleaning it once more changes nothing. So whoever has the same file and chooses the same columns
gets the same name, and with it the same runs.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.params import Refused, Upload

LARGEST = 10 * 2**20  # bytes of a file; .streamlit/config.toml says the same
MOST_CELLS = 2_000_000
LARGEST_NUMBER = 1e30  # its square is still a number
LONGEST_LABEL = 60
MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?", "#n/a"}
LABELS = ("label", "class", "target", "species", "category", "标签", "类别", "类", "分类")
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
LOOK = 20  # rows that are looked at to find the delimiter
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # what no text holds
DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon"}
PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how .xlsx and .xls begin


@dataclass(frozen=True)
class Sheet:
    """Rows and columns as the file has them: cells are texts without blanks around them.

    lines: the line of the file on which each row ends. encoding, delimiter: what was found.
    """

    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    encoding: str
    delimiter: str

    def number(self, cell: str) -> float:
        """A cell as a number, with a decimal comma where a semicolon delimits; raises ValueError."""
        return float(cell if self.delimiter != ";" else cell.replace(",", "."))


def decoded(content: bytes) -> tuple[str, str]:
    """The text of a file and its encoding: what its byte order mark says, else UTF-8, UTF-16 or GB18030."""
    if len(content) > LARGEST:
        raise Refused("file_size", size=f"{len(content) / 2**20:.1f}", high=LARGEST // 2**20)
    if content.startswith(PACKED):
        raise Refused("spreadsheet")
    bom, encoding = next(((b, e) for b, e in BOMS if content.startswith(b)), (b"", "utf-8"))
    if not bom and b"\0" in content:  # UTF-16 without a mark: the high bytes of digits and commas are 0
        encoding = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
    try:
        text = content[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        if bom or encoding != "utf-8" or not _chinese(content):
            line = content[: len(bom) + error.start].count(b"\n") + 1
            raise Refused("encoding", row=line, byte=f"0x{content[len(bom) + error.start]:02X}") from None
        text, encoding = content.decode("gb18030"), "gb18030"
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if found := CONTROL.search(text):
        raise Refused("not_text", row=text.count("\n", 0, found.start()) + 1)
    if not text.strip():
        raise Refused("empty")
    return text, encoding


def _chinese(content: bytes) -> bool:
    """Whether bytes are GB18030 and look like it: Western one-byte texts can often be read so too, as rare signs."""
    try:
        found = [c for c in content.decode("gb18030") if c > "\x7f"]
    except UnicodeDecodeError:
        return False
    common = sum(len(c.encode("gb2312", "ignore")) == 2 for c in found)
    return common > 0.9 * len(found)


def sheet(content: bytes) -> Sheet:
    """The rows of a CSV or TSV file. Its first row is a header unless it holds numbers where the second does."""
    text, encoding = decoded(content)
    head = [line for line in text.split("\n", 4 * LOOK)[: 4 * LOOK] if line.strip()][:LOOK]
    if max(map(text.count, DELIMITERS)) + text.count("\n") > MOST_CELLS:
        raise Refused("too_many_cells", high=MOST_CELLS)
    delimiter = max(DELIMITERS, key=lambda d: _numbers_in(head, d))
    found = Sheet((), [], [], encoding, delimiter)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            cells = list(map(str.strip, row))
            if any(cells):
                found.rows.append(cells)
                found.lines.append(reader.line_num)
    except csv.Error:
        raise Refused("quotes", row=reader.line_num) from None
    if not found.rows:
        raise Refused("empty")
    width = len(found.rows[0])
    for cells, line in zip(found.rows, found.lines):
        if len(cells) != width:
            raise Refused("row_length", row=line, count=len(cells), width=width)
    first, second = found.rows[0], (found.rows + found.rows)[1]
    are, will_be = ([_numeric(found, cell) for cell in cells] for cells in (first, second))
    if any(are) and not any(later and not now for now, later in zip(are, will_be)):
        names = [""] * width
    else:
        names = first
        del found.rows[0], found.lines[0]
    return Sheet(_distinct(names), found.rows, found.lines, encoding, delimiter)


def _numeric(found: Sheet, cell: str) -> bool:
    """Whether a cell stands for a number, perhaps a missing one."""
    try:
        found.number(cell)
    except ValueError:
        return cell.lower() in MISSING
    return True


def _numbers_in(lines: list[str], delimiter: str) -> tuple[int, int]:
    """How many cells are numbers if this delimits, and how many cells there are."""
    as_read = Sheet((), [], [], "", delimiter)
    cells = [cell.strip() for line in lines for cell in line.split(delimiter)]
    return sum(bool(cell) and _numeric(as_read, cell) for cell in cells), len(cells)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns that are short, differ, and are no numbers."""
    found: list[str] = []
    for i, name in enumerate(names, 1):
        name = " ".join(name[:LONGEST_LABEL].split())
        try:
            float(name or "0")
            name = f"column {i}"
        except ValueError:
            pass
        while name in found:
            name = f"{name[: LONGEST_LABEL - 10]} ({i})"
        found.append(name)
    return tuple(found)


def guess(found: Sheet, kind: Upload) -> tuple[list[int], int | None]:
    """The columns a reader most likely means: features, and the label (None where the concept takes none).

    The label is the column that is called so, else the last one that is not numbers, else the last.
    """
    some = found.rows[:LOOK]
    numeric = [i for i in range(len(found.names)) if all(_numeric(found, row[i]) for row in some)]
    label = None
    if kind.bounds[2][1]:
        called = [i for i, name in enumerate(found.names) if name.lower() in LABELS]
        others = [i for i in range(len(found.names)) if i not in numeric]
        label = (called or others or [len(found.names) - 1])[-1]
    return [i for i in numeric if i != label][: kind.bounds[1][1]], label


def table(found: Sheet, features: Sequence[int], label: int | None, kind: Upload) -> tuple[str, bytes]:
    """Name and cleaned file of the chosen columns; raises Refused where a cell or the size does not stand."""
    if len(features) != len(set(features)) or label in features:
        raise Refused("same_column")
    low, high = kind.bounds[1]
    if not low <= len(features) <= high:
        raise Refused("size_features", count=len(features), low=low, high=high)
    x = np.stack([_numbers(found, i) for i in features], 1) + 0.0  # -0.0 is 0.0
    labels = [] if label is None else _labels(found, label)
    sizes = len(x), len(features), len(set(labels))
    if len(set(labels)) == 1 and kind.bounds[2][0] > 1:
        raise Refused("one_class", column=found.names[label or 0], value=labels[0])
    kind.fit(sizes)
    for i, constant in zip(features, np.ptp(x, 0) == 0):
        if constant:
            raise Refused("constant", column=found.names[i])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    chosen = [*features, *([] if label is None else [label])]
    writer.writerow([found.names[i] for i in chosen])
    writer.writerows([*row, name] for row, name in zip(x.tolist(), labels) if labels)
    writer.writerows([] if labels else x.tolist())
    return _named(out.getvalue(), sizes)


def _numbers(found: Sheet, i: int) -> np.ndarray:
    """A column as float64; Refused at the first cell that is none."""
    cells, column = [row[i] for row in found.rows], found.names[i]
    missing = [line for cell, line in zip(cells, found.lines) if cell.lower() in MISSING]
    if missing:
        raise Refused("missing", row=missing[0], column=column, count=len(missing))
    try:
        values = np.array([found.number(cell) for cell in cells])
    except ValueError:
        line, cell = next((line, cell) for line, cell in zip(found.lines, cells) if not _numeric(found, cell))
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
    return labels


def text(content: bytes, kind: Upload) -> tuple[str, bytes, str]:
    """Name and cleaned file of a text, and the encoding it was read in."""
    found, encoding = decoded(content)
    sizes = len(found), len(set(found))
    kind.fit(sizes)
    return *_named(found, sizes), encoding


def _named(cleaned: str, sizes: Sequence[int]) -> tuple[str, bytes]:
    """A cleaned file under the name that it has in links."""
    content = cleaned.encode()
    return f"sha256:{hashlib.sha256(content).hexdigest()}:{'x'.join(map(str, sizes))}", content
