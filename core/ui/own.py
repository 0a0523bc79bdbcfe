"""The reader's own data on a page: bring a file, choose its columns, look at it, share it, give it up."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import astuple, replace
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import readers
from core.concept.messages import explain
from core.concept.params import AXES, ENDINGS, BaseParams, Problem, Refused, Upload, fields, shape, uploaded
from core.concept.text import Text, closed_up
from core.encodings import ENCODINGS
from core.readers import How, Read
from core.runs import reader
from core.runs.manager import shared
from core.runs.uploads import Holding
from core.ui import held, link
from core.ui.told import told
from core.ui.visitor import known, person

READ = 6  # ways to read the file at hand that are remembered
PREVIEW = 160  # pixels across of a picture
NAME = 60  # characters of a file's name that are kept


def drop_unreadable(stem: str, params: BaseParams) -> None:
    """Take files that are not here for this reader out of the page's Params; a message asks for each."""
    if missing := shared().uploads.missing(params, person()):
        found = [*st.session_state[f"problems:{stem}"], *held.problems(missing)]
        link.change(stem, params.replace(**dict.fromkeys(missing, "")), outside=True)
        st.session_state[f"problems:{stem}"] = found
        st.session_state.update({f"asked:{stem}:{field}": name for field, name in missing.items()})


def downloads(params: BaseParams, text: Text) -> None:
    """A button for every cleaned file in use, which the standalone script and the command line read."""
    for field, name in uploaded(params).items():
        kind = fields(type(params))[field]
        assert isinstance(kind, Upload)
        st.download_button(
            text.say("own.download"),
            partial(_cleaned, name, person()),
            f"{field}.{ENDINGS[kind.kind]}",
            on_click="ignore",
        )


def _cleaned(name: str, me: str) -> bytes:
    return shared().file(name, me) or b""


def _named(file: str) -> str:
    """What a file is called: the end of its path, in one line, and not longer than is of use."""
    last = file.replace("\\", "/").split("/")[-1]
    return " ".join("".join(c if c.isprintable() else " " for c in last).split())[:NAME]


def _session() -> str:
    context = get_script_run_ctx()
    assert context
    return context.session_id


Columns = tuple[list[int], int | None]  # features, label


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
        if self.kind.kind == "image" and (cleaned := shared().file(name, self.me)):
            self._picture(cleaned)
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
        if not known():
            st.warning(self.say("own.no_cookie"), icon=":material/cookie:")
            return
        given = st.file_uploader(  # of any name: what is in a file decides
            self.say("own.file", field=self.say(f"params.{self.field}")),  # a page may have two
            key=self._key("file"),
            max_upload_size=readers.LARGEST // 2**20,
        )
        bounds = {axis: str(low) if low == high else f"{low}–{high}" for axis, (low, high) in self._axes()}
        limits = [self.say(f"sizes.{axis}", count=bound) for axis, bound in bounds.items() if bound != "0"]
        said = [self.say("own.limits", limits=self.text.listed(limits)), self.say("own.privacy")]
        said[:0] = [self.say("own.pictures")] if self.kind.kind == "image" else []
        st.caption(closed_up(" ".join(said), self.text.language))
        if given is None:
            if st.session_state.get(self._key("file")) is not None:  # it was sent, but is not held any more
                st.warning(self.say("own.dropped"), icon=":material/refresh:")
            return
        file = given.file_id
        how = How(**st.session_state.setdefault(self._key("how", file), {}))
        found = self._read(given, how)
        self._understood(file, found.how)
        columns = None
        if found.names:
            columns = self._columns(file, found)
            if columns != found.columns:
                found = self._read(given, how, columns)
        self._preview(found)
        if found.refused:
            self._say_refused(found.refused)
        if not found.name:
            return
        st.caption(self._sizes(found.name))
        if asked and found.name != asked:
            st.warning(self.say("own.another"), icon=":material/difference:")
        taken = found.columns if found.names else None

        def use() -> None:
            try:
                again = reader.read(given.getvalue(), self.kind, how, taken)
                if again.refused:
                    raise again.refused
                self.uploads.put(self.me, again.name, again.cleaned, _named(given.name) or self.say("own.unnamed"))
            except Refused as refused:
                link.refuse(self.stem, Problem(self.field, refused.code, refused.details))
                return
            st.session_state.pop(f"asked:{self.stem}:{self.field}", None)
            self._put(again.name)

        st.button(self.say("own.use"), type="primary", key=self._key("use"), on_click=use, width="stretch")

    def _read(self, given: Any, how: How, columns: Columns | None = None) -> Read:
        """A file as a page shows it, read once for every way to read it; what is cleaned is not kept."""
        asked = (given.file_id, *astuple(how), str(columns))
        known: dict[tuple, Read] = st.session_state.setdefault(self._key("read"), {})
        if asked not in known:
            slot = st.empty()

            def waiting() -> None:
                if st.runtime.exists() and not st.runtime.get_instance().is_active_session(_session()):
                    st.stop()
                slot.caption(self.say("own.reading"))  # streamlit ends or begins the script anew here, if it is to

            found = reader.read(given.getvalue(), self.kind, how, columns, waiting)
            slot.empty()
            for old in [key for key in known if key[0] != given.file_id] + list(known)[: -READ + 1]:
                known.pop(old, None)
            known[asked] = replace(found, cleaned=b"")  # a picture is small, and shown
        return known[asked]

    def _understood(self, file: str, how: How) -> None:
        """How the file was read, each part to be changed."""
        parts: dict[str, tuple[Any, dict[Any, str]]] = {}
        if how.encoding:
            parts["encoding"] = how.encoding, {e: f"encodings.{e}" for e in ENCODINGS}
        if self.kind.kind == "table" and how.delimiter:
            parts["delimiter"] = how.delimiter, {d: f"delimiters.{name}" for d, name in readers.DELIMITERS.items()}
            parts["decimal"] = how.decimal or None, {d: f"decimals.{name}" for d, name in readers.DECIMALS.items()}
        if how.header is not None:
            parts["header"] = how.header, {True: "headers.yes", False: "headers.no"}
        for part, (found, options) in parts.items():
            key = self._key(part, file, str(found))

            def change(part: str = part, key: str = key) -> None:
                st.session_state[self._key("how", file)][part] = st.session_state[key]

            st.selectbox(
                self.say(f"own.{part}"),
                options,
                index=list(options).index(found) if found in options else None,
                format_func=lambda option, options=options: self.say(f"own.{options[option]}"),
                placeholder=self.say("own.choose"),
                key=key,
                on_change=change,
            )

    def _columns(self, file: str, found: Read) -> Columns:
        """The features and the label that the reader chooses; at first those that are proposed."""
        proposed, last = found.columns
        of = [link.plain(name) for name in found.names].__getitem__
        columns, label, names = range(len(found.names)), None, f"{zlib.crc32(repr(found.names).encode()):x}"
        if self.kind.bounds[2][1]:
            label = st.selectbox(
                self.say("own.label"), columns, index=last, format_func=of, key=self._key("label", file, names)
            )
        features = st.multiselect(
            self.say("own.features"),
            [i for i in columns if i != label],
            default=[i for i in proposed if i != label],
            format_func=of,
            key=self._key("features", file, names, str(label)),
            max_selections=self.kind.bounds[1][1],
        )
        return features, label

    def _preview(self, found: Read) -> None:
        """The beginning of what will be used, as it was understood."""
        if found.beginning:
            st.text(found.beginning)
        if found.picture:
            self._picture(found.picture)
        if found.preview and found.preview[0]:
            features, label = found.columns
            names = [found.names[i] for i in [*features, *([] if label is None else [label])]]
            cells = [[link.plain(cell[: readers.LONGEST_LABEL]) for cell in row] for row in found.preview]
            st.table(pd.DataFrame(cells, columns=list(map(link.plain, names))), hide_index=True)

    def _picture(self, cleaned: bytes) -> None:
        st.image(cleaned, alt=self.say("own.picture"), width=PREVIEW)

    def _say_refused(self, refused: Refused) -> None:
        problem = Problem(self.field, refused.code, refused.details)
        said = explain(problem, self.text, type(self.params), instead=False)
        st.error(link.plain(said), icon=":material/error:")

    def _axes(self) -> Iterable[tuple[str, tuple[int, int]]]:
        return zip(AXES[self.kind.kind], self.kind.bounds)

    def _sizes(self, name: str) -> str:
        """The shape of an upload in words."""
        named = zip(AXES[self.kind.kind], shape(name))
        return self.text.listed(self.say(f"sizes.{axis}", count=count) for axis, count in named if count)

    def _until(self, mine: Holding) -> str:
        return self.say("own.until", date=f"{datetime.fromtimestamp(mine.until):%Y-%m-%d}")
