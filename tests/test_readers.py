"""Files of readers: what is read, in whatever encoding, and that everything else is refused by name, row and reason."""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import readers
from core.catalog import LANGUAGES
from core.concept import load
from core.messages import explain
from core.ml import own
from core.params import Problem, Refused, Upload, fields, shape
from core.text import ROOT, words

TABLE = Upload("", None, "table", ((2, 1000), (1, 8), (2, 5)))
POINTS = Upload("", None, "table", ((2, 1000), (2, 2), (0, 0)))
TEXT = Upload("", None, "text", ((3, 1000), (2, 100)))
GOOD = "x,y,kind\n1,2.5,a\n-3,4e-3,b\n5,6,a\n"
TRIES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def table(content: bytes, kind: Upload = TABLE) -> tuple[str, bytes]:
    sheet = readers.sheet(content)
    return readers.table(sheet, *readers.guess(sheet, kind), kind)


def read_back(name: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    own.CONTENTS[name] = content
    return own.table(name)


def refusal(content: bytes, kind: Upload = TABLE) -> tuple[str, dict]:
    with pytest.raises(Refused) as caught:
        table(content, kind)
    return caught.value.code, caught.value.details


def test_a_table_comes_back_as_it_was() -> None:
    x, y = read_back(*table(GOOD.encode()))
    assert x.tolist() == [[1, 2.5], [-3, 0.004], [5, 6]] and y.tolist() == [0, 1, 0]
    assert (x.dtype, y.dtype) == (np.float64, np.int64)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_encodings_are_found_and_make_no_difference(encoding: str) -> None:
    text = "身高,体重,类别\n1,2,猫\n3,5,狗\n4,4,猫\n"
    sheet = readers.sheet(text.encode(encoding))
    assert sheet.names == ("身高", "体重", "类别")
    assert sheet.encoding.startswith(encoding.removesuffix("-sig"))
    assert table(text.encode(encoding)) == table(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", ";").replace(".", ","),  # a decimal comma
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.replace("\n", "\n\n ,,\n"),
        GOOD.replace(",", " , "),
        '"x","y","kind"\n' + GOOD.partition("\n")[2],
        "kind,x,y\na,1,2.5\nb,-3,4e-3\na,5,6\n",
    ],
)
def test_ways_to_write_one_table(text: str) -> None:
    assert table(text.encode()) == table(GOOD.encode())


def test_a_first_row_of_numbers_is_no_header() -> None:
    sheet = readers.sheet(b"1,2,a\n3,4,b\n")
    assert sheet.names == ("column 1", "column 2", "column 3") and sheet.rows == [["1", "2", "a"], ["3", "4", "b"]]
    assert readers.sheet(b"2019,2020,kind\n1,2,a\n").names == ("column 1", "column 2", "column 3")
    assert readers.sheet(b"x,x,\n1,2,a\n").names == ("x", "x (2)", "column 3")


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("x,y,kind\n1,2,a\n3,4,b\n", ([0, 1], 2)),
        ("kind,x,y\na,1,2\nb,3,4\n", ([1, 2], 0)),
        ("label,x,y\n0,1,2\n1,3,4\n", ([1, 2], 0)),
        ("x,y,z\n0,1,2\n1,3,4\n", ([0, 1], 2)),
        ("id,类别,x\nq,1,2\nr,3,4\n", ([2], 1)),
    ],
)
def test_columns_are_guessed(text: str, guessed: tuple) -> None:
    assert readers.guess(readers.sheet(text.encode()), TABLE) == guessed


def test_a_table_may_have_no_labels() -> None:
    name, content = table(b"a,b\n1,2\n3,5\n", POINTS)
    x, y = read_back(name, content)
    assert shape(name) == (2, 2, 0) and x.tolist() == [[1, 2], [3, 5]] and y.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("content", "code", "details"),
    [
        (b"", "empty", {}),
        (b" \n\n", "empty", {}),
        (GOOD.encode() + b"1,2,caf\xe9\n", "encoding", {"row": 5, "byte": "0xE9"}),
        (GOOD.encode() + "1,2,Müller\n".encode("latin-1"), "encoding", {"row": 5, "byte": "0xFC"}),
        (b"PK\x03\x04" + b"x" * 50, "spreadsheet", {}),
        (b"\x89PNG\r\n\x1a\n1,2,3", "encoding", {"row": 1, "byte": "0x89"}),
        (b"x,y,kind\n1,2,\x07\n", "not_text", {"row": 2}),
        (GOOD.encode() + b"7,,a\n8,nan,b\n", "missing", {"row": 5, "column": "y", "count": 2}),
        (GOOD.encode() + b"7,8,\n", "missing", {"row": 5, "column": "kind", "count": 1}),
        (GOOD.replace("\n", "\n\n").encode() + b"7,8,\n", "missing", {"row": 9, "column": "kind", "count": 1}),
        (GOOD.encode() + b"7,inf,a\n", "number_size", {"row": 5, "column": "y", "value": "inf"}),
        (GOOD.encode() + b"7,1e200,a\n", "number_size", {"row": 5, "column": "y", "value": "1e200"}),
        (b"x,kind\n1,a\n2,a\n", "one_class", {"column": "kind", "value": "a"}),
        (b"x,kind\n1,a\n1,b\n", "constant", {"column": "x"}),
        (b"x,kind\n1,a\n", "one_class", {"column": "kind", "value": "a"}),
        (GOOD.encode() + b"7,8\n", "row_length", {"row": 5, "count": 2, "width": 3}),
        (GOOD.encode() + b'7,"8,a\n', "quotes", {"row": 5}),
        (b"x,kind\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(9)), "size_classes", {"count": 9}),
        (b"x,kind\n" + b"".join(b"%d,%d\n" % (i, i % 2) for i in range(1001)), "size_rows", {"count": 1001}),
        (b"kind,other\na,c\nb,d\n", "size_features", {"count": 0, "low": 1}),
        (b"1," * 2_000_001, "too_many_cells", {}),
        (b"x" * (readers.LARGEST + 1), "file_size", {"high": 10}),
        (b"x,kind\n1," + b"a" * 61 + b"\n2,b\n", "label_length", {"row": 2}),
    ],
)
def test_what_cannot_be_used_is_refused_with_row_and_reason(content: bytes, code: str, details: dict) -> None:
    found, said = refusal(content)
    assert found == code and details.items() <= said.items(), said


def test_text_among_numbers_is_named() -> None:
    lines = GOOD + "".join(f"{i},{i},a\n" for i in range(30)) + "one,8,a\n"
    assert refusal(lines.encode()) == ("text_in_numbers", {"row": 35, "column": "x", "value": "one"})
    sheet = readers.sheet(GOOD.encode())
    with pytest.raises(Refused, match="same_column"):
        readers.table(sheet, [0, 2], 2, TABLE)
    with pytest.raises(Refused, match="text_in_numbers"):
        readers.table(sheet, [0, 2], 1, TABLE)


def test_texts() -> None:
    name, content, encoding = readers.text("春眠\r\n不觉晓\r".encode("gb18030"), TEXT)
    assert (content.decode(), encoding, shape(name)) == ("春眠\n不觉晓\n", "gb18030", (7, 6))
    own.CONTENTS[name] = content
    assert own.text(name) == "春眠\n不觉晓\n"
    for wrong, code in ((b"ab", "size_characters"), (b"aaaa", "size_distinct"), (b"\xff\xff\xff", "encoding")):
        with pytest.raises(Refused, match=code):
            readers.text(wrong, TEXT)


def test_another_file_under_a_name_is_not_taken() -> None:
    name, content = table(GOOD.encode())
    own.CONTENTS[name] = content + b"9,9,a\n"
    with pytest.raises(ValueError, match="not the file"):
        own.table(name)


# Whatever a file holds


@TRIES
@given(st.binary(max_size=300) | st.text("0123456789.,;\t\n\"'ab-\r", max_size=200).map(str.encode))
def test_hostile_bytes_are_read_or_refused_and_nothing_else(content: bytes) -> None:
    try:
        name, cleaned = table(content)
    except Refused as refused:
        assert len(repr(refused.details)) < 2000
        for language in LANGUAGES:
            problem = Problem("own", refused.code, refused.details)
            assert explain(problem, words("perceptron", language), load("perceptron").Params)
    else:
        x, y = read_back(name, cleaned)
        assert shape(name) == (*x.shape, len(set(y))) and np.isfinite(x).all()
    with suppress(Refused):
        readers.text(content, TEXT)


LABELS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters=";"), min_size=1)
ROWS = st.lists(st.tuples(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30), LABELS), min_size=2, max_size=30)


@TRIES
@given(ROWS, st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_cleaning_keeps_every_number_and_label_and_is_done_once(rows: list, encoding: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([("first", "second", "kind"), *rows])
    sheet = readers.sheet(out.getvalue().encode())
    try:
        name, content = readers.table(sheet, [0, 1], 2, TABLE)
    except Refused as refused:
        assert refused.code in ("one_class", "constant", "size_classes", "missing", "label_length")
        return
    x, y = read_back(name, content)
    assert x.tolist() == [[a, b] for a, b, _ in rows]
    order = sorted({label for *_, label in rows})
    assert y.tolist() == [order.index(label) for *_, label in rows]
    again = readers.sheet(content.decode().encode(encoding)) if encoding != "gb18030" else readers.sheet(content)
    assert readers.table(again, [0, 1], 2, TABLE) == (name, content)


def test_every_refusal_has_its_words() -> None:
    parts = ("readers.py", "runs/uploads.py", "cli.py", "params.py")
    source = "".join((ROOT / part).read_text("utf-8") for part in parts)
    codes = set(re.findall(r'Refused\(\s*"(\w+)"', source))
    codes |= {f"size_{axis}" for axis in ("rows", "features", "classes", "characters", "distinct")}
    assert len(codes) > 25
    for language in LANGUAGES:
        assert not {f"problems.{code}" for code in codes} - words("", language).labels.keys()


def test_limits_of_concepts_are_within_those_of_files() -> None:
    for stem in ("perceptron", "optimizer_race"):
        kind = fields(load(stem).Params)["own"]
        assert isinstance(kind, Upload) and 2 * kind.bounds[0][1] <= readers.MOST_CELLS
    assert f"maxUploadSize = {readers.LARGEST // 2**20} " in (ROOT.parent / ".streamlit/config.toml").read_text()
