"""Predict, then check: one question before a run, and what this very run answers. It ends with the session."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.concept.parts import Prediction
from core.runs.run import COMPLETE
from core.ui.shown import Shown
from core.ui.told import told


def covered(page: Shown) -> bool:
    """Whether the reader wants the picture covered until an answer is picked."""
    state = st.session_state
    return bool(state.get(f"cover:{page.stem}")) and any(_picked(page, p) is None for p in page.predictions)


def opener(page: Shown) -> None:
    """The button that opens and closes the questions of a page."""
    if not page.predictions:
        return

    def turn() -> None:
        st.session_state[_opened(page)] = not st.session_state.get(_opened(page))

    label, first = page.text.say("predict.first"), page.text.say(f"predict.{page.predictions[0].id}")
    key = f"{page.stem}-predict-{page.text.language}"
    opened = st.session_state.get(_opened(page))
    kind: Literal["secondary", "tertiary"] = "secondary" if opened else "tertiary"
    st.button(label, icon=":material/lightbulb:", help=first, type=kind, key=key, on_click=turn)


def predict(page: Shown) -> None:
    """The questions of a page, where they are open; what is not asked costs nothing."""
    if page.predictions and st.session_state.get(_opened(page)):
        with st.container(border=True, key="predict"):
            for prediction in page.predictions:
                _question(page, prediction)
            _cover(page)


def _opened(page: Shown) -> str:
    return f"predicting:{page.stem}"


def _question(page: Shown, asked: Prediction) -> None:
    say, picks = page.text.say, st.session_state.setdefault(f"picks:{page.stem}", {})

    def pick(option: str | None) -> None:
        picks[asked.id] = (page.params, option)

    picked = _picked(page, asked)
    st.pills(
        say(f"predict.{asked.id}"),
        asked.options,
        default=picked,
        format_func=lambda option: say(f"predict.{asked.id}.{option}"),
        **told(f"{page.stem}-predict-{asked.id}-{page.text.language}", picked, pick),
    )
    if picked:
        _answer(page, asked, picked)


def _picked(page: Shown, asked: Prediction) -> str | None:
    """What the reader expects of the present settings; others are a new question."""
    params, option = st.session_state.get(f"picks:{page.stem}", {}).get(asked.id, (None, None))
    return option if params == page.params else None


def _answer(page: Shown, asked: Prediction, picked: str) -> None:
    say, run = page.text.say, page.run
    if run is None or run.result is None or run.live:
        st.caption(say("predict.wait"))
        return
    found = asked.answer(run.result) if run.status == COMPLETE else None
    if found is None:
        st.info(f"{say('predict.cannot')} {page.text.hint(f'predict.{asked.id}')}", icon=":material/help:")
        return
    option, numbers = found
    measured = say(f"predict.{asked.id}.found", **numbers)
    if option == picked:
        st.success(f"**{say('predict.right')}** {measured}", icon=":material/check:")
    else:
        came = say("predict.wrong", answer=say(f"predict.{asked.id}.{option}"))
        st.info(f"**{came}** {measured}", icon=":material/arrow_forward:")


def _cover(page: Shown) -> None:
    """The wish to see nothing before one has picked; it stays for this session's further settings of the page."""
    name = f"cover:{page.stem}"

    def choose(wish: bool) -> None:
        st.session_state[name] = wish

    wish = bool(st.session_state.get(name))
    told_so = told(f"{page.stem}-cover-{page.text.language}", wish, choose)
    st.toggle(page.text.say("predict.cover"), wish, help=page.text.hint("predict.cover"), **told_so)
