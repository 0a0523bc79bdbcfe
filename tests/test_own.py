"""A reader's own data on the pages, without a browser: what experiments make of them, and the widget for texts."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest

from core import readers
from core.concept.params import Upload, fields
from core.concept.parts import experiment, load, train_module
from core.concept.result import arrays
from core.concepts.text_generation.corpora import divided, families
from core.concepts.text_generation.own import divisible
from core.ml.data import into_square, split, standardised
from core.ml.own import CONTENTS
from core.runs import manager as runs
from core.runs import reader
from core.runs.store import Store
from core.ui import incoming

ROOT = Path(__file__).resolve().parents[1]
X = np.random.default_rng(0).normal([5, -300, 1e6], [1, 40, 3], (90, 3)).round(3)
Y = np.arange(90) % 3
CSV = "a,b,c,kind\n" + "".join(f"{a!r},{b!r},{c!r},{'pqr'[y]}\n" for (a, b, c), y in zip(X.tolist(), Y))
NAME = f"sha256:{hashlib.sha256(CSV.encode()).hexdigest()}:90x3x3"


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[runs.Manager]:
    """A manager without workers: runs are asked for and wait. AppTest has no cookies."""
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {"lab-person": "anna"})
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # else later workers would import a page
    runs._shared = runs.Manager(Store(tmp_path))
    yield runs._shared
    runs._shared = None


def test_scaling_is_that_of_scikit_learn() -> None:
    assert np.allclose(into_square(X), MinMaxScaler((-1, 1)).fit_transform(X), atol=1e-9)
    data = split(X, Y, 3)
    scaler = StandardScaler().fit(data.x[0])
    for mine, raw in zip(standardised(data).x, data.x):
        assert mine.dtype == np.float32 and np.allclose(mine, scaler.transform(raw), atol=1e-5)


def test_the_race_trains_on_a_table_of_any_shape() -> None:
    CONTENTS[NAME] = CSV.encode()
    params = experiment("optimizer_race").tiny.replace(own=NAME, epochs=40)
    race = experiment("optimizer_race")
    assert not race.data_files(params) and race.cost(params).steps == 40 * 4
    assert not load("optimizer_race").figure("regions").shown(params)
    *_, result = train_module("optimizer_race").train(params)
    assert result.parameters == (3 + 1) * 4 + (4 + 1) * 3 and np.isfinite(result.loss).all()
    learnt = result.loss[:, :, -1, 0] < result.loss[:, :, 0, 0]
    assert learnt.all()
    assert all(values.size == 0 for name, values in arrays(result).items() if name in ("x", "y", "region"))


def test_a_run_on_own_data_is_another_run() -> None:
    from core.runs.key import run_key

    params = experiment("optimizer_race").tiny
    other = NAME.replace(NAME[7:15], "00000000")
    keys = [run_key("optimizer_race", params.replace(own=own), "cpu") for own in ("", NAME, other)]
    assert len(set(keys)) == 3


def test_a_table_is_brought_used_left_used_again_and_deleted(manager: runs.Manager) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    app.run()
    app.session_state["optimizer_race-own-fold-en"] = True
    app.switch_page("pages/optimizer_race.py").run()
    assert not app.exception

    def press(label: str) -> None:
        next(b for b in app.button if b.label == label).click().run()
        assert not app.exception

    def mine() -> str:
        return app.session_state["params"]["optimizer_race"].own

    app.get("file_uploader")[0].set_value(("my_table.csv", CSV.encode(), "text/csv")).run()
    assert not app.exception and any("90 rows, 3 number columns, 3 classes" in c.value for c in app.caption)
    assert mine() == "" and manager.uploads.usage()["files"] == 0  # nothing is kept before
    press("Use these data")
    assert mine() == NAME and manager.uploads.usage()["files"] == 1
    assert app.query_params["own"] in (NAME, [NAME])
    press("Do not use")
    assert mine() == ""
    app.session_state["optimizer_race-own-fold-en"] = True
    app.run()
    press("my\\_table\\.csv")
    assert mine() == NAME
    press("Delete")
    assert mine() == "" and manager.uploads.usage()["files"] == 0


def one_text() -> None:
    """A page with nothing but a field for a text."""
    from dataclasses import dataclass

    import streamlit as st

    from core.concept.params import BaseParams, upload
    from core.concept.text import words
    from core.ui.own import Own

    @dataclass(frozen=True)
    class Params(BaseParams):
        own: str = upload("text", characters=(5, 100), distinct=(2, 50))

    state = st.session_state
    state.setdefault("generation:perceptron", 0)
    state.setdefault("problems:perceptron", [])
    known = state.setdefault("params", {"perceptron": Params()})["perceptron"]
    Own("perceptron", "own", Params(known.own), words("perceptron", "zh")).show()


def test_a_text_is_brought_in_whatever_encoding(manager: runs.Manager) -> None:
    app = AppTest.from_function(one_text, default_timeout=60)
    app.session_state["perceptron-own-fold-zh"] = True
    app.run()
    poem = "春眠不觉晓，\r\n处处闻啼鸟。"
    app.get("file_uploader")[0].set_value(("poem.txt", poem.encode("gb18030"), "text/plain")).run()
    assert not app.exception and app.selectbox[0].value == "gb18030"
    next(b for b in app.button if b.label == "使用这份数据").click().run()
    name = app.session_state["params"]["perceptron"].own
    assert name.endswith(":13x12") and manager.uploads.content(name) == poem.replace("\r", "").encode()


def test_the_encoding_is_what_the_reader_says_it_is(manager: runs.Manager) -> None:
    app = AppTest.from_function(one_text, default_timeout=60)
    app.session_state["perceptron-own-fold-zh"] = True
    app.run()
    app.get("file_uploader")[0].set_value(("cat.txt", "Kätzchen".encode("cp1252"), "text/plain")).run()
    assert app.selectbox and app.selectbox[0].value == "cp1252"
    app.selectbox[0].select("cp1251").run()
    next(b for b in app.button if b.label == "使用这份数据").click().run()
    assert not app.exception
    assert manager.uploads.content(app.session_state["params"]["perceptron"].own) == "Kдtzchen".encode()


def test_a_page_shows_what_was_understood_and_takes_another_word_for_it(manager: runs.Manager) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    app.run()
    app.session_state["optimizer_race-own-fold-en"] = True
    app.switch_page("pages/optimizer_race.py").run()
    rows = "".join(f"{i}.500;{'pq'[i % 2]}\n" for i in range(1, 30)) + "987;p\n"
    app.get("file_uploader")[0].set_value(("../../../../etc/pass\0wd", f"x;kind\n{rows}".encode(), "")).run()
    assert not app.exception and any("can be read in two ways" in e.value for e in app.error)
    assert not [b for b in app.button if b.label == "Use these data"]

    def understood() -> dict:
        return {box.label: box.value for box in app.selectbox}

    assert understood()["Columns are separated by"] == ";" and understood()["First row"] is True
    assert understood()["Encoding"] == "utf_8" and understood()["Decimal sign"] is None
    next(box for box in app.selectbox if box.label == "Decimal sign").select(",").run()
    assert not app.exception and not app.error and understood()["Decimal sign"] == ","
    assert app.table[0].value.iloc[:, 0].tolist()[0] == "1500"  # the number that will be used, not the file's text
    next(b for b in app.button if b.label == "Use these data").click().run()
    assert not app.exception and [mine.label for mine in manager.uploads.mine("anna")] == ["pass wd"]


def test_without_a_cookie_nothing_is_kept(manager: runs.Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ui.own.known", lambda: False)
    app = AppTest.from_function(one_text, default_timeout=60)
    app.session_state["perceptron-own-fold-zh"] = True
    app.run()
    assert (
        not app.exception
        and not app.get("file_uploader")
        and any("Cookie" in c.value or "cookie" in c.value for c in app.warning)
    )


@pytest.mark.parametrize(("name", "kept"), [("a\x00b.csv", "a b.csv"), (".", "."), ("", ""), ("x" * 5000, "x" * 60)])
def test_every_name_of_a_file_will_do(name: str, kept: str) -> None:
    from core.ui.own import _named

    assert _named(name) == kept and _named("..\\..\\" + name) == kept


LETTERS = np.random.default_rng(1)
TEXTS = {  # what the reader says of a text
    "too_alike": "abcde fghij\n" * 300,
    "hangs_together": "\n".join([f"{i} " + "one stem " * 6 for i in range(60)] + [f"{i}" * 9 for i in range(90)]),
    "long_passage": "\n".join("".join(LETTERS.choice(list("abcdefgh"), 250)) for _ in range(10)),
    "": "\n".join("".join(LETTERS.choice(list("abcdefgh"), 3)) for _ in range(700)),
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_text_is_refused_in_words_or_trained_on(code: str) -> None:
    kind = fields(load("text_generation").Params)["own"]
    found = readers.read(TEXTS[code].encode(), kind, readers.How())
    assert (found.refused.code if found.refused else "") == code
    if not code:
        CONTENTS[found.name] = found.cleaned
        *_, result = train_module("text_generation").train(
            experiment("text_generation").tiny.replace(own=found.name, seeds=1)
        )
        assert np.isfinite(result.bits).all()


def test_a_text_that_is_taken_can_be_divided_whatever_the_seed() -> None:
    passages = [f"{i:02}{'xyz'[i % 3] * 20}" for i in range(14)]
    divisible("\n".join(passages))
    groups = families(tuple(passages))
    for seed in range(300):
        sides = divided(tuple(passages), groups, seed)
        assert len(sides[0]) >= 3 and len(sides[1]) >= 2 and len(sides[2]) >= 2


COLUMNS = st.lists(
    st.sampled_from([0.0, 1.0, -1.0, 1e30, -1e30, 1e-30, 5e-324, 1e16, 1e16 + 2, 0.1, 1e-200]) | st.floats(-1e30, 1e30),
    min_size=20,
    max_size=20,
)


@pytest.mark.parametrize("stem", ["perceptron", "optimizers", "activations"])  # each way to scale a table
@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(column=COLUMNS, other=COLUMNS, alone=st.integers(0, 19))
def test_a_table_is_refused_in_words_or_trained_on(stem: str, column: list, other: list, alone: int) -> None:
    kind = fields(load(stem).Params)["own"]
    features, classes = kind.bounds[1][1], kind.bounds[2][1]
    columns = [column, other][: min(features, 2)] + (
        [["b" if i == alone else "a" for i in range(20)]] if classes else []
    )
    content = "\n".join(",".join(map(str, row)) for row in [["x", "y", "class"][: len(columns)], *zip(*columns)])
    found = readers.read(content.encode(), kind, readers.How(delimiter=",", header=True, decimal="."))
    if found.refused:
        assert found.refused.code in ("constant", "spread"), found.refused.details
        return
    CONTENTS[found.name] = found.cleaned
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # what does not fit into a number
        *_, result = train_module(stem).train(experiment(stem).tiny.replace(own=found.name))
    assert result.complete


# Large files, and what browsers send


TABLE = Upload("", None, "table", ((20, 100_000), (1, 64), (2, 20)))
HOSTILE = {
    "one row of names": ",".join(f"n{i}" for i in range(300_000)).encode(),
    "names": b"\n".join(b"name%d" % i for i in range(300_000)),
    "quotes": b'"' * 2**20,
    "bytes": np.random.default_rng(0).bytes(2**20),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_by_another_process(what: str) -> None:
    found = reader.read(HOSTILE[what], TABLE, readers.How())
    assert found.refused and found.refused.code in (
        "too_many_columns",
        "size_features",
        "too_slow",
        "size_rows",
        "cell_length",
        "encoding",
    )


def test_a_large_file_is_read_as_a_small_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = []
    monkeypatch.setattr(reader, "LARGE", 0)
    found = reader.read(CSV.encode(), TABLE, readers.How(), None, lambda: apart.append(1))
    assert apart and found == readers.read(CSV.encode(), TABLE, readers.How()) and found.name == NAME


WORKS = (
    "from core.runs import reader; reader.SECONDS = 1; "
    "reader.readers.read = lambda *request: sum(iter(int, 1)); reader.main()"
)


@pytest.mark.parametrize(("does", "patience"), [("import time; time.sleep(60)", 0.3), (WORKS, 60.0)])
def test_reading_ends_with_its_visitor_and_with_its_time(
    monkeypatch: pytest.MonkeyPatch, does: str, patience: float
) -> None:
    started = []
    popen = reader.subprocess.Popen

    def noted(*arguments: Any, **settings: Any) -> Any:
        started.append(popen([sys.executable, "-c", does], **settings))
        return started[-1]

    monkeypatch.setattr(reader.subprocess, "Popen", noted)
    monkeypatch.setattr(reader, "PATIENCE", patience)
    content = b"1," * 200_000
    found = reader.read(content, TABLE, readers.How())
    assert found.refused and found.refused.code == "too_slow"

    def gone() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reader.read(content, TABLE, readers.How(), None, gone)
    assert len(started) == 2 and all(process.poll() is not None for process in started)
    assert reader._turns.acquire(blocking=False) and reader._turns.acquire(blocking=False)  # both turns are free again
    reader._turns.release(2)


def test_what_browsers_send_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    held = incoming.Incoming("/here")

    def send(session: str, file: str, size: int) -> None:
        held.add_file(session, UploadedFileRec(file, "a.csv", "", bytes(size)))

    for i in range(80):
        send("greedy", f"{i}", readers.LARGEST)
    assert [r.file_id for r in held.get_files("greedy", [f"{i}" for i in range(80)])] == ["78", "79"]
    send("modest", "mine", 1000)
    monkeypatch.setattr(incoming, "IN_ALL", 3 * readers.LARGEST)
    for i in range(4):
        send(f"another {i}", "theirs", readers.LARGEST)
    assert held.get_files("modest", ["mine"])  # who has most gives way
    assert sum(len(f.data) for files in held.file_storage.values() for f in files.values()) <= incoming.IN_ALL


def test_the_server_holds_what_is_sent_there() -> None:
    code = """
from core.server import create
app = create()
runtime = app._create_runtime()
print(type(runtime.uploaded_file_mgr).__name__)"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("Incoming"), done.stderr
