"""What a browser may send under the name of a component, honest or not: used in the shape declared, or not heard."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.state.session_state import SessionState, WStates
from streamlit.testing.v1 import AppTest

from core.concept.params import Drawing, fields, write
from core.concept.parts import experiment
from core.runs import manager as runs
from core.runs.store import Store
from core.ui.chart import SENT
from core.ui.controls import on_paper
from core.ui.heard import LONGEST, by_type, heard
from core.ui.pad import meant, numbers
from core.ui.rows import CHANGES
from core.ui.table import CHANGES as OF_TABLES
from tests.fields import Params as Fields

ROOT = Path(__file__).resolve().parents[1]
SHAPES = (str, bool, int, float, *SENT.values(), *CHANGES, *OF_TABLES, {"do": str, "beat": int})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "y", "do", "beat", "row", "field", "value", "remove", "add"]), inner)
    ),
)


def fits(said: Any, shape: Any) -> bool:
    """Whether something has exactly a shape: the same rule, said another way."""
    if isinstance(shape, dict):
        return type(said) is dict and said.keys() == shape.keys() and all(fits(said[n], shape[n]) for n in shape)
    if isinstance(shape, list):
        return type(said) is list and all(fits(item, shape[0]) for item in said)
    return (
        type(said) is shape
        and (shape is not float or math.isfinite(said))
        and (shape is not str or len(said) <= LONGEST)
    )


@given(JSON, st.sampled_from(SHAPES))
def test_what_is_heard_has_the_shape(said: Any, shape: Any) -> None:
    found = heard(SimpleNamespace(event=said), "event", shape)
    assert found is None or fits(found, shape)
    if fits(said, shape):
        assert found == said


def test_what_a_script_sends_is_heard() -> None:
    def say(said: Any, *shapes: Any) -> Any:
        return heard(SimpleNamespace(event=said), "event", *shapes)

    assert say({"x": 1, "y": -0.5}, SENT["click"]) == {"x": 1.0, "y": -0.5}
    assert (
        say([{"x": 1, "y": 2, "curve": 0}], SENT["selected"]) == [{"x": 1.0, "y": 2.0}]
        and say([], SENT["selected"]) == []
    )
    assert say({"row": 0, "field": "lr", "value": "0.1"}, *CHANGES) == {"row": 0, "field": "lr", "value": "0.1"}
    assert say({"remove": 0}, *CHANGES) == {"remove": 0} and say({"add": True}, *CHANGES) == {"add": True}
    for junk in (None, {"remove": True}, {"remove": "0"}, {"row": 0, "field": "lr", "value": 0.1}, [], "x", {}):
        assert say(junk, *CHANGES) is None
    for number in (math.nan, math.inf, 10**400, True, "1"):
        assert say({"x": number, "y": 0.0}, SENT["click"]) is None
    assert say("x" * (LONGEST + 1), str) is None and say("a\ud800", str) is None and heard(None, "event", str) is None


def test_what_is_drawn_is_heard_whole_or_not_at_all() -> None:
    ink, wave, places = Drawing("", None, 2, 2, 17), fields(Fields)["wave"], fields(Fields)["places"]

    def say(kind: Any, said: Any) -> Any:
        found = heard(SimpleNamespace(drawn=said), "drawn", [float])
        return None if found is None else meant(kind, found)

    assert say(ink, [0, 16, 3, 0]) == "0g30" and say(ink, [0, 0, 0, 0]) == "" and numbers(ink, "0g30") == [0, 16, 3, 0]
    for junk in (None, [0, 0, 0], [0] * 5, [0, 0, 0, 17], [0, -1, 0, 0], [0, 1.5, 0, 0], [True, 0, 0, 0], "0000"):
        assert say(ink, junk) is None
    assert say(wave, [0.5] * 12) == ((0.5,) * 12,) and say(wave, [0.5] * 11) is None and say(wave, [2] * 12) is None
    assert say(places, [0, 1, -1, 0.5]) == ((0.0, 1.0), (-1.0, 0.5)) and say(places, []) == ()
    assert say(places, [0] * 12) is None and say(places, [0, 1, 1]) is None and say(places, [0, 7]) is None
    for name, kind in fields(Fields).items():
        if on_paper(kind):
            assert meant(kind, [*map(float, numbers(kind, getattr(Fields(), name)))]) == getattr(Fields(), name)


EVENTS = ("open", "change", "click", "selected", "act", "drawn")
EVENT = EVENTS[1]
JUNK: list[Any] = [
    *(None, True, 7, 1e999, math.nan, "x", "x" * 200_000, "\ud800", [], [[]], [None], {}, {"a": {"b": [None]}}),
    *(
        {"x": "1", "y": []},
        {"x": math.nan, "y": 1},
        {"x": 1e999, "y": 0},
        {"x": 1},
        [{"x": "a", "y": 0}],
        [{"x": math.nan}],
    ),
    *(
        {"do": []},
        {"do": "beat"},
        {"do": "beat", "beat": "2"},
        {"do": "beat", "beat": {}},
        {"do": "beat", "beat": 1e999},
    ),
    *(
        {"remove": "a"},
        {"remove": [0]},
        {"row": [], "field": {}, "value": None},
        {"row": 0, "field": ["lr"], "value": 1},
        {"row": 0, "field": "lr", "value": "\ud800"},
        {"row": 0, "field": "\ud800", "value": "1"},
        {"do": "\ud800"},
    ),
]


WRONG: list[dict[str, Any]] = [  # states of widgets, right for some, wrong for others, or for all
    *({"string_value": "x"}, {"string_value": "x" * 200_000}, {"bool_value": True}, {"int_value": -(2**62)}),
    *({"double_value": number} for number in (math.nan, math.inf, -1e308)),
    *({"double_array_value": {"data": data}} for data in ([], [math.nan], [1e308, 0, 1])),
    *({"string_array_value": {"data": data}} for data in ([], ["x"], ["x"] * 9000)),
    *({"json_value": said} for said in ("", "x", "[" * 2000 + "]" * 2000, "9" * 5000)),
    *({"json_trigger_value": said} for said in ("", '["x"]', "[" * 2000 + "]" * 2000, "9" * 5000)),
    *({name: f'{{"{EVENT}": {"[" * 900}{"]" * 900}}}'} for name in ("json_value", "json_trigger_value")),
    *({"bytes_value": b"x"}, {"arrow_value": {"data": b"x"}}, {"string_trigger_value": {"data": "x"}}),
    *({"file_uploader_state_value": {"uploaded_file_info": [{"file_id": "x", "name": "y"}]}}, {"trigger_value": True}),
    *({"chat_input_value": {"data": "x"}}, {}),
]


@pytest.fixture(scope="module", autouse=True)
def as_the_server_hears() -> Iterator[None]:
    kept = WStates.__getitem__, SessionState.set_widgets_from_proto
    by_type()
    yield
    WStates.__getitem__, SessionState.set_widgets_from_proto = kept  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[runs.Manager]:
    """Without workers: pages wait."""
    runs._shared = runs.Manager(Store(tmp_path_factory.mktemp("store")))
    yield runs._shared
    runs._shared = None


def sent(app: AppTest, said: Any) -> None:
    """The page run again with this said for every event of every component, as a click and as a state."""
    states = app._tree.get_widget_states()
    for component in app.get("bidi_component"):
        state = states.widgets.add(id=component.proto.id)
        state.json_value = json.dumps(dict.fromkeys(EVENTS, said))
        click = states.widgets.add(id=_make_trigger_id(component.proto.id, "events"))
        click.json_trigger_value = json.dumps([{"event": event, "value": said} for event in EVENTS])
    app._run(states)


PLACES = pytest.mark.parametrize(
    ("place", "query"),
    [
        ("home", {}),
        ("claims", {}),
        ("mistakes", {}),
        ("perceptron", write(experiment("perceptron").tiny)),
        ("optimizers", {}),
        ("present", {"talk": "which_optimizer", "beat": "2"}),
    ],
)


def opened(place: str, query: dict[str, str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    app.run()  # the home page, which frees its address of what it does not know
    for name, value in query.items():
        app.query_params[name] = value
    app.session_state["arrives"] = True
    app.switch_page(f"pages/{place}.py").run()
    assert not app.exception and app.get("bidi_component")
    return app


def settings(app: AppTest) -> dict[str, Any]:
    return dict(app.session_state["params"]) if "params" in app.session_state else {}


@PLACES
def test_junk_for_every_component_leaves_no_session_in_an_error(
    manager: runs.Manager, place: str, query: dict[str, str]
) -> None:
    app = opened(place, query)
    before = settings(app)
    for said in JUNK:
        sent(app, said)
        assert not app.exception, said
    assert settings(app) == before


def told(app: AppTest, wrong: dict[str, Any], fits: bool) -> None:
    """The page run again with this state of every widget of its type, or of every other one."""
    states = WidgetStates()
    for id, widget in app.session_state._state._state._new_widget_state.widget_metadata.items():
        if (widget.value_type in wrong) == fits:
            states.widgets.add(id=id, **wrong)
    app._run(states)
    assert not app.exception, wrong


@PLACES
def test_wrong_types_for_every_widget_are_not_heard(manager: runs.Manager, place: str, query: dict[str, str]) -> None:
    app = opened(place, query)
    before = settings(app)
    for wrong in WRONG:
        told(app, wrong, fits=False)
    assert settings(app) == before


@PLACES
def test_impossible_values_leave_no_session_in_an_error(
    manager: runs.Manager, place: str, query: dict[str, str]
) -> None:
    app = opened(place, query)
    for wrong in WRONG:
        if "trigger_value" not in wrong:  # a press of every button at once
            told(app, wrong, fits=True)
