"""The presenter view: one figure over the whole window, and a talk, beat by beat.

`/present?talk=which_optimizer&beat=3` is a beat of a talk, with whatever the speaker has changed since as further
fields; `/present?concept=dropout&figure=accuracy&…` an experiment alone. `show=` names fields to turn, `hide=` parts
to leave out. The keys are handled in the browser (present.js).
"""

from __future__ import annotations

import html
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from core import talk
from core.concept.catalog import CONCEPTS, LANGUAGES, TALKS
from core.concept.params import BaseParams, Invalid, Upload, applicable, fields
from core.concept.parts import load
from core.concept.text import words
from core.conclusions import kept
from core.runs.manager import shared
from core.runs.run import COMPLETE, FAILED, STOPPED, Run
from core.takeaway import records
from core.talk import Beat
from core.ui import link
from core.ui.chart import chart, figure_json, named
from core.ui.controls import Controls, problems
from core.ui.heard import heard
from core.ui.run_state import failed, progress, stopped
from core.ui.shown import AUTO, Shown
from core.ui.visitor import person, watcher

HERE = Path(__file__).parent
PARTS = ["title", "line", "note", "keys"]  # of the view, which a link may hide
FEW = 3  # fields to turn where a beat names none
SEEN = 3.0  # seconds; a run that took longer and was not covered has been seen growing, and is not replayed
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_component: Any = None


@dataclass(frozen=True)
class Place:
    """What is presented: beat `beat` of a talk, counted from 1, or a concept's experiment alone (no talk).

    start: the settings that the speaker returns to: those of the beat, or those that the link came with.
    """

    talk: str
    beat: int
    stem: str
    start: BaseParams
    show: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()

    @property
    def at(self) -> Beat | None:
        return talk.load(self.talk)[self.beat - 1] if self.talk else None

    @property
    def name(self) -> str:
        return f"{self.talk}/{self.beat}" if self.talk else self.stem


def place() -> Place | None:
    """Where the speaker is: from the link on arrival, later as the keys have it; None asks for a talk."""
    state = st.session_state
    if link.arriving() or state.get("place") is None:
        state["place"] = _asked()
    here: Place | None = state["place"]
    if here and (missing := shared().uploads.missing(here.start, person())):
        here = state["place"] = replace(here, start=here.start.replace(**dict.fromkeys(missing, "")))
    return here


def _asked() -> Place | None:
    """The place that the link names, and its Params with it."""
    query = link.asked()
    name, stems = query.get("talk", ""), [entry.stem for entry in CONCEPTS]
    beats = talk.load(name) if name in TALKS else ()
    number = query.get("beat", "1")
    numbers = [str(i + 1) for i in range(len(beats))]
    beat = int(number) if number in numbers else 1
    stem = beats[beat - 1].stem if beats else query.get("concept", "")
    if stem not in stems:
        choices = {"talk": ["", *TALKS], "concept": ["", *stems]}
        link.take("present", BaseParams, choices, {"beat": [number], "show": [], "hide": PARTS})
        return None
    concept = load(stem)
    choices = {"figure": [f.id for f in concept.figures], "device": ["auto", *concept.devices]}
    choices |= {"talk": ["", *TALKS], "beat": numbers or [number], "concept": ["", *stems]}
    several = {"show": list(fields(concept.Params)), "hide": PARTS}
    shown, hidden = (tuple(n for n in link.listed(part) if n in known) for part, known in several.items())
    asked = beats[beat - 1] if beats else None
    link.take(stem, concept.Params, choices, several, asked.params if asked else None)
    if asked and st.session_state[f"figure:{stem}"] not in choices["figure"]:
        st.session_state[f"figure:{stem}"] = asked.figure
    start = asked.params if asked else link.present(stem)
    return Place(name if asked else "", beat, stem, start, shown, hidden)


def talks() -> None:
    """The talks there are, to begin one."""
    text = words("", link.language())
    link.save(BaseParams())
    st.title(text.say("present.title"), anchor=False)
    st.markdown(text.say("present.lead"))
    problems("present", text, BaseParams)
    for name in TALKS:
        said = talk.words(name, text.language)
        with st.container(border=True):
            target = {"talk": name, "beat": "1", "lang": text.language}
            icon = ":material/present_to_all:"
            st.page_link(
                st.session_state["pages"]["present"], label=f"**{said.title}**", icon=icon, query_params=target
            )
            st.markdown(said.lead)
            st.caption(text.say("present.beats", count=len(talk.load(name))))


class Slide(Shown):
    """A concept's page as a room sees it."""

    eager = True

    def __init__(self, place: Place):
        self.place = place
        super().__init__(place.stem)

    def _arrive(self, choices: dict[str, list[str]]) -> BaseParams:
        return link.present(self.stem)

    def _keep_link(self) -> None:
        here, figure = self.place, self.figure.id
        which: dict[str, Any] = {"concept": here.stem}
        if here.at:
            which, figure = {"talk": here.talk, "beat": here.beat}, figure if figure != here.at.figure else ""
        parts = {"show": ",".join(here.show), "hide": ",".join(here.hide)}
        device = "" if self.device == "auto" else self.device
        link.save(self.params, here.start if here.at else None, **which, figure=figure, device=device, **parts)

    def show(self) -> None:
        """All of it, and the beat after it made ready."""
        if st.session_state.pop("leaves", False):
            st.session_state["place"] = None
            link.go(self.stem)
        st.html(f"<style>{(HERE / 'present.css').read_text('utf-8')}</style>")
        self.wait_a_moment()  # the line is of its result
        line, question = self._lines()
        self._head(line)
        problems(self.stem, self.text, self.concept.Params, self.place.start if self.place.at else None)
        if self.place.show:
            controls = Controls(self.stem, self.params, self.text)
            with st.container(horizontal=True, key="slide-knobs"):
                for name in self.place.show:
                    controls.field(name)
        self.follow(self._picture)
        self._keys(question)
        self._prepare()

    # What is seen

    def _lines(self) -> tuple[str, str]:
        """The line that is true of the run at hand ("" while there is none), and the question before it."""
        here, run = self.place, self.run
        done = run is not None and run.status == COMPLETE and run.result is not None
        if here.at is None:
            return (self.figure.summary(run.result, self.text.language) if run and done else ""), ""
        key, said = f"beats.{here.at.id}", talk.words(here.talk, self.text.language)
        if not run or not done or self.figure.id != here.at.figure:
            return "", said.hint(key)
        numbers = here.at.says(run.result)
        return said.say(key, **numbers) if numbers is not None else self.text.say("present.untrue"), said.hint(key)

    def _head(self, line: str) -> None:
        here, hide = self.place, self.place.hide
        over = self.text.title
        if here.talk:
            over = f"{talk.words(here.talk, self.text.language).title} · {over}"
        parts = {
            "title": f'<p class="lab-over">{html.escape(over)}</p>',
            "line": f'<h1 class="lab-line">{html.escape(line) or "&nbsp;"}</h1>{self._verdicts()}',
        }
        st.html(f'<div class="lab-slide">{"".join(part for name, part in parts.items() if name not in hide)}</div>')

    def _verdicts(self) -> str:
        """The stored verdicts of the claims that the line leans on."""
        stored, say = kept.stored(self.stem), self.text.say
        found = [
            say("present.verdict", claim=say(f"claims.{id}"), verdict=say(f"verdicts.{stored[id]['verdict']}"))
            for id in (self.place.at.verdicts if self.place.at else ())
            if id in stored
        ]
        return f'<p class="lab-verdict">{html.escape(" · ".join(found))}</p>' if found else ""

    def _picture(self, live: bool) -> None:
        run = self.run
        shown, pale = self.at_hand()
        if shown is not None and shown.result is not None:
            big: dict[str, Any] = {"place": self.place.name, "run": run.key if run else ""}
            big["done"] = run is not None and run.status == COMPLETE and not pale
            big["seen"] = run is not None and not run.stored and run.seconds > SEEN
            big["still"] = self.place.at is not None and self.place.at.still
            chart(
                figure_json(shown, self.figure, self.text.language),
                self.text,
                key=f"slide-{self.place.name}-{self.figure.id}",
                summary=self.figure.summary(shown.result, self.text.language),
                named=named(self.figure, self.text, {"": shown}),
                over=not live,
                pale=pale and live,
                big=big,
            )
        if "note" not in self.place.hide:
            with st.container(key="slide-note"):
                st.caption(link.plain(self._note(run, pale and shown is not None)))

    def _note(self, run: Run | None, stands_in: bool) -> str:
        """Where the numbers come from, in one line."""
        say = self.text.say
        if run is not None and run.live:
            return progress(run, self.manager, self.text) + (f" · {say('present.fallback')}" if stands_in else "")
        if run is not None and run.status == FAILED:
            return failed(run, self.text)
        if run is not None and run.status == STOPPED:
            return stopped(run, self.text)
        return records.origin(run, self.text) if run is not None and run.meta else ""

    def stand_in(self) -> Run | None:
        """As on the page; where there is nothing, the settings it began with."""
        return super().stand_in() or self.manager.find(self.experiment.name, self.place.start, person=person())

    def _keys(self, question: str) -> None:
        text, here = self.text, self.place
        names = [key.split(".")[1] for key in text.labels if key.startswith("keys.")]
        target = self._target()
        data = {
            "place": here.name,
            "beat": here.beat,
            "beats": len(talk.load(here.talk)) if here.talk else 0,
            "question": question,
            "hide": list(here.hide),
            "code": code(target),
            "target": target,
            "local": (urlsplit(target).hostname or "") in LOOPBACK,
            "words": {name: text.say(f"keys.{name}") for name in names}
            | {name: text.say(f"present.{name}") for name in ("covered", "local", "scan")},
        }
        _presenter()(key="slide-keys", data=data, on_act_change=_act)

    def _target(self) -> str:
        """The address of this experiment on its own page, as short as it can be said."""
        address = urlsplit(st.context.url or "http://localhost/present")
        path = address.path.rstrip("/").removesuffix("present")
        told = link.differing(self.params, self.concept.Params())
        asked = urlencode({"lang": self.text.language, "figure": self.figure.id} | told, safe="~,:")
        return f"{address.scheme}://{address.netloc}{path or '/'}{self.stem}?{asked}"

    def _prepare(self) -> None:
        """Have the next beat ready: from the store, or under way where it is cheap."""
        here = self.place
        if not here.talk or here.beat >= len(talk.load(here.talk)):
            return
        beat = talk.load(here.talk)[here.beat]
        concept, asked = load(beat.stem), beat.experiment
        cheap = self.manager.seconds(asked.name, beat.params) <= AUTO
        run = self.manager.find(asked.name, beat.params, person=person())
        if run is None and cheap:
            run = self.manager.ask(asked.name, beat.params, watcher(), person=person())
        if run is not None and run.status == COMPLETE:
            figure_json(run, concept.figure(beat.figure), self.text.language)


# What the keys do. Two presses may come before the page is drawn again: where the speaker is stands in the session.


def _act() -> None:
    """Do what a key asked for."""
    asked = heard(st.session_state.get("slide-keys"), "act", {"do": str, "beat": int}, {"do": str})
    if asked is None or st.session_state.get("place") is None:  # a press that came after the speaker had left
        return
    if asked["do"] == "beat" and "beat" in asked:
        _go(asked["beat"])
    elif act := ACTS.get(asked["do"]):
        act()


def _here() -> Place:
    return st.session_state["place"]


def _go(beat: int) -> None:
    here, beats = _here(), talk.load(_here().talk) if _here().talk else ()
    if 1 <= beat <= len(beats):
        asked = beats[beat - 1]
        st.session_state["place"] = Place(here.talk, beat, asked.stem, asked.params, hide=here.hide)
        _begin()


def _begin() -> None:
    """Settings and figure as the place has them at first."""
    here, state = _here(), st.session_state
    state.setdefault(f"generation:{here.stem}", 0)
    state.setdefault("params", {})
    link.change(here.stem, here.start, outside=True)
    if here.at:
        state[f"figure:{here.stem}"] = here.at.figure


def _other_seeds() -> None:
    """The same experiment on the next seeds, none of which it has used."""
    stem = _here().stem
    now = link.present(stem)
    step = getattr(now, "seeds", 1)
    seeds = {name: getattr(now, name) + step for name in ("data_seed", "weight_seed")}
    with suppress(Invalid):  # there is an end to the seeds
        link.change(stem, now.replace(**seeds), outside=True)


def _knobs() -> None:
    """Show fields to turn, or none."""
    here = _here()
    named = here.at.knobs if here.at else ()
    there = [name for name, kind in applicable(link.present(here.stem)).items() if not isinstance(kind, Upload)]
    st.session_state["place"] = replace(here, show=() if here.show else named or tuple(there[:FEW]))


def _language() -> None:
    st.session_state["language"] = LANGUAGES[1 - LANGUAGES.index(link.language())]


def _leave() -> None:
    """To the page of the experiment, when the page is drawn."""
    st.session_state["leaves"] = True


ACTS: dict[str, Callable[[], None]] = {
    "seeds": _other_seeds,
    "undo": _begin,
    "knobs": _knobs,
    "language": _language,
    "leave": _leave,
}


def code(address: str) -> str:
    """A QR code as SVG; empty where the address is too long for one."""
    try:
        return segno.make(address, error="l", micro=False).svg_inline(border=3, omitsize=True)
    except segno.DataOverflowError:
        return ""


def _presenter() -> Any:
    """The component that handles the keys, registered once per server."""
    global _component
    if _component is None:
        script = (HERE / "present.js").read_text("utf-8")
        content = '<div class="lab-presenter"></div>'
        _component = st.components.v2.component("lab_present", html=content, js=script, isolate_styles=False)
    return _component
