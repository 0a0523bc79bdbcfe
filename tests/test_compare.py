"""Comparisons: links, where settings differ, figures over one another, tables as one, and whose history is whose."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.concept.catalog import CONCEPTS
from core.concept.params import (
    BaseParams,
    Choice,
    Field,
    Flag,
    Integer,
    Number,
    Rows,
    Table,
    Upload,
    canonical,
    fields,
    write,
)
from core.concept.params import read as read_params
from core.concept.parts import experiment, load
from core.concept.text import words
from core.conclusions.compare import (
    ABSENT,
    LETTERS,
    LONGEST_RUN,
    Comparison,
    asked,
    choose,
    chosen,
    differences,
    from_default,
    joined,
    run_text,
)
from core.figures import style
from core.figures.overlay import DASHES, common_axes, overlay
from core.runs import history as histories
from core.runs import manager as runs
from core.runs.history import History
from core.runs.store import Store
from core.ui.comparison import EXAMPLES

ROOT = Path(__file__).resolve().parents[1]
STEMS = [entry.stem for entry in CONCEPTS]
UPLOAD = f"sha256:{'a' * 64}:20x2x2"


def values(kind: Field) -> st.SearchStrategy:
    """Values that a field takes."""
    if isinstance(kind, Integer):
        return st.integers(kind.low, kind.high)
    if isinstance(kind, Number):
        return st.floats(kind.low, kind.high)
    if isinstance(kind, Choice):
        return st.sampled_from(kind.options)
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Rows):
        return st.lists(settings_of(kind.row), min_size=kind.low, max_size=min(kind.high, 4)).map(tuple)
    if isinstance(kind, Upload):
        return st.just("")
    if isinstance(kind, Table):
        row = st.tuples(*[values(kind.cell)] * len(kind.columns))
        return st.lists(row, min_size=kind.low, max_size=min(kind.high, 4)).map(tuple)
    alphabet = st.sampled_from(kind.alphabet) if kind.alphabet else st.characters(exclude_categories=["Cs"])
    return st.text(alphabet, max_size=min(kind.longest, 30))


def settings_of(cls: type[BaseParams]) -> st.SearchStrategy[BaseParams]:
    return st.fixed_dictionaries({name: values(kind) for name, kind in fields(cls).items()}).map(lambda v: cls(**v))


# Links


@pytest.mark.parametrize("stem", STEMS)
def test_a_link_brings_back_the_runs_of_a_comparison(stem: str) -> None:
    """Through the texts of a link and back, whatever the settings are."""

    @settings(max_examples=25)
    @given(st.lists(settings_of(load(stem).Params), min_size=1, max_size=4), st.sampled_from(["", *load(stem).devices]))
    def holds(params: list[BaseParams], device: str) -> None:
        texts = [run_text(each, device) for each in params]
        if max(map(len, texts)) > LONGEST_RUN:
            return
        link = write(choose(Comparison(concept=stem), texts))
        found, problems = read_params(Comparison, link)
        assert not problems and found.concept == stem and chosen(found) == texts
        for letter, text, each in zip(LETTERS, chosen(found), params):
            back = asked(stem, letter, text)
            assert canonical(back.params) == canonical(each) and back.device == device and not back.problems

    holds()


@pytest.mark.parametrize("stem", STEMS)
def test_the_defaults_the_presets_and_what_decides_claims_fit_into_a_link(stem: str) -> None:
    concept = load(stem)
    mine = [concept.Params(), *(concept.Params().replace(**p.changes) for p in concept.presets)]
    for params in [*mine, *(claim.params for claim in concept.claims)]:
        assert len(run_text(params, "fused")) <= LONGEST_RUN


@given(st.text(max_size=200) | st.dictionaries(st.text(max_size=8), st.text(max_size=12)).map(lambda d: json.dumps(d)))
@settings(max_examples=60)
def test_whatever_a_link_says_of_a_run_is_read_or_named(text: str) -> None:
    found = asked("dropout", "a", text)
    known = set(fields(load("dropout").Params)) | {"device"}
    unknown = {name for name, _ in parse_qsl(text, keep_blank_values=True)} - known
    assert len(found.problems) >= len(unknown)


def test_problems_of_a_run_are_named_with_its_field() -> None:
    found = asked("dropout", "b", "epochs=-3&seeds=4&colour=red&device=abacus")
    assert found.letter == "B" and found.params == load("dropout").Params(seeds=4) and found.device == ""
    assert {(p.field, p.code) for p in found.problems} == {
        ("epochs", "out_of_range"),
        ("colour", "unknown_field"),
        ("device", "unknown_option"),
    }


# Where settings differ


def test_only_fields_that_differ_are_said_in_the_readers_words() -> None:
    P = load("dropout").Params
    for language, activation in (("en", "tanh"), ("zh", "tanh")):
        text = words("dropout", language)
        found = dict(differences([P(), P(seeds=3, activation="tanh"), P(seeds=3)], text))
        assert found == {
            text.say("params.seeds"): [str(P().seeds), "3", "3"],
            text.say("params.activation"): ["ReLU", activation, "ReLU"],
        }
    assert differences([P(), P()], words("dropout", "en")) == []


def test_what_does_not_apply_is_absent() -> None:
    P, text = load("perceptron").Params, words("perceptron", "en")
    found = dict(differences([P(), P(data="moons")], text))
    assert found[text.say("params.margin")][1] == ABSENT and found[text.say("params.noise")][0] == ABSENT
    race, text = load("optimizer_race"), words("optimizer_race", "en")
    row = type(race.Params().contenders[0])
    one, other = (race.Params(contenders=(row(rule="sgd", momentum=momentum),)) for momentum in (0.0, 0.5))
    assert differences([one, other], text) == []  # plain SGD has no momentum


def test_contenders_are_compared_by_name_and_those_that_differ_alike_are_said_together() -> None:
    race, text = load("optimizer_race"), words("optimizer_race", "en")
    kind = fields(race.Params)["contenders"]
    assert isinstance(kind, Rows)

    def rows(**rates: float) -> BaseParams:
        return race.Params(contenders=tuple(kind.row(rule=rule, lr=lr) for rule, lr in rates.items()))

    found = differences([rows(sgd=0.1, adam=0.01, adagrad=0.1), rows(adam=0.01, sgd=0.3, adagrad=0.3)], text)
    assert found == [("Learning rate η (SGD, Adagrad)", ["0.1", "0.3"])]
    found = differences([rows(sgd=0.1, adam=0.01), rows(sgd=0.1)], text)
    assert len(found) == 1 and found[0][0] == "Contenders (Adam)" and found[0][1][1] == ABSENT
    found = differences([rows(sgd=0.1, adam=0.01), rows(adam=0.01, sgd=0.1)], text)
    assert found == [("Contenders", ["SGD, Adam", "Adam, SGD"])]


@pytest.mark.parametrize("stem", STEMS)
def test_settings_are_said_to_differ_exactly_when_their_runs_do(stem: str) -> None:
    cls = load(stem).Params

    @settings(max_examples=25)
    @given(settings_of(cls), settings_of(cls), st.sampled_from(["en", "zh"]))
    def holds(one: BaseParams, other: BaseParams, language: str) -> None:
        text = words(stem, language)
        assert bool(differences([one, other], text)) == (canonical(one) != canonical(other))
        assert differences([one, one, one], text) == []
        assert from_default(one, text)

    holds()


# Figures and tables


def curves(**lines: list[float]) -> go.Figure:
    figure = go.Figure(layout={"height": 300, "xaxis": {"title": "epoch"}, "yaxis": {"title": "loss"}})
    for i, (name, y) in enumerate(lines.items()):
        figure.add_scatter(x=np.arange(len(y)), y=y, name=name, mode="lines", line={"color": style.PALETTE[i]})
    return figure


def test_curves_of_a_name_share_a_colour_and_the_dash_tells_the_run() -> None:
    over = overlay({"A": curves(sgd=[1, 2], adam=[2, 3]), "B": curves(adam=[1, 5], sgd=[0, 1], lion=[3, 3])})
    assert over is not None
    found = {trace.name: (trace.line.color, trace.line.dash) for trace in over.data}
    assert found["A · sgd"] == (style.PALETTE[0], "solid") and found["B · sgd"] == (style.PALETTE[0], "dash")
    assert found["A · adam"][0] == found["B · adam"][0] == style.PALETTE[1]
    assert found["B · lion"][0] not in (style.PALETTE[0], style.PALETTE[1])
    assert list(over.to_plotly_json()["data"][2]["y"]) == [1, 5], "numbers are not touched"


def test_runs_with_one_curve_have_a_colour_each() -> None:
    over = overlay({letter: curves(loss=[1, 2]) for letter in "ABCD"})
    assert over is not None
    assert [t.line.color for t in over.data] == list(style.PALETTE[:4]) and [t.line.dash for t in over.data] == [
        *DASHES
    ]


def test_what_has_other_axes_or_no_curves_is_not_laid_over() -> None:
    plain, other, log = curves(a=[1, 2]), curves(a=[1, 2]), curves(a=[1, 2])
    other.update_yaxes(title="accuracy")
    log.update_yaxes(type="log")
    plane = curves(a=[1, 2]).update_yaxes(scaleanchor="x")
    bars = go.Figure(go.Bar(x=[1], y=[2]))
    assert overlay({"A": plain, "B": curves(a=[3, 4])}) is not None
    for figure in (other, log):
        assert overlay({"A": plain, "B": figure}) is None
    for figure in (plane, bars):
        assert overlay({"A": figure, "B": figure}) is None


def test_ranges_hold_the_curves_of_all_runs() -> None:
    wide, narrow = curves(a=[0, 10]), curves(a=[4, 5])
    common_axes([wide, narrow])
    assert wide.layout.yaxis.range == narrow.layout.yaxis.range
    low, high = narrow.layout.yaxis.range
    assert low <= 0 and high >= 10
    for figure, reach in ((wide, [0, 10]), (narrow, [2, 12])):
        figure.update_yaxes(range=reach)
    over = overlay({"A": wide, "B": narrow})
    assert over is not None and list(over.layout.yaxis.range) == [0, 12]


def test_tables_are_joined_where_they_agree_and_stacked_where_not() -> None:
    one, other = pd.DataFrame({"epoch": [0, 1], "SGD": [0.1, 0.2]}), pd.DataFrame({"epoch": [0, 1], "Adam": [0.3, 0.4]})
    both = joined({"A": one, "B": other}, "run")
    assert list(both.columns) == ["epoch", "A · SGD", "B · Adam"] and both["B · Adam"].tolist() == [0.3, 0.4]
    longer = pd.DataFrame({"epoch": [0, 1, 2], "SGD": [0.5, 0.6, 0.7]})
    stacked = joined({"A": one, "B": longer}, "run")
    assert stacked["run"].tolist() == ["A", "A", "B", "B", "B"] and stacked["SGD"].tolist() == [0.1, 0.2, 0.5, 0.6, 0.7]


# History


def ran(params: BaseParams, name: str = "dropout", device: str = "cpu") -> SimpleNamespace:
    return SimpleNamespace(name=name, params=params, device=device, seconds=1.0)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history", lambda name, person: person == "owner")


def test_nobody_reads_anybody_elses_history(history: History) -> None:
    P = load("dropout").Params
    history.add("one", ran(P(seeds=2)))
    history.add("two", ran(P(seeds=3)))
    assert [past.params.seeds for past in history.mine("one")] == [2]
    assert [past.params.seeds for past in history.mine("two")] == [3]
    assert history.mine("three") == [] and history.mine("") == [] and history.mine("../two") == []
    assert not [path for path in history.root.iterdir() if "one" in path.name], "the cookie itself is not kept"
    history.clear("one")
    assert history.mine("one") == [] and len(history.mine("two")) == 1


def test_a_run_on_an_upload_is_seen_only_by_who_may_read_the_upload(history: History) -> None:
    race = load("optimizer_race")
    run = ran(race.Params(own=UPLOAD), "optimizer_race")
    for person in ("owner", "stranger"):
        history.add(person, run)
    assert [past.params.own for past in history.mine("owner")] == [UPLOAD] and history.mine("stranger") == []


def test_the_latest_is_first_the_same_run_is_there_once_and_the_list_is_bounded(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "KEPT", 3)
    P = load("dropout").Params
    for seeds in (1, 2, 3, 2, 4):
        history.add("one", ran(P(seeds=seeds)))
    assert [past.params.seeds for past in history.mine("one")] == [4, 2, 3]
    history.pin("one", ran(P(seeds=3)), "dropout")
    history.add("one", ran(P(seeds=5)))
    found = history.mine("one")
    assert [past.params.seeds for past in found] == [5, 4, 2, 3] and [past.pinned for past in found] == [False] * 3 + [
        True
    ]
    history.pin("one", None, "dropout")
    assert not any(past.pinned for past in history.mine("one", "dropout")) and history.mine("one", "gan") == []


def test_a_damaged_or_outdated_list_is_empty_and_a_full_disk_no_error(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    P = load("dropout").Params
    history.add("one", ran(P()))
    file = next(history.root.iterdir())
    whole = file.read_text()
    for content in ("", "[1]", "{}", '[{"name": "nothing"}]', whole[:-9], whole.replace("seeds", "seats")):
        file.write_text(content)
        assert history.mine("one") == []
    (tmp_path / "file").write_text("")
    History(tmp_path / "file", lambda *_: True).add("one", ran(P()))


def test_old_lists_go(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    P = load("dropout").Params
    history.add("one", ran(P()))
    old = time.time() - 86400 * (histories.DAYS + 1)
    os.utime(next(history.root.iterdir()), (old, old))
    for person in ("two", "three"):
        history.add(person, ran(P()))
    history.sweep()
    assert history.mine("one") == [] and len(history.mine("two")) == 1
    monkeypatch.setattr(histories, "PEOPLE", 1)
    history.sweep()
    assert len(list(history.root.iterdir())) == 1


def test_nothing_half_written_stays(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    P = load("dropout").Params
    history.add("one", ran(P()))

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:9])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        patch.setattr(Path, "write_text", lambda self, text, encoding: full(self, text.encode()))
        history.add("one", ran(P(seeds=2)))
    assert len(history.mine("one")) == 1 and len(list(history.root.iterdir())) == 1
    left = history.root / ".0123"  # of a server that was killed
    left.write_text("[")
    history.sweep()
    assert left.exists()
    os.utime(left, (0, 0))
    history.sweep()
    assert not left.exists() and len(history.mine("one")) == 1


# The place


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Manager]:
    manager = runs.Manager(Store(tmp_path_factory.mktemp("store")), cpu_slots=1).start()
    runs._shared = manager
    yield manager
    manager.close()
    runs._shared = None


def opened(language: str, **link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.run()
    app.query_params.clear()
    for name, value in {"lang": language, **link}.items():
        app.query_params[name] = value
    app.session_state["language"] = language
    return app.switch_page("pages/compare.py").run()


def address(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[-1] for name, value in app.query_params.items()}


def charts(app: AppTest) -> list[dict]:
    found = [c for c in app.get("bidi_component") if "lab_chart" in str(c.proto.component_name)]
    return [json.loads(json.loads(c.proto.json)["figure"]) for c in found]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_link_shows_its_runs_where_they_differ_and_what_it_could_not_use(
    manager: runs.Manager, language: str
) -> None:
    tiny = experiment("dropout").tiny
    other = tiny.replace(weight_seed=tiny.weight_seed + 1)
    for params in (tiny, other):
        manager.ask("dropout", params).done.wait(60)
    link = {"a": run_text(tiny), "b": run_text(other) + "&colour=red", "picture": "loss"}
    app = opened(language, concept="dropout", **link)
    text = words("dropout", language)
    assert not app.exception
    assert "B" in app.warning[0].value and "colour" in app.warning[0].value
    (figure,) = charts(app)
    assert {trace["name"][:4] for trace in figure["data"] if trace.get("name")} == {"A · ", "B · "}
    table = next(t.value for t in app.table if "B" in t.value.columns)
    assert table.iloc[:, 0].tolist() == [text.say("params.weight_seed")]
    key = f"compare-view-dropout-{language}-1"  # told from outside, it hears under another key
    app.session_state["params"]["compare"] = dataclasses.replace(app.session_state["params"]["compare"], view="beside")
    app.run()
    assert not app.exception and len(charts(app)) == 2 and app.session_state[key] == "beside"


def test_what_is_refused_of_a_run_is_named_and_leaves_the_address(manager: runs.Manager) -> None:
    tiny = experiment("dropout").tiny
    manager.ask("dropout", tiny).done.wait(60)
    app = opened(
        "en", concept="dropout", a=run_text(tiny), b=f"{run_text(tiny)}&colour=red&epochs=-3", picture="x" * 41
    )
    for _ in range(2):  # it stays named until something changes
        assert not app.exception
        said = app.warning[0].value.replace("\\", "")
        assert "Run B: colour" in said and "Run B: Epochs (epochs): -3 is outside" in said and "Figure" in said
        held = address(app)
        assert held["a"] == run_text(tiny) and held["b"] == run_text(
            tiny.replace(epochs=load("dropout").Params().epochs)
        )
        app.run()
    app = opened("en", concept="dropout", a="x" * 50)
    assert not app.exception and address(app)["a"] == run_text(load("dropout").Params())


def test_somebody_elses_upload_is_asked_for_and_not_shown(manager: runs.Manager) -> None:
    app = opened("en", concept="optimizer_race", a=run_text(experiment("optimizer_race").tiny.replace(own=UPLOAD)))
    assert not app.exception and not charts(app)
    assert any("made with a file that is not here" in m.value for m in app.markdown)


def test_an_unknown_concept_is_named(manager: runs.Manager) -> None:
    app = opened("en", concept="alchemy", a="seeds=2")
    assert not app.exception and "alchemy" in app.warning[0].value


def test_examples_are_two_settings_whose_figures_lie_over_each_other() -> None:
    for stem, presets, figure in EXAMPLES:
        concept = load(stem)
        assert len({p.id for p in concept.presets} & set(presets)) == 2
        assert any(f.id == figure for f in concept.figures)
