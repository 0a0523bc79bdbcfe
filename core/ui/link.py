"""The address bar holds the experiment: Params and language from the link, and back into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.concept.catalog import LANGUAGES
from core.concept.params import LINK_VERSION, BaseParams, Invalid, Problem, read, write

RESERVED = ("v", "lang", "figure", "device")
LONGEST = 20_000  # characters of a link that are looked at
LISTED = 20  # items of a list in a link that are looked at
COMPLETES = "completes"  # ends an address that is no step of the browser's history; says of which page (history.js)
FOREIGN = re.compile(  # what mailers, search engines and networks add to links, and what streamlit takes for itself
    r"utm_\w+|[gdy]clid|[gw]braid|fbclid|msclkid|ttclid|twclid|li_fat_id|mc_[ce]id|igshi?d?|_g[al]|_hs(enc|mi)|mkt_tok"
    r"|ref|ref_src|referrer|spm|embed|embed_options"
    rf"|{COMPLETES}",
    re.IGNORECASE,
)


def ours(query: Mapping[str, str]) -> dict[str, str]:
    """What of an address is said to the lab."""
    return {name: value for name, value in query.items() if not FOREIGN.fullmatch(name)}


def asked() -> dict[str, str]:
    """What the address asks for; nothing where it is still that of the page before (`go`)."""
    return {} if st.session_state.get("bare") else ours(st.query_params.to_dict())


def begin() -> None:
    """At the start of a run: whether the reader comes through the browser's history, which the page then follows."""
    state, context = st.session_state, get_script_run_ctx()
    if context is not None and context.is_history_navigation:
        state["arrives"], state["bare"] = True, False
        if (wanted := asked().get("lang")) in LANGUAGES:
            state["language"] = wanted


def language() -> str:
    """The reader's language: from the link, else as chosen before, else as the browser asks."""
    state = st.session_state
    if "language" not in state:
        wanted = asked().get("lang", "")
        state["language"] = (
            wanted if wanted in LANGUAGES else ("zh" if (st.context.locale or "").startswith("zh") else "en")
        )
    return state["language"]


def go(stem: str) -> None:
    """To another page, as a click on its link goes there: by one step of the history, and as the reader left it."""
    state = st.session_state
    state["bare"] = True
    st.switch_page(state["pages"][stem], query_params=ours(st.query_params) | {COMPLETES: state["page"]})


Questions = Mapping[str, type[BaseParams]]  # what a page's networks can be asked
NONE: Questions = {}


def load(stem: str, cls: type[BaseParams], choices: dict[str, list[str]], questions: Questions = NONE) -> BaseParams:
    """The page's Params: from the link when the reader comes with one, else as they left them.

    Within a page the address only follows: a run of the script may carry the address of a moment ago.
    choices: what the link may say beside the Params (figure, device); anything else is named and ignored.
    questions: of which it may say the fields, as `<ask>.<field>`.
    """
    state, comes = st.session_state, arriving()
    if stem not in state.setdefault("params", {}) or (comes and asked()):
        take(stem, cls, choices, questions=questions)
    elif comes:
        state[f"problems:{stem}"] = []
    return state["params"][stem]


def arriving() -> bool:
    """Whether the reader comes to this page just now, from another one or through the browser's history."""
    comes = bool(st.session_state.pop("arrives", False))
    if comes:
        st.session_state[COMPLETES] = True
    return comes


def take(
    stem: str,
    cls: type[BaseParams],
    choices: dict[str, list[str]],
    several: dict[str, list[str]] | None = None,
    base: BaseParams | None = None,
    questions: Questions = NONE,
) -> None:
    """Put the link's Params in the place of the page's, and note what of the link does not stand.

    several: beside `choices`, what the link may say with commas between.
    base: what holds where the link says nothing, in place of the defaults.
    """
    state, several, said = st.session_state, several or {}, asked()
    given = {name: value for name, value in said.items() if name not in (*RESERVED, *choices, *several)}
    size = sum(map(len, given.values()))
    kept = given if size <= LONGEST else {}
    asked_of = [name for name in kept if "." in name and name.partition(".")[0] in questions]
    params, problems = read(cls, {name: value for name, value in kept.items() if name not in asked_of}, base)
    for ask, question in questions.items():
        texts = {name.partition(".")[2]: kept[name] for name in asked_of if name.startswith(f"{ask}.")}
        found, wrong = read(question, texts)
        _put(f"{stem}.{ask}", found)
        problems += [Problem(f"{ask}.{problem.field}", problem.code, problem.details) for problem in wrong]
    if kept is not given:
        problems.append(Problem("link", "too_long", {"count": size, "high": LONGEST}))
    for name, options in (choices | {"lang": list(LANGUAGES)}).items():
        if said.get(name, options[0]) not in options:
            problems.append(_unknown(name, said[name], options))
    for name, options in several.items():
        problems += [_unknown(name, item, options) for item in listed(name) if item not in options]
    version = said.get("v", LINK_VERSION)
    if version != LINK_VERSION:
        problems.append(Problem("v", "version", {"value": version[:20]}))
    for name in {"figure", "device"} & set(choices):
        state[f"{name}:{stem}"] = said.get(name, "")
    _put(stem, params, problems)


def _put(stem: str, params: BaseParams, problems: Iterable[Problem] = ()) -> None:
    state = st.session_state
    state.setdefault("params", {})[stem] = params
    state[f"problems:{stem}"], state[f"refused:{stem}"] = list(problems), []
    state[f"generation:{stem}"] = state.get(f"generation:{stem}", 0) + 1  # widgets start from the new values


def question(stem: str, ask: str, cls: type[BaseParams]) -> BaseParams:
    """What the page asks its networks: a Params of the name `<stem>.<ask>`, to be changed like those of a page."""
    name = f"{stem}.{ask}"
    if name not in st.session_state.setdefault("params", {}):
        _put(name, cls())
    return present(name)


def listed(name: str) -> tuple[str, ...]:
    """What the link says of `name`, with commas between."""
    return tuple(filter(None, asked().get(name, "").split(",")[:LISTED]))


def _unknown(name: str, wanted: str, options: list[str]) -> Problem:
    return Problem(name, "unknown_option", {"value": wanted[:60], "options": ", ".join(filter(None, options))})


def save(params: BaseParams, base: BaseParams | None = None, **beside: Any) -> None:
    """Write the experiment into the address bar; of its fields only those that differ from `base`, where that is known
    from what stands beside. A reader's change is one step of the browser's history; where the reader has just arrived
    the address is completed, and freed of all that is not shown, which is none."""
    told = write(params) if base is None else differing(params, base)
    link = {"v": LINK_VERSION, "lang": language()} | {k: str(v) for k, v in beside.items() if v} | told
    state = st.session_state
    arriving()
    state["bare"] = False
    if state.pop(COMPLETES, False):  # whatever streamlit read of the address: more may stand there
        st.query_params.from_dict(link | {COMPLETES: state["page"]})
    elif ours(st.query_params) != link:
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
    state[f"problems:{stem}"] = state[f"refused:{stem}"] = []
    if outside:
        state[f"generation:{stem}"] += 1


def attempt(stem: str, changes: dict[str, Any], *, outside: bool = False) -> bool:
    """Change some fields of the page's Params; what does not stand is said, and changes nothing."""
    try:
        change(stem, present(stem).replace(**changes), outside=outside)
    except Invalid as error:
        refuse(stem, *error.problems)
        return False
    return True


def refuse(stem: str, *found: Problem) -> None:
    """Say what of a change does not stand, and show the widgets with the values that do."""
    st.session_state[f"refused:{stem}"] = list(found)
    st.session_state[f"generation:{stem}"] += 1


def plain(text: str) -> str:
    """Text in which Markdown finds nothing to interpret, on one line: for what comes from links and files."""
    text = re.sub(r"[\x00-\x1f\x7f\x85\u2028-\u202e\u2066-\u2069]+", " ", text)  # new lines, turns of direction
    text = re.sub(r"(https?:|www|@)", "\\1\u2060", text, flags=re.IGNORECASE)  # else an address becomes a link
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
