"""The place of all claims: verdict, wording, effect with its interval, a small picture, and the way to the setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from core.concept.catalog import CONCEPTS
from core.concept.params import BaseParams, choice, text
from core.concept.parts import load
from core.concept.text import words
from core.conclusions import claims, kept
from core.conclusions.stats import wrong_by_chance
from core.ui.ledger import PLACES, VERDICTS, Ledger, Row
from core.ui.notes import BADGES


@dataclass(frozen=True)
class Filter(BaseParams):
    """Which claims are shown."""

    verdict: str = choice("all", ("all", *VERDICTS, "older"))
    about: str = choice("all", ("all", *PLACES))
    find: str = text("", 60)


class Verdicts(Ledger):
    """All claims, in the order of the catalogue."""

    place, Filter, kind = "claims", Filter, "verdict"

    @staticmethod
    def rows(language: str) -> Iterator[Row]:
        for entry in CONCEPTS:
            concept, text, stored = load(entry.stem), words(entry.stem, language), kept.stored(entry.stem)
            for claim in concept.claims:
                figure = concept.first(claim.params, claim.of).id
                yield Row(entry, claim, text, stored.get(claim.id, {}), f"claims.{claim.id}", claim.params, figure)

    def named(self, kind: str) -> str:
        icon = f":material/{BADGES[kind][1]}: " if kind in BADGES else ""
        return icon + (self.say(f"verdicts.{kind}") if kind in VERDICTS else self.own(kind))

    def header(self) -> None:
        """Title, what this place is, and what chance alone gets wrong."""
        super().header()
        decided = claims.sure(row.found for row in self.every)
        numbers = {"share": f"{wrong_by_chance(100):g}", "wrong": f"{wrong_by_chance(decided):.0f}"}
        st.caption(self.own("chance", decided=decided, **numbers))
