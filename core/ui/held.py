"""Runs that a session holds from one drawing of a page to the next, and what is said where they are not its to see.

A file may be deleted, or shared no more, while a page that shows a run on it stands open. So a held run is asked for
again at every drawing, like any other. No other module keeps runs in the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import streamlit as st

from core.concept.messages import explain
from core.concept.params import Problem, shape
from core.concept.parts import load
from core.concept.text import words
from core.runs.manager import shared
from core.runs.run import Run
from core.runs.uploads import NotHere
from core.ui import link
from core.ui.visitor import person, watcher


def hold(name: str, run: Run | None) -> None:
    """Keep a run under a name, or nothing."""
    held: dict[str, Run] = st.session_state.setdefault("runs", {})
    if run is None:
        held.pop(name, None)
    else:
        held[name] = run


def held(name: str) -> Run | None:
    """The run under a name, while it is its reader's to see; else it is let go."""
    run: Run | None = st.session_state.setdefault("runs", {}).get(name)
    try:
        return shared().again(run, person()) if run is not None else None
    except NotHere:
        let_go(name)
        return None


def let_go(name: str) -> None:
    """Hold a run no longer: it ends unless somebody else looks at it."""
    if run := st.session_state.get("runs", {}).pop(name, None):
        shared().leave(run, watcher())


def names() -> set[str]:
    """Under which names this session holds a run."""
    return set(st.session_state.get("runs", {}))


@contextmanager
def wish() -> Iterator[None]:
    """Around what a press of a button does with a run. Where its file has gone since the button was drawn, nothing is
    done, and the page, drawn anew, asks for the file."""
    with suppress(NotHere):
        yield
    st.session_state["whole page"] = True


@contextmanager
def drawing() -> Iterator[None]:
    """Around what shows runs: in the place of those that are not here for this reader stands a sentence that asks for
    the file."""
    try:
        yield
    except NotHere as refused:
        st.warning(link.plain(sentence(refused)), icon=":material/link_off:")


def problems(missing: dict[str, str]) -> list[Problem]:
    """What is to be said of files that are not here, field → name."""
    sizes = {field: " × ".join(map(str, shape(name))) for field, name in missing.items()}
    return [Problem(field, "not_here", {"shape": size}) for field, size in sizes.items()]


def sentence(refused: NotHere) -> str:
    """What asks for the files, in the reader's language."""
    text, cls = words(refused.stem, link.language()), load(refused.stem).Params
    return " ".join(explain(problem, text, cls) for problem in problems(refused.missing))
