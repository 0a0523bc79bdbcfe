"""Who is here: this session, and the person behind it as far as a cookie says."""

from __future__ import annotations

import uuid

import streamlit as st


def watcher() -> str:
    """The name of this session among those that look at a run."""
    return st.session_state.setdefault("watcher", uuid.uuid4().hex)


def person() -> str:
    """Who asks and whose uploads these are: a browser with all its tabs (by a cookie of the server), else this
    session."""
    return str(st.context.cookies.get("lab-person", "") or watcher())


def known() -> bool:
    """Whether the browser lets this server remember it. Else nothing is kept for it: every session would be a person of
    its own, with a share of the room of its own."""
    return bool(st.context.cookies.get("lab-person", ""))
