"""Whose run it is: every way to what was computed from another reader's file, tried by somebody who may not see it."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import talk
from core.concept.catalog import CATALOG, CONCEPTS
from core.concept.params import BaseParams, uploaded, write
from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concept.text import words
from core.conclusions.compare import run_text
from core.ml.own import CONTENTS
from core.runs import manager as runs
from core.runs import run as run_module
from core.runs.key import run_key, setting_key
from core.runs.store import Store
from core.runs.uploads import ANYONE, NotHere
from core.ui import first

ROOT = Path(__file__).resolve().parents[1]
STEM, ANNA, BO = "optimizer_race", "cookie-of-anna", "cookie-of-bo"
X = np.random.default_rng(3).normal(size=(60, 2)).round(3)
CSV = "a,b,kind\n" + "".join(f"{a!r},{b!r},{'pq'[a > b]}\n" for a, b in X.tolist())
NAME = f"sha256:{hashlib.sha256(CSV.encode()).hexdigest()}:60x2x2"
CONCEPT = load(STEM)
MINE, OTHER = experiment(STEM).tiny.replace(own=NAME), experiment(STEM).tiny.replace(data_seed=7)


@cache
def trained(params: BaseParams) -> BaseResult:
    CONTENTS[NAME] = CSV.encode()
    *_, result = train_module(STEM).train(params)
    return result


class Lab:
    """A manager without workers, in whose store is a run on Anna's file; who asks; and what they got of that run."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch):
        self.manager = runs.Manager(Store(root))
        self.who, self.seen, self.offered = ANNA, [], []
        self.manager.uploads.put(ANNA, NAME, CSV.encode(), "mine.csv")
        for params in (MINE, OTHER):
            result = trained(params)
            run = runs.Run(run_key(STEM, params, "cpu"), STEM, params, "cpu", 0.0, runs.COMPLETE, result)
            about = self.manager.carrier._provenance(run, runs.COMPLETE)
            state = {"weights": np.arange(3.0)}
            assert self.manager.store.save(run.key, result, about, state, setting_key(STEM, params))
        monkeypatch.setattr(runs, "_shared", self.manager)
        monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", property(self._cookies))
        monkeypatch.setattr(runs.Run, "__getattribute__", self._spied())
        monkeypatch.setattr(st, "download_button", self._offer)

    def _offer(self, label: str, data: Any, *rest: Any, disabled: bool = False, **more: Any) -> None:
        self.offered += [] if disabled else [data]

    def _cookies(self, context: object) -> dict[str, str]:
        return {"lab-person": self.who}

    def _spied(self) -> Callable[[runs.Run, str], Any]:
        def get(run: runs.Run, name: str) -> Any:
            asks = inspect.currentframe().f_back  # type: ignore[union-attr]
            itself = runs.__file__, run_module.__file__  # to count what it holds
            asks_itself = asks is not None and asks.f_code.co_filename in itself
            private = self.who == BO and not asks_itself and name in ("result", "drawn", "meta")
            if private and NAME in uploaded(run.params).values():
                self.seen.append("".join(f.filename + str(f.lineno) + " " for f in inspect.stack()[1:4]))
            return object.__getattribute__(run, name)

        return get

    def share(self, shared: bool) -> None:
        self.manager.uploads.share(NAME, ANNA, shared)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(tmp_path, monkeypatch)


BEAT = next(i for i, beat in enumerate(talk.load("which_optimizer"), 1) if beat.stem == STEM)
FIGURES = [figure.id for figure in CONCEPT.figures if figure.shown(MINE) and not figure.shown(CONCEPT.Params())]
WAYS: dict[str, tuple[str, dict[str, str]]] = {
    **{f"presenter, {id}": ("present", write(MINE) | {"concept": STEM, "figure": id}) for id in FIGURES},
    "a beat of a talk": ("present", {"talk": "which_optimizer", "beat": str(BEAT), "own": NAME}),
    "page": (STEM, write(MINE)),
    "comparison": ("compare", {"concept": STEM, "a": run_text(MINE), "b": run_text(OTHER)}),
    "comparison, by device": ("compare", {"concept": STEM, "a": run_text(MINE, "cpu")}),
}
ASKS = "a file that is not here"


def opened(place: str, query: dict[str, str], entered: bool = True) -> AppTest:
    """A page with everything unfolded; not `entered`: through the frame, which AppTest passes by where it can."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    app.run()  # the home page, which frees its address of what it does not know
    for name, value in query.items():
        app.query_params[name] = value
    for part in ("more", "claims", "share", "table", "predict"):
        app.session_state[f"{STEM}-fold-{part}-en"] = True
    for part in ("table", "standings"):
        app.session_state[f"compare-{part}-en"] = True
    app.session_state["entered"], app.session_state["arrives"] = entered, True
    app.switch_page(f"pages/{place}.py").run()
    assert not app.exception, app.exception
    return app


def said(app: AppTest) -> str:
    """All words on a page."""
    return " ".join(str(each.value) for kind in ("warning", "markdown", "caption") for each in app.get(kind))


def test_the_owner_sees_it_all(lab: Lab) -> None:
    """Else the test below would find nothing to refuse."""
    for way, (place, query) in WAYS.items():
        app = opened(place, query)
        if "talk" not in way:
            assert ASKS not in said(app), way
            assert "lab_chart" in {c.proto.component_name.split(".")[-1] for c in app.get("bidi_component")}, way
    assert lab.manager.file(NAME, ANNA) == CSV.encode()


@pytest.mark.parametrize("way", WAYS)
def test_a_second_visitor_is_asked_for_the_file_and_gets_nothing_of_it(lab: Lab, way: str) -> None:
    lab.who = BO
    place, query = WAYS[way]
    lab.manager.history.add(BO, lab.manager.find(STEM, OTHER))  # so that there are standings
    app = opened(place, query)
    app.run()
    assert ASKS in said(app) and lab.seen == []
    if place == STEM:
        address = "&".join(f"{name}={value}" for name, value in query.items())
        assert first.shown(STEM, address, "en", lab.manager) == ""
    for make in lab.offered:
        make()
    assert lab.seen == [] and not any(uploaded(params) for params in held(app))


def held(app: AppTest) -> set[Any]:
    """The settings of the runs that a session has, wherever in its state."""

    def within(value: Any) -> Iterator[Any]:
        if isinstance(value, runs.Run):
            yield value.params
        elif isinstance(value, (dict, list, tuple, set)):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from within(inner)

    state = app.session_state._state.filtered_state
    assert not set(within([value for name, value in state.items() if name != "runs"])), (
        "only core/ui/held.py holds runs"
    )
    return set(within(state.get("runs", {})))


@pytest.mark.parametrize(
    "way, gone",
    [
        ("page", "shared no more"),
        ("page", "deleted"),
        ("presenter, sensitivity", "deleted"),
        ("presenter, tuned", "shared no more"),
        ("comparison", "deleted"),
        ("comparison", "shared no more"),
    ],
)
def test_what_was_shared_is_gone_with_the_right_to_it(lab: Lab, way: str, gone: str) -> None:
    """Though the session holds the run, pinned, stood in for, compared, and offers it for download."""
    lab.who = BO
    lab.share(True)
    app = opened(*WAYS[way])
    if pins := [b for b in app.button if b.key == "pin"]:
        pins[0].click().run()
    assert ASKS not in said(app) and lab.seen and not app.exception
    offered = [*lab.offered]
    lab.who = ANNA
    if gone == "deleted":
        lab.manager.delete(NAME, ANNA)
    else:
        lab.share(False)
    lab.who = BO
    lab.seen.clear()
    app.run()
    assert not app.exception and ASKS in said(app) and lab.seen == []
    app.run()
    assert not app.exception and lab.seen == [] and MINE not in held(app)
    for make in offered:
        try:
            assert CSV.encode() not in (make() or b"" if callable(make) else make)
        except NotHere:
            pass
        except TypeError:  # words: settings and source, which hold the file's name at most
            assert CSV not in make()
    assert lab.seen == []


# The door


def gives(method: Callable[..., Any]) -> bool:
    """Whether a method hands out a run, its networks or a file."""
    given = str(inspect.signature(method).return_annotation)
    return any(kind in given for kind in ("Run", "Result", "Stored", "State", "bytes"))


GIVERS = [n for n, m in inspect.getmembers(runs.Manager, inspect.isfunction) if not n.startswith("_") and gives(m)]


def test_the_ruler_sees_what_gives() -> None:
    assert {"find", "ask", "question", "partial", "latest", "state", "quit", "again", "file"} <= set(GIVERS)


@pytest.mark.parametrize("name", GIVERS)
@pytest.mark.parametrize("person", [BO, ANYONE, None])
def test_whatever_gives_a_run_asks_for_whom(lab: Lab, name: str, person: str | None) -> None:
    method = getattr(lab.manager, name)
    if name == "shipped":  # results of defaults, which are on no file
        assert not any(uploaded(load(entry.stem).Params()) for entry in CONCEPTS)
        return
    run = lab.manager.find(STEM, MINE, person=ANNA)
    question = experiment("perceptron").ask("classify").question()
    what = NAME if name == "file" else STEM  # a file is named by its hash, all else by its experiment
    known = {"name": what, "params": MINE, "run": run, "watcher": "w", "ask": "classify"}
    known |= {"question": question, "person": person}
    wanted = inspect.signature(method).parameters
    given = {n: known[n] for n, p in wanted.items() if n in known and (n != "person" or person is not None)}
    assert "person" in wanted and all(n in known or p.default is not p.empty for n, p in wanted.items())
    try:
        assert method(**given) is None
    except NotHere as refused:
        assert refused.stem == STEM and refused.missing == {"own": NAME}


def test_readers_come_to_the_store_and_to_files_through_the_manager_only() -> None:
    doors = {"store": {"load", "complete", "latest", "state"}, "uploads": {"content"}}
    found = []
    for path in (*ROOT.glob("core/ui/*.py"), *ROOT.glob("pages/*.py"), ROOT / "core/server.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                inner = node.attr.startswith("_") and owner in ("manager", "store", "uploads", "history")
                found += [f"{path.name}: {owner}.{node.attr}"] if node.attr in doors.get(owner, ()) or inner else []
    assert found == []


def test_every_page_goes_through_the_frame() -> None:
    """Which says the sentence wherever something is refused that a page did not think of."""
    assert {path.stem for path in ROOT.glob("pages/*.py")} == {entry.stem for entry in CATALOG}


def test_a_page_that_does_not_think_of_it_shows_the_sentence(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ui.own.drop_unreadable", lambda stem, params: None)
    lab.who = BO
    app = opened(STEM, write(MINE), entered=False)
    assert words(STEM, "en").say("params.own") in said(app) and ASKS in said(app) and lab.seen == []
