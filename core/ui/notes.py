"""The claims of a page: what the notes say, with the stored verdict and what this run measured."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.concept.parts import Claim
from core.conclusions.compare import conditions
from core.conclusions.stats import interval
from core.runs.key import source_digest
from core.ui import link
from core.ui.shown import Shown

BADGES: dict[str, tuple[Any, str]] = {
    "holds": ("green", "check"),
    "fails": ("red", "close"),
    "undecided": ("orange", "question_mark"),
}


def card(page: Shown, claim: Claim, stored: dict[str, Any] | None) -> None:
    """One claim: its verdict, what was measured for it, and what the run on the screen says."""
    say = page.text.say
    found = stored["verdict"] if stored else "unmeasured"
    colour, icon = BADGES.get(found, ("gray", "hourglass_empty"))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(say(f"verdicts.{found}"), icon=f":material/{icon}:", color=colour)
            st.markdown(f"**{page.text.say(f'claims.{claim.id}')}**")
        settings = conditions(claim.params, page.text, page.concept.of(claim).without)
        at = link.plain(say("verdicts.at", settings=settings))
        st.caption(page.text.hint(f"claims.{claim.id}"), help=at)
        lines = []
        if stored:
            lines.append(
                say(
                    "verdicts.stored",
                    **_numbers(stored),
                    unit=page.text.unit(claim.unit),
                    n=stored["n"],
                    smallest=claim.smallest,
                )
            )
            if stored["source"] != source_digest(page.concept.of(claim).name):
                lines.append(say("verdicts.older", date=stored["date"]))
        lines.append(_measured_now(page, claim))
        st.caption("  \n".join(link.plain(line) for line in lines))
        if page.params != claim.params or page.experiment.part != claim.of:
            st.button(
                say("verdicts.open"),
                key=f"{page.stem}-claim-{claim.id}",
                type="tertiary",
                icon=":material/arrow_forward:",
                on_click=lambda: page.open(claim.params, claim.of),
            )


def _measured_now(page: Shown, claim: Claim) -> str:
    """What the run on the screen says of a claim, apart from the stored verdict."""
    mine = page.run is not None and page.run.result is not None and page.experiment.part == claim.of
    effects = claim.measure(page.run.result) if page.run and mine else None
    if effects is None:
        return page.text.say("verdicts.this_run_none")
    found = interval(effects, claim.share)
    return page.text.say("verdicts.this_run", **_numbers(vars(found)), n=found.n)


def _numbers(found: dict[str, Any]) -> dict[str, str]:
    return {name: f"{found[name]:+.2g}".replace("-", "−") for name in ("mean", "low", "high")}
