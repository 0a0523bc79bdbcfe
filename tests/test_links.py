"""Links from strangers, generated: whatever they hold, the page opens and names what it refused.

`LAB_EXAMPLES=5000 make test` (or `pytest tests/test_links.py`) tries more of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from core import cli
from core.concept.catalog import CONCEPTS
from core.concept.messages import explain
from core.concept.params import LINK_VERSION, Upload, fields, read, write
from core.concept.parts import experiment, load
from core.concept.text import words
from core.runs import manager as runs
from core.runs.store import Store
from core.ui.controls import SPELLED_OUT
from core.ui.link import FOREIGN, LONGEST, RESERVED, plain

ROOT = Path(__file__).resolve().parents[1]
STEMS = [entry.stem for entry in CONCEPTS]
EXAMPLES = int(os.environ.get("LAB_EXAMPLES", 120))
TRIES = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
# Of the pages, which share about five hundred links.
EVERY = settings(TRIES, max_examples=max(EXAMPLES // 10, 4 * EXAMPLES // len(STEMS)))

NASTY = ["", "nan", "inf", "-1", "1e99", "~~", "~-~", "sgd~lr", "a-b~c", "9" * 400, "१२", "\x00", "\u202e"]
NASTY += ["<script>alert(1)</script>", "![x](https://outside.example/x.png)", "../../etc/passwd"]
NASTY += ["{0}", "{field}", "%s", "$x$", ":smile:", "# x", "> x", "- x", "1. x", "x\n===", "x\n\n    y", "`x`", "&lt;"]


def links(stem: str) -> st.SearchStrategy[dict[str, str]]:
    """A dictionary of query parameters: fields of the concept and others, with good values, bad ones and noise."""
    good = write(experiment(stem).tiny)
    noise = st.text(max_size=40) | st.sampled_from(NASTY) | st.sampled_from(list(good.values()))
    names = st.sampled_from([*fields(load(stem).Params), *RESERVED]) | st.text(min_size=1, max_size=20)
    return st.dictionaries(names.filter(lambda n: not FOREIGN.fullmatch(n)), noise, max_size=16)


def held(app: AppTest, name: str) -> str:
    """What the address says of `name`."""
    found = app.query_params[name]
    return found if isinstance(found, str) else found[-1]


@pytest.fixture(scope="module")
def without_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A manager that can start no worker: every run fails at once, with a message."""
    manager = runs.Manager(Store(tmp_path_factory.mktemp("store")))
    manager.places.trouble = "none in this test"
    manager.ready.set()
    runs._shared = manager
    yield
    runs._shared = None


@pytest.mark.parametrize("stem", STEMS)
def test_the_page_opens_and_names_every_refused_field(without_workers: None, stem: str) -> None:
    cls = load(stem).Params
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.switch_page(f"pages/{stem}.py").run()

    @EVERY
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
        left = {name for name in app.query_params if name != "completes"}
        shown = app.session_state["params"][stem]
        assert left - {"v", "lang", "figure", "device"} == set(write(shown)), "the address holds what is shown"
        assert {name: held(app, name) for name in write(shown)} == write(shown)

    holds()


MARKS = st.sampled_from(
    [*"#>-+*_~`=|[](){}<>!&;:$@.\\/\"'0123456789 \t\n\r\u2028", "http://", "www.", "a", "&#35;", "![", "***"]
)


@TRIES
@given(st.lists(MARKS | st.text(max_size=4), max_size=30).map("".join))
def test_markdown_sees_nothing_but_text_in_what_a_stranger_wrote(text: str) -> None:
    said = plain(f"“{text}” x")  # as in a message; a paragraph drops blanks at its ends
    for before, blocks in (("- ", ["bullet_list", "list_item"]), ("", []), ("**A** ", [])):
        tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(f"{before}{said}")
        inside = [f"{block}_open" for block in [*blocks, "paragraph"]]
        assert [token.type for token in tokens if token.nesting == 1] == inside, text
        (inline,) = (token for token in tokens if token.type == "inline")
        found = inline.children or []
        if before == "**A** ":
            assert [t.type for t in found[:4]] == ["text", "strong_open", "text", "strong_close"]
            found = found[4:]
        assert {token.type for token in found} <= {"text"}, text
        shown = "".join(token.content for token in found).replace("\u2060", "")
        meant = re.sub(r"[\x00-\x1f\x7f\x85\u2028-\u202e\u2066-\u2069]+", " ", f"“{text}” x")
        assert shown.split() == meant.replace("\u2060", "").split()


@pytest.mark.parametrize("text", ["http://outside.example/x", "see www.outside.example", "somebody@outside.example"])
def test_an_address_that_a_stranger_wrote_is_no_link(text: str) -> None:
    """The app's Markdown looks for addresses in the text that is left, by these rules of GFM's autolinks."""
    assert re.search(r"https?://|www\.|[-.\w+]+@[-\w]", text)
    assert not re.search(r"https?://|www\.|[-.\w+]+@[-\w]", plain(text).replace("\\", ""))


ADDED = ["utm_source", "UTM_Campaign", "gclid", "fbclid", "msclkid", "mc_cid", "igshid", "igsh", "ref", "_gl", "embed"]


def test_no_setting_has_the_name_of_what_others_add_to_links() -> None:
    assert all(FOREIGN.fullmatch(name) for name in ADDED)
    for stem in STEMS:
        assert not [name for name in (*fields(load(stem).Params), *RESERVED) if FOREIGN.fullmatch(name)]


@pytest.mark.parametrize("stem", ["home", "dropout", "compare", "claims", "mistakes", "status", "present"])
def test_what_others_add_to_a_link_is_not_mentioned_and_goes(without_workers: None, stem: str) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name in ADDED[:-1]:
        app.query_params[name] = "mail"
    app.query_params["v"] = ["7", "1"]
    app.run()
    if stem != "home":
        for name in ADDED[:-1]:
            app.query_params[name] = "mail"
        app.session_state["arrives"] = True  # the frame sees it, which this harness passes by
        app.switch_page(f"pages/{stem}.py").run()
    assert not app.exception and not app.warning
    assert not {name for name in app.query_params if FOREIGN.fullmatch(name)} - {"completes"}
    assert held(app, "v") == "1"


@pytest.mark.parametrize("stem", ["home", "compare", "claims", "mistakes", "status", "present"])
def test_a_place_names_what_it_does_not_know_and_drops_it_from_its_address(without_workers: None, stem: str) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.switch_page(f"pages/{stem}.py").run()
    app.session_state["arrives"] = True
    app.query_params["nonsense"] = "# x"
    app.run()
    assert not app.exception and "nonsense" in app.warning[0].value
    assert "nonsense" not in app.query_params and held(app, "v") == "1"


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
        link = {
            n: v
            for n, v in link.items()
            if n not in {"device", "figure", *files} and "=" not in n and not n.startswith("-")
        }
        _, problems = read(cls, link)
        if not problems:
            return
        assert cli.main([stem, *(f"{name}={value}" for name, value in link.items())]) == cli.REFUSED
        said = capsys.readouterr().err
        for problem in problems:
            assert explain(problem, words(stem, "en"), cls, instead=False) in said

    holds()


# What a page asks its networks


def test_a_question_is_in_the_link_where_it_is_not_as_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_shared", runs.Manager(Store(tmp_path)))
    ring = "0BMg0Z"  # 38 pixels of paper, one of ink, 25 of paper
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    app.run()
    for name, value in {"lang": "en", "walk.start": "3", "walk.end": "99", "draw.pixels": ring, "walk.x": "1"}.items():
        app.query_params[name] = value
    app.session_state["arrives"] = True
    app.session_state["autoencoder-fold-walk-en"] = app.session_state["autoencoder-fold-draw-en"] = True
    app.switch_page("pages/autoencoder.py").run()
    assert not app.exception

    def link(name: str) -> str:
        found = app.query_params.get(name, [""])
        return found if isinstance(found, str) else found[0]

    assert link("walk.start") == "3" and link("draw.pixels") == ring and not link("walk.end") and not link("walk.x")
    warned = " ".join(warning.value for warning in app.warning)
    assert "walk.end: 99 is outside 1 … 10" in warned.replace("\\", "") and "walk.x" in warned.replace("\\", "")
    assert app.session_state["params"]["autoencoder.draw"].pixels == "0" * 38 + "g" + "0" * 25
    slider = next(slider for slider in app.slider if slider.label == "From picture")
    assert slider.value == 3
    slider.set_value(7).run()
    assert not app.exception and link("walk.start") == "7" and link("draw.pixels") == ring
    version = next(slider for slider in app.slider if slider.key == "autoencoder.walk-version-en")
    assert version.max == 3 and version.value == 2  # as many as there are
