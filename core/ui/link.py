"""The address bar holds the experiment: Params and language from the link, and back into it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.catalog import LANGUAGES
from core.params import LINK_VERSION, BaseParams, Invalid, Problem, read, write

RESERVED = ("v", "lang", "figure", "device")
LONGEST = 20_000  # characters of a link that are looked at
LISTED = 20  # items of a list in a link that are looked at


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
    given = _given(choices)
    if stem not in state.setdefault("params", {}) or (given and arriving() and given != state.get(f"link:{stem}")):
        take(stem, cls, choices)
    return state["params"][stem]


def arriving() -> bool:
    """Whether the reader comes to this page just now, from another one or through the browser's history."""
    context = get_script_run_ctx()
    return st.session_state.pop("arrives", False) or (context is not None and context.is_history_navigation)


def take(
    stem: str,
    cls: type[BaseParams],
    choices: dict[str, list[str]],
    several: dict[str, list[str]] | None = None,
    base: BaseParams | None = None,
) -> None:
    """Put the link's Params in the place of the page's, and note what of the link does not stand.

    several: beside `choices`, what the link may say with commas between.
    base: what holds where the link says nothing, in place of the defaults.
    """
    state, several = st.session_state, several or {}
    given = _given(choices | several)
    size = sum(map(len, given.values()))
    kept = given if size <= LONGEST else {}
    params, problems = read(cls, (write(base) if base else {}) | kept)
    if kept is not given:
        problems.append(Problem("link", "too_long", {"count": size, "high": LONGEST}))
    for name, options in (choices | {"lang": list(LANGUAGES)}).items():
        asked = st.query_params.get(name, options[0])
        if asked not in options:
            problems.append(_unknown(name, asked, options))
    for name, options in several.items():
        problems += [_unknown(name, asked, options) for asked in listed(name) if asked not in options]
    version = st.query_params.get("v", LINK_VERSION)
    if version != LINK_VERSION:
        problems.append(Problem("v", "version", {"value": version[:20]}))
    state.setdefault("params", {})[stem] = params
    state[f"problems:{stem}"] = problems
    state[f"generation:{stem}"] = state.get(f"generation:{stem}", 0) + 1  # widgets start from the new values


def listed(name: str) -> tuple[str, ...]:
    """What the link says of `name`, with commas between."""
    return tuple(filter(None, st.query_params.get(name, "").split(",")[:LISTED]))


def _given(beside: dict[str, list[str]]) -> dict[str, str]:
    return {name: value for name, value in st.query_params.items() if name not in RESERVED and name not in beside}


def _unknown(name: str, asked: str, options: list[str]) -> Problem:
    return Problem(name, "unknown_option", {"value": asked[:60], "options": ", ".join(filter(None, options))})


def save(stem: str, params: BaseParams, base: BaseParams | None = None, **beside: Any) -> None:
    """Write the experiment into the address bar; of its fields only those that differ from `base`, where that is known
    from what stands beside."""
    fields = write(params)
    told = fields if base is None else differing(params, base)
    link = {"v": LINK_VERSION, "lang": language()} | {k: str(v) for k, v in beside.items() if v} | told
    st.session_state[f"link:{stem}"] = fields
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)


def address(stem: str, params: BaseParams, **beside: str) -> str:
    """Where a page has these settings, seen from any page: what `save` would write, so that Back is one step."""
    return f"{stem}?{urlencode({'v': LINK_VERSION, 'lang': language()} | beside | write(params), safe='~:')}"


def differing(params: BaseParams, base: BaseParams) -> dict[str, str]:
    """The fields, as the texts of a link, in which `params` is not `base`."""
    known = write(base)
    return {name: text for name, text in write(params).items() if known.get(name) != text}


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


def wish(stem: str, changes: dict[str, Any], *, outside: bool = False) -> bool:
    """Change some fields of the page, as a browser asks; what does not stand is said, and changes nothing."""
    try:
        change(stem, present(stem).replace(**changes), outside=outside)
    except Invalid as error:
        st.session_state[f"problems:{stem}"] = list(error.problems)
        return False
    return True


def plain(text: str) -> str:
    """Text with every character that Markdown would interpret escaped: for what comes from links."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>:$~&@/])", r"\\\1", text)
