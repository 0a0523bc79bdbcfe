"""What a page shows: a concept at its reader's settings, one of its figures, and the run that it is drawn from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from core.concept.params import BaseParams, Invalid
from core.concept.parts import Figure, Prediction, load
from core.concept.text import words
from core.runs.manager import shared
from core.runs.run import COMPLETE, STOPPED, Run
from core.ui import held, link, own
from core.ui.visitor import person, watcher

AUTO = float(os.environ.get("LAB_AUTO_SECONDS", 8))  # what is predicted to be cheaper starts by itself
PATIENCE = 2.0  # seconds that the page waits for an answer, or for what there is of it
MOMENT = 0.2  # seconds; a run predicted to be shorter is waited for, rather than shown at the next look


class Shown:
    """One concept in one session: its words, its Params (from the link), its figure and its run."""

    eager = False  # whether runs start by themselves whatever they cost

    def __init__(self, stem: str):
        hand_over_to_entry()
        self.stem = stem
        self.concept = load(stem)
        self.text = words(stem, link.language())
        choices = {"figure": [f.id for f in self.concept.figures], "device": ["auto", *self.concept.devices]}
        own.drop_unreadable(stem, self._arrive(choices))
        self.manager = shared()
        self.figure = self._chosen_figure()
        self.experiment = self.concept.of(self.figure)
        wanted = st.session_state.get(f"device:{stem}", "")
        self.device = wanted if wanted in self.experiment.devices else "auto"
        self.run = self._ask()
        self._keep_link()

    def _arrive(self, choices: dict[str, list[str]]) -> BaseParams:
        """The Params the reader comes with or has left here; `choices` is what else the link may say."""
        return link.load(self.stem, self.concept.Params, choices, self.concept.questions)

    def _keep_link(self) -> None:
        """Let the address hold what is shown."""
        device = "" if self.device == "auto" else self.device
        asked: dict[str, Any] = {}
        for ask, cls in self.concept.questions.items():
            changed = link.differing(link.question(self.stem, ask, cls), cls())
            asked |= {f"{ask}.{name}": text for name, text in changed.items()}
        link.save(self.params, figure=self.figure.id, device=device, **asked)

    @property
    def params(self) -> BaseParams:
        """What the reader has set, as it is now."""
        return link.present(self.stem)

    @property
    def asked(self) -> BaseParams:
        """What of it the experiment at hand depends on."""
        found: BaseParams = self.experiment.settings(self.params)
        return found

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """The questions that this experiment answers."""
        return tuple(p for p in self.concept.predictions if p.of == self.experiment.part)

    def change(self, **changes: Any) -> None:
        """New Params from something other than a widget (a click); what does not stand is said and changes nothing."""
        link.attempt(self.stem, changes, outside=True)

    def open(self, params: BaseParams, part: str) -> None:
        """Go to these settings, and to a figure of this experiment."""
        link.change(self.stem, params, outside=True)
        if part != self.experiment.part:
            st.session_state[f"figure:{self.stem}"] = self.concept.first(params, part).id

    def ask(self, ask: str, **question: Any) -> Run | None:
        """The answer to a question to the trained network, or None until the run is complete.

        The answer, or what there is of one that grows, comes within a moment; a page that shows it calls this inside a
        fragment or after a short wait.
        """
        if self.run is None or self.run.status != COMPLETE:
            return None
        try:
            asked = self.experiment.ask(ask).question(**question)
        except Invalid:  # no widget of ours offers that
            return None
        with held.drawing():
            run = self.manager.question(self.run, ask, asked, watcher(), person())
            end = time.monotonic() + PATIENCE
            while run.live and run.result is None and time.monotonic() < end:
                run.done.wait(0.05)
            return run
        return None

    def folded(self, name: str, label: str, icon: str) -> Any:
        """A part that is folded away at first; what is in it is made only while its `.open` is true."""
        return st.expander(label, icon=f":material/{icon}:", key=self._fold(name), on_change="rerun")

    def unfold(self, name: str) -> None:
        """Open a folded part, by a gesture elsewhere."""
        st.session_state[self._fold(name)] = True

    def _fold(self, name: str) -> str:
        return f"{self.stem}-fold-{name}-{self.text.language}"

    def _ask(self) -> Run | None:
        """The run of the present Params: under way, stored, or started now if cheap or the page's default, so that no
        page is ever empty; else None until asked for."""
        held_as = f"run:{self.experiment.name}"
        current = held.held(held_as)
        again = self.eager and current is not None and current.status == STOPPED  # there is no button for it
        known = self.manager.keys(self.experiment.name, self.asked, self.device)
        if current is not None and not again and current.key in known:
            return current
        if current is not None:
            self.manager.leave(current, watcher())
            if current.result is not None:
                held.hold(f"before:{self.experiment.name}", current)
        run = self.manager.find(self.experiment.name, self.asked, self.device, watcher(), person())
        cheap = self.predicted_seconds() <= AUTO
        if run is None and (cheap or self.eager or self.asked == self.concept.Params()):
            run = self.manager.ask(self.experiment.name, self.asked, watcher(), self.device, person=person())
        held.hold(held_as, run)
        return run

    def start(self, anew: bool = False) -> None:
        with held.wish():
            run = self.manager.ask(self.experiment.name, self.asked, watcher(), self.device, anew, person())
            held.hold(f"run:{self.experiment.name}", run)

    def stop(self, run: Run) -> None:
        with held.wish():
            held.hold(f"run:{self.experiment.name}", self.manager.quit(run, watcher(), person()))

    def predicted_seconds(self) -> float:
        return self.manager.seconds(self.experiment.name, self.asked, self.device)

    def wait_a_moment(self) -> None:
        """Until a run that takes no longer is over."""
        run = self.run
        if run is not None and run.live and run.predicted < MOMENT and self.manager.ready.is_set():
            run.done.wait(2 * MOMENT)

    def follow(self, picture: Callable[[bool], None], run: Run | None = None) -> None:
        """Draw by `picture(live)`: again and again while a run (that of the page) goes on, and once it is over with
        all around it."""
        self.wait_a_moment()
        run = run or self.run
        live = run is not None and run.live

        def panel() -> None:
            if st.session_state.pop("whole page", False):
                st.rerun()
            with held.drawing():
                if run is not None:
                    self.manager.look(self.manager.again(run, person()), watcher())
                picture(live)
            if live and run is not None and not run.live:
                st.rerun()

        st.fragment(panel, run_every=self.manager.pause() if live else None)()

    def at_hand(self) -> tuple[Run | None, bool]:
        """What there is to show, and whether it only stands in for the run."""
        run = self.run
        begun = run is not None and run.result is not None and (run.result.step > 0 or not run.live)
        return (run, False) if begun else (self.stand_in() or run, True)

    def stand_in(self) -> Run | None:
        """What is shown until the run has something: what is left of it from before, this setting in an older version,
        the run before it on this page, the default as stored here, the default as it came with the project."""
        found: Iterable[Run | None] = (
            source()
            for source in (
                lambda: self.manager.partial(self.experiment.name, self.asked, self.device, person()),
                lambda: self.manager.latest(self.experiment.name, self.asked, person()),
                lambda: held.held(f"before:{self.experiment.name}"),
                lambda: self.manager.latest(self.experiment.name, self.concept.Params()),
                lambda: self.manager.shipped(self.experiment.name),
            )
        )
        return next((run for run in found if run is not None and self.figure.shown(run.params)), None)

    def shown_figures(self) -> list[Figure]:
        return [f for f in self.concept.figures if f.shown(self.params)]

    def _chosen_figure(self) -> Figure:
        """The figure the link or the reader chose, or the first."""
        shown = self.shown_figures()
        wanted = st.session_state.get(f"figure:{self.stem}", "")
        return next((f for f in shown if f.id == wanted), shown[0])


def hand_over_to_entry() -> None:
    """Run the entry script when streamlit has run a page file alone (a deep link that came before any navigation)."""
    if not st.session_state.get("entered"):
        from streamlit.runtime.pages_manager import PagesManager

        PagesManager.uses_pages_directory = False
        st.session_state["entered"] = True
        st.rerun()
