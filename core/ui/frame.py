"""What surrounds every page: language, navigation by chapter, search, and the look that themes cannot say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import streamlit as st

from core.concept.catalog import CATALOG, LANGUAGES, SPOKEN, by_chapter
from core.concept.text import words
from core.ui import held, link
from core.ui.told import told

HERE = Path(__file__).parent
SIDEBAR = 240  # pixels
NAMES = {"en": "English", "zh": "中文"}


def frame() -> None:
    """Run the page the reader is on, inside the navigation."""
    st.session_state["entered"] = True
    link.begin()
    st.set_page_config(page_icon="static/favicon.png", layout="wide", initial_sidebar_state=SIDEBAR)
    if os.environ.get("LAB_HELLO") and "hello" in st.query_params:  # what the benchmark holds the pages against
        st.title("Hello, world")
        return
    language = link.language()
    text = words("", language)
    pages = {
        entry.stem: st.Page(
            f"pages/{entry.stem}.py",
            title=text.say(f"chapters.{entry.stem}") if entry.place else words(entry.stem, language).title,
            icon=f":material/{entry.icon}:",
            url_path=entry.stem,
            default=entry.stem == "home",
        )
        for entry in CATALOG
    }
    st.session_state["pages"] = pages
    chapters = {
        text.say(f"chapters.{chapter}"): [pages[e.stem] for e in entries] for chapter, entries in by_chapter().items()
    }
    current = st.navigation(chapters, position="sidebar", expanded=True)
    if st.session_state.get("page") != current.url_path:
        st.session_state["page"], st.session_state["arrives"] = current.url_path, True
    with st.sidebar:
        _search(language)
        _language(language)
    entry = next(entry for entry in CATALOG if pages[entry.stem] is current)
    opened = [text.say(f"chapters.{chapter}") for chapter in ("start", entry.chapter)]
    spoken = f"document.documentElement.lang = '{SPOKEN[language]}';"
    folds = f"{chapters_js()}({json.dumps(opened)}, '{entry.stem}');"
    st.html(f"<style>{css()}</style><script>{spoken} {folds}</script>", unsafe_allow_javascript=True)
    with held.drawing():
        current.run()


def _language(language: str) -> None:
    """The switch between the languages; the page keeps its settings."""

    def choose(given: str) -> None:
        st.session_state["language"] = given

    st.segmented_control(
        words("", language).say("frame.language"),
        LANGUAGES,
        default=language,
        format_func=NAMES.__getitem__,
        required=True,
        label_visibility="collapsed",
        **told("language-switch", language, choose),
    )


def _search(language: str) -> None:
    """A field that finds a page by a word of its title in either language."""
    text = words("", language)
    concepts = [entry for entry in CATALOG if not entry.place]
    key = f"search-{language}-{st.session_state.get('searches', 0)}"
    chosen = st.selectbox(
        text.say("frame.search"),
        [entry.stem for entry in concepts],
        index=None,
        format_func=_both_titles,
        placeholder=text.say("frame.search"),
        key=key,
        label_visibility="collapsed",
    )
    if chosen:
        st.session_state["searches"] = st.session_state.get("searches", 0) + 1
        link.go(chosen)


def _both_titles(stem: str) -> str:
    return " · ".join(words(stem, language).title for language in LANGUAGES)


def chapters_js() -> str:
    """What folds the chapters but those named, once on every page."""
    return (HERE / "chapters.js").read_text("utf-8").strip().removesuffix(";")


def css() -> str:
    """Small mends of what themes cannot say."""
    return (HERE / "frame.css").read_text("utf-8")
