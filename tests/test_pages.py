"""Every page, waiting, running and done, in both languages, without a browser (streamlit's AppTest)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.concept.catalog import CATALOG, CONCEPTS
from core.concept.params import write
from core.concept.parts import experiment, load
from core.concept.text import words
from core.concepts.optimizer_race.tuning import tuned_contenders
from core.runs import manager as runs
from core.runs.limits import GRACE
from core.runs.store import Store
from core.ui.run_state import stopped

ROOT = Path(__file__).resolve().parents[1]
STEMS = [entry.stem for entry in CONCEPTS]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Manager]:
    """The server's manager on a store of its own."""
    manager = runs.Manager(Store(tmp_path_factory.mktemp("store")), cpu_slots=1).start()
    runs._shared = manager
    yield manager
    manager.close()
    runs._shared = None


def opened(stem: str, language: str, **link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = language
    app.run()  # the home page, which frees its address of what it does not know
    for name, value in link.items():
        app.query_params[name] = value
    return app.switch_page(f"pages/{stem}.py").run()


def charts(app: AppTest) -> int:
    return sum("lab_chart" in str(c.proto.component_name) for c in app.get("bidi_component"))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("stem", [entry.stem for entry in CATALOG if entry.place])
def test_places_open(manager: runs.Manager, stem: str, language: str) -> None:
    app = opened(stem, language)
    assert not app.exception and app.title[0].value


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("stem", STEMS)
def test_a_page_waits_runs_and_is_done(manager: runs.Manager, stem: str, language: str) -> None:
    tiny = write(experiment(stem).tiny)
    app = opened(stem, language, **tiny)
    assert not app.exception
    assert app.title[0].value == words(stem, language).title
    app.run()  # trains, or is done already
    assert not app.exception
    run = app.session_state["runs"][f"run:{stem}"]
    assert run.done.wait(60)
    app.run()
    assert run.status == runs.COMPLETE, run.error
    app.run()
    assert charts(app) == 1
    assert not app.exception and not app.warning
    assert app.query_params["lang"] == [language] or app.query_params["lang"] == language


@pytest.mark.parametrize("stem", STEMS)
def test_every_figure_and_every_folded_part(manager: runs.Manager, stem: str) -> None:
    concept, tiny = load(stem), experiment(stem).tiny
    app = opened(stem, "en", **write(tiny))
    manager.ask(stem, tiny).done.wait(60)
    app.run()
    for name in ("more", "claims", "lesson", "share", "table"):
        key = f"{stem}-fold-{name}-en"
        app.session_state[key] = True
    for figure in concept.figures:
        if figure.shown(tiny):
            app.session_state[f"figure:{stem}"] = figure.id
            app.run()
            assert not app.exception, figure.id


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_run_that_ended_without_its_reader_s_wish_says_why(language: str) -> None:
    run = runs.Run("", "perceptron", load("perceptron").Params(), "cpu", 0.0, runs.STOPPED)
    text = words("perceptron", language)
    plain = stopped(run, text)
    run.error = "unwatched"
    assert text.duration(GRACE) in stopped(run, text) and text.duration(GRACE) not in plain
    run.error = "no_file"
    assert text.say("failures.no_file") in stopped(run, text)


def test_the_pages_open_without_torch() -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "from core.runs import manager\n"
        "manager.Manager.start = lambda self: self\n"  # no workers: the pages wait
        f"for page in {['home', *STEMS]}:\n"
        "    app = AppTest.from_file('streamlit_app.py', default_timeout=60).run()\n"
        "    app.switch_page(f'pages/{page}.py').run()\n"
        "    assert not app.exception, app.exception\n"
        "assert 'torch' not in sys.modules\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_the_rates_a_sweep_chose_are_taken_by_a_button(manager: runs.Manager) -> None:
    tiny = experiment("optimizer_race").tiny
    app = opened("optimizer_race", "en", **write(tiny))
    run = manager.ask("optimizer_race", tiny)
    run.done.wait(60)
    app.run()
    label = words("optimizer_race", "en").say("words.take_tuned")
    next(b for b in app.button if b.label == label).click().run()
    assert not app.exception
    found = app.session_state["params"]["optimizer_race"]
    assert found == tiny.replace(contenders=tuned_contenders(run.result), sweep=0)
    assert label not in [b.label for b in app.button]
