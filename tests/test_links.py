"""Links from strangers, generated: whatever they hold, the page opens and names what it refused.

`LAB_EXAMPLES=5000 make test` (or `pytest tests/test_links.py`) tries more of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core import cli
from core.catalog import CONCEPTS
from core.concept import load
from core.messages import explain
from core.params import LINK_VERSION, Upload, fields, read, write
from core.runs import manager as runs
from core.runs.store import Store
from core.text import words
from core.ui.controls import SPELLED_OUT
from core.ui.link import LONGEST, RESERVED, plain

ROOT = Path(__file__).resolve().parents[1]
STEMS = [entry.stem for entry in CONCEPTS]
EXAMPLES = int(os.environ.get("LAB_EXAMPLES", 120))
TRIES = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)

NASTY = ["", "nan", "inf", "-1", "1e99", "~~", "~-~", "sgd~lr", "a-b~c", "9" * 400, "१२", "\x00", "\u202e"]
NASTY += ["<script>alert(1)</script>", "![x](https://outside.example/x.png)", "../../etc/passwd"]
NASTY += ["{0}", "{field}", "%s", "$x$", ":smile:"]


def links(stem: str) -> st.SearchStrategy[dict[str, str]]:
    """A dictionary of query parameters: fields of the concept and others, with good values, bad ones and noise."""
    good = write(load(stem).tiny)
    noise = st.text(max_size=40) | st.sampled_from(NASTY) | st.sampled_from(list(good.values()))
    names = st.sampled_from([*fields(load(stem).Params), *RESERVED]) | st.text(min_size=1, max_size=20)
    return st.dictionaries(names.filter(lambda n: n != "embed" and not n.startswith("embed_")), noise, max_size=16)


@pytest.fixture(scope="module")
def without_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A manager that can start no worker: every run fails at once, with a message."""
    manager = runs.Manager(Store(tmp_path_factory.mktemp("store")))
    manager.trouble = "none in this test"
    manager.ready.set()
    runs._shared = manager
    yield
    runs._shared = None


@pytest.mark.parametrize("stem", STEMS)
def test_the_page_opens_and_names_every_refused_field(without_workers: None, stem: str) -> None:
    cls = load(stem).Params
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.switch_page(f"pages/{stem}.py").run()

    @TRIES
    @given(links(stem))
    def holds(link: dict[str, str]) -> None:
        app.query_params.clear()
        app.session_state["params"] = {}  # as on a first visit
        for name, value in link.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, (link, app.exception)
        mine = {name: value for name, value in link.items() if name not in RESERVED}
        problems = read(cls, mine)[1] if sum(map(len, mine.values())) <= LONGEST else []
        said = "\n".join(w.value for w in app.warning)
        language = app.session_state["language"]
        for problem in problems[:SPELLED_OUT]:
            assert plain(explain(problem, words(stem, language), cls)) in said, (problem, said)
        for problem in problems[SPELLED_OUT:]:
            assert plain(problem.field) in said
        if link.get("v", LINK_VERSION) != LINK_VERSION:
            assert said

    holds()


@pytest.mark.parametrize("stem", STEMS)
def test_the_command_line_names_every_refused_field(
    stem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cls, trained = load(stem).Params, []
    files = {name for name, kind in fields(cls).items() if isinstance(kind, Upload)}  # there a path is meant
    monkeypatch.setattr(cli, "trained", lambda *arguments: trained.append(arguments) or pytest.fail("trained"))

    @TRIES
    @given(links(stem))
    def holds(link: dict[str, str]) -> None:
        link = {n: v for n, v in link.items() if n not in {"device", *files} and "=" not in n and not n.startswith("-")}
        _, problems = read(cls, link)
        if not problems:
            return
        assert cli.main([stem, *(f"{name}={value}" for name, value in link.items())]) == cli.REFUSED
        said = capsys.readouterr().err
        for problem in problems:
            assert explain(problem, words(stem, "en"), cls, instead=False) in said

    holds()
