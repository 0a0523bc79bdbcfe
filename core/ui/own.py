"""The reader's own data on a page: bring a file, choose its columns, look at it, share it, give it up."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

import pandas as pd
import streamlit as st

from core import readers
from core.messages import explain
from core.params import AXES, BaseParams, Problem, Refused, Upload, fields, shape, uploaded
from core.runs.manager import shared
from core.runs.uploads import Holding
from core.text import Text
from core.ui import link
from core.ui.told import told
from core.ui.visitor import person

SUFFIXES = {"table": ["csv", "tsv", "txt"], "text": ["txt", "md"]}  # the first is that of the cleaned file
ROWS = 5  # of the preview
GLIMPSE = 300  # characters of the preview


@contextmanager
def _much_memory() -> Iterator[None]:
    """Around the reading of a file: a million cells make the garbage collector look through all of them again and
    again, and once they are gone the C library keeps their place."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        with suppress(OSError, AttributeError):  # glibc alone has it
            ctypes.CDLL(None).malloc_trim(0)


def drop_unreadable(stem: str, params: BaseParams) -> None:
    """Take files that are not here for this reader out of the page's Params; a message asks for each."""
    for field, name in uploaded(params).items():
        if not shared().uploads.readable(name, person()):
            problem = Problem(field, "not_here", {"shape": " × ".join(map(str, shape(name)))})
            found = [*st.session_state[f"problems:{stem}"], problem]
            params = params.replace(**{field: ""})
            link.change(stem, params, outside=True)
            st.session_state[f"problems:{stem}"] = found
            st.session_state[f"asked:{stem}:{field}"] = name


def downloads(params: BaseParams, text: Text) -> None:
    """A button for every cleaned file in use, which the standalone script and the command line read."""
    for field, name in uploaded(params).items():
        kind = fields(type(params))[field]
        assert isinstance(kind, Upload)
        st.download_button(
            text.say("own.download"),
            partial(_cleaned, name),
            f"{field}.{SUFFIXES[kind.kind][0]}",
            on_click="ignore",
        )


def _cleaned(name: str) -> bytes:
    return shared().uploads.content(name) or b""


class Own:
    """The widget of one upload field at the page's present Params."""

    def __init__(self, stem: str, field: str, params: BaseParams, text: Text):
        kind = fields(type(params))[field]
        assert isinstance(kind, Upload)
        self.stem, self.field, self.params, self.text, self.kind = stem, field, params, text, kind
        self.say, self.me, self.uploads = text.say, person(), shared().uploads

    def show(self) -> None:
        """The file in use, or where to bring one."""
        label, hint = self.say(f"params.{self.field}"), self.text.hint(f"params.{self.field}")
        if value := getattr(self.params, self.field):
            with st.container(border=True):
                st.markdown(f"**{label}**", help=hint)
                self._in_use(value)
            return
        asked = st.session_state.get(f"asked:{self.stem}:{self.field}", "")
        fold = st.expander(label, bool(asked), icon=":material/upload_file:", key=self._key("fold"), on_change="rerun")
        if fold.open:
            with fold:
                st.caption(hint)
                self._before()
                self._bring(asked)

    def _key(self, *parts: str) -> str:
        return "-".join((self.stem, self.field, *parts, self.text.language))

    def _put(self, name: str) -> None:
        link.change(self.stem, link.present(self.stem).replace(**{self.field: name}), outside=True)

    def _in_use(self, name: str) -> None:
        mine = self.uploads.held(name, self.me)
        if mine is None:
            st.caption(f"{self.say('own.of_another')}  \n{self._sizes(name)}")
        else:
            st.caption(f"{link.plain(mine.label)}  \n{self._sizes(name)}")

            def share(wish: bool) -> None:
                self.uploads.share(name, self.me, wish)

            how = told(self._key("share", name), mine.shared, share)
            st.toggle(self.say("own.share"), mine.shared, help=self.say("own.share_hint"), **how)
        with st.container(horizontal=True):
            st.button(
                self.say("own.leave"), icon=":material/close:", key=self._key("leave"), on_click=self._put, args=("",)
            )
            if mine:
                self._delete(mine)
        if mine:
            st.caption(self._until(mine))

    def _delete(self, mine: Holding) -> None:
        def delete() -> None:
            shared().delete(mine.name, self.me)
            self._put("")

        st.button(
            self.say("own.delete"),
            icon=":material/delete:",
            key=self._key("delete", mine.name),
            help=self.say("own.delete_hint"),
            on_click=delete,
        )

    def _before(self) -> None:
        """What this reader brought before and what fits here, to be used again or deleted."""
        for mine in self.uploads.mine(self.me):
            try:
                self.kind.check(mine.name)
            except Refused:
                continue
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    link.plain(mine.label),
                    icon=":material/history:",
                    key=self._key("again", mine.name),
                    help=f"{self._sizes(mine.name)}. {self._until(mine)}",
                    on_click=self._put,
                    args=(mine.name,),
                )
                self._delete(mine)

    def _bring(self, asked: str) -> None:
        """Choose a file and its columns. Nothing is kept and nothing changes until the reader says so."""
        given = st.file_uploader(
            self.say("own.file"),
            SUFFIXES[self.kind.kind],
            key=self._key("file"),
            max_upload_size=readers.LARGEST // 2**20,
        )
        bounds = {axis: str(low) if low == high else f"{low}–{high}" for axis, (low, high) in self._axes()}
        limits = [self.say(f"sizes.{axis}", count=bound) for axis, bound in bounds.items() if bound != "0"]
        st.caption(f"{self.say('own.limits', limits=', '.join(limits))} {self.say('own.privacy')}")
        if given is None:
            return
        try:
            with _much_memory():
                table = self.kind.kind == "table"
                found = self._table(given.getvalue(), given.file_id) if table else self._text(given.getvalue())
        except Refused as refused:
            self._say_refused(refused)
            return
        if found is None:
            return
        name, content = found
        st.caption(self._sizes(name))
        if asked and name != asked:
            st.warning(self.say("own.another"), icon=":material/difference:")

        def use() -> None:
            try:
                self.uploads.put(self.me, name, content, given.name)
            except Refused as refused:
                link.refuse(self.stem, Problem(self.field, refused.code, refused.details))
                return
            st.session_state.pop(f"asked:{self.stem}:{self.field}", None)
            self._put(name)

        st.button(self.say("own.use"), type="primary", key=self._key("use"), on_click=use, width="stretch")

    def _table(self, content: bytes, file: str) -> tuple[str, bytes] | None:
        """Name and cleaned file of the columns chosen here, with a preview; None until there is a choice."""
        found = readers.sheet(content)
        numbers, last = readers.guess(found, self.kind)
        of = found.names.__getitem__
        st.caption(self._read_as(found.encoding, found.delimiter))
        columns = range(len(found.names))
        label = None
        if self.kind.bounds[2][1]:
            label = st.selectbox(
                self.say("own.label"), columns, index=last, format_func=of, key=self._key("label", file)
            )
        features = st.multiselect(
            self.say("own.features"),
            [i for i in columns if i != label],
            default=[i for i in numbers if i != label],
            format_func=of,
            key=self._key("features", file, str(label)),
            max_selections=self.kind.bounds[1][1],
        )
        if not features:
            return None
        chosen = [*features, *([] if label is None else [label])]
        head = [[link.plain(row[i]) for i in chosen] for row in found.rows[:ROWS]]
        st.table(pd.DataFrame(head, columns=[link.plain(of(i)) for i in chosen]), hide_index=True)
        return readers.table(found, features, label, self.kind)

    def _text(self, content: bytes) -> tuple[str, bytes]:
        """Name and cleaned file of a text, with its beginning as a preview."""
        name, cleaned, encoding = readers.text(content, self.kind)
        st.caption(self._read_as(encoding))
        st.text(cleaned[: 4 * GLIMPSE].decode("utf-8", "ignore")[:GLIMPSE])
        return name, cleaned

    def _read_as(self, encoding: str, delimiter: str = "") -> str:
        cells = f" · {self.say('own.delimiters.' + readers.DELIMITERS[delimiter])}" if delimiter else ""
        return self.say("own.read_as", encoding=encoding.upper()) + cells

    def _say_refused(self, refused: Refused) -> None:
        problem = Problem(self.field, refused.code, refused.details)
        said = explain(problem, self.text, type(self.params), instead=False)
        st.error(link.plain(said), icon=":material/error:")

    def _axes(self) -> Iterable[tuple[str, tuple[int, int]]]:
        return zip(AXES[self.kind.kind], self.kind.bounds)

    def _sizes(self, name: str) -> str:
        """The shape of an upload in words."""
        named = zip(AXES[self.kind.kind], shape(name))
        return ", ".join(self.say(f"sizes.{axis}", count=count) for axis, count in named if count)

    def _until(self, mine: Holding) -> str:
        return self.say("own.until", date=f"{datetime.fromtimestamp(mine.until):%Y-%m-%d}")
