"""The place where runs stand beside each other: from this browser's history, from ready settings, or by a link."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams, Invalid, Problem
from core.concept.parts import Figure, load
from core.concept.text import words
from core.conclusions.compare import (
    LETTERS,
    LONGEST_RUN,
    Asked,
    Comparison,
    asked,
    choose,
    chosen,
    differences,
    from_default,
    joined,
    run_text,
)
from core.conclusions.standings import SHOWN, ranked, table
from core.figures.numbers import readable
from core.runs.manager import shared
from core.runs.run import COMPLETE, FAILED, STOPPED, Run
from core.runs.uploads import NotHere
from core.ui import held, link, pin
from core.ui.chart import chart, named
from core.ui.controls import problems
from core.ui.run_state import progress, refusal, stopped
from core.ui.shown import AUTO, hand_over_to_entry
from core.ui.told import told
from core.ui.visitor import person, watcher

PLACE = "compare"
OFFERED = 8  # runs of the history that are listed at first
EXAMPLES = (  # concept, two of its presets, the figure that shows their difference
    ("optimizer_race", ("fair", "fast"), "accuracy"),
    ("dropout", ("noisy", "clean"), "test"),
    ("activations", ("stalls", "shallow"), "loss"),
)


@dataclass
class Shown:
    """One run of the comparison as it stands: what was asked, and the run if there is one."""

    text: str
    asked: Asked
    run: Run | None = None
    missing: str = ""  # the upload that is not here for this reader

    @property
    def ready(self) -> bool:
        return self.run is not None and self.run.result is not None


class Board:
    """The comparison of one session: what the link holds, its runs, and how they are shown."""

    def __init__(self) -> None:
        hand_over_to_entry()
        self.manager, self.me = shared(), person()
        new = PLACE not in st.session_state.get("params", {})
        link.load(PLACE, Comparison, {})
        if new and "concept" not in link.asked() and (seen := self.manager.history.mine(self.me)):
            link.change(PLACE, self.now.replace(concept=seen[0].stem))
        self.concept = load(self.now.concept)
        self.text = words(self.now.concept, link.language())
        self.say = self.text.say
        self._name_what_does_not_stand()
        runs = [asked(self.concept.stem, letter, text) for letter, text in zip(LETTERS, chosen(self.now))]
        self.figures = self._figures([each.params for each in runs])
        self.figure = next((f for f in self.figures if f.id == self.now.picture), self.figures[0])
        self.experiment = self.concept.of(self.figure)
        self.runs = [self._shown(each, text) for each, text in zip(runs, chosen(self.now))]
        self._leave_others()
        link.save(self.now)

    @property
    def now(self) -> Comparison:
        found = link.present(PLACE)
        assert isinstance(found, Comparison)
        return found

    def _name_what_does_not_stand(self) -> None:
        """What of a run in the link is refused is named once, and leaves the address, where its default then stands."""
        read = {
            letter: asked(self.now.concept, letter, text) for letter in LETTERS if (text := getattr(self.now, letter))
        }
        refused = {letter: found for letter, found in read.items() if found.problems}
        if not refused:
            return
        said = [
            Problem(letter, "bad_run", {"run": found.letter, "problem": problem, "cls": self.concept.Params})
            for letter, found in refused.items()
            for problem in found.problems
        ]
        said = [*st.session_state[f"problems:{PLACE}"], *said]
        stands = {letter: run_text(found.params, found.device) for letter, found in refused.items()}
        link.change(
            PLACE, self.now.replace(**{k: text if len(text) <= LONGEST_RUN else "" for k, text in stands.items()})
        )
        st.session_state[f"problems:{PLACE}"] = said

    # The parts, in the order in which the place has them

    def header(self) -> None:
        """Title, what this place is for, and what of the link could not be used."""
        st.title(self.say("chapters.compare"), anchor=False)
        st.markdown(self.say("compare.lead"))
        problems(PLACE, self.text, Comparison)

    def choice(self) -> None:
        """The concept, the runs chosen, and where further ones come from."""
        stems = [entry.stem for entry in CONCEPTS]
        titles = {stem: words(stem, self.text.language).title for stem in stems}

        def choose_concept(stem: str) -> None:
            if stem in stems:
                link.change(PLACE, Comparison(concept=stem))

        now = self.now.concept
        concept = told(f"compare-concept-{self.text.language}", now, choose_concept)
        label = self.say("params.concept")
        st.selectbox(label, stems, index=stems.index(now), format_func=titles.__getitem__, **concept)
        if len(self.runs) < 2:
            self._examples()
        label = self.say("compare.choose" if len(self.runs) < len(LETTERS) else "compare.change")
        # Open at first where there is something to choose; then as the reader leaves it.
        begins_open = st.session_state.setdefault("compare-choosing", len(self.runs) < 2)
        fold = st.expander(label, begins_open, icon=":material/checklist:")
        with fold:
            past, ready = st.columns(2, gap="medium")
            with past:
                self._past()
            with ready:
                self._presets()

    def result(self) -> None:
        """The runs as they stand, and what they show, growing while they train."""
        if not self.runs:
            return
        live = any(shown.run is not None and shown.run.live for shown in self.runs)

        def panel() -> None:
            if st.session_state.pop("whole page", False):
                st.rerun()
            with held.drawing():
                for shown in self.runs:
                    self._status(shown)
                ready = [shown for shown in self.runs if shown.ready]
                if ready:
                    self._picture(ready)
            if live and not any(shown.run is not None and shown.run.live for shown in self.runs):
                st.rerun()

        st.fragment(panel, run_every=self.manager.pause() if live else None)()

    def settings(self) -> None:
        """The fields in which the runs differ."""
        if len(self.runs) < 2:
            return
        st.subheader(self.say("compare.settings"), anchor=False)
        found = differences([shown.asked.params for shown in self.runs], self.text)
        if not found:
            st.caption(self.say("compare.same_settings"))
            return
        rows = [[label, *values] for label, values in found]
        head = [self.say("compare.setting"), *(shown.asked.letter for shown in self.runs)]
        st.table(pd.DataFrame([[link.plain(cell) for cell in row] for row in rows], columns=head), hide_index=True)

    def numbers(self) -> None:
        """The tables of the figure as one, and to take away."""
        figure = self.figure
        ready = {s.asked.letter: s.run for s in self.runs if s.ready and figure.shown(s.asked.params)}
        if not ready or any(run is None or run.live for run in ready.values()):
            return
        language, me = self.text.language, self.me

        def joint() -> pd.DataFrame:
            mine = {letter: self.manager.again(run, me) for letter, run in ready.items() if run is not None}
            found = {letter: figure.table(run.result, language) for letter, run in mine.items()}
            return joined(found, self.say("compare.run"))

        fold = st.expander(
            self.say("frame.table"), icon=":material/table:", key=f"compare-table-{language}", on_change="rerun"
        )
        if fold.open:
            with fold:
                st.table(readable(joint()), hide_index=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.download_button(
                self.say("export.csv"),
                lambda: joint().to_csv(index=False).encode("utf-8-sig"),
                f"compare-{self.concept.stem}-{figure.id}.csv",
                "text/csv",
                on_click="ignore",
            )
        st.caption(self.say("compare.share_hint"))

    def standings(self) -> None:
        """All contenders that this browser's runs of one task had, ranked together: the task of the first run here, or
        else of the latest."""
        concept, say, language = self.concept, self.say, self.text.language
        past = [(each.params, each.device) for each in self.manager.history.mine(self.me, concept.stem)]
        here = [shown.asked for shown in self.runs if not shown.missing]
        seen = [(asked.params, asked.device) for asked in here] + past
        if not (concept.task and concept.entries and past):
            return
        key = f"compare-standings-{language}"
        fold = st.expander(say("standings.title"), icon=":material/leaderboard:", key=key, on_change="rerun")
        if not fold.open:
            return
        task = concept.task(seen[0][0])
        runs = [pin.stored(concept.stem, params, device) for params, device in seen if concept.task(params) == task]
        results = {run.key: run.result for run in runs if run is not None and run.status == COMPLETE}
        entries = ranked(concept.entries(result) for result in results.values())
        with fold:
            st.caption(link.plain(f"{say('standings.task')} {from_default(task, self.text)}"))
            st.table(table(entries, self.text), hide_index=True)
            st.caption(say("standings.read", entries=len(entries), runs=len(results), most=min(SHOWN, len(entries))))

    # Choosing

    def _examples(self) -> None:
        """Comparisons at one click, for somebody who has not run anything yet."""
        st.caption(self.say("compare.examples"))
        with st.container(horizontal=True):
            for stem, presets, figure in EXAMPLES:
                text = words(stem, self.text.language)
                names = " / ".join(text.say(f"presets.{id}") for id in presets)
                key = f"compare-example-{stem}"
                st.button(f"{text.title}: {names}", key=key, on_click=partial(_example, stem, presets, figure))

    def _past(self) -> None:
        """What this browser has run of the concept."""
        st.markdown(f"**{self.say('compare.history')}**")
        mine = self.manager.history.mine(self.me, self.concept.stem)
        st.caption(self.say("compare.history_hint" if mine else "compare.history_empty"))
        key = f"compare-all-{self.text.language}"
        shown = mine if len(mine) <= OFFERED or st.session_state.get(key) else mine[:OFFERED]
        for past in shown:
            about = [_ago(past.when, self.say), self.text.duration(past.seconds), past.device.upper()]
            about += [self.say("compare.pinned")] if past.pinned else []
            self._box(run_text(past.params, past.device), past.params, " · ".join(about))
        if len(mine) > OFFERED:
            st.toggle(self.say("compare.all", count=len(mine)), key=key)
        if mine:
            st.button(
                self.say("compare.clear"),
                icon=":material/delete:",
                key="compare-clear",
                type="tertiary",
                help=self.say("compare.clear_hint"),
                on_click=lambda: self.manager.history.clear(self.me),
            )

    def _presets(self) -> None:
        """The settings that the concept's own page offers."""
        st.markdown(f"**{self.say('compare.presets')}**")
        st.caption(self.say("compare.presets_hint"))
        defaults = self.concept.Params()
        for preset in self.concept.presets:
            params = defaults.replace(**preset.changes)
            name, reason = self.say(f"presets.{preset.id}"), self.text.hint(f"presets.{preset.id}")
            self._box(run_text(params), params, reason, name)

    def _box(self, text: str, params: BaseParams, about: str, name: str = "") -> None:
        """A run to choose; those chosen carry their letter. Four at most."""
        texts = chosen(self.now)
        letter = next((s.asked.letter for s in self.runs if s.text == text), "")
        label = link.plain(name or from_default(params, self.text))

        def put(wish: bool) -> None:
            others = [each for each in chosen(self.now) if each != text]
            self._choose([*others, text] if wish else others)

        full = len(texts) >= len(LETTERS) and not letter
        box = told(f"compare-box-{self.concept.stem}-{text}-{self.text.language}", text in texts, put)
        st.checkbox(f"**{letter}** · {label}" if letter else label, text in texts, disabled=full, **box)
        st.caption(link.plain(about))

    def _choose(self, texts: list[str]) -> None:
        try:
            link.change(PLACE, choose(self.now, texts))
        except Invalid as error:
            link.refuse(PLACE, *error.problems)

    # Runs

    def _shown(self, wanted: Asked, text: str) -> Shown:
        """A run of the link: there, under way, or begun now where that is cheap."""
        shown = Shown(text, wanted)
        try:
            where = self.experiment.name, shown.asked.params, shown.asked.device
            run = held.held(self._name(shown)) or pin.stored(*where)
            if run is None and self._predicted(shown) <= AUTO:
                run = self._asked(shown)
        except NotHere as refused:
            shown.missing = held.sentence(refused)
            return shown
        held.hold(self._name(shown), run)
        shown.run = run
        return shown

    def _name(self, shown: Shown) -> str:
        """Under which name the session holds a run of the comparison."""
        return f"compared:{self.experiment.name}?{shown.text}"

    def _predicted(self, shown: Shown) -> float:
        """Seconds that a run will take."""
        params, device = shown.asked.params, shown.asked.device or "auto"
        return self.manager.seconds(self.experiment.name, params, device)

    def _asked(self, shown: Shown) -> Run:
        params, device = shown.asked.params, shown.asked.device or "auto"
        return self.manager.ask(self.experiment.name, params, watcher(), device, person=self.me)

    def start(self, shown: Shown) -> None:
        with held.wish():
            held.hold(self._name(shown), self._asked(shown))

    def stop(self, shown: Shown) -> None:
        assert shown.run is not None
        with held.wish():
            held.hold(self._name(shown), self.manager.quit(shown.run, watcher(), self.me))

    def _leave_others(self) -> None:
        """Runs that are no longer compared end, unless someone else looks at them."""
        compared = {name for name in held.names() if name.startswith("compared:")}
        for name in compared - set(map(self._name, self.runs)):
            held.let_go(name)

    def _status(self, shown: Shown) -> None:
        """One row per run: its letter and settings, how it came about or what it lacks, and what can be done."""
        letter, run, say = shown.asked.letter, shown.run, self.say
        with st.container(horizontal=True, vertical_alignment="center", key=f"compare-run-{letter}"):
            about = from_default(shown.asked.params, self.text)
            st.markdown(f"**{letter}** {DASHES[letter]} {link.plain(about)}  \n:small[{link.plain(self._how(shown))}]")
            if run is not None and self.manager.again(run, self.me).live:
                self.manager.look(run, watcher())
                args: dict[str, Any] = {"key": f"compare-stop-{letter}", "on_click": self.stop, "args": (shown,)}
                st.button(say("run.stop"), icon=":material/stop:", **args)
            elif not shown.missing and (run is None or run.status in (FAILED, STOPPED)):
                args = {"key": f"compare-start-{letter}", "on_click": self.start, "args": (shown,)}
                refused = self.manager.refusal(self.concept.stem, shown.asked.params, shown.asked.device or "auto")
                if not refused:
                    st.button(say("run.start"), icon=":material/play_arrow:", type="primary", **args)
            if not shown.missing:
                figure = self.figure
                beside = {"figure": figure.id} if figure.shown(shown.asked.params) else {}
                url = link.address(self.concept.stem, shown.asked.params, **beside)
                hint = say("compare.to_page_hint")
                st.link_button(say("compare.to_page"), url, icon=":material/open_in_new:", type="tertiary", help=hint)
            others = [text for text in chosen(self.now) if text != shown.text]
            st.button(
                say("compare.drop", letter=letter),
                icon=":material/close:",
                key=f"compare-drop-{letter}",
                type="tertiary",
                on_click=self._drop,
                args=(others,),
            )

    def _drop(self, others: list[str]) -> None:
        self._choose(others)
        st.session_state["whole page"] = True

    def _how(self, shown: Shown) -> str:
        """How a run came about, or what it lacks."""
        run, say = shown.run, self.say
        if shown.missing:
            return shown.missing
        if run is None:
            refused = self.manager.refusal(self.concept.stem, shown.asked.params, shown.asked.device or "auto")
            if refused:
                return refusal(*refused, self.text)
            return say("run.not_yet", time=self.text.duration(self._predicted(shown)))
        if run.live:
            return progress(run, self.manager, self.text)
        if run.status == FAILED:
            return say("compare.failed", reference=run.reference or "–")
        if run.status == STOPPED or not run.meta:
            return stopped(run, self.text)
        seeds = getattr(run.params, "seeds", None)
        parts = [say("run.stored") if run.stored else say("run.trained_now"), run.meta["device"].upper()]
        parts += [say("compare.seeds", count=seeds)] if seeds else []
        return " · ".join([*parts, self.text.duration(run.meta["seconds"])])

    # What they show

    def _figures(self, runs: list[BaseParams]) -> list[Figure]:
        """The figures that every run has."""
        shared_by_all = [f for f in self.concept.figures if all(f.shown(p) for p in runs)]
        return shared_by_all or [f for f in self.concept.figures if f.shown(runs[0])]

    def _picture(self, ready: list[Shown]) -> None:
        """The chosen figure: of all runs in one, or of each beside the others."""
        figure, say, language = self.figure, self.say, self.text.language
        self._pick("picture", [f.id for f in self.figures], figure.id, lambda id: say(f"figures.{id}"))
        runs = {shown.asked.letter: shown.run for shown in ready if shown.run is not None}
        runs = {letter: run for letter, run in runs.items() if figure.shown(run.params)}
        over = pin.laid_over(runs, figure, language) if len(runs) > 1 else None
        if over:
            self._pick("view", ["over", "beside"], self.now.view, lambda id: say(f"options.view.{id}"))
        said = {letter: f"{letter}: {figure.summary(run.result, language)}" for letter, run in runs.items()}
        if over and self.now.view == "over":
            summary, about = " ".join(said.values()), named(figure, self.text, runs)
            chart(over, self.text, key=f"compare-over-{figure.id}", summary=summary, named=about)
            st.caption(say("compare.read"))
        else:
            drawn = pin.alongside(runs, figure, language)
            if not over and len(runs) > 1:
                st.caption(say("compare.no_overlay"))
            per_row = 2 if len(runs) > 1 else 1
            for start in range(0, len(runs), per_row):
                for column, letter, content in zip(st.columns(per_row), list(runs)[start:], drawn[start:]):
                    with column:
                        st.markdown(f"**{letter}**")
                        about = named(figure, self.text, {letter: runs[letter]})
                        chart(
                            content,
                            self.text,
                            key=f"compare-{letter}-{figure.id}",
                            summary=said[letter],
                            named=about | {"file": f"{about['file']}-{letter}"},
                        )
        st.markdown("  \n".join(f"**{k}** {figure.summary(run.result, language)}" for k, run in runs.items()))
        st.caption(self.text.hint(f"figures.{figure.id}"))

    def _pick(self, field: str, options: list[str], value: str, label: Callable[[str], str]) -> None:

        def put(choice: str) -> bool:
            st.session_state["whole page"] = True
            return link.attempt(PLACE, {field: choice})

        name = self.say("frame.figure" if field == "picture" else "params.view")
        how = told(f"compare-{field}-{self.concept.stem}-{self.text.language}", value, put)
        shared: dict[str, Any] = {"format_func": label, "required": True, "label_visibility": "collapsed"}
        st.segmented_control(name, options, default=value, **shared, **how)


DASHES = {"A": "━━━", "B": "╌╌╌", "C": "┈┈┈", "D": "━ ·"}


def _example(stem: str, presets: tuple[str, ...], figure: str) -> None:
    concept = load(stem)
    settings = [concept.Params().replace(**p.changes) for id in presets for p in concept.presets if p.id == id]
    link.change(PLACE, choose(Comparison(concept=stem, picture=figure), [run_text(params) for params in settings]))


def _ago(when: float, say: Callable[..., str]) -> str:
    """How long ago, with one unit."""
    seconds = max(0.0, time.time() - when)
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return say(f"compare.ago_{unit}", count=int(seconds // size))
    return say("compare.ago_now")
