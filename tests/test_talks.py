"""What holds for every talk, before anybody gives it. tests/browser/test_talks.py gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_text import CJK, holes

from core import cli, talk
from core.concept.catalog import LANGUAGES, TALKS
from core.concept.params import Integer, canonical, fields
from core.concept.parts import experiment, load
from core.conclusions import kept
from core.runs import manager as runs
from core.runs.engines import FUSED
from core.runs.key import run_key
from core.runs.store import Store
from core.talk import Beat
from core.ui.link import COMPLETES
from core.ui.present import PARTS, code

ROOT = Path(__file__).resolve().parents[1]
ALL = pytest.mark.parametrize("name", TALKS)
BEATS = [(name, beat) for name in TALKS for beat in talk.load(name)]
EACH = pytest.mark.parametrize(("name", "beat"), BEATS, ids=[f"{name}-{beat.id}" for name, beat in BEATS])


@ALL
def test_a_talk_has_eight_to_twelve_beats_and_words_for_each(name: str) -> None:
    beats = [beat.id for beat in talk.load(name)]
    assert 8 <= len(beats) <= 12 and len(set(beats)) == len(beats)
    en, zh = (talk.words(name, language) for language in LANGUAGES)
    for text in (en, zh):
        assert text.title and text.lead
        assert [key.split(".")[1] for key in text.labels] == beats
    assert en.hints.keys() == zh.hints.keys() and len(en.hints) >= len(beats) // 2, "questions to the room"
    for key in en.labels:
        assert holes(en.labels[key]) == holes(zh.labels[key])
        assert CJK.search(zh.labels[key]) and not CJK.search(en.labels[key])
        assert len(en.labels[key]) < 100 and len(en.hints.get(key, "")) < 90, "a line, to be read from the back row"


@EACH
def test_a_beat_can_be_shown(name: str, beat: Beat) -> None:
    concept, params = load(beat.stem), beat.params
    assert concept.figure(beat.figure).shown(params)
    assert not [field for field in (*beat.changes, *beat.knobs) if field not in canonical(params)]
    assert max(params.data_seed, params.weight_seed) < 50_000 - 100, "seeds that decide claims are not for show"
    for seed in ("data_seed", "weight_seed"):
        kind = fields(concept.Params)[seed]
        assert isinstance(kind, Integer) and getattr(params, seed) + getattr(params, "seeds", 1) <= kind.high


@EACH
def test_claims_that_a_line_leans_on_still_have_their_verdict(name: str, beat: Beat) -> None:
    stored = kept.stored(beat.stem)
    assert {id: stored[id]["verdict"] for id in beat.verdicts} == dict(beat.verdicts)


# In the page, without workers


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A manager that can start no worker: every run fails at once."""
    manager = runs.Manager(Store(tmp_path_factory.mktemp("store")))
    manager.places.trouble = "none in this test"
    manager.ready.set()
    runs._shared = manager
    yield
    runs._shared = None


def opened(**link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = link.get("lang", "en")  # a session keeps the language it begins with
    app.run()
    for name, value in link.items():
        app.query_params[name] = value
    return app.switch_page("pages/present.py").run()


def address(app: AppTest) -> dict[str, str]:
    said = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    return {name: value for name, value in said.items() if name != COMPLETES}  # which the browser takes out


@EACH
def test_every_beat_opens_and_the_address_holds_it(idle: None, name: str, beat: Beat) -> None:
    number = str(talk.load(name).index(beat) + 1)
    language = LANGUAGES[int(number) % 2]
    app = opened(talk=name, beat=number, lang=language)
    assert not app.exception and not app.warning
    assert address(app) == {"v": "1", "lang": language, "talk": name, "beat": number}
    assert app.session_state["params"][beat.stem] == beat.params
    assert app.session_state[f"figure:{beat.stem}"] == beat.figure


def test_what_was_changed_stands_in_the_address_beside_the_beat(idle: None) -> None:
    app = opened(talk="deep_nets", beat="1", data_seed="8", show="margin,n", hide="note", figure="mistakes")
    assert not app.exception and not app.warning
    found = address(app)
    assert found["data_seed"] == "8" and "weight_seed" not in found and found["figure"] == "mistakes"
    assert found["show"] == "margin,n" and found["hide"] == "note"
    assert app.session_state["params"]["perceptron"] == talk.load("deep_nets")[0].params.replace(data_seed=8)
    assert {w.label for w in (*app.slider, *app.selectbox)} >= {"Margin", "Points"}


def test_a_concept_alone(idle: None) -> None:
    app = opened(concept="perceptron", figure="mistakes", n="40")
    assert not app.exception and not app.warning
    assert {"concept": "perceptron", "figure": "mistakes", "n": "40"}.items() <= address(app).items()
    assert app.session_state["params"]["perceptron"].n == 40


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ({"talk": "nonsense"}, ["talk", "nonsense", "which_optimizer"]),
        ({"concept": "alchemy"}, ["concept", "alchemy"]),
        ({"talk": "deep_nets", "beat": "99"}, ["beat", "99"]),
        ({"talk": "deep_nets", "beat": "1", "show": "margin,colour", "hide": "room"}, ["colour", "room", PARTS[0]]),
        ({"talk": "deep_nets", "beat": "1", "n": "-3", "nonsense": "1"}, ["n", "3", "nonsense"]),
        ({"concept": "perceptron", "figure": "portrait", "device": "abacus"}, ["portrait", "abacus"]),
    ],
)
def test_what_does_not_stand_is_named(idle: None, link: dict[str, str], named: list[str]) -> None:
    app = opened(**link)
    assert not app.exception
    said = re.sub(r"\\", "", app.warning[0].value)
    assert all(name in said for name in named)


def test_a_field_that_does_not_stand_is_as_the_beat_has_it(idle: None) -> None:
    link = {"epochs": "x", "contenders": "alchemy", "figure": "portrait", "seeds": "3"}
    beat = talk.load("deep_nets")[2]
    app = opened(talk="deep_nets", beat="3", **link)
    assert not app.exception
    assert app.session_state["params"][beat.stem] == beat.params.replace(seeds=3) != load(beat.stem).Params(seeds=3)
    assert app.session_state[f"figure:{beat.stem}"] == beat.figure
    said = re.sub(r"\\", "", app.warning[0].value)
    assert f"Used instead: {beat.params.epochs}." in said and said.count("Used instead: what the beat has.") == 2
    assert address(app) == {"v": "1", "lang": "en", "talk": "deep_nets", "beat": "3", "seeds": "3"}


def test_presenting_does_not_spoil_the_links_of_other_pages(idle: None) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    app.query_params["hide"] = "title"
    app.switch_page("pages/perceptron.py").run()
    assert "hide" in app.warning[0].value


# What talks need of others


def test_a_result_of_another_engine_serves_unless_one_is_asked_for(tmp_path: Path) -> None:
    manager = runs.Manager(Store(tmp_path))
    tiny = experiment("optimizer_race").tiny
    result = list(cli.train_module("optimizer_race").train(tiny))[-1]
    meta = {
        "status": "complete",
        "concept": "optimizer_race",
        "seconds": 0.1,
        "device": "cpu",
        "engine": "fused kernel",
    }
    assert manager.store.save(run_key("optimizer_race", tiny, FUSED), result, meta)
    found = manager.find("optimizer_race", tiny)
    assert found is not None and found.result is not None and found.stored
    assert manager.ask("optimizer_race", tiny) is found
    assert manager.find("optimizer_race", tiny, "cpu") is None


def test_warm_knows_its_talks(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["warm", "a_talk_that_is_not"]) == cli.REFUSED
    assert "which_optimizer" in capsys.readouterr().err


def test_a_code_is_drawn_here_and_only_where_there_is_room() -> None:
    assert code("http://localhost/perceptron?n=40").startswith("<svg")
    assert code("http://localhost/" + "x" * 4000) == ""
