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
from core.concept.catalog import LANGUAGES
from core.concept.messages import explain
from core.concept.params import AXES, Problem, Refused, Upload, fields, shape
from core.concept.parts import load
from core.concept.text import CONCEPTS, words
from core.ml import own

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
    assert sheet.how.encoding.startswith(encoding.removesuffix("-sig").replace("-", "_"))
    assert table(text.encode(encoding)) == table(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", ";").replace(".", ","),  # a decimal comma
        GOOD.replace(",", "\t").replace(".", ","),
        GOOD.replace(",", "|"),
        GOOD.replace(",", "|").replace(".", ","),
        "sep=;\n" + GOOD.replace(",", ";"),
        "sep=\t\r\n" + GOOD.replace(",", "\t"),
        GOOD.replace("-3,", "−3,"),  # the sign that is typeset
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


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("0,1,2\n5,6,a\n7,8,b\n", ("column 1", "column 2", "column 3")),
        ("0,1,2\n5,6,1\n7,8,0\n", ("column 1", "column 2", "column 3")),
        (",0,1,kind\n0,5,6,a\n1,7,8,b\n", ("column 1", "column 2", "column 3", "kind")),
        ("2019,2020,class\n5,6,a\n7,8,b\n", ("column 1", "column 2", "class")),
        ("2019,2020,sort\n5,6,a\n7,8,b\n5,8,a\n4,4,b\n", ("column 1", "column 2", "sort")),
    ],
)
def test_a_header_of_numbers_is_one(text: str, names: tuple) -> None:
    sheet = readers.sheet(text.encode())
    assert sheet.names == names and sheet.how.header and len(sheet.rows) == text.count("\n") - 1
    as_data = readers.sheet(text.encode(), readers.How(header=False))
    assert len(as_data.rows) == text.count("\n")


@pytest.mark.parametrize("first", ["", "Unnamed: 0", "id"])
@pytest.mark.parametrize("begin", [0, 1])
def test_numbers_of_rows_are_no_feature(first: str, begin: int) -> None:
    text = f"{first},x,kind\n" + "".join(f"{i + begin},{v},{'ab'[i % 2]}\n" for i, v in enumerate((3, 1, 2)))
    assert readers.guess(readers.sheet(text.encode()), TABLE) == ([1], 2)
    alone = readers.sheet(f"t\n{begin}\n{begin + 1}\n".encode())
    assert readers.guess(alone, Upload("", None, "table", ((2, 9), (1, 1), (0, 0)))) == ([0], None)


@pytest.mark.parametrize(
    "cell", ["1_1", "١٢", "１２", "infinity", "0x1F", "1e", ".", "1,2,3,", "12,4000", "1.2.3", "nan1"]
)
def test_what_is_no_number(cell: str) -> None:
    sheet = readers.sheet(f"x\tkind\n1.5\ta\n{cell}\tb\n".encode(), readers.How(delimiter="\t"))
    with pytest.raises(Refused, match="text_in_numbers"):
        readers.table(sheet, [0], 1, TABLE)


@pytest.mark.parametrize(
    ("content", "decimal", "numbers"),
    [
        ("x;kind\n12.400;a\n987;b\n3,5;a\n", ",", [12400, 987, 3.5]),
        ("x;kind\n1.234.567;a\n12.400;b\n", ",", [1234567, 12400]),
        ("x\tkind\n12,400\ta\n987.5\tb\n", ".", [12400, 987.5]),
        ('x,kind\n"1,234.5",a\n2,b\n', ".", [1234.5, 2]),
        ("x,kind\n12.345,a\n6.789,b\n", ".", [12.345, 6.789]),
        ("x;kind\n0.345;a\n6.789;b\n", ".", [0.345, 6.789]),
    ],
)
def test_the_decimal_sign_is_found(content: str, decimal: str, numbers: list) -> None:
    sheet = readers.sheet(content.encode())
    x, _ = read_back(*readers.table(sheet, *readers.guess(sheet, TABLE), TABLE))
    assert (x[:, 0].tolist(), sheet.how.decimal) == (numbers, decimal)


@pytest.mark.parametrize("delimiter", ",;\t|")
def test_thousands_or_decimals_are_asked_for(delimiter: str) -> None:
    content = "x,kind\n12.400,a\n987,b\n".replace(",", delimiter).encode()
    assert refusal(content) == ("decimal", {"row": 2, "column": "x", "value": "12.400"})
    for decimal, number in ((".", 12.4), (",", 12400.0)):
        found = readers.read(content, TABLE, readers.How(decimal=decimal))
        assert found.refused is None and read_back(found.name, found.cleaned)[0][:, 0].tolist() == [number, 987]
        assert found.preview == [[f"{number:g}", "a"], ["987", "b"]]  # the numbers that will be used


WORDS = {
    "cp949": "키,몸무게,종류\n1,2,고양이\n3,5,개\n",
    "euc_jp": "身長,体重,種類\n1,2,ねこ\n3,5,いぬ\n",
    "cp932": "身長,体重,種類\n1,2,ねこ\n3,5,いぬ\n",
    "cp874": "ส่วนสูง,น้ำหนัก,ชนิด\n1,2,แมว\n3,5,สุนัข\n",
    "cp1252": "Größe,Gewicht,Art\n1,2,Kätzchen\n3,5,Hündchen\n",
    "cp1251": "рост,вес,вид\n1,2,кошка\n3,5,собака\n",
    "koi8_r": "рост,вес,вид\n1,2,кошка\n3,5,собака\n",
    "cp1250": "wysokość,waga,klasa\n1,2,łoś\n3,5,żaba\n",
    "cp1253": "ύψος,βάρος,είδος\n1,2,γάτα\n3,5,σκύλος\n",
    "cp1254": "boy,ağırlık,tür\n1,2,kuş\n3,5,yılan\n",
    "big5": "身高,體重,類別\n1,2,貓\n3,5,狗\n",
    "gb18030": "身高,体重,类别\n1,2,猫\n3,5,狗\n",
}
FEW = [
    ("cp1252", "1,2,café\n"),
    ("cp949", "1,2,꽃\n3,4,잎\n"),
    ("gb18030", "1,2,甲\n3,4,乙\n"),
    ("cp1251", "1,2,КОШКА\n"),
    ("cp874", "1,2,ชาย\n"),
    ("cp874", "1,2,มา\n3,4,รส\n"),
]


@pytest.mark.parametrize(("encoding", "text"), [*WORDS.items(), *FEW])
def test_small_files_of_many_countries_are_read(encoding: str, text: str) -> None:
    content = text.encode(encoding)
    found = readers.sheet(content)
    assert found.how.encoding == encoding
    assert [found.names, *found.rows] == [readers.sheet(text.encode()).names, *readers.sheet(text.encode()).rows]


def test_another_encoding_can_be_chosen() -> None:
    content = "x,y,kind\n1,2,caf\xe9\n3,4,b\n".encode("latin-1")
    assert readers.sheet(content, readers.How("cp1251")).rows[0][2] == "cafй"
    found = readers.read(content, TABLE, readers.How("utf_8"))
    assert found.refused and found.refused.code == "encoding"
    assert found.refused.details == {"row": 2, "byte": "0xE9", "encoding": "utf_8"} and found.how.encoding == "utf_8"


@pytest.mark.parametrize("label", ["=cmd|' /C calc'!A0", "+cmd", "-1+2", "@SUM(1)", " =1", "'=1", "a;=1", "＝1"])
def test_no_label_is_a_formula(label: str) -> None:
    content = f'x,kind\n1,"{label}"\n2,b\n'.encode()
    code, details = refusal(content)
    assert (code, details["row"], details["column"]) == ("formula", 2, "kind")
    names = readers.sheet(f'"{label}",y\nm,1\nn,2\n'.encode()).names
    assert names[0] and not set(re.split(r"[;|]", names[0])[-1][:1]) & set("=+-@＝")


@pytest.mark.parametrize("label", ["-1", "+1", "−1.5", "+", "-", "a-b", "1 = 2"])
def test_signs_are_good_labels(label: str) -> None:
    assert shape(table(f"x,kind\n1,{label}\n2,b\n".encode())[0]) == (2, 1, 2)


def test_names_of_columns_differ_and_end() -> None:
    long = "x" * 50
    names = readers.sheet(f"{long} (3),{long}y,{long}y,a\n1,2,3,b\n".encode()).names
    assert len(set(names)) == 4 and max(map(len, names)) <= 60


def test_a_table_may_have_no_labels() -> None:
    name, content = table(b"a,b\n1,2\n3,5\n", POINTS)
    x, y = read_back(name, content)
    assert shape(name) == (2, 2, 0) and x.tolist() == [[1, 2], [3, 5]] and y.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("content", "code", "details"),
    [
        (b"", "empty", {}),
        (b" \n\n", "empty", {}),
        (b"PK\x03\x04" + b"x" * 50, "spreadsheet", {}),
        (b"\x89PNG\r\n\x1a\n1,2,3", "not_text", {"row": 2}),
        (b"x,y,kind\n1,2,\x07\n", "not_text", {"row": 2}),
        (GOOD.encode() + b"7,,a\n8,nan,b\n", "missing", {"row": 5, "column": "y", "count": 2}),
        (GOOD.encode() + b"7,8,\n", "missing", {"row": 5, "column": "kind", "count": 1}),
        (GOOD.replace("\n", "\n\n").encode() + b"7,8,\n", "missing", {"row": 9, "column": "kind", "count": 1}),
        (GOOD.encode() + b"7,1e200,a\n", "number_size", {"row": 5, "column": "y", "value": "1e200"}),
        (b"x,kind\n1,a\n2,a\n", "one_class", {"column": "kind", "value": "a"}),
        (b"x,kind\n1,a\n1,b\n", "constant", {"column": "x"}),
        (b"x,kind\n1,a\n", "size_rows", {"count": 1, "low": 2}),
        (GOOD.encode() + b"7,8\n", "row_length", {"row": 5, "count": 2, "width": 3}),
        (GOOD.encode() + b'7,"8,a\n', "quotes", {"row": 5}),
        (b"x,kind\n" + b"".join(b"%d,%d\n" % (i, i) for i in range(9)), "size_classes", {"count": 9}),
        (b"x,kind\n" + b"".join(b"%d,%d\n" % (i, i % 2) for i in range(1001)), "size_rows", {"count": 1001}),
        (b"kind,other\na,c\nb,d\n", "size_features", {"count": 0, "low": 1}),
        (b"1," * 2_000_001, "too_many_cells", {}),
        (b"x" * (readers.LARGEST + 1), "file_size", {"high": 10}),
        (b",".join(b"%d" % i for i in range(1001)), "too_many_columns", {"count": 1001, "high": 1000}),
        (GOOD.encode() + b"7,8," + b"a" * 140_000, "cell_length", {"row": 5}),
        (b"x,kind\n0,a\n1e-30,b\n1e10,a\n", "spread", {"column": "x"}),
        (b"x,kind\n0,a\n5e-324,b\n", "constant", {"column": "x"}),
        (b"x,kind\n1," + b"a" * 61 + b"\n2,b\n", "label_length", {"row": 2}),
    ],
)
def test_what_cannot_be_used_is_refused_with_row_and_reason(content: bytes, code: str, details: dict) -> None:
    found, said = refusal(content)
    assert found == code and details.items() <= said.items(), said


def test_text_among_numbers_is_named() -> None:
    lines = GOOD + "".join(f"{i},{i},a\n" for i in range(30)) + "one,8,a\n"
    assert refusal(lines.encode()) == ("text_in_numbers", {"row": 35, "column": "x", "value": "one"})
    for place, cell in ((1, "x"), (2, "y")):  # near the beginning, too, where columns are guessed
        cells = ["7", "8", "a"]
        cells[place - 1] = "1_1"
        found = refusal(f"{GOOD}{','.join(cells)}\n9,9,b\n".encode())
        assert found == ("text_in_numbers", {"row": 5, "column": cell, "value": "1_1"})
    sheet = readers.sheet(GOOD.encode())
    with pytest.raises(Refused, match="same_column"):
        readers.table(sheet, [0, 2], 2, TABLE)
    with pytest.raises(Refused, match="text_in_numbers"):
        readers.table(sheet, [0, 2], 1, TABLE)


def test_texts() -> None:
    how = readers.How()
    name, content = readers.text("春眠\r\n不觉晓\r".encode("gb18030"), TEXT, how)
    assert (content.decode(), how.encoding, shape(name)) == ("春眠\n不觉晓\n", "gb18030", (7, 6))
    own.CONTENTS[name] = content
    assert own.text(name) == "春眠\n不觉晓\n"
    for wrong, code in ((b"ab", "size_characters"), (b"aaaa", "size_distinct"), (b"\xff\xfe\xff", "encoding")):
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
        assert refused.code in (
            *("one_class", "constant", "spread", "size_classes", "missing", "label_length", "formula", "decimal"),
        )
        return
    x, y = read_back(name, content)
    assert x.tolist() == [[a, b] for a, b, _ in rows]
    order = sorted({label for *_, label in rows})
    assert y.tolist() == [order.index(label) for *_, label in rows]
    again = readers.sheet(content.decode().encode(encoding)) if encoding != "gb18030" else readers.sheet(content)
    assert readers.table(again, [0, 1], 2, TABLE) == (name, content)
    assert not any(cell[:1] in "=@" or re.match(r"[+-][^\d.]", cell) for row in again.rows for cell in row)


def test_every_refusal_has_its_words() -> None:
    parts = ("readers.py", "images.py", "runs/uploads.py", "cli.py", "concept/params.py")
    source = "".join((CONCEPTS.parent / part).read_text("utf-8") for part in parts)
    codes = set(re.findall(r'Refused\(\s*"(\w+)"', source))
    codes |= {f"size_{axis}" for axes in AXES.values() for axis in axes}
    assert len(codes) > 25
    for language in LANGUAGES:
        assert not {f"problems.{code}" for code in codes} - words("", language).labels.keys()


def test_limits_of_concepts_are_within_those_of_files() -> None:
    for stem in ("perceptron", "optimizer_race"):
        kind = fields(load(stem).Params)["own"]
        assert isinstance(kind, Upload) and 2 * kind.bounds[0][1] <= readers.MOST_CELLS
    assert (
        f"maxUploadSize = {readers.LARGEST // 2**20 + 1} "
        in (CONCEPTS.parents[1] / ".streamlit/config.toml").read_text()
    )
