"""Widgets that follow from the declaration of a field. They change the page's Params, which are the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from core.concept.messages import explain
from core.concept.params import (
    BaseParams,
    Choice,
    Drawing,
    Field,
    Flag,
    Integer,
    Number,
    Problem,
    Refused,
    Rows,
    String,
    Table,
    Upload,
    applicable,
)
from core.concept.text import Text
from core.ui import link
from core.ui.own import Own
from core.ui.pad import pad
from core.ui.rows import changed_rows, log_options, rows
from core.ui.table import table
from core.ui.told import told

SPELLED_OUT = 12  # problems of a link said in full; of further ones the names
WIDEST_SLIDER = 300  # values; more are typed


class Controls:
    """The widgets of one page, or of one question on it, at its present Params.

    without: names of fields that have none, of rows as `rows.field`.
    most: the largest values of whole numbers at these settings; one that leaves no choice has no widget.
    """

    def __init__(
        self,
        stem: str,
        params: BaseParams,
        text: Text,
        without: tuple[str, ...] = (),
        most: Mapping[str, int] | None = None,
    ):
        self.stem, self.params, self.text, self.without, self.most = stem, params, text, without, most or {}

    def field(self, name: str) -> None:
        """The widget of a field, or nothing where the field does not apply."""
        kind = applicable(self.params).get(name)
        if kind is None:
            return
        if isinstance(kind, Rows):
            self._rows(name, kind)
        elif on_paper(kind):
            self._pad(name, kind)
        elif isinstance(kind, Table):
            self._table(name, kind)
        elif isinstance(kind, Upload):
            Own(self.stem, name, self.params, self.text).show()
        else:
            self._widget(name, kind)

    def _widget(self, name: str, kind: Field) -> None:
        """The streamlit widget of one field."""
        value = getattr(self.params, name)
        if isinstance(kind, Integer) and name in self.most:
            kind = replace(kind, high=max(kind.low, min(kind.high, self.most[name])))
            value = min(value, kind.high)
            if kind.low == kind.high:
                return
        label, hint = self.text.say(f"params.{name}"), self.text.hint(f"params.{name}") or None

        def heard(given: Any) -> bool:
            try:
                return link.attempt(self.stem, {name: _meant(kind, given)})
            except Refused as error:
                link.refuse(self.stem, Problem(name, error.code, error.details))
                return False

        shown = kind.write(value) if typed(kind) else value
        key = f"{self.stem}-{name}-{self.text.language}"
        shared: dict[str, Any] = {"help": hint} | told(key, shown, heard, lambda given: _meant(kind, given))
        if isinstance(kind, Number) and kind.log:
            options = sorted({*log_options(kind), kind.write(value)}, key=float)
            st.selectbox(label, options, index=options.index(kind.write(value)), accept_new_options=True, **shared)
        elif isinstance(kind, Number):
            step = kind.step or (kind.high - kind.low) / 100
            if kind.step and (kind.high - kind.low) / kind.step <= WIDEST_SLIDER:
                st.slider(label, kind.low, kind.high, value, step, **shared)
            else:
                st.number_input(label, kind.low, kind.high, value, step, format="%.6g", **shared)
        elif isinstance(kind, Integer):
            if (kind.high - kind.low) / kind.step <= WIDEST_SLIDER:
                st.slider(label, kind.low, kind.high, value, kind.step, **shared)
            else:
                st.number_input(label, kind.low, kind.high, value, kind.step, **shared)
        elif isinstance(kind, Choice):
            say = self.text.say
            st.selectbox(
                label,
                kind.options,
                index=kind.options.index(value),
                format_func=lambda option: option if option.isdecimal() else say(f"options.{name}.{option}"),
                **shared,
            )
        elif isinstance(kind, Flag):
            st.toggle(label, value, **shared)
        elif isinstance(kind, String):
            st.text_input(label, value, max_chars=kind.longest, **shared)

    def _rows(self, name: str, kind: Rows) -> None:
        """An editor of rows."""

        def put(change: dict[str, Any]) -> None:
            now = link.present(self.stem)
            link.change(self.stem, now.replace(**{name: changed_rows(kind, getattr(now, name), change)}))

        self._title(name)
        rows(
            name,
            kind,
            getattr(self.params, name),
            self.text,
            key=f"{self.stem}-{name}-rows",
            version=self._version,
            put=put,
            refuse=lambda problem: link.refuse(self.stem, problem),
            without=tuple(w.removeprefix(f"{name}.") for w in self.without if w.startswith(f"{name}.")),
        )

    def _pad(self, name: str, kind: Any) -> None:
        """A paper to draw on."""
        label = self._title(name)
        pad(
            kind,
            getattr(self.params, name),
            self.text,
            label,
            key=f"{self.stem}-{name}-pad",
            version=self._version,
            put=lambda drawn: link.change(self.stem, link.present(self.stem).replace(**{name: drawn})),
        )

    def _table(self, name: str, kind: Table) -> None:
        """An editor of cells."""
        self._title(name)
        table(
            name,
            kind,
            getattr(self.params, name),
            self.text,
            key=f"{self.stem}-{name}-table",
            version=self._version,
            put=lambda made: link.change(self.stem, link.present(self.stem).replace(**{name: made})),
            refuse=lambda problem: link.refuse(self.stem, problem),
        )

    def _title(self, name: str) -> str:
        """The label of a component of ours, above it."""
        label: str = self.text.say(f"params.{name}")
        st.markdown(f"**{label}**", help=self.text.hint(f"params.{name}"))
        return label

    @property
    def _version(self) -> int:
        return st.session_state[f"generation:{self.stem}"]


def on_paper(kind: Field) -> bool:
    """Whether a field is drawn rather than set."""
    return isinstance(kind, Drawing) or (isinstance(kind, Table) and kind.look != "grid")


def typed(kind: Field) -> bool:
    """Whether a field's widget speaks in the texts of a link: numbers on a log scale, offered and typed."""
    return isinstance(kind, Number) and kind.log


def _meant(kind: Field, given: Any) -> Any:
    """The value that a state of a field's widget stands for; raises Refused."""
    return kind.read(given) if typed(kind) else kind.check(given)


def problems(stem: str, text: Text, cls: type[BaseParams], base: BaseParams | None = None) -> None:
    """What of the link, or of the last change, could not be used, said in plain words; `base` is what holds where a
    link says nothing, if not the defaults."""
    state = st.session_state
    of_link, of_change = (state.get(f"{kind}:{stem}", []) for kind in ("problems", "refused"))
    if of_link:
        said = [explain(problem, text, cls, base=base) for problem in of_link[:SPELLED_OUT]]
        if rest := [problem.field for problem in of_link[SPELLED_OUT:]]:
            said.append(text.say("problems.more", count=len(rest), names=", ".join(rest)))
        warn(text.say("problems.title"), said, "link_off")
    if of_change:
        now = link.present(stem)
        warn(text.say("problems.refused"), [explain(p, text, cls, now) for p in of_change], "block")


def warn(title: str, said: list[str], icon: str) -> None:
    """A title, and sentences that may hold a stranger's words."""
    listed = (f"- {link.plain(sentence)}" for sentence in said)
    st.warning("\n".join([title, "", *listed]), icon=f":material/{icon}:")
