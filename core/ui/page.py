"""The frame of a concept's page. A page file says in which order the parts come; everything else is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.concept.catalog import CATALOG, leads_to
from core.concept.messages import because
from core.concept.params import BaseParams, applicable, write
from core.concept.text import words
from core.conclusions import kept
from core.figures.numbers import readable
from core.runs.run import COMPLETE, FAILED, STOPPED, Run
from core.takeaway import records
from core.ui import held, link, notes, pin, share
from core.ui.chart import SENT, chart, named
from core.ui.controls import Controls, on_paper, problems
from core.ui.heard import heard
from core.ui.predict import covered, opener, predict
from core.ui.run_state import failed, progress, refusal, stopped
from core.ui.shown import Shown
from core.ui.told import told

if TYPE_CHECKING:
    import plotly.graph_objects as go

EMPTY = 380  # pixels kept free where nothing can be shown yet
TABS = 560  # pixels that the tabs of figures have on a laptop, beside the menu of others
LETTER, GLYPH, AROUND = 7.6, 14.0, 33.0  # pixels of a letter, of a Chinese character, and around the name of a tab


class Page(Shown):
    """The parts of a concept's page, in the order in which pages usually have them."""

    def show(
        self,
        *first: str,
        claims: tuple[str, ...],
        without: tuple[str, ...] = (),
        on_click: Callable[[Page, dict[str, float]], None] | None = None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """The parts in their usual order: a page of which there is nothing more to say is this one line.

        first, without: of `controls`; claims: those not folded away; on_click: of `figures`; after: what comes between
            the picture with its settings and the claims.
        """
        self.header()
        presets, picture, settings = self.places()
        with picture:
            self.figures(on_click)
        with presets:
            self.presets()
        with settings:
            self.controls(*first, without=without)
        after()
        self.claims(*claims)
        self.lesson()
        self.share()

    def header(self) -> None:
        """Title, the page's question, the way to the presenter view, one sentence, and what of the link could not be
        used."""
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="page-title"):
            st.title(self.text.title, anchor=False)
            opener(self)
            shown = {"concept": self.stem, "figure": self.figure.id, "lang": self.text.language} | write(self.params)
            label, icon = self.text.say("present.this"), ":material/present_to_all:"
            st.page_link(st.session_state["pages"]["present"], label=label, icon=icon, query_params=shown)
        with st.container(key="page-lead"):
            st.markdown(self.text.lead)
        problems(self.stem, self.text, self.concept.Params)

    def presets(self) -> None:
        """Settings worth looking at, in one row; the reason of the one that is set stands above the controls."""
        say, defaults, active = self.text.say, self.concept.Params(), self._preset()

        def choose(id: str | None) -> None:
            chosen = next((p for p in self.concept.presets if p.id == id), None)
            if chosen:
                link.change(self.stem, defaults.replace(**chosen.changes), outside=True)
                if chosen.figure:
                    st.session_state[f"figure:{self.stem}"] = chosen.figure

        st.pills(
            say("frame.presets"),
            [preset.id for preset in self.concept.presets],
            format_func=lambda id: say(f"presets.{id}"),
            default=active,
            wrap=False,
            label_visibility="collapsed",
            **told(f"{self.stem}-preset-{self.text.language}", active, choose),
        )
        predict(self)

    def _preset(self) -> str | None:
        """The preset that is set."""
        defaults = self.concept.Params()
        return next((p.id for p in self.concept.presets if defaults.replace(**p.changes) == self.params), None)

    def places(self) -> tuple[Any, Any, Any]:
        """Places for the presets, for the picture, and for the settings on its left. Fill the picture first: what
        is sent first is drawn first."""
        presets = st.container(key="page-presets")
        with st.container(key="lesson-columns"):
            picture, settings = st.columns([0.66, 0.34], gap="medium")
        return presets, picture, settings

    def controls(self, *first: str, without: tuple[str, ...] = ()) -> None:
        """The widgets of the fields named, in this order; those of all other fields folded away.

        without: fields that the page itself turns (by clicks on the figure, say), or, as `rows.field`, fields of rows
            that have no effect at these settings.
        """
        if preset := self._preset():
            st.caption(self.text.hint(f"presets.{preset}"))
        without = (*without, *self.experiment.without)
        controls = Controls(self.stem, self.params, self.text, without)
        for name in first:
            if name not in without:
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
        on_pick: Callable[[Page, dict[str, str]], None] | None = None,
        on_drag: Callable[[Page, dict[str, Any]], None] | None = None,
    ) -> None:
        """The chosen figure of the run, growing while it trains, with what came of it below.

        on_click: what a click inside the axes of an experiment's first figure does, given its {"x", "y"}.
        on_select: what a box selection in it does, given the points selected.
        on_pick: what a click on a node, an edge or a cell of it does: a point with customdata, given its {"name",
            "id"}, the name of its trace and the customdata as text.
        on_drag: what a drag of such a point does, of a trace whose meta is {"drags": True}, given its
            {"name", "id", "x", "y"}.
        """
        self._figure_picker()
        first = self.figure is self.concept.first(self.params, self.experiment.part)
        key = f"{self.stem}-chart-{self.figure.id}"
        acts = {"on_click": on_click, "on_select": on_select, "on_pick": on_pick, "on_drag": on_drag}
        handlers: dict[str, Any] = {
            name: _handler(self, key, name, act if first else None) for name, act in acts.items()
        }
        run = self.run

        def picture(live: bool) -> None:
            self._status_row(run)
            shown, pale = self.at_hand()
            if covered(self):
                with st.container(height=EMPTY):
                    st.caption(self.text.say("predict.covered"))
            elif shown is None or shown.result is None:
                st.container(height=EMPTY, border=False)
            else:
                drawn, about = pin.drawn(self, shown)
                chart(
                    drawn,
                    self.text,
                    key=key,
                    summary=self.figure.summary(shown.result, self.text.language),
                    named=about,
                    over=not live,
                    pale=pale and live,
                    **handlers,
                )
                self._taken()
                self._below(shown, pale)
            pin.row(self, run)

        self.follow(picture)

    def question(
        self,
        ask: str,
        draw: Callable[[Any, str], go.Figure],
        summary: Callable[[Any, str], str],
        most: Mapping[str, int] | None = None,
        on_pick: Callable[[Page, dict[str, str]], None] | None = None,
        **given: Any,
    ) -> None:
        """A question to the trained network: a widget for each of its fields but those `given`, what is drawn on the
        left, and the answer as `draw` and `summary` of its Result and the language have it, as it grows. Its title is
        `words.<ask>`.

        most: the largest values of fields at these settings. A field that leaves no choice has no widget.
        on_pick: as of `figures`, in the answer: a move in a game, which asks again (`reask`).
        """
        text, key, name = self.text, f"{self.stem}-{ask}", f"{self.stem}.{ask}"
        question = self.asking(ask)
        problems(name, text, type(question))
        kinds = {field: kind for field, kind in applicable(question).items() if field not in given}
        controls = Controls(name, question, text, most=most)
        drawn = [field for field, kind in kinds.items() if on_paper(kind)]
        left, right = st.columns([0.3, 0.7]) if drawn else 2 * [st.container()]
        for field in drawn:
            with left:
                controls.field(field)
        with right:
            with st.container(horizontal=True):
                for field in kinds:
                    if field not in drawn:
                        controls.field(field)
            within = {field: min(getattr(question, field), high) for field, high in (most or {}).items()}
            answer = self.ask(ask, **{field: getattr(question, field) for field in kinds} | within | given)
            self._only(f"answer:{name}", answer)
            if answer is None or (answer.result is None and not answer.live):
                st.caption(text.say("words.wait"))
                return

            def picture(live: bool) -> None:
                if self.run is None or answer.result is None:
                    st.caption(text.say("words.wait"))
                    return
                said = summary(answer.result, text.language)
                about = named(self.figure, text, {"": self.run})
                about |= {"file": key, "title": f"{text.title}: {text.say(f'words.{ask}')}"}
                shown = draw(answer.result, text.language).to_json()
                picks = _handler(self, key, "on_pick", on_pick)
                chart(shown, text, key=key, summary=said, named=about, over=not live, on_pick=picks)
                st.markdown(said)

            self.follow(picture, answer)

    def asking(self, ask: str) -> BaseParams:
        """What the page asks its network just now."""
        return link.question(self.stem, ask, self.concept.questions[ask])

    def reask(self, ask: str, **changes: Any) -> None:
        """Ask something else, by a gesture (a click, a move in a game); what does not stand is said."""
        link.attempt(f"{self.stem}.{ask}", changes, outside=True)

    def _only(self, name: str, run: Run | None) -> None:
        """Hold a run under a name; the one that was there ends unless somebody else looks at it."""
        before = held.held(name)
        if before is not None and before is not run:
            held.let_go(name)
        held.hold(name, run)

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
        stored = kept.stored(self.stem)
        named = [c for id in first for c in self.concept.claims if c.id == id]
        rest = [c for c in self.concept.claims if c.id not in first]
        for claim in named:
            notes.card(self, claim, stored.get(claim.id))
        if rest:
            with self.folded("claims", self.text.say("frame.more_claims", count=len(rest)), "fact_check") as fold:
                if fold.open:
                    for claim in rest:
                        notes.card(self, claim, stored.get(claim.id))

    def lesson(self) -> None:
        """The notes of the page, and what comes before and after it."""
        with self.folded("lesson", self.text.say("frame.lesson"), "menu_book") as fold:
            if fold.open:
                st.markdown(self.text.prose("lesson"))
        entries = {entry.stem: entry for entry in CATALOG}
        needs = [entries[stem] for stem in entries[self.stem].needs]
        with st.container(horizontal=True, vertical_alignment="center", key="way"):
            for word, found in (("needs", needs), ("leads_to", leads_to(self.stem))):
                if found:
                    st.caption(self.text.say(f"frame.{word}"))
                for entry in found:
                    title = words(entry.stem, self.text.language).title
                    st.page_link(st.session_state["pages"][entry.stem], label=title)

    def share(self) -> None:
        """The link, and everything to take away."""
        with self.folded("share", self.text.say("frame.share"), "share") as fold:
            if fold.open:
                share.downloads(self)

    # What the parts are made of

    def _figure_picker(self) -> None:
        """A tab for every figure that there is room for, and a menu of the others; on a phone a menu of all."""
        say, now, language = self.text.say, self.figure.id, self.text.language
        names = {figure.id: say(f"figures.{figure.id}") for figure in self.shown_figures()}
        tabs = fitting(names, now)

        def choose(id: str) -> None:
            st.session_state[f"figure:{self.stem}"] = id

        def menu(label: str, options: list[str], key: str) -> None:
            st.menu_button(
                label,
                options,
                format_func=names.__getitem__,
                key=key,
                on_click=lambda: choose(st.session_state[key]),
            )

        with st.container(horizontal=True, gap="small", key="figure-picker"):
            st.segmented_control(
                say("frame.figure"),
                tabs,
                format_func=names.__getitem__,
                default=now,
                required=True,
                label_visibility="collapsed",
                wrap=True,
                **told(f"{self.stem}-figure-{language}", now, choose),
            )
            if rest := [id for id in names if id not in tabs]:
                menu(say("frame.more_figures"), rest, f"{self.stem}-figures-more-{language}")
            menu(names[now], list(names), f"{self.stem}-figures-all-{language}")

    def _status_row(self, run: Run | None) -> None:
        """One row that is always there: progress and Stop, or where the numbers come from and Run."""
        say = self.text.say
        with st.container(horizontal=True, vertical_alignment="center", key="status-row"):
            if run is not None and run.live:
                st.progress(run.fraction, progress(run, self.manager, self.text))
                st.button(say("run.stop"), icon=":material/stop:", key="stop", on_click=self.stop, args=(run,))
                return
            refused = self.manager.refusal(self.experiment.name, self.asked, self.device) if run is None else None
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
                on_click=self.start,
                args=(anew,),
            )

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
            return say("run.stored_old" if shown.params == self.asked else "run.stored_other")
        came = records.origin(shown, self.text)
        return came if shown.params == self.asked else f"{say('run.stored_other')} {came}"

    def _device(self) -> None:
        """What trains the run, where there is a choice."""
        known = sorted({e.device.split(":")[0] for e in self.manager.places.engines} & set(self.experiment.devices))
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


def _handler(page: Page, key: str, name: str, act: Callable[[Page, Any], None] | None) -> Callable[[], None] | None:
    """What a chart calls, of what it is to do with what was done in it."""
    if act is None:
        return None
    event = {"on_select": "selected"}.get(name, name.removeprefix("on_"))

    def handle() -> None:
        content = heard(st.session_state.get(key), event, SENT[event])
        if content:
            act(page, content)
            st.session_state["whole page"] = True  # an event of the chart runs only its fragment again

    return handle


def fitting(names: dict[str, str], now: str) -> list[str]:
    """The figures whose names fit beside each other, from the first on; the one shown now is always among them."""
    wide = {id: AROUND + sum(GLYPH if ord(c) > 0x2E80 else LETTER for c in name) for id, name in names.items()}
    tabs: list[str] = []
    for id in names:
        others = 0.0 if now in (id, *tabs) else wide[now]
        if sum(wide[tab] for tab in tabs) + wide[id] + others > TABS:
            break
        tabs.append(id)
    return tabs if now in tabs else [*tabs, now]
