"""The frame of a concept's page. A page file says in which order the parts come; everything else is here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from core import claims, records
from core.compare import conditions
from core.concept import Figure, load
from core.messages import because
from core.numbers import readable
from core.params import BaseParams, Invalid, write
from core.runs.key import source_digest
from core.runs.manager import COMPLETE, FAILED, GRACE, RUN_BYTES, RUN_SECONDS, STOPPED, WAITING, Manager, Run, shared
from core.stats import interval
from core.text import Text, words
from core.ui import held, link, own, pin, share
from core.ui.chart import SENT, chart
from core.ui.controls import Controls, problems
from core.ui.heard import heard
from core.ui.predict import covered, predict
from core.ui.told import told
from core.ui.visitor import person, watcher

AUTO = float(os.environ.get("LAB_AUTO_SECONDS", 8))  # what is predicted to be cheaper starts by itself
MOMENT = 0.2  # seconds; a run predicted to be shorter is waited for, rather than shown at the next look
EMPTY = 420  # pixels kept free where nothing can be shown yet
BADGES: dict[str, tuple[Any, str]] = {
    "holds": ("green", "check"),
    "fails": ("red", "close"),
    "undecided": ("orange", "question_mark"),
}


class Page:
    """One concept's page in one session: its words, its Params (from the link), and its run."""

    eager = False  # whether runs start by themselves whatever they cost

    def __init__(self, stem: str):
        hand_over_to_entry()
        self.stem = stem
        self.concept = load(stem)
        self.text = words(stem, link.language())
        choices = {"figure": [f.id for f in self.concept.figures], "device": ["auto", *self.concept.devices]}
        own.drop_unreadable(stem, self._arrive(choices))
        self.manager = shared()
        wanted = st.session_state.get(f"device:{stem}", "")
        self.device = wanted if wanted in choices["device"] else "auto"
        self.figure = self._chosen_figure()
        self.run = self._ask()
        self._keep_link()

    def _arrive(self, choices: dict[str, list[str]]) -> BaseParams:
        """The Params the reader comes with or has left here; `choices` is what else the link may say."""
        return link.load(self.stem, self.concept.Params, choices)

    def _keep_link(self) -> None:
        """Let the address hold what is shown."""
        device = "" if self.device == "auto" else self.device
        link.save(self.params, figure=self.figure.id, device=device)

    @property
    def params(self) -> BaseParams:
        """What the reader has set, as it is now."""
        return link.present(self.stem)

    # The parts, in the order in which pages usually have them

    def header(self) -> None:
        """Title, one sentence, the way to the presenter view, and what of the link could not be used."""
        with st.container(horizontal=True, vertical_alignment="center", key="page-title"):
            st.title(self.text.title, anchor=False)
            shown = {"concept": self.stem, "figure": self.figure.id, "lang": self.text.language} | write(self.params)
            label, icon = self.text.say("present.this"), ":material/present_to_all:"
            st.page_link(st.session_state["pages"]["present"], label=label, icon=icon, query_params=shown)
        st.markdown(self.text.lead)
        problems(self.stem, self.text, self.concept.Params)

    def presets(self) -> None:
        """Settings worth looking at, each with its reason."""
        say, defaults = self.text.say, self.concept.Params()
        settings = {p.id: defaults.replace(**p.changes) for p in self.concept.presets}
        active = next((id for id, params in settings.items() if params == self.params), None)

        def choose(id: str | None) -> None:
            chosen = next((p for p in self.concept.presets if p.id == id), None)
            if chosen:
                link.change(self.stem, settings[chosen.id], outside=True)
                if chosen.figure:
                    st.session_state[f"figure:{self.stem}"] = chosen.figure

        st.pills(
            say("frame.presets"),
            list(settings),
            format_func=lambda id: say(f"presets.{id}"),
            default=active,
            help=say("frame.preset"),
            **told(f"{self.stem}-preset-{self.text.language}", active, choose),
        )
        if active:
            st.caption(self.text.hint(f"presets.{active}"))
        predict(self)

    def places(self) -> tuple[Any, Any, Any]:
        """Places for the presets, for the picture, and for the settings on its left. Fill the picture first: what
        is sent first is drawn first."""
        presets = st.container()
        with st.container(key="lesson-columns"):
            picture, settings = st.columns([0.6, 0.4], gap="medium")
        return presets, picture, settings

    def controls(self, *first: str, without: tuple[str, ...] = ()) -> None:
        """The widgets of the fields named, in this order; those of all other fields folded away.

        without: fields that the page itself turns (by clicks on the figure, say), or, as `rows.field`, fields of rows
            that have no effect at these settings.
        """
        controls = Controls(self.stem, self.params, self.text, without)
        for name in first:
            controls.field(name)
        rest = [name for name in type(self.params).__dataclass_fields__ if name not in (*first, *without)]
        with self.folded("more", self.text.say("frame.more"), "tune") as fold:
            if fold.open:
                for name in rest:
                    controls.field(name)
                self._device()
        defaults = self.concept.Params()
        if self.params != defaults:
            st.button(
                self.text.say("frame.reset"),
                icon=":material/restart_alt:",
                key=f"{self.stem}-reset",
                type="tertiary",
                on_click=lambda: link.change(self.stem, defaults, outside=True),
            )

    def figures(
        self,
        on_click: Callable[[Page, dict[str, float]], None] | None = None,
        on_select: Callable[[Page, list[dict]], None] | None = None,
    ) -> None:
        """The chosen figure of the run, growing while it trains, with what came of it below.

        on_click: what a click inside the axes of the first figure does, given its {"x", "y"}.
        on_select: what a box selection in the first figure does, given the points selected.
        """
        self._figure_picker()
        first = self.figure is self._shown_figures()[0]
        key = f"{self.stem}-chart-{self.figure.id}"
        handlers: dict[str, Any] = {"on_click": _handler(self, key, "click", on_click if first else None)}
        handlers["on_select"] = _handler(self, key, "selected", on_select if first else None)
        run = self.run

        def picture(live: bool) -> None:
            self._status_row(run)
            shown, pale = self._at_hand()
            if covered(self):
                with st.container(height=EMPTY):
                    st.caption(self.text.say("predict.covered"))
            elif shown is None or shown.result is None:
                st.container(height=EMPTY, border=False)
            else:
                drawn, named = pin.drawn(self, shown)
                chart(
                    drawn,
                    self.text,
                    key=key,
                    summary=self.figure.summary(shown.result, self.text.language),
                    named=named,
                    over=not live,
                    pale=pale and live,
                    **handlers,
                )
                self._taken()
                self._below(shown, pale)
            pin.row(self, run)

        self._follow(picture)

    def _wait_a_moment(self) -> None:
        """Until a run that takes no longer is over."""
        run = self.run
        if run is not None and run.live and run.predicted < MOMENT and self.manager.ready.is_set():
            run.done.wait(2 * MOMENT)

    def _follow(self, picture: Callable[[bool], None]) -> None:
        """Draw by `picture(live)`: again and again while the run goes on, and once it is over with all around it."""
        self._wait_a_moment()
        run = self.run
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

    def _at_hand(self) -> tuple[Run | None, bool]:
        """What there is to show, and whether it only stands in for the run."""
        run = self.run
        begun = run is not None and run.result is not None and (run.result.step > 0 or not run.live)
        return (run, False) if begun else (self._stand_in() or run, True)

    def ask(self, ask: str, **question: Any) -> Run | None:
        """The answer to a question to the trained network, or None until the run is complete.

        The answer comes within a moment; a page that shows it calls this inside a fragment or after a short wait.
        """
        if self.run is None or self.run.status != COMPLETE:
            return None
        try:
            asked = self.concept.ask(ask).question(**question)
        except Invalid:  # no widget of ours offers that
            return None
        with held.drawing():
            run = self.manager.question(self.run, ask, asked, watcher(), person())
            run.done.wait(2.0)
            return run
        return None

    def change(self, **changes: Any) -> None:
        """New Params from something other than a widget (a click); what does not stand is said and changes nothing."""
        link.attempt(self.stem, changes, outside=True)

    def take_away(self, name: str, left: tuple[Any, ...]) -> None:
        """Let only these be left of the rows of a field, by a gesture in the figure; it is said below the figure, where
        one click brings back what is gone, until something else changes."""
        before = self.params
        self.change(**{name: left})
        if self.params != before:
            count = len(getattr(before, name)) - len(left)
            st.session_state[f"taken:{self.stem}"] = (before, self.params, count)

    def _taken(self) -> None:
        """What was taken away last, and the way back."""
        before, after, count = st.session_state.get(f"taken:{self.stem}", (None, None, 0))
        if after != self.params:
            return

        def back() -> None:
            link.change(self.stem, before, outside=True)
            st.session_state["whole page"] = True

        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(self.text.say("frame.taken_away", count=count))
            st.button(self.text.say("frame.undo"), icon=":material/undo:", key=f"{self.stem}-undo-taken", on_click=back)

    def claims(self, *first: str) -> None:
        """What the notes say, with the stored verdict and what this run measured; claims not named are folded away."""
        st.header(self.text.say("frame.claims"), anchor=False)
        stored = claims.stored(self.stem)
        named = [c for id in first for c in self.concept.claims if c.id == id]
        rest = [c for c in self.concept.claims if c.id not in first]
        for claim in named:
            self._claim(claim, stored.get(claim.id))
        if rest:
            with self.folded("claims", self.text.say("frame.more_claims", count=len(rest)), "fact_check") as fold:
                if fold.open:
                    for claim in rest:
                        self._claim(claim, stored.get(claim.id))

    def lesson(self) -> None:
        """The notes of the page."""
        with self.folded("lesson", self.text.say("frame.lesson"), "menu_book") as fold:
            if fold.open:
                st.markdown(self.text.prose("lesson"))

    def folded(self, name: str, label: str, icon: str) -> Any:
        """A part that is folded away at first; what is in it is made only while its `.open` is true."""
        key = f"{self.stem}-fold-{name}-{self.text.language}"
        return st.expander(label, icon=f":material/{icon}:", key=key, on_change="rerun")

    def share(self) -> None:
        """The link, and everything to take away."""
        with self.folded("share", self.text.say("frame.share"), "share") as fold:
            if fold.open:
                share.downloads(self)

    # What the parts are made of

    def _ask(self) -> Run | None:
        """The run of the present Params: under way, stored, or started now if cheap or the page's default, so that no
        page is ever empty; else None until asked for."""
        name = f"run:{self.stem}"
        current = held.held(name)
        engine = self.manager.engine_for(self.stem, self.params, self.device)
        again = self.eager and current is not None and current.status == STOPPED  # there is no button for it
        if current is not None and not again and current.key in self.manager.keys(self.stem, self.params, self.device):
            return current
        if current is not None:
            self.manager.leave(current, watcher())
            if current.result is not None:
                held.hold(f"before:{self.stem}", current)
        run = self.manager.find(self.stem, self.params, self.device, watcher(), person())
        cheap = engine.seconds(self.concept.cost(self.params)) <= AUTO
        if run is None and (cheap or self.eager or self.params == self.concept.Params()):
            run = self.manager.ask(self.stem, self.params, watcher(), self.device, person=person())
        held.hold(name, run)
        return run

    def _start(self, anew: bool = False) -> None:
        with held.wish():
            run = self.manager.ask(self.stem, self.params, watcher(), self.device, anew, person())
            held.hold(f"run:{self.stem}", run)

    def _stop(self, run: Run) -> None:
        with held.wish():
            held.hold(f"run:{self.stem}", self.manager.quit(run, watcher(), person()))

    def _shown_figures(self) -> list[Figure]:
        return [f for f in self.concept.figures if f.shown(self.params)]

    def _chosen_figure(self) -> Figure:
        """The figure the link or the reader chose, or the first."""
        shown = self._shown_figures()
        wanted = st.session_state.get(f"figure:{self.stem}", "")
        return next((f for f in shown if f.id == wanted), shown[0])

    def _figure_picker(self) -> None:
        say = self.text.say
        options = [f.id for f in self._shown_figures()]

        def choose(id: str) -> None:
            st.session_state[f"figure:{self.stem}"] = id

        st.segmented_control(
            say("frame.figure"),
            options,
            format_func=lambda id: say(f"figures.{id}"),
            default=self.figure.id,
            required=True,
            label_visibility="collapsed",
            **told(f"{self.stem}-figure-{self.text.language}", self.figure.id, choose),
        )

    def _status_row(self, run: Run | None) -> None:
        """One row that is always there: progress and Stop, or where the numbers come from and Run."""
        say = self.text.say
        with st.container(horizontal=True, vertical_alignment="center", key="status-row"):
            if run is not None and run.live:
                st.progress(run.fraction, progress(run, self.manager, self.text))
                st.button(say("run.stop"), icon=":material/stop:", key="stop", on_click=self._stop, args=(run,))
                return
            refused = self.manager.refusal(self.stem, self.params, self.device) if run is None else None
            if refused:
                st.warning(refusal(*refused, self.text), icon=":material/block:")
                return
            if run is None:
                st.caption(say("run.not_yet", time=self.text.duration(self.predicted_seconds())))
            elif run.status == FAILED:
                st.error(link.plain(failed(run, self.text)), icon=":material/error:")
            elif run.status == STOPPED:
                st.caption(stopped(run, self.text))
            else:
                st.caption(records.origin(run, self.text))
            anew = run is not None and run.status == COMPLETE
            st.button(
                say("run.again" if anew else "run.start"),
                icon=":material/replay:" if anew else ":material/play_arrow:",
                key="run",
                type="tertiary" if anew else "primary",
                help=say("run.again_hint")
                if anew
                else say("run.start_hint", time=self.text.duration(self.predicted_seconds())),
                on_click=self._start,
                args=(anew,),
            )

    def predicted_seconds(self) -> float:
        engine = self.manager.engine_for(self.stem, self.params, self.device)
        return engine.seconds(self.concept.cost(self.params))

    def _stand_in(self) -> Run | None:
        """What is shown until the run has something: what is left of it from before, this setting in an older version,
        the run before it on this page, the default as stored here, the default as it came with the project."""
        found: Iterable[Run | None] = (
            source()
            for source in (
                lambda: self.manager.partial(self.stem, self.params, self.device, person()),
                lambda: self.manager.latest(self.stem, self.params, person()),
                lambda: held.held(f"before:{self.stem}"),
                lambda: self.manager.latest(self.stem, self.concept.Params()),
                lambda: self.manager.shipped(self.stem),
            )
        )
        return next((run for run in found if run is not None and self.figure.shown(run.params)), None)

    def _below(self, shown: Run, stand_in: bool) -> None:
        """The figure in one sentence, and as a table."""
        if stand_in:
            st.caption(self._stood_in(shown))
        st.markdown(self.figure.summary(shown.result, self.text.language))
        st.caption(self.text.hint(f"figures.{self.figure.id}"))
        if not shown.live:
            with self.folded("table", self.text.say("frame.table"), "table") as fold:
                if fold.open:
                    st.table(readable(self.figure.table(shown.result, self.text.language)), hide_index=True)
        if self.manager.store.trouble:
            st.caption(self.text.say("run.unstored", reason=because(self.manager.store.trouble, self.text)))

    def _stood_in(self, shown: Run) -> str:
        """What is shown in place of the run, and where it comes from."""
        say, meta = self.text.say, shown.meta
        if not meta.get("shipped"):
            return say("run.stored_old" if shown.params == self.params else "run.stored_other")
        came = records.origin(shown, self.text)
        return came if shown.params == self.params else f"{say('run.stored_other')} {came}"

    def _device(self) -> None:
        """What trains the run, where there is a choice."""
        known = sorted({e.device.split(":")[0] for e in self.manager.engines} & set(self.concept.devices))
        if len(known) < 2:
            return

        def choose(device: str) -> None:
            st.session_state[f"device:{self.stem}"] = device

        options = ["auto", *known]
        st.selectbox(
            self.text.say("frame.device"),
            options,
            index=options.index(self.device) if self.device in options else 0,
            format_func=lambda d: self.text.say(f"frame.{d}") if d in ("auto", "fused") else d.upper(),
            **told(f"{self.stem}-device-{self.text.language}", self.device, choose),
        )

    def _claim(self, claim: Any, stored: dict[str, Any] | None) -> None:
        say = self.text.say
        found = stored["verdict"] if stored else "unmeasured"
        colour, icon = BADGES.get(found, ("gray", "hourglass_empty"))
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(say(f"verdicts.{found}"), icon=f":material/{icon}:", color=colour)
                st.markdown(f"**{self.text.say(f'claims.{claim.id}')}**")
            at = link.plain(say("verdicts.at", settings=conditions(claim.params, self.text)))
            st.caption(self.text.hint(f"claims.{claim.id}"), help=at)
            lines = []
            if stored:
                lines.append(
                    say(
                        "verdicts.stored",
                        **_numbers(stored),
                        unit=self.text.unit(claim.unit),
                        n=stored["n"],
                        smallest=claim.smallest,
                    )
                )
                if stored["source"] != source_digest(self.stem):
                    lines.append(say("verdicts.older", date=stored["date"]))
            lines.append(self._measured_now(claim))
            st.caption("  \n".join(link.plain(line) for line in lines))
            if self.params != claim.params:
                st.button(
                    say("verdicts.open"),
                    key=f"{self.stem}-claim-{claim.id}",
                    type="tertiary",
                    icon=":material/arrow_forward:",
                    on_click=lambda: link.change(self.stem, claim.params, outside=True),
                )

    def _measured_now(self, claim: Any) -> str:
        """What the run on the screen says of a claim, apart from the stored verdict."""
        effects = claim.measure(self.run.result) if self.run and self.run.result is not None else None
        if effects is None:
            return self.text.say("verdicts.this_run_none")
        found = interval(effects, claim.share)
        return self.text.say("verdicts.this_run", **_numbers(vars(found)), n=found.n)


def hand_over_to_entry() -> None:
    """Run the entry script when streamlit has run a page file alone (a deep link that came before any navigation)."""
    if not st.session_state.get("entered"):
        from streamlit.runtime.pages_manager import PagesManager

        PagesManager.uses_pages_directory = False
        st.session_state["entered"] = True
        st.rerun()


def amount(code: str, value: float, text: Text) -> str:
    """Seconds or bytes in the reader's words, as a failure code means it."""
    return f"{value / 2**30:.2g} GB" if code == "too_much_memory" else text.duration(value)


def refusal(code: str, asked: float, allowed: float, text: Text) -> str:
    """Why a run is not taken on, with its cost."""
    return text.say(f"refused.{code}", asked=amount(code, asked, text), allowed=amount(code, allowed, text))


def failed(run: Run, text: Text) -> str:
    """Why a run failed, with its reference in the log."""
    limits = {
        "seconds": amount("too_long", RUN_SECONDS, text),
        "memory": amount("too_much_memory", RUN_BYTES, text),
    }
    reason = text.say(f"failures.{run.error}", detail=run.detail, **limits)
    return text.say("run.failed", reference=run.reference, error=reason)


def stopped(run: Run, text: Text) -> str:
    """How far a run came that was stopped, and why, where its reader did not press Stop."""
    percent = f"{100 * run.fraction:.0f}"
    if not run.error:
        return text.say("run.stopped", percent=percent)
    reason = text.say(f"failures.{run.error}", time=text.duration(GRACE))
    return text.say("run.stopped_as", percent=percent, reason=reason)


def progress(run: Run, manager: Manager, text: Text) -> str:
    """How far a live run is, in the reader's words."""
    say = text.say
    if run.status == WAITING and manager.unreachable:
        return say("run.unreachable")
    if run.status == WAITING:
        return say("run.waiting", position=manager.position(run)) if manager.ready.is_set() else say("run.warming")
    spent = run.elapsed
    left = spent / run.fraction - spent if run.fraction > 0.02 else run.predicted
    return say("run.running", percent=f"{100 * run.fraction:.0f}", left=text.duration(max(left, 0.1)))


def _handler(page: Page, key: str, event: str, act: Callable[[Page, Any], None] | None) -> Callable[[], None] | None:
    if act is None:
        return None

    def handle() -> None:
        content = heard(st.session_state.get(key), event, SENT[event])
        if content:
            act(page, content)
            st.session_state["whole page"] = True  # an event of the chart runs only its fragment again

    return handle


def _numbers(found: dict[str, Any]) -> dict[str, str]:
    return {name: f"{found[name]:+.2g}".replace("-", "−") for name in ("mean", "low", "high")}
