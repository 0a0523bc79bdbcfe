"""What a browser says through a widget or a component of ours, checked where it arrives.

Whoever holds a websocket can send anything under a widget's name. So no value of a component is used before it has
one of the shapes that its script sends, and no state of any widget before it is of the widget's type and can be read;
anything else counts as silence.
"""

from __future__ import annotations

import math
from typing import Any

from streamlit.runtime.state import session_state as streamlits

LONGEST = 1000  # characters of a text
MOST = 100_000  # items of a list
DEEPEST = 20  # lists and dicts within each other


def by_type() -> None:
    """Let streamlit take what browsers say of widgets only in the widget's own type: it would hand anything else to the
    script, or end the script with an error. To be called before the app is made."""
    streamlits.WStates.__getitem__ = _state  # type: ignore[method-assign]
    streamlits.SessionState.set_widgets_from_proto = _take  # type: ignore[assignment, method-assign]


_streamlits_state = streamlits.WStates.__getitem__
_streamlits_take = streamlits.SessionState.set_widgets_from_proto


def _state(states: streamlits.WStates, id: str) -> Any:
    """The state of a widget; KeyError, as for one that was not sent, where it is not of the widget's type or cannot be
    read."""
    sent, widget = states.states.get(id), states.widget_metadata.get(id)
    if not isinstance(sent, streamlits.Serialized) or widget is None:
        return _streamlits_state(states, id)
    kind = sent.value.WhichOneof("value")  # None: the reader has emptied it
    try:
        if kind not in (None, widget.value_type):
            raise TypeError(kind)
        found = _streamlits_state(states, id)
        states.set_widget_metadata(widget)  # streamlit has put the type that was sent there
        if _deeper(found, DEEPEST):
            raise RecursionError
        return found
    except Exception:  # whatever streamlit's reading of it raises
        states.states[id] = sent
        raise KeyError(id) from None


def _take(state: streamlits.SessionState, sent: Any) -> None:
    """Take what a browser says of all widgets, but nothing of those of which it says what cannot be: a state that is
    there and cannot be had would count as a change."""
    _streamlits_take(state, sent)
    states = state._new_widget_state
    for id in [id for id in states.states if id in states.widget_metadata and id not in states]:
        del states.states[id]


def _deeper(said: Any, than: int) -> bool:
    """Whether lists and dicts stand within each other more than so many times."""
    inner = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return than < 0 or any(_deeper(part, than - 1) for part in inner)


def heard(component: Any, event: str, *shapes: Any) -> Any:
    """What a component says of an event, in the first of these shapes that fits, or None.

    A shape is a type (str, bool, int, float: a finite number), a list of one shape, or a dict of name → shape: of what
    the browser sent it keeps the names in the shape.
    """
    said = getattr(component, event, None)
    return next((found for found in (_shaped(said, shape) for shape in shapes) if found is not None), None)


def _shaped(said: Any, shape: Any) -> Any:
    """`said` as the shape has it, or None."""
    if isinstance(shape, dict):
        found = {name: _shaped(said.get(name), part) for name, part in shape.items()} if isinstance(said, dict) else {}
        return found if found and None not in found.values() else None
    if isinstance(shape, list):
        many = isinstance(said, list) and len(said) <= MOST
        items = [_shaped(item, shape[0]) for item in said] if many else [None]
        return items if None not in items else None
    if isinstance(said, bool) or shape is bool:
        return said if isinstance(said, bool) and shape is bool else None
    if shape is float:
        number = isinstance(said, (int, float)) and abs(said) <= 1e300 and math.isfinite(said)
        return float(said) if number else None
    if not isinstance(said, shape):
        return None
    if isinstance(said, str) and (len(said) > LONGEST or any("\ud800" <= c <= "\udfff" for c in said)):
        return None  # half a character cannot be shown
    return said
