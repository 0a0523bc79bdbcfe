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
from streamlit.testing.v1 import AppTest

from core.concept.params import write
from core.concept.parts import experiment
from core.runs import manager as runs
from core.runs.store import Store
from core.ui.chart import SENT
from core.ui.heard import LONGEST, heard
from core.ui.rows import CHANGES

ROOT = Path(__file__).resolve().parents[1]
SHAPES = (str, bool, int, float, *SENT.values(), *CHANGES, {"do": str, "beat": int})
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
    assert say("x" * (LONGEST + 1), str) is None and heard(None, "event", str) is None


JUNK: list[Any] = [
    *(None, True, 7, 1e999, math.nan, "x", "x" * 200_000, [], [[]], [None], {}, {"a": {"b": [None]}}),
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
    ),
]
EVENTS = ("open", "change", "click", "selected", "act")


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


@pytest.mark.parametrize(
    "place, query",
    [
        ("home", {}),
        ("claims", {}),
        ("perceptron", write(experiment("perceptron").tiny)),
        ("optimizers", {}),
        ("present", {"talk": "which_optimizer", "beat": "2"}),
    ],
)
def test_junk_for_every_component_leaves_no_session_in_an_error(
    manager: runs.Manager, place: str, query: dict[str, str]
) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    app.run()  # the home page, which frees its address of what it does not know
    for name, value in query.items():
        app.query_params[name] = value
    app.session_state["arrives"] = True
    app.switch_page(f"pages/{place}.py").run()
    assert not app.exception and app.get("bidi_component")
    before = dict(app.session_state["params"]) if "params" in app.session_state else {}
    for said in JUNK:
        sent(app, said)
        assert not app.exception, said
    assert (dict(app.session_state["params"]) if "params" in app.session_state else {}) == before
