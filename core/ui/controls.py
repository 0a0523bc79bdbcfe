"""Widgets that follow from the declaration of a field. They change the page's Params, which are the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.messages import explain
from core.params import (
    BaseParams,
    Choice,
    Field,
    Flag,
    Integer,
    Invalid,
    Number,
    Problem,
    Refused,
    Rows,
    String,
    applicable,
    fields,
)
from core.text import Text
from core.ui import link

LOG_STEPS = (1, 3)  # offered digits of every power of ten
SPELLED_OUT = 12  # problems of a link said in full; of further ones the names
WIDEST_SLIDER = 300  # values; more are typed


class Controls:
    """The widgets of one page at its present Params."""

    def __init__(self, stem: str, params: BaseParams, text: Text):
        self.stem, self.params, self.text = stem, params, text

    def field(self, name: str) -> None:
        """The widget of a field, or nothing where the field does not apply."""
        kind = applicable(self.params).get(name)
        if kind is None:
            return
        if isinstance(kind, Rows):
            self._rows(name, kind)
        else:
            self._widget(name, kind, getattr(self.params, name), lambda v: self.params.replace(**{name: v}), name)

    def _key(self, *parts: object) -> str:
        """A widget's identity: new in another language, and when a link or preset brought new values."""
        generation = st.session_state[f"generation:{self.stem}"]
        return "-".join(map(str, (self.stem, *parts, self.text.language, generation)))

    def _widget(
        self, name: str, kind: Field, value: Any, put: Callable[[Any], BaseParams], id: str, *, bare: bool = False
    ) -> None:
        """One widget. `put` makes the page's new Params of the new value; `bare` leaves the label to screen readers."""
        key = self._key(id)
        label, hint = self.text.say(f"params.{name}"), self.text.hint(f"params.{name}") or None
        shared: dict[str, Any] = {
            "key": key,
            "help": None if bare else hint,
            "label_visibility": "collapsed" if bare else "visible",
        }

        def changed() -> None:
            given = st.session_state[key]
            try:
                link.change(
                    self.stem, put(kind.read(given) if isinstance(kind, Number) and kind.log else kind.check(given))
                )
            except (Refused, Invalid) as error:
                problems = error.problems if isinstance(error, Invalid) else (Problem(name, error.code, error.details),)
                st.session_state[f"problems:{self.stem}"] = list(problems)
                st.session_state[f"generation:{self.stem}"] += 1

        shared["on_change"] = changed
        if isinstance(kind, Number) and kind.log:
            options = _log_options(kind, value)
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
                format_func=lambda option: say(f"options.{name}.{option}"),
                **shared,
            )
        elif isinstance(kind, Flag):
            st.toggle(label, value, **shared)
        elif isinstance(kind, String):
            st.text_input(label, value, max_chars=kind.longest, **shared)

    def _rows(self, name: str, kind: Rows) -> None:
        """An editor of rows: the first two fields beside each other, the others behind a button, add and remove."""
        rows = getattr(self.params, name)
        st.markdown(f"**{self.text.say(f'params.{name}')}**", help=self.text.hint(f"params.{name}"))
        head, second = list(fields(kind.row))[:2]
        for i, row in enumerate(rows):
            self._row(name, kind, rows, i, row, head, second)
        used = {getattr(row, head) for row in rows}
        options = fields(kind.row)[head].options  # type: ignore[attr-defined]

        def add() -> None:
            assert kind.fresh
            unused = next((o for o in options if o not in used), options[0])
            link.change(self.stem, self.params.replace(**{name: (*rows, kind.fresh(unused, None))}), outside=True)

        if kind.fresh:
            st.button(
                self.text.say("frame.add"),
                icon=":material/add:",
                key=self._key(name, "add"),
                on_click=add,
                disabled=len(rows) >= kind.high,
                width="stretch",
            )

    def _row(self, name: str, kind: Rows, rows: tuple, i: int, row: BaseParams, head: str, second: str) -> None:
        kinds = applicable(row)

        def put(field: str) -> Callable[[Any], BaseParams]:
            def make(value: Any) -> BaseParams:
                renewed = field == head and kind.fresh
                changed = kind.fresh(value, row) if renewed and kind.fresh else row.replace(**{field: value})
                return self.params.replace(**{name: (*rows[:i], changed, *rows[i + 1 :])})

            return make

        def remove() -> None:
            link.change(self.stem, self.params.replace(**{name: (*rows[:i], *rows[i + 1 :])}), outside=True)

        with st.container(horizontal=True, gap="xsmall", key=f"tight-row-{i}-{name}"):
            chosen = getattr(row, head)
            self._widget(head, kinds[head], chosen, put(head), f"{name}{i}{head}{chosen}", bare=True)
            self._widget(
                second, kinds[second], getattr(row, second), put(second), f"{name}{i}{second}{chosen}", bare=True
            )
            label = self.text.say("frame.settings_of", name=self.text.say(f"options.{head}.{chosen}"))
            more = st.popover(
                "", icon=":material/tune:", help=label, key=self._key(name, i, "more", chosen), on_change="rerun"
            )
            if more.open:
                with more:
                    for field in [f for f in kinds if f not in (head, second)]:
                        self._widget(field, kinds[field], getattr(row, field), put(field), f"{name}{i}{field}{chosen}")
                    st.button(
                        self.text.say("frame.remove"),
                        icon=":material/delete:",
                        key=self._key(name, i, "remove"),
                        on_click=remove,
                        disabled=len(rows) <= kind.low,
                        width="stretch",
                    )


def _log_options(kind: Number, value: float) -> list[str]:
    """1, 3, 10, 30, … within the bounds, and the present value in its place."""
    found = {value}
    for power in range(-12, 7):
        found |= {v for digit in LOG_STEPS if kind.low <= (v := float(f"{digit}e{power}")) <= kind.high}
    return [kind.write(v) for v in sorted(found)]


def problems(stem: str, text: Text, cls: type[BaseParams]) -> None:
    """What of the link or of the last change could not be used, said in plain words."""
    found = st.session_state.get(f"problems:{stem}", [])
    if found:
        lines = [f"- {link.plain(explain(problem, text, cls))}" for problem in found[:SPELLED_OUT]]
        if rest := [problem.field for problem in found[SPELLED_OUT:]]:
            lines.append(f"- {link.plain(text.say('problems.more', count=len(rest), names=', '.join(rest)))}")
        st.warning("\n".join([text.say("problems.title"), "", *lines]), icon=":material/link_off:")
