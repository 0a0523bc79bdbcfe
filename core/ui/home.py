"""The concept map of the home page: one light component, because a widget for each of forty cards would be slow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from core.concept.catalog import CONCEPTS, LANGUAGES, Entry, by_chapter
from core.concept.params import LINK_VERSION, BaseParams, write
from core.concept.parts import load
from core.concept.text import Text, words
from core.runs import engines
from core.runs.manager import shared
from core.runs.store import about_shipped
from core.ui import link
from core.ui.heard import heard

HERE = Path(__file__).parent
LEADS_TO = {  # the concepts that show what the years of the timeline brought, once they are built
    "1958": "perceptron",
    "1969": "perceptron",
    "1986": "backpropagation",
    "1989": "universal_approximation",
    "1997": "recurrent_memory",
    "2006": "initialization",
    "2012": "cnn_classics",
    "2014": "gan",
    "2015": "residual_networks",
    "2016": "reinforcement_learning",
    "2017": "attention",
}

_component: Any = None


def concept_map(language: str) -> None:
    """Every concept by chapter, with a search over both languages; and the timeline."""
    global _component
    if _component is None:
        script, css = ((HERE / name).read_text("utf-8") for name in ("home.js", "home.css"))
        html = '<div class="lab-map"></div>'
        _component = st.components.v2.component("lab_map", html=html, css=css, js=script, isolate_styles=False)
    say = words("", language).say
    data = {"html": as_html(language), "words": {name: say(f"home.{name}") for name in ("found", "found_none")}}
    opened = heard(_component(key="map", data=data, on_open_change=lambda: None), "open", str)
    if opened in st.session_state["pages"]:
        link.go(opened)


@cache
def as_html(language: str, claims: bool = True) -> str:
    """The map as HTML, with or without the parts of pages that a search finds; every word in it is ours, and escaped
    all the same."""
    text = words("", language)
    find = escape(text.say("home.find"))
    parts = [
        f'<input type="search" placeholder="{find}" aria-label="{find}" autocomplete="off" spellcheck="false">'
        '<p class="lab-found" role="status"></p>'
    ]
    for chapter, entries in by_chapter(CONCEPTS).items():
        title, cards = escape(text.say(f"chapters.{chapter}")), "".join(_card(e, language, claims) for e in entries)
        parts.append(f'<section><h2>{title}</h2><ul class="lab-cards">{cards}</ul></section>')
    return "".join(parts) + _timeline(text)


def said(entry: Entry, language: str) -> tuple[str, str]:
    """The title of a concept, and what it is about in a sentence."""
    text = words(entry.stem, language)
    return text.title, text.lead


def _card(entry: Entry, language: str, with_claims: bool) -> str:
    title, lead = map(escape, said(entry, language))
    find = _findable(" ".join(part for each in LANGUAGES for part in said(entry, each)))
    alt = escape(about_shipped(entry.stem).get("summary", {}).get(language, ""))
    picture = f'<img data-picture="{entry.stem}" alt="{alt}" width="720" height="432" loading="lazy" decoding="async">'
    claims = f"<ul>{''.join(_parts(entry, language))}</ul>" if with_claims else ""
    return f'<li class="lab-card" {find}>{picture}<h3>{_link(entry, title, language)}</h3><p>{lead}</p>{claims}</li>'


def _parts(entry: Entry, language: str) -> Iterator[str]:
    """Presets, mistakes and claims of a concept: a search in either language shows those that it finds, and the first
    two open the page at their settings."""
    concept = load(entry.stem)
    defaults = concept.Params()
    for preset in concept.presets:
        figure = {"figure": preset.figure} if preset.figure else {}
        yield _part(entry, f"presets.{preset.id}", language, defaults.replace(**preset.changes), figure)
    for mistake in concept.mistakes:
        yield _part(entry, f"mistakes.{mistake.id}", language, mistake.params, {"figure": mistake.figure})
    for claim in concept.claims:
        yield _part(entry, f"claims.{claim.id}", language)


def _part(
    entry: Entry, key: str, language: str, params: BaseParams | None = None, beside: dict[str, str] | None = None
) -> str:
    """What is said under a key of a concept, in both languages to be found; a link where there are settings to open."""
    wording = {each: words(entry.stem, each).say(key) for each in LANGUAGES}
    shown = escape(wording[language])
    if params is not None:
        at = urlencode({"v": LINK_VERSION, "lang": language} | (beside or {}) | write(params), safe="~:")
        shown = f'<a href="{entry.stem}?{escape(at)}">{shown}</a>'
    return f"<li {_findable(' '.join(wording.values()))} hidden>{shown}</li>"


def _timeline(text: Text) -> str:
    built = {entry.stem: entry for entry in CONCEPTS}
    items = []
    for key in text.labels:
        section, _, year = key.partition(".y")
        if section == "timeline":
            entry, label, who = built.get(LEADS_TO.get(year, "")), escape(text.say(key)), escape(text.hint(key))
            shown = _link(entry, label, text.language) if entry else label
            items.append(f"<li><b>{year}</b><span>{shown}</span><small>{who}</small></li>")
    title = escape(text.say("home.history"))
    listed = "".join(items)
    return f'<section class="lab-history"><h2>{title}</h2><ol tabindex="0" aria-label="{title}">{listed}</ol></section>'


def _link(entry: Entry, label: str, language: str) -> str:
    return f'<a href="{entry.stem}?lang={language}" data-open="{entry.stem}">{label}</a>'


def _findable(words: str) -> str:
    return f'data-find="{escape(words.lower())}"'


def machine(language: str) -> None:
    """What trains here, and which defaults have been computed already."""
    manager, text = shared(), words("", language)
    st.subheader(text.say("home.here"), anchor=False)

    def now() -> None:
        if not manager.ready.is_set():
            st.caption(text.say("run.warming"))
            return
        names = {"cpu": text.say("home.on_cpu"), engines.FUSED: text.say("frame.fused")}
        trains = " · ".join(names.get(engine.device, engine.device.upper()) for engine in manager.places.engines)
        warm = [entry for entry in CONCEPTS if manager.has(entry.stem, load(entry.stem).Params())]
        listed = " · ".join(words(entry.stem, language).title for entry in warm)
        count = {"count": len(warm), "all": len(CONCEPTS), "names": listed}
        kept = manager.store.usage()
        lines = [
            trains,
            text.say("home.opens_at_once", **count) if warm else text.say("home.opens_later"),
            text.say("home.kept", runs=kept["runs"], size=f"{kept['bytes'] / 2**20:.1f}"),
        ]
        st.caption("  \n".join([link.plain(lines[0]), *lines[1:]]))

    st.fragment(now, run_every=None if manager.ready.is_set() else 2.0)()
