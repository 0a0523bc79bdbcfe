"""The run before this one: a concept's page remembers its runs, and lays the next ones over one that is pinned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.concept.params import BaseParams
from core.concept.parts import Figure, experiment
from core.conclusions.compare import LONGEST_RUN, Comparison, choose, differences, run_text
from core.figures.overlay import common_axes, overlay
from core.runs.manager import shared
from core.runs.run import COMPLETE, Run
from core.ui import held, link
from core.ui.chart import chart, figure_json, named
from core.ui.shown import Shown
from core.ui.visitor import person


def stored(name: str, params: BaseParams, device: str = "") -> Run | None:
    """A run that is there or under way: on this device if it can be, else on any. Raises NotHere."""
    manager = shared()
    devices = (device or "auto", *experiment(name).devices)
    found = (manager.find(name, params, each, person=person()) for each in devices)
    return next((run for run in found if run), None)


def laid_over(runs: dict[str, Run], figure: Figure, language: str) -> str | None:
    """One figure of several runs as JSON, or None where they cannot lie over each other."""

    def make() -> str | None:
        made = overlay({name: figure.draw(run.result, language) for name, run in runs.items()})
        return made.to_json(validate=False) if made else None

    return _kept("over", runs, figure, language, make)


def alongside(runs: dict[str, Run], figure: Figure, language: str) -> list[str]:
    """A figure of each of several runs as JSON, all on the same ranges."""

    def make() -> list[str]:
        drawn = [figure.draw(run.result, language) for run in runs.values()]
        common_axes(drawn)
        return [each.to_json(validate=False) for each in drawn]

    return _kept("beside", runs, figure, language, make)


def _kept(kind: str, runs: dict[str, Run], figure: Figure, language: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, made anew when a run has something new; a session keeps the last of each kind."""
    made_of = (figure.id, language, *((name, run.key, run.updates) for name, run in runs.items()))
    if st.session_state.get(f"drawn {kind}", ((), None))[0] != made_of:
        st.session_state[f"drawn {kind}"] = (made_of, make())
    return st.session_state[f"drawn {kind}"][1]


def drawn(page: Shown, shown: Run) -> tuple[str, dict[str, str]]:
    """The page's figure as JSON, over that of the pinned run where there is one; what a picture says of it."""
    pinned = _beside(page, shown)
    say, figure, text = page.text.say, page.figure, page.text
    if pinned:
        runs = {say("compare.now"): shown, say("compare.pinned"): pinned}
        if over := laid_over(runs, figure, text.language):
            return over, named(figure, text, runs)
    return figure_json(shown, figure, text.language), named(figure, text, {"": shown})


def row(page: Shown, run: Run | None) -> None:
    """Under the figure: pin this run, or what the pinned one is; the way to a comparison. Remembers the run."""
    if run is None or run.status != COMPLETE or run.result is None:
        return
    _remember(run)
    say, stem, name, language = page.text.say, page.stem, page.experiment.name, page.text.language
    pinned = _pinned(name)
    if other := _beside(page, run):
        words = {say("compare.now"): run, say("compare.pinned"): other}
        parts = [f"{label}: {mine} ← {theirs}" for label, (mine, theirs) in _differences(page, run, other)]
        over = laid_over(words, page.figure, language) is not None
        st.caption(f"{say('compare.dashed' if over else 'compare.below')} {link.plain('; '.join(parts))}")
        if not over:
            chart(
                figure_json(other, page.figure, language),
                page.text,
                key=f"{stem}-pinned-{page.figure.id}",
                summary=page.figure.summary(other.result, language),
                named=named(page.figure, page.text, {"": other}),
            )
    elif pinned is not None and pinned.key == run.key:
        st.caption(say("compare.pinned_hint"))
    with st.container(horizontal=True):
        if pinned is None or pinned.key != run.key:
            hint = say("compare.pin_hint")
            st.button(
                say("compare.pin"),
                icon=":material/push_pin:",
                key="pin",
                help=hint,
                on_click=_pin,
                args=(name, run),
            )
        if pinned is not None:
            st.button(
                say("compare.unpin"),
                icon=":material/close:",
                key="unpin",
                on_click=_pin,
                args=(name, None),
            )
        texts = [run_text(each.params, each.device) for each in ([other, run] if other else [run])]
        if max(map(len, texts)) <= LONGEST_RUN:
            comparison = choose(Comparison(concept=stem, picture=page.figure.id), texts)
            st.link_button(say("compare.open"), link.address("compare", comparison), icon=":material/compare_arrows:")


def _differences(page: Shown, run: Run, other: Run) -> list[tuple[str, list[str]]]:
    found = differences([run.params, other.params], page.text)
    return found or [(page.text.say("frame.device"), [run.device.upper(), other.device.upper()])]


def _beside(page: Shown, shown: Run) -> Run | None:
    """The pinned run, where it is another than the one shown and has the figure."""
    pinned = _pinned(page.experiment.name)
    if pinned is None or pinned.result is None or pinned.key == shown.key or shown.result is None:
        return None
    return pinned if page.figure.shown(pinned.params) else None


def _pinned(name: str) -> Run | None:
    """The pinned run of an experiment; a new tab finds the one that this browser pinned last."""
    looked = st.session_state.setdefault("pins", set())
    if name not in looked:
        looked.add(name)
        past = next((p for p in shared().history.mine(person()) if p.pinned and p.name == name), None)
        found = stored(name, past.params, past.device) if past else None
        held.hold(f"pinned:{name}", found if found and found.status == COMPLETE else None)
    return held.held(f"pinned:{name}")


def _pin(name: str, run: Run | None) -> None:
    held.hold(f"pinned:{name}", run)
    st.session_state["whole page"] = True
    shared().history.pin(person(), run, name)


def _remember(run: Run) -> None:
    """Put a complete run into the person's history, once."""
    known: dict[str, Any] = st.session_state.setdefault("remembered", {})
    if known.get(run.name) != run.key:
        known[run.name] = run.key
        shared().history.add(person(), run)
