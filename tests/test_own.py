"""A reader's own data on the pages, without a browser: what experiments make of them, and the widget for texts."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from streamlit.testing.v1 import AppTest

from core.concept import experiment, load
from core.ml.data import into_square, split, standardised
from core.ml.own import CONTENTS
from core.result import arrays
from core.runs import manager as runs
from core.runs.store import Store

ROOT = Path(__file__).resolve().parents[1]
X = np.random.default_rng(0).normal([5, -300, 1e6], [1, 40, 3], (90, 3)).round(3)
Y = np.arange(90) % 3
CSV = "a,b,c,kind\n" + "".join(f"{a!r},{b!r},{c!r},{'pqr'[y]}\n" for (a, b, c), y in zip(X.tolist(), Y))
NAME = f"sha256:{hashlib.sha256(CSV.encode()).hexdigest()}:90x3x3"


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[runs.Manager]:
    """A manager without workers: runs are asked for and wait. AppTest has no cookies."""
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {"lab-person": "anna"})
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
    params = load("optimizer_race").tiny.replace(own=NAME, epochs=40)
    assert not load("optimizer_race").data_files(params) and load("optimizer_race").cost(params).steps == 40 * 4
    assert not load("optimizer_race").figure("regions").shown(params)
    *_, result = experiment("optimizer_race").train(params)
    assert result.parameters == (3 + 1) * 4 + (4 + 1) * 3 and np.isfinite(result.loss).all()
    learnt = result.loss[:, :, -1, 0] < result.loss[:, :, 0, 0]
    assert learnt.all()
    assert all(values.size == 0 for name, values in arrays(result).items() if name in ("x", "y", "region"))


def test_a_run_on_own_data_is_another_run() -> None:
    from core.runs.key import run_key

    params = load("optimizer_race").tiny
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

    from core.params import BaseParams, upload
    from core.text import words
    from core.ui.own import Own

    @dataclass(frozen=True)
    class Params(BaseParams):
        own: str = upload("text", characters=(5, 100), distinct=(2, 50))

    state = st.session_state
    state.setdefault("generation:perceptron", 0)
    state.setdefault("problems:perceptron", [])
    known = state.setdefault("params", {"perceptron": Params()})["perceptron"]
    Own("perceptron", "own", Params(known.own), words("perceptron", "zh")).show()


def test_a_text_is_brought_in_whatever_encoding(manager: runs.Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # else later workers would import this page
    app = AppTest.from_function(one_text, default_timeout=60)
    app.session_state["perceptron-own-fold-zh"] = True
    app.run()
    poem = "春眠不觉晓，\r\n处处闻啼鸟。"
    app.get("file_uploader")[0].set_value(("poem.txt", poem.encode("gb18030"), "text/plain")).run()
    assert not app.exception and any("GB18030" in c.value for c in app.caption)
    next(b for b in app.button if b.label == "使用这份数据").click().run()
    name = app.session_state["params"]["perceptron"].own
    assert name.endswith(":13x12") and manager.uploads.content(name) == poem.replace("\r", "").encode()
