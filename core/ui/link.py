"""The address bar holds the experiment: Params and language from the link, and back into it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.catalog import LANGUAGES
from core.params import LINK_VERSION, BaseParams, Problem, read, write

RESERVED = ("v", "lang", "figure", "device")
LONGEST = 20_000  # characters of a link that are looked at


def language() -> str:
    """The reader's language: from the link, else as chosen before, else as the browser asks."""
    state = st.session_state
    if "language" not in state:
        asked = st.query_params.get("lang", "")
        state["language"] = (
            asked if asked in LANGUAGES else ("zh" if (st.context.locale or "").startswith("zh") else "en")
        )
    return state["language"]


def load(stem: str, cls: type[BaseParams], choices: dict[str, list[str]]) -> BaseParams:
    """The page's Params: from the link when the reader comes with one, else as they left them.

    Within a page the address only follows: a run of the script may carry the address of a moment ago.
    choices: what the link may say beside the Params (figure, device); anything else is named and ignored.
    """
    state = st.session_state
    given = {name: value for name, value in st.query_params.items() if name not in RESERVED}
    known = state.setdefault("params", {})
    context = get_script_run_ctx()
    comes = state.pop("arrives", False) or (context is not None and context.is_history_navigation)
    if stem not in known or (given and comes and given != state.get(f"link:{stem}")):
        size = sum(map(len, given.values()))
        kept = given if size <= LONGEST else {}
        params, problems = read(cls, kept)
        if kept is not given:
            problems.append(Problem("link", "too_long", {"count": size, "high": LONGEST}))
        for name, options in (choices | {"lang": list(LANGUAGES)}).items():
            asked = st.query_params.get(name, options[0])
            if asked not in options:
                problems.append(Problem(name, "unknown_option", {"value": asked[:60], "options": ", ".join(options)}))
        version = st.query_params.get("v", LINK_VERSION)
        if version != LINK_VERSION:
            problems.append(Problem("v", "version", {"value": version[:20]}))
        known[stem] = params
        state[f"problems:{stem}"] = problems
        state[f"generation:{stem}"] = state.get(f"generation:{stem}", 0) + 1  # widgets start from the new values
    return known[stem]


def save(stem: str, params: BaseParams, **beside: Any) -> None:
    """Write the experiment into the address bar."""
    fields = write(params)
    link = {"v": LINK_VERSION, "lang": language()} | {k: str(v) for k, v in beside.items() if v} | fields
    st.session_state[f"link:{stem}"] = fields
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)


def address(stem: str, params: BaseParams, **beside: str) -> str:
    """Where a page has these settings, seen from any page: what `save` would write, so that Back is one step."""
    return f"{stem}?{urlencode({'v': LINK_VERSION, 'lang': language()} | beside | write(params), safe='~:')}"


def present(stem: str) -> BaseParams:
    """The page's Params as they are now. A callback asks for them here: what it knew when it was drawn may be a moment
    old, and two may come at once."""
    return st.session_state["params"][stem]


def change(stem: str, params: BaseParams, *, outside: bool = False) -> None:
    """New Params for the page; `outside` says that not the widgets brought them, so these must follow."""
    state = st.session_state
    state["params"][stem] = params
    state[f"problems:{stem}"] = []
    if outside:
        state[f"generation:{stem}"] += 1


def plain(text: str) -> str:
    """Text with every character that Markdown would interpret escaped: for what comes from links."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>:$~&@/])", r"\\\1", text)
