"""Who is here: this session, and the person behind it as far as a cookie says."""

from __future__ import annotations

import uuid

import streamlit as st


def watcher() -> str:
    """The name of this session among those that look at a run."""
    return st.session_state.setdefault("watcher", uuid.uuid4().hex)


def has_cookie() -> bool:
    """Whether this browser keeps the server's cookie: without it nothing can be brought, for nobody would own it."""
    return "lab-person" in st.context.cookies


def person() -> str:
    """Who asks and whose uploads these are: a browser with all its tabs (by a cookie of the server), else this
    session."""
    return str(st.context.cookies.get("lab-person", "") or watcher())
